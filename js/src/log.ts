// The class that users hold: every verb of a log, typed. Owns no rule of the log; all of
// those are the engine's.

import type { Codec } from './codec.js';
import { TidelogError } from './errors.js';
import { check, given, LEVELS, SETTINGS } from './options.js';
import { Outbox, type Appended } from './outbox.js';
import { encodePage, encodeRecord, LogRecord, Page, type EncodedRecord, type NewRecord } from './page.js';
import type {
  BackedUp, Bounds, Compacted, Deleted, Maintained, PlannedCompaction, Recovery, Report, Settings, Stat, Trimmed,
} from './reports.js';
import type { StorageOptions } from './open.js';
import type { Connection } from './rpc.js';
import { abortable } from './signal.js';
import type { StorageReport } from './storage.js';
import { fromMicros, fromSpan, toMicros, toSpan, type Time } from './time.js';

/** A place in a log: an offset, or the name of one. */
export type Place = number | 'oldest' | 'last' | 'next';

/** How far an append has got when it is acknowledged: in memory, given to the browser's
 * storage (survives a killed tab), or synced (survives loss of power). */
export type Durability = (typeof LEVELS)[number];

/** Which batch of which producer an append is: repeated, it is kept once. */
export interface Producer {
  /** 16 bytes of its own choosing. */
  id: Uint8Array;
  epoch: number;
  /** The batch's number in this epoch, from 0. */
  sequence: number;
}

export interface AppendOptions {
  /** The log's own level unless given. */
  durability?: Durability;
  /** Ends the wait for the acknowledgement. What was appended may be in the log or not. */
  signal?: AbortSignal;
}

export interface ReadOptions<K> {
  /** Where to begin: `oldest` unless given; in reverse, records below it, and `next`. */
  from?: Place;
  /** Records at most. */
  limit?: number;
  /** Newest first. */
  reverse?: boolean;
  /** Only records with this key; the log must index keys. */
  key?: K;
  /** Records of one page at most: how much is read at once. */
  pageRecords?: number;
  /** Bytes of one page, about. */
  pageBytes?: number;
  /** Refuse to begin below the oldest offset, instead of beginning there. */
  refuseBelow?: boolean;
  signal?: AbortSignal;
}

export interface FollowOptions<K> {
  /** Where to begin: `next`, what comes, unless given. */
  from?: Place;
  key?: K;
  pageRecords?: number;
  pageBytes?: number;
  refuseBelow?: boolean;
  signal?: AbortSignal;
}

/** Settings that a log keeps. */
export interface SettingOptions {
  /** The level of appends that name none. */
  durability?: Durability;
  /** How new records are compressed, where the build has it. */
  compression?: 'none' | 'lz4' | 'deflate';
  /** Bytes after which a segment is rolled. */
  segmentBytes?: number;
  /** Padding after each sync, for a storage whose crash may damage this many bytes around
   * a write; 0 unless given. */
  align?: number;
  /** The indexes of a new log, beside the one by offset. */
  indexes?: { keys?: boolean; times?: boolean };
  /** What it keeps: `age` in milliseconds, `bytes`, `records`. `maintain` trims the rest. */
  retention?: { age?: number; bytes?: number; records?: number };
  /** Milliseconds after which a segment is rolled; 0 for never. */
  segmentAge?: number;
  /** Milliseconds after which a silent producer is forgotten; 0 for never. */
  producerExpiry?: number;
  /** Bytes of blocks kept in memory for reading. */
  cacheBytes?: number;
}

/** One of these. */
export type TrimOptions = (
  | { before: Place } | { records: number } | { bytes: number } | { time: Time }
) & { plan?: boolean };

export interface CompactOptions {
  /** A record up to this time goes if a newer one with its key exists. */
  updates?: Time;
  /** A tombstone up to this time goes if nothing of its key is left before it. */
  tombstones?: Time;
  /** Treat records without a key as having one and the same. */
  keyless?: boolean;
  from?: Place;
  /** Records to look at. */
  records?: number;
}

