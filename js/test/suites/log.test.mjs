// Every verb of a log, from the page through the worker and back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { stage } from '../support/page.mjs';

const { inPage } = stage();

test('what is appended is read back', async () => {
  const found = await inPage(async ({ open }, { collect }) => {
    const log = await open({ name: 'events', storage: 'memory' });
    await log.append({ key: 'order-1', value: { item: 'tea' }, time: 1.5 });
    const appended = await log.append([{ value: 1, time: 2 }, { key: 'order-1', time: 3 }]);
    const records = await collect(log.read());
    const storage = log.storage.kind;
    await log.close();
    return { appended, records, storage };
  });
  assert.deepEqual(found, {
    appended: { first: 1, next: 3 },
    records: [
      { offset: 0, time: 1.5, key: 'order-1', value: { item: 'tea' } },
      { offset: 1, time: 2, value: 1 },
      { offset: 2, time: 3, key: 'order-1' },
    ],
    storage: 'memory',
  });
});

test('records carry headers and every kind of bytes', async () => {
  const found = await inPage(async ({ open, bytes }) => {
    const log = await open({ name: 'bytes', storage: 'memory', value: bytes, key: bytes });
    const headers = [['trace', 'a-\u{1f642}'], ['trace', Uint8Array.of(0, 255)], ['', '']];
    const empty = new Uint8Array();
    await log.append([
      { key: Uint8Array.of(0), value: Uint8Array.of(255, 0), headers },
      { key: empty, value: empty },
      { headers: { only: 'header' } },
    ]);
    const read = [];
    for await (const { key, value, headers: named } of log.read()) {
      const pairs = named.map((header) => [header.name, [...header.value]]);
      read.push([key && [...key], value && [...value], pairs]);
    }
    await log.close();
    return JSON.stringify(read);
  });
  const text = [...new TextEncoder().encode('a-\u{1f642}')];
  assert.equal(found, JSON.stringify([
    [[0], [255, 0], [['trace', text], ['trace', [0, 255]], ['', []]]],
    [[], [], []],
    [null, null, [['only', [...new TextEncoder().encode('header')]]]],
  ]));
});

test('ten thousand appends that nobody awaits keep their order', async () => {
  const found = await inPage(async ({ open }) => {
    const log = await open({ name: 'many', storage: 'memory' });
    const followed = [];
    const stop = new AbortController();
    const following = (async () => {
      for await (const record of log.follow({ from: 'oldest', signal: stop.signal })) {
        followed.push(record.value);
        if (followed.length === 9_000) return;
      }
    })();
    const appends = [];
    const others = [];
    for (let number = 0; number < 10_000; number++) {
      appends.push(log.append({ value: number }));
      if (number % 1000 === 500) {
        others.push(log.get(number).then((record) => record.value));
        others.push(log.delete([number - 1]).then((deleted) => deleted.records));
      }
    }
    const offsets = (await Promise.all(appends)).map((appended) => appended.first);
    const seen = await Promise.all(others);
    await following;
    const { records } = await log.stat();
    const pressure = log.pressure;
    await log.close();
    const rises = (list) => list.every((value, index) => index === 0 || list[index - 1] < value);
    return { inOrder: offsets.every((offset, index) => offset === index), seen, records, pressure, rises: rises(followed) };
  });
  const seen = Array.from({ length: 10 }, (_, index) => [index * 1000 + 500, 1]).flat();
  assert.deepEqual(found, { inOrder: true, seen, records: 9_990, pressure: 0, rises: true });
});

