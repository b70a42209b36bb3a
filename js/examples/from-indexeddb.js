// Copies the rows of an IndexedDB object store into a log, in the order of their primary keys.
// A Dexie table is such a store: `await db.open()`, then give `db.backendDB()`. See
// docs/MIGRATING.md.

/** Rows that are read, and appended as one batch. */
const ROWS = 500;

/**
 * Copies what the log does not have yet, and returns how many rows that were. The log must be
 * opened with `key: json` and hold nothing else: its last key is where an earlier copy ended.
 * `value(row, key)` makes the record's value of a row; unless given, rows are taken as they
 * are, and refused where JSON would change them. `time(row, key)` makes its time; that of the
 * copy unless given.
 */
export async function copyRows(database, store, log, { value = plain, time = () => undefined } = {}) {
  let last;
  for await (const { key } of log.read({ reverse: true, limit: 1 })) last = key;
  let copied = 0;
  for (;;) {
    const [keys, rows] = await piece(database, store, last);
    if (keys.length === 0) break;
    const records = rows.map((row, at) => {
      const key = usable(keys[at], store);
      return { key, value: value(row, key), time: time(row, key) };
    });
    // The old rows are there until the new ones are known to be safe.
    await log.append(records, { durability: 'synced' });
    last = keys.at(-1);
    copied += keys.length;
  }
  return copied;
}

async function piece(database, store, after) {
  const range = after === undefined ? null : IDBKeyRange.lowerBound(after, true);
  const rows = database.transaction(store, 'readonly').objectStore(store);
  // Both in one transaction, so that they belong together.
  return Promise.all([rows.getAllKeys(range, ROWS), rows.getAll(range, ROWS)].map(answer));
}

const answer = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

function usable(key, store) {
  if (typeof key === 'string' || Number.isFinite(key)) return key;
  throw new TypeError(`a primary key of ${store} is neither text nor a finite number: ${String(key)}`);
}

function plain(row, key) {
  const check = (part, path) => {
    if (part === null || ['string', 'boolean'].includes(typeof part) || Number.isFinite(part)) return;
    const isPlain = Array.isArray(part) || Object.getPrototypeOf(Object(part)) === Object.prototype;
    if (typeof part !== 'object' || !isPlain) {
      throw new TypeError(`the row with key ${key} has at ${path} what JSON would change; pass { value }`);
    }
    for (const [name, inner] of Object.entries(part)) check(inner, `${path}.${name}`);
  };
  check(row, 'row');
  return row;
}
