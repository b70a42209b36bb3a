// Owns opening: which storage, which store of it, and how many logs are open there.

import { json, text, type Codec } from './codec.js';
import { connect, type Parts, type Place as Where } from './connect.js';
import { TidelogError } from './errors.js';
import { engineSettings, Log, type SettingOptions } from './log.js';
import { check, SETTINGS, type Shape } from './options.js';
import type { Imported, Recovery, Salvage } from './reports.js';
import type { Connection } from './rpc.js';
import { abortable } from './signal.js';
import { choose, report, type StorageKind } from './storage.js';

/** Which storage, and whose. */
export interface StorageOptions extends Where {
  /** `auto` unless given: OPFS where the browser has it, else IndexedDB, and never memory. */
  storage?: StorageKind | 'auto';
  /** Keeps logs apart, for example those of one user from the next. */
  namespace?: string;
}

export interface OpenOptions<V = unknown, K = string> extends StorageOptions, SettingOptions {
  name: string;
  /** Whether to make the log if there is none: true unless given. */
  create?: boolean;
  /** Opens the log beside its writer, to read only. */
  readOnly?: boolean;
  /** How values become bytes: `json` unless given. */
  value?: Codec<V>;
  /** How keys become bytes: `text` unless given. */
  key?: Codec<K>;
  /** Ends the wait; a log that opens all the same is closed again. */
  signal?: AbortSignal;
}

const STORAGE: Shape = {
  storage: ['auto', 'opfs', 'indexeddb', 'memory'],
  namespace: 'string',
  worker: ['object', 'boolean'],
  wasm: ['object', 'string'],
};
const OPEN: Shape = {
  ...STORAGE, ...SETTINGS,
  name: 'string', create: 'boolean', readOnly: 'boolean', value: 'object', key: 'object', signal: 'object',
};

/** A store, while anything in it is open. */
interface Stores {
  number: number;
  users: number;
}

const stores = new Map<string, Promise<Stores>>();

/** What an entry exports, with the parts that it brings. */
export interface Entry {
  /** Opens a log. */
  open<V = unknown, K = string>(options: OpenOptions<V, K>): Promise<Log<V, K>>;
  /** The names of all logs there, sorted. */
  list(options?: StorageOptions): Promise<string[]>;
  /** Removes a log that nobody has open, for ever. */
  remove(name: string, options?: StorageOptions): Promise<void>;
  /** Makes a damaged log whole again, as far as it can be read. */
  recover(name: string, options?: StorageOptions): Promise<Salvage>;
  /** Makes a new log of what `log.export()` gave. */
  importLog(name: string, source: ReadableStream<Uint8Array>, options?: StorageOptions): Promise<Imported>;
}

interface Opened {
  number: number;
  recovery: Recovery;
}

/** The functions of an entry. @internal */
export function entry(parts: Parts): Entry {
  /** Gets hold of a store; `release` when done with it. */
  async function acquire(options: StorageOptions): Promise<{
    connection: Connection; kind: StorageKind; number: number; release(): Promise<void>;
  }> {
    const { storage = 'auto', namespace = '', worker, wasm } = options;
    const kind = await choose(storage, worker !== false);
    const connection = await connect(parts, { worker, wasm });
    const id = `${kind}/${namespace}`;
    let found = stores.get(id);
    if (found === undefined) {
      const opening = connection.call(0, 'open', [{ kind, namespace }]) as Promise<number>;
      found = opening.then((number) => ({ number, users: 0 }));
      stores.set(id, found);
      found.catch(() => stores.delete(id));
    }
    const store = await found;
    store.users += 1;
    const release = async (): Promise<void> => {
      store.users -= 1;
      // What is in memory ends with the page, not with the last log that is open.
      if (store.users > 0 || kind === 'memory') return;
      stores.delete(id);
      await connection.call(store.number, 'close', []);
      await connection.call(0, 'forget', [store.number]);
    };
    return { connection, kind, number: store.number, release };
  }

  async function using<T>(
    call: string, options: StorageOptions, run: (connection: Connection, number: number) => Promise<unknown>,
  ): Promise<T> {
    check(call, options, STORAGE);
    const { connection, number, release } = await acquire(options);
    try {
      return (await run(connection, number)) as T;
    } finally {
      await release();
    }
  }

  const remove = (name: string, options: StorageOptions = {}): Promise<void> =>
    using('remove', options, (connection, number) => connection.call(number, 'remove', [named(name)]));

  async function begin<V, K>(options: OpenOptions<V, K>): Promise<Log<V, K>> {
    const { name, create = true, readOnly = false, storage, namespace, worker, wasm, value, key, signal, ...settings } = options;
    const { connection, kind, number: store, release } = await acquire({ storage, namespace, worker, wasm } as StorageOptions);
    try {
      const opening = connection.call(store, 'log', [name, { create, readOnly, settings: engineSettings(settings) }]);
      const [opened, known] = await Promise.all([opening as Promise<Opened>, report(kind)]);
      return new Log<V, K>({
        connection,
        number: opened.number,
        stores: store,
        name,
        storage: known,
        recovery: opened.recovery,
        value: value ?? (json as Codec<V>),
        key: key ?? (text as unknown as Codec<K>),
        closed: release,
        backup: (to) => using('backup', to, (_, target) => {
          if (target === store) {
            throw new TidelogError('invalid', 'a backup belongs into another storage or namespace than its log');
          }
          return connection.call(opened.number, 'backup', [target, name]);
        }),
        remove: () => remove(name, { storage: kind, namespace, worker, wasm } as StorageOptions),
      });
    } catch (error) {
      await release();
      throw error;
    }
  }

  return {
    async open<V, K>(options: OpenOptions<V, K>): Promise<Log<V, K>> {
      check('open', options, OPEN);
      named(options.name);
      options.signal?.throwIfAborted();
      const opening = begin(options);
      return abortable(opening, options.signal, () => {
        opening.then((log) => log.close()).catch(() => undefined);
      });
    },

    list: (options = {}) => using('list', options, (connection, number) => connection.call(number, 'names', [])),

    remove,

    recover: (name, options = {}) =>
      using('recover', options, (connection, number) => connection.call(number, 'recover', [named(name)])),

    importLog: (name, source, options = {}) => using('importLog', options, async (connection, number) => {
      const reader = source.getReader();
      const next = async (): Promise<Uint8Array | undefined> => {
        const { value } = await reader.read();
        return value;
      };
      try {
        return await connection.call(number, 'importFrom', [named(name)], next);
      } catch (error) {
        await reader.cancel(error).catch(() => undefined);
        throw error;
      }
    }),
  };
}

function named(name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`option name must be a string, not ${typeof name}`);
  return name;
}