/** A batch that a producer appended. */
export interface Produced extends Appended {
  /** It had been appended before; nothing was written. */
  duplicate: boolean;
  /** Whether the offsets are known: not for a duplicate of long ago. */
  offsetsKnown: boolean;
}

/** Records, one by one or page by page. */
export interface Reading<V, K> extends AsyncIterable<LogRecord<V, K>> {
  /** The same, a page at a time: cheaper, and the page says where to go on. */
  pages(): AsyncIterableIterator<Page<V, K>>;
}

/** What a log is made of. @internal */
export interface LogParts<V, K> {
  connection: Connection;
  number: number;
  stores: number;
  name: string;
  storage: StorageReport;
  recovery: Recovery;
  value: Codec<V>;
  key: Codec<K>;
  /** Called once, when it was closed. */
  closed(): Promise<void>;
  /** Removes everything of it. */
  remove(): Promise<void>;
  /** Copies it to another storage. */
  backup(to: StorageOptions): Promise<BackedUp>;
}

/** Settings as the engine takes them. @internal */
export function engineSettings(settings: SettingOptions): object {
  const { retention, indexes } = settings;
  return given({
    ...settings,
    indexes: indexes && given(indexes),
    retention: retention && given({ ...retention, age: toSpan(retention.age) }),
    segmentAge: toSpan(settings.segmentAge),
    producerExpiry: toSpan(settings.producerExpiry),
  });
}

/** An offset, or the name of one, as the engine takes it. */
function place(at: Place): Place {
  if (typeof at === 'number' && !(Number.isSafeInteger(at) && at >= 0)) {
    throw new TidelogError('out-of-range', `${at} is no offset: those are whole numbers from 0 to 2^53 - 1`,
      { offset: at });
  }
  return at;
}

const internals = new WeakMap<Log<never, never>, LogParts<never, never>>();

/** What a log is made of, for other files of the package. @internal */
export const partsOf = (log: object): LogParts<never, never> => {
  const parts = internals.get(log as Log<never, never>);
  if (parts === undefined) throw new TypeError('this is not an open Log of tidelog');
  return parts;
};