test('a log is read by page, in part, in reverse, by key and by time', async () => {
  const found = await inPage(async ({ open }, { collect, code }) => {
    const log = await open({ name: 'reads', storage: 'memory', indexes: { keys: true, times: true } });
    await log.append(Array.from({ length: 10 }, (_, n) => ({ key: `k${n % 3}`, value: n, time: 1000 + n })));
    const values = async (reading) => (await collect(reading)).map((record) => record.value);
    const pages = [];
    for await (const page of log.read({ pageRecords: 4 }).pages()) pages.push([page.length, page.next]);
    const answer = {
      pages,
      part: await values(log.read({ from: 7, limit: 2 })),
      reverse: await values(log.read({ reverse: true, limit: 3, pageRecords: 2 })),
      byKey: await values(log.read({ key: 'k1', from: 2 })),
      newest: (await log.getByKey('k1')).value,
      newestOffset: await log.offsetByKey('k2'),
      first: (await log.getByTime(new Date(1004))).value,
      firstOffset: await log.offsetByTime(1004.5),
      last: (await log.get('last')).value,
      missing: await code(log.getByKey('k9')),
      beyond: await code(log.get(10)),
      none: await code(collect(log.read({ from: 99 }))),
    };
    await log.close();
    return answer;
  });
  assert.deepEqual(found, {
    pages: [[4, 4], [4, 8], [2, 10]],
    part: [7, 8],
    reverse: [9, 8, 7],
    byKey: [4, 7],
    newest: 7,
    newestOffset: 8,
    first: 4,
    firstOffset: { offset: 5, time: 1005 },
    last: 9,
    missing: 'not-found',
    beyond: 'out-of-range',
    none: 'out-of-range',
  });
});

test('a log is shrunk, kept in shape and looked over', async () => {
  const found = await inPage(async ({ open }, { collect }) => {
    const log = await open({ name: 'shape', storage: 'memory', indexes: { keys: true } });
    await log.append(Array.from({ length: 12 }, (_, n) => ({ key: `k${n % 2}`, value: n, time: n })));
    const answer = {
      planned: (await log.delete([1, 99], { plan: true })).missing,
      deleted: (await log.delete([1, 99])).records,
      wouldTrim: (await log.trim({ before: 4, plan: true })).records,
      trimmed: (await log.trim({ time: 2 })).oldest,
      superfluous: (await log.planCompact({ updates: 8 })).offsets,
      compacted: (await log.compact({ updates: 8 })).records,
    };
    answer.left = (await collect(log.read())).map((record) => record.value);
    await log.configure({ retention: { records: 2 }, segmentAge: 60_000 });
    answer.kept = (await log.maintain()).trimmed;
    answer.settings = await log.settings();
    answer.reindexed = (await log.reindex({ keys: true, times: true })).more;
    answer.byTime = await log.offsetByTime(11);
    answer.freed = (await log.gc(0)) >= 0;
    answer.healthy = (await log.check()).healthy;
    answer.cleared = (await log.clear()).oldest;
    answer.bounds = await log.bounds();
    answer.reached = [await log.flush(), await log.sync()];
    await log.close();
    return answer;
  });
  const { settings, ...rest } = found;
  assert.equal(settings.segmentAge, 60_000);
  assert.deepEqual(settings.retention, { age: null, bytes: null, records: 2 });
  assert.deepEqual(rest, {
    planned: [99],
    deleted: 1,
    wouldTrim: 3,
    trimmed: 3,
    superfluous: [3, 4, 5, 6],
    compacted: 4,
    left: [7, 8, 9, 10, 11],
    kept: 3,
    reindexed: false,
    byTime: { offset: 11, time: 11 },
    freed: true,
    healthy: true,
    cleared: 12,
    bounds: { oldest: 12, last: null, next: 12, durable: 12 },
    reached: [12, 12],
  });
});

test('a producer that sends a batch again has it once', async () => {
  const found = await inPage(async ({ open }, { code }) => {
    const log = await open({ name: 'producers', storage: 'memory' });
    const producer = { id: new Uint8Array(16).fill(7), epoch: 1, sequence: 0 };
    const first = await log.produce([{ value: 1 }, { value: 2 }], producer);
    const again = await log.produce([{ value: 1 }, { value: 2 }], producer, { durability: 'synced' });
    const gap = await code(log.produce([{ value: 3 }], { ...producer, sequence: 5 }));
    const fenced = await code(log.produce([{ value: 3 }], { ...producer, epoch: 0 }));
    await log.close();
    return { first, again, gap, fenced };
  });
  const batch = { first: 0, next: 2, offsetsKnown: true };
  assert.deepEqual(found, {
    first: { ...batch, duplicate: false },
    again: { ...batch, duplicate: true },
    gap: 'conflict',
    fenced: 'fenced',
  });
});

