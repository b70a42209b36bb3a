// Owns which storage a browser has, which is taken, and what is said of it.

import { TidelogError } from './errors.js';

/** Where logs can be kept. */
export type StorageKind = 'opfs' | 'indexeddb' | 'memory';

/** What is known of a log's storage. */
export interface StorageReport {
  /** Where the log is. */
  readonly kind: StorageKind;
  /** The highest level of durability that means anything there: nothing in memory outlives the page. */
  readonly durability: 'buffered' | 'synced';
  /** Whether the browser has promised not to evict it; null if it does not say. */
  readonly persisted: boolean | null;
  /** Bytes that this origin may take, as the browser estimates; null if it does not say. */
  readonly quota: number | null;
  /** Bytes that it takes, as the browser estimates; null if it does not say. */
  readonly usage: number | null;
}

/** What `auto` is in this browser. It depends on what the browser has, never on what
 * happens to fail: a log must not be looked for elsewhere than where it was put. */
export async function choose(wanted: StorageKind | 'auto', inWorker: boolean): Promise<StorageKind> {
  if (wanted !== 'auto') return wanted;
  if (inWorker && (await hasOpfs())) return 'opfs';
  if (typeof indexedDB !== 'undefined') return 'indexeddb';
  throw new TidelogError('unsupported',
    `this browser gives this page no storage that lasts; storage: 'memory' works until the page is closed`);
}

async function hasOpfs(): Promise<boolean> {
  const directory = globalThis.navigator?.storage?.getDirectory;
  if (directory === undefined || globalThis.navigator.locks === undefined) return false;
  try {
    // Private windows have the function, and refuse.
    await directory.call(navigator.storage);
    return true;
  } catch {
    return false;
  }
}

/** What is known of it now. */
export async function report(kind: StorageKind): Promise<StorageReport> {
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  const unknown = (): null => null;
  const lasting = kind !== 'memory';
  const [persisted, estimate] = await Promise.all([
    lasting ? storage?.persisted?.().catch(unknown) : null,
    lasting ? storage?.estimate?.().catch(unknown) : null,
  ]);
  return {
    kind,
    durability: lasting ? 'synced' : 'buffered',
    persisted: persisted ?? null,
    quota: estimate?.quota ?? null,
    usage: estimate?.usage ?? null,
  };
}

/** Asks the browser never to evict this origin's data. Some ask the user, and answer when
 * the user does: do not wait for it before opening a log.
 *
 * @returns whether it promises so. */
export async function persist(): Promise<boolean> {
  return (await globalThis.navigator?.storage?.persist?.()) ?? false;
}
