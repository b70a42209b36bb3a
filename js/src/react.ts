// The entry `tidelog/react`: one hook. Owns the newest records of a log as React wants
// them: the same array until something changes.

import { useSyncExternalStore } from 'react';

import type { Log } from './log.js';
import type { LogRecord } from './page.js';

/** What a component sees of a log. */
export interface LogView<V, K> {
  /** The newest records, oldest first. */
  readonly records: readonly LogRecord<V, K>[];
  /** Whether the log was read for the first time. */
  readonly ready: boolean;
  /** Why there is nothing new, if something failed. */
  readonly error: unknown;
}

const EMPTY: LogView<never, never> = { records: [], ready: false, error: undefined };

class Newest<V, K> {
  view: LogView<V, K> = EMPTY;
  readonly #log: Log<V, K>;
  readonly #limit: number;
  readonly #listeners = new Set<() => void>();
  #following: AbortController | undefined;

  constructor(log: Log<V, K>, limit: number) {
    this.#log = log;
    this.#limit = limit;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#following === undefined) {
      this.#following = new AbortController();
      void this.#follow(this.#following.signal);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#following?.abort();
      this.#following = undefined;
    };
  };

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      const newest: LogRecord<V, K>[] = [];
      for await (const record of this.#log.read({ reverse: true, limit: this.#limit, signal })) newest.unshift(record);
      const { next } = await this.#log.bounds();
      const from = newest.length > 0 ? newest.at(-1)!.offset + 1 : next;
      this.#show({ records: newest, ready: true, error: undefined });
      for await (const page of this.#log.follow({ from, signal }).pages()) {
        const records = [...this.view.records, ...page].slice(-this.#limit);
        this.#show({ records, ready: true, error: undefined });
      }
    } catch (error) {
      if (!signal.aborted) this.#show({ ...this.view, error });
    }
  }

  #show(view: LogView<V, K>): void {
    this.view = view;
    for (const listener of this.#listeners) listener();
  }
}

const views = new WeakMap<object, Map<number, Newest<never, never>>>();

function newest<V, K>(log: Log<V, K>, limit: number): Newest<V, K> {
  let known = views.get(log);
  if (known === undefined) views.set(log, (known = new Map()));
  let found = known.get(limit);
  if (found === undefined) known.set(limit, (found = new Newest(log, limit) as unknown as Newest<never, never>));
  return found as unknown as Newest<V, K>;
}

const never = (): (() => void) => () => undefined;

/** The newest `limit` records of a log, kept up to date. Without a log yet, nothing. */
export function useLog<V, K>(log: Log<V, K> | null | undefined, limit = 100): LogView<V, K> {
  const found = log ? newest(log, limit) : undefined;
  return useSyncExternalStore(
    found?.subscribe ?? never,
    () => found?.view ?? (EMPTY as LogView<V, K>),
    () => EMPTY as LogView<V, K>,
  );
}
