// Owns where the engine runs, and that there is one for each page: a worker, or the
// thread that asks where it is a worker itself or was told so.

import { TidelogError } from './errors.js';
import { Direct, Remote, type Connection } from './rpc.js';
import type { WasmSource } from './wasm.js';

/** How an entry of the package finds its parts. */
export interface Parts {
  /** Starts the worker; undefined in an entry that has none. */
  worker?: () => Worker;
  /** Where the module is; undefined in an entry that has none. */
  wasm?: () => WasmSource;
}

/** Where the engine runs, if not where the package would run it. */
export interface Place {
  /** A worker that runs `tidelog/worker`, or false for this very thread, which has no OPFS unless
   * it is a worker's. The first open of a page decides. */
  worker?: Worker | false | undefined;
  /** The module, its bytes or its URL. The first open of a page decides. */
  wasm?: WasmSource | undefined;
}

const isWorker = (): boolean => {
  const scope = globalThis as { WorkerGlobalScope?: new () => object };
  return scope.WorkerGlobalScope !== undefined && globalThis instanceof scope.WorkerGlobalScope;
};

let connected: Promise<Connection> | undefined;

/** The connection of this page, made when it is first asked for. */
export function connect(parts: Parts, place: Place): Promise<Connection> {
  if (connected === undefined) {
    const attempt = begin(parts, place);
    connected = attempt;
    attempt.catch(() => {
      // Another open may find what was missing.
      if (connected === attempt) connected = undefined;
    });
  }
  return connected;
}

async function begin(parts: Parts, place: Place): Promise<Connection> {
  if (typeof WebAssembly === 'undefined') {
    throw new TidelogError('unsupported', 'this platform has no WebAssembly');
  }
  const wasm = place.wasm ?? parts.wasm?.();
  if (wasm === undefined) {
    throw new TypeError('option wasm: this entry brings no engine; pass its module, bytes or URL');
  }
  const connection = await somewhere(parts, place);
  await connection.call(0, 'start', [wasm instanceof URL ? wasm.href : wasm]);
  return connection;
}

async function somewhere(parts: Parts, place: Place): Promise<Connection> {
  if (typeof place.worker === 'object') return new Remote(place.worker);
  if (place.worker === false || isWorker()) {
    const { Engine } = await import('./engine.js');
    return new Direct(new Engine());
  }
  if (typeof Worker === 'undefined') {
    throw new TidelogError('unsupported', 'logs can be opened in a browser only: this platform has no Worker');
  }
  if (parts.worker === undefined) {
    throw new TypeError('option worker: this entry brings no worker; pass one, or false');
  }
  return new Remote(parts.worker());
}
