// The storages of the browser: what is kept in them, who may write, what is said of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { stage } from '../support/page.mjs';

const scene = stage();
const { inPage } = scene;

for (const storage of ['opfs', 'indexeddb']) {
  test(`${storage} keeps a log from page to page`, async () => {
    const written = await inPage(async ({ open }, _, storage) => {
      const log = await open({ name: 'kept', storage, indexes: { keys: true } });
      await log.append({ key: 'a', value: 1 });
      await log.append(Array.from({ length: 3000 }, (_, n) => ({ key: `k${n}`, value: 'x'.repeat(200) })), { durability: 'synced' });
      const { kind, durability, persisted, quota } = log.storage;
      await log.close();
      return { kind, durability, persisted, quota: quota > 0 };
    }, storage);
    assert.deepEqual(written, { kind: storage, durability: 'synced', persisted: false, quota: true });
    const found = await inPage(async ({ open, list }, { collect }, storage) => {
      const names = await list({ storage });
      const log = await open({ name: 'kept', storage, create: false });
      const records = await collect(log.read());
      const answer = {
        names, records: records.length, first: records[0].value,
        found: await log.offsetByKey('k2999'), healthy: (await log.check()).healthy, torn: log.recovery.torn,
      };
      await log.append({ value: 'more' });
      await log.close();
      return answer;
    }, storage);
    assert.deepEqual(found, { names: ['kept'], records: 3001, first: 1, found: 3000, healthy: true, torn: false });
  });

  test(`${storage} has one writer among pages, and a page that goes lets go`, async () => {
    const first = await scene.open();
    await first.page.evaluate(async (storage) => {
      const { open } = await import('/dist/index.js');
      const log = await open({ name: 'shared', storage });
      await log.append({ value: 1 });
    }, storage);
    const locked = await inPage(async ({ open }, { code }, storage) => code(open({ name: 'shared', storage })), storage);
    assert.equal(locked, 'locked');
    await first.finish();
    const taken = await inPage(async ({ open }, { collect }, storage) => {
      const log = await open({ name: 'shared', storage });
      await log.append({ value: 2 });
      const values = (await collect(log.read())).map((record) => record.value);
      await log.close();
      return values;
    }, storage);
    assert.deepEqual(taken, [1, 2]);
  });

  test(`${storage} keeps namespaces apart, and forgets what is destroyed`, async () => {
    const found = await inPage(async ({ open, list }, { collect }, storage) => {
      const logs = await Promise.all(['ann/../b', 'bob'].map((namespace) => open({ name: 'mine', storage, namespace })));
      await Promise.all(logs.map((log, index) => log.append({ value: index })));
      const values = await Promise.all(logs.map(async (log) => (await collect(log.read()))[0].value));
      await logs[0].destroy();
      const names = [await list({ storage, namespace: 'ann/../b' }), await list({ storage, namespace: 'bob' })];
      await logs[1].close();
      const anew = await open({ name: 'mine', storage, namespace: 'ann/../b' });
      const { next } = await anew.bounds();
      await anew.close();
      return { values, names, next };
    }, storage);
    assert.deepEqual(found, { values: [0, 1], names: [[], ['mine']], next: 0 });
  });
}

test('auto is the storage that this browser has, never memory', async () => {
  const found = await inPage(async ({ open }) => {
    const log = await open({ name: 'automatic' });
    const worker = log.storage.kind;
    await log.close();
    return worker;
  });
  assert.equal(found, 'opfs');
  const { page, finish } = await scene.open();
  const inThePage = await page.evaluate(async () => {
    const { open } = await import('/dist/index.js');
    const log = await open({ name: 'automatic', worker: false });
    await log.append({ value: 1 });
    const { kind } = log.storage;
    await log.close();
    return kind;
  });
  await finish();
  assert.equal(inThePage, 'indexeddb');
});

test('a log moves between storages as an export', async () => {
  const found = await inPage(async ({ open, importLog }, { collect }) => {
    const log = await open({ name: 'moving', storage: 'indexeddb', segmentBytes: 8192 });
    await log.append(Array.from({ length: 500 }, (_, n) => ({ key: `k${n % 7}`, value: { n }, time: n })));
    await log.delete([3, 4]);
    await importLog('moved', log.export(), { storage: 'opfs' });
    const moved = await open({ name: 'moved', storage: 'opfs' });
    const [from, to] = await Promise.all([collect(log.read()), collect(moved.read())]);
    await Promise.all([log.close(), moved.close()]);
    return { same: JSON.stringify(from) === JSON.stringify(to), records: to.length };
  });
  assert.deepEqual(found, { same: true, records: 498 });
});