test('following waits, is given up with the reason, and ends with the log', async () => {
  const found = await inPage(async ({ open }, { code }) => {
    const log = await open({ name: 'follow', storage: 'memory', indexes: { keys: true } });
    const seen = [];
    const stop = new AbortController();
    const all = (async () => {
      for await (const record of log.follow({ signal: stop.signal })) seen.push(record.value);
    })();
    const ours = log.follow({ key: 'b' })[Symbol.asyncIterator]();
    const one = ours.next();
    // Both wait before anything comes.
    await log.bounds();
    await log.append({ key: 'a', value: 1 });
    await log.append({ key: 'b', value: 2 });
    const byKey = (await one).value.value;
    while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    stop.abort(new RangeError('enough'));
    const reason = await code(all);
    const pending = code(ours.next());
    await log.bounds();
    await log.close();
    return { seen, byKey, reason, closed: await pending, after: await code(log.bounds()) };
  });
  assert.deepEqual(found, { seen: [1, 2], byKey: 2, reason: 'RangeError: enough', closed: 'closed', after: 'closed' });
});

test('a whole log travels as a stream, and as a backup', async () => {
  const found = await inPage(async ({ open, importLog, list, remove }, { collect, code }) => {
    const log = await open({ name: 'whole', storage: 'memory', segmentBytes: 4096 });
    for (let n = 0; n < 50; n++) await log.append({ value: 'x'.repeat(500) + n });
    const there = { storage: 'memory', namespace: 'elsewhere' };
    const imported = await importLog('copy', log.export(), there);
    const copy = await open({ name: 'copy', create: false, ...there });
    const same = JSON.stringify(await collect(copy.read())) === JSON.stringify(await collect(log.read()));
    const safe = { storage: 'memory', namespace: 'safe' };
    const backedUp = await log.backup(safe);
    const again = await log.backup(safe);
    const names = [...(await list(there)), ...(await list(safe))];
    const here = await code(log.backup({ storage: 'memory' }));
    await copy.close();
    const damaged = await code(importLog('bad', new Blob(['no export']).stream(), there));
    const exists = await code(importLog('copy', log.export(), there));
    await remove('copy', there);
    const missing = await code(open({ name: 'copy', create: false, ...there }));
    await log.destroy();
    const left = [await list(there), await list({ storage: 'memory' })];
    return { imported: imported.records, same, copied: backedUp.copied > 0, again: again.copied, names, here, damaged, exists, missing, left };
  });
  assert.deepEqual(found, {
    imported: 50, same: true, copied: true, again: 0, names: ['copy', 'whole'], here: 'invalid',
    damaged: 'corrupt', exists: 'exists', missing: 'not-found', left: [[], []],
  });
});

test('a second writer is locked out, and a reader is not', async () => {
  const found = await inPage(async ({ open }, { collect, code }) => {
    const log = await open({ name: 'one', storage: 'memory' });
    await log.append({ value: 1 });
    const second = await code(open({ name: 'one', storage: 'memory' }));
    const reader = await open({ name: 'one', storage: 'memory', readOnly: true });
    await log.append({ value: 2 });
    await reader.refresh();
    const read = (await collect(reader.read())).length;
    const refused = await code(reader.append({ value: 3 }));
    await reader.close();
    await log.close();
    await log.close();
    const anew = await open({ name: 'one', storage: 'memory' });
    const kept = (await anew.stat()).records;
    await anew[Symbol.asyncDispose]();
    return { second, read, refused, kept };
  });
  assert.deepEqual(found, { second: 'locked', read: 2, refused: 'read-only', kept: 2 });
});
