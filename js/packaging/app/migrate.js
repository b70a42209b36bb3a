// Migrates a Dexie table and a plain object store into logs, each in two runs.

import { Dexie } from 'dexie';
import { json, open } from 'tidelog';
import { copyRows } from '../examples/from-indexeddb.js';

const ROWS = 1234;
const row = (number) => ({ number, name: `row ${number}`, tags: [null, true] });

async function values(log) {
  const all = [];
  for await (const { key, value, time } of log.read()) all.push([key, value, time]);
  return all;
}

async function copies(name, database, more) {
  const options = { time: ({ number }) => 1000 + number };
  const copy = () => copyRows(database, 'events', log, options);
  const log = await open({ name, key: json });
  const counts = [await copy()];
  await more();
  counts.push(await copy(), await copy());
  const found = await values(log);
  const right = JSON.stringify(found) === JSON.stringify(found.map((_, at) => [at + 1, row(at), 1000 + at]));
  await log.close();
  return { counts, records: found.length, right };
}

async function refused(database) {
  const log = await open({ name: 'refused', key: json });
  const error = await copyRows(database, 'odd', log).catch((error) => error);
  const { next } = await log.bounds();
  await log.close();
  return { message: error.message, next };
}

async function fromDexie() {
  const database = new Dexie('dexie');
  database.version(1).stores({ events: '++', odd: '++' });
  await database.open();
  await database.events.bulkAdd(Array.from({ length: ROWS }, (_, at) => row(at)));
  await database.odd.add({ at: new Date(0) });
  const said = await copies('from-dexie', database.backendDB(), () => database.events.add(row(ROWS)));
  return { ...said, refused: await refused(database.backendDB()) };
}

async function fromPlain() {
  const opening = indexedDB.open('plain', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('events', { autoIncrement: true });
  const database = await new Promise((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const add = (from, to) => new Promise((resolve, reject) => {
    const adding = database.transaction('events', 'readwrite');
    for (let at = from; at < to; at += 1) adding.objectStore('events').add(row(at));
    adding.oncomplete = resolve;
    adding.onabort = () => reject(adding.error);
  });
  await add(0, ROWS);
  return copies('from-plain', database, () => add(ROWS, ROWS + 1));
}

for (const [place, run] of [['dexie', fromDexie], ['plain', fromPlain]]) {
  const output = document.createElement('output');
  output.id = place;
  output.textContent = JSON.stringify(await run().catch((error) => ({ error: String(error.stack ?? error) })));
  document.body.append(output);
}