/** An open log. */
export class Log<V = unknown, K = string> {
  /** Its name. */
  readonly name: string;
  /** Where it is kept, and what that means. */
  readonly storage: StorageReport;
  /** What opening found. */
  readonly recovery: Recovery;
  readonly #parts: LogParts<V, K>;
  readonly #outbox: Outbox;
  #tickets = 0;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(parts: LogParts<V, K>) {
    this.name = parts.name;
    this.storage = parts.storage;
    this.recovery = parts.recovery;
    this.#parts = parts;
    internals.set(this as unknown as Log<never, never>, parts as unknown as LogParts<never, never>);
    this.#outbox = new Outbox((page, lengths, options) =>
      parts.connection.call(parts.number, 'appendBatches', [page, lengths, options]));
    const dispose = Symbol.asyncDispose as symbol | undefined;
    if (dispose !== undefined) {
      Object.defineProperty(this, dispose, { value: () => this.close() });
    }
  }

  /** How much is on its way, as a fraction of what may be; from 1 on, wait for `drained`. */
  get pressure(): number {
    return this.#outbox.pressure;
  }

  /** Waits until `pressure` is below 1. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /** Appends a record, or several as one batch: all of them or none. Appends that are not
   * awaited are kept in order, and committed together. */
  async append(records: NewRecord<V, K> | readonly NewRecord<V, K>[], options: AppendOptions = {}): Promise<Appended> {
    check('append', options, { durability: LEVELS, signal: 'object' });
    const { durability, signal } = options;
    signal?.throwIfAborted();
    this.#refuseClosed();
    return abortable(this.#outbox.append(this.#encode(records), durability), signal);
  }

  /** Appends a batch of an idempotent producer: sent again after a lost answer, it is in
   * the log once. */
  async produce(
    records: readonly NewRecord<V, K>[], producer: Producer, options: AppendOptions = {},
  ): Promise<Produced> {
    check('produce', options, { durability: LEVELS, signal: 'object' });
    const { durability, signal } = options;
    signal?.throwIfAborted();
    const page = encodePage(this.#encode(records));
    const { id, epoch, sequence } = producer;
    if (!(id instanceof Uint8Array) || id.length !== 16) {
      throw new TypeError('option id of a producer must be a Uint8Array of 16 bytes');
    }
    const chosen = { ...given({ durability }), producer: { id: [...id], epoch, sequence } };
    return abortable(this.#call<Produced>('append', [page, chosen]), signal);
  }

  #encode(records: NewRecord<V, K> | readonly NewRecord<V, K>[]): EncodedRecord[] {
    const { value, key } = this.#parts;
    const all = (Array.isArray(records) ? records : [records]) as readonly NewRecord<V, K>[];
    return all.map((record) => encodeRecord(record, value, key));
  }

  /** Reads records up to the end of the log. */
  read(options: ReadOptions<K> = {}): Reading<V, K> {
    const query = this.#query('read', options);
    const { limit = Infinity, pageRecords, signal } = options;
    const pages = async function* (this: Log<V, K>): AsyncGenerator<Page<V, K>, void> {
      let [at, left] = [query.at, limit];
      while (left > 0) {
        const records = left < Infinity ? Math.min(left, pageRecords ?? left) : pageRecords;
        signal?.throwIfAborted();
        const page = await abortable(this.#page('read', [given({ ...query, at, records })]), signal);
        if (page.length > 0) yield page;
        if (page.next === at) return;
        at = page.next;
        left -= page.length;
      }
    };
    return reading(() => pages.call(this));
  }

  /** Reads one page. It may be short, or empty, wherever records were removed: the end of
   * the log is reached when its `next` is where the read began. */
  async readPage(options: ReadOptions<K> = {}): Promise<Page<V, K>> {
    const query = this.#query('readPage', options);
    const { limit, pageRecords, signal } = options;
    signal?.throwIfAborted();
    return abortable(this.#page('read', [given({ ...query, records: limit ?? pageRecords })]), signal);
  }

  #query(call: string, options: ReadOptions<K>): { at: Place } & Record<string, unknown> {
    check(call, options, {
      from: ['number', 'oldest', 'last', 'next'], limit: 'number', reverse: 'boolean',
      key: ['string', 'number', 'object'], pageRecords: 'number', pageBytes: 'number',
      refuseBelow: 'boolean', signal: 'object',
    });
    const { reverse = false, refuseBelow, pageBytes } = options;
    const at = place(options.from ?? (reverse ? 'next' : 'oldest'));
    return { at, reverse, key: this.#rawKey(options.key), bytes: pageBytes, refuseBelow };
  }

  /** Waits for records, and gives them as they come, until the signal is aborted (which
   * throws its reason) or the log is closed (which throws `closed`). */
  follow(options: FollowOptions<K> = {}): Reading<V, K> {
    check('follow', options, {
      from: ['number', 'oldest', 'last', 'next'], key: ['string', 'number', 'object'],
      pageRecords: 'number', pageBytes: 'number', refuseBelow: 'boolean', signal: 'object',
    });
    const { signal, pageRecords, pageBytes, refuseBelow } = options;
    const from = place(options.from ?? 'next');
    const key = this.#rawKey(options.key);
    const pages = async function* (this: Log<V, K>, at: Place): AsyncGenerator<Page<V, K>, void> {
      for (;;) {
        signal?.throwIfAborted();
        const ticket = ++this.#tickets;
        const waiting = this.#call<Uint8Array | undefined>('follow', [ticket, given({ at, key, records: pageRecords, bytes: pageBytes, refuseBelow })]);
        const found = await abortable(waiting, signal, () => {
          // Nobody looks at a wait that was given up, nor at whether giving it up worked.
          this.#call('cancel', [ticket]).catch(() => undefined);
        });
        const page = this.#pageOf(found!);
        yield page;
        at = page.next;
      }
    };
    return reading(() => pages.call(this, from));
  }

  /** The record at a place. */
  async get(at: Place): Promise<LogRecord<V, K>> {
    return (await this.#page('get', [place(at)])).at(0);
  }

  /** The newest record with this key. */
  async getByKey(key: K): Promise<LogRecord<V, K>> {
    return (await this.#page('getByKey', [this.#rawKey(key)])).at(0);
  }

  /** The first record from this time on. */
  async getByTime(time: Time): Promise<LogRecord<V, K>> {
    return (await this.#page('getByTime', [toMicros(time)])).at(0);
  }

  /** The offset of the newest record with this key. */
  async offsetByKey(key: K): Promise<number> {
    return (await this.#call<{ offset: number }>('offsetByKey', [this.#rawKey(key)])).offset;
  }

  /** The offset, and the own time, of the first record from this time on. */
  async offsetByTime(time: Time): Promise<{ offset: number; time: number }> {
    const found = await this.#call<{ offset: number; time: number }>('offsetByTime', [toMicros(time)]);
    return { offset: found.offset, time: fromMicros(found.time) };
  }

  /** The bounds, as this handle sees them. */
  bounds(): Promise<Bounds> { return this.#call('bounds'); }

  /** What the log amounts to. */
  stat(): Promise<Stat> { return this.#call('stat'); }

  /** The settings in force. */
  async settings(): Promise<Settings> {
    const found = await this.#call<Settings>('settings');
    const { retention } = found;
    return {
      ...found,
      retention: { ...retention, age: fromSpan(retention.age) },
      segmentAge: fromSpan(found.segmentAge),
      producerExpiry: fromSpan(found.producerExpiry),
    };
  }

  /** Changes settings; durable when it returns. */
  async configure(settings: SettingOptions): Promise<void> {
    check('configure', settings, SETTINGS);
    await this.#call('configure', [engineSettings(settings)]);
  }

  /** Makes these the indexes of the log. */
  async reindex(indexes: { keys?: boolean; times?: boolean }): Promise<Maintained> {
    check('reindex', indexes, { keys: 'boolean', times: 'boolean' });
    return this.#call('reindex', [given(indexes)]);
  }

  /** Hands everything buffered to the storage. Returns the offset below which it is. */
  flush(): Promise<number> { return this.#call('flush'); }

  /** Makes everything appended so far survive loss of power. Returns the offset below
   * which it does. */
  sync(): Promise<number> { return this.#call('sync'); }

  /** Looks at the storage again, in a log that was opened to read only. */
  refresh(): Promise<void> { return this.#call('refresh'); }

  /** Deletes records by offset; with `plan`, says what that would do. */
  async delete(offsets: readonly number[], options: { plan?: boolean } = {}): Promise<Deleted> {
    check('delete', options, { plan: 'boolean' });
    return this.#call('delete', [offsets.map(place), options.plan ?? false]);
  }

  /** Removes records from the old end; with `plan`, says what that would do. */
  async trim(options: TrimOptions): Promise<Trimmed> {
    check('trim', options, {
      before: ['number', 'oldest', 'last', 'next'], records: 'number', bytes: 'number',
      time: ['number', 'object'], plan: 'boolean',
    });
    const { plan = false, ...upto } = options;
    if ('time' in upto) upto.time = toMicros(upto.time);
    if ('before' in upto) place(upto.before);
    return this.#call('trim', [upto, plan]);
  }

  /** Removes every record. Offsets go on. */
  clear(): Promise<Trimmed> { return this.#call('clear'); }

  /** Deletes records that newer ones with their key have made superfluous. */
  async compact(options: CompactOptions): Promise<Compacted> {
    return this.#call('compact', [compaction(options)]);
  }

  /** What `compact` would delete. */
  async planCompact(options: CompactOptions): Promise<PlannedCompaction> {
    type Planned = { offsets: number[]; compacted: Compacted };
    const { offsets, compacted } = await this.#call<Planned>('planCompact', [compaction(options)]);
    return { offsets, ...compacted };
  }

  /** Does what keeps the log small and quick to open, copying about `budget` bytes at
   * most. Call it when the app is idle. */
  maintain(budget?: number): Promise<Maintained> { return this.#call('maintain', [budget]); }

  /** Gives back memory that reading holds, down to `bytes`, or what was not used since the
   * last call. Returns how much. */
  gc(bytes?: number): Promise<number> { return this.#call('gc', [bytes]); }

  /** Reads everything, and reports what is damaged. */
  check(): Promise<Report> { return this.#call('check'); }

  /** Makes the log of the same name in another storage or namespace a backup of this one.
   * Later backups copy what is new. */
  backup(to: StorageOptions): Promise<BackedUp> {
    this.#refuseClosed();
    return this.#parts.backup(to);
  }

  /** The whole log as one stream of bytes, which `importLog` makes a log of, anywhere. */
  export(): ReadableStream<Uint8Array> {
    let wanted = (): void => undefined;
    let cancelled = false;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        const answer = async (piece: unknown): Promise<void> => {
          if (cancelled) throw new Error('the stream was cancelled');
          controller.enqueue(piece as Uint8Array);
          if ((controller.desiredSize ?? 0) <= 0) await new Promise<void>((resolve) => { wanted = resolve; });
        };
        this.#call('exportTo', [], answer).then(
          () => { if (!cancelled) controller.close(); },
          (error: unknown) => { if (!cancelled) controller.error(error); },
        );
      },
      pull: () => wanted(),
      cancel: () => {
        cancelled = true;
        wanted();
      },
    });
  }

  /** Stores and syncs everything, and gives the log up. Closing again does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close().catch((error: unknown) => {
      // A log that was full stays open; one that cannot go on is given up.
      if ((error as TidelogError).code === 'full') this.#closing = undefined;
      throw error;
    });
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { connection, number, closed } = this.#parts;
    try {
      if (!this.#outbox.flushed()) await this.#outbox.posted();
      await connection.call(number, 'close', []);
    } catch (error) {
      if ((error as TidelogError).code !== 'full') await this.#forget(closed);
      throw error;
    }
    await this.#forget(closed);
  }

  async #forget(closed: () => Promise<void>): Promise<void> {
    const { connection, number } = this.#parts;
    await connection.call(0, 'forget', [number]).catch(() => undefined);
    await closed();
  }

  /** Closes the log and removes everything of it, for ever. */
  async destroy(): Promise<void> {
    await this.close();
    await this.#parts.remove();
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new TidelogError('closed', `the log ${this.name} was closed`);
  }

  async #call<T>(method: string, args: readonly unknown[] = [], answer?: (piece: unknown) => Promise<unknown>): Promise<T> {
    this.#refuseClosed();
    // What was appended before is on its way before anything else is asked.
    if (!this.#outbox.flushed()) await this.#outbox.posted();
    const { connection, number } = this.#parts;
    return (await connection.call(number, method, args, answer)) as T;
  }

  async #page(method: string, args: readonly unknown[]): Promise<Page<V, K>> {
    return this.#pageOf(await this.#call<Uint8Array>(method, args));
  }

  #pageOf(page: Uint8Array): Page<V, K> {
    return new Page(page, this.#parts.value, this.#parts.key);
  }

  #rawKey(key: K | undefined): Uint8Array | undefined {
    if (key === undefined) return undefined;
    const raw = this.#parts.key.encode(key);
    return typeof raw === 'string' ? new TextEncoder().encode(raw) : raw.slice();
  }
}

export interface Log<V, K> extends AsyncDisposable {}

function compaction(options: CompactOptions): object {
  check('compact', options, {
    updates: ['number', 'object'], tombstones: ['number', 'object'], keyless: 'boolean',
    from: ['number', 'oldest', 'last', 'next'], records: 'number',
  });
  const { updates, tombstones, from, ...rest } = options;
  const time = (given: Time | undefined): number | undefined => (given === undefined ? undefined : toMicros(given));
  return given({
    ...rest,
    from: from === undefined ? undefined : place(from),
    updates: time(updates),
    tombstones: time(tombstones),
  });
}

function reading<V, K>(pages: () => AsyncGenerator<Page<V, K>, void>): Reading<V, K> {
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const page of pages()) yield* page;
    },
  };
}
