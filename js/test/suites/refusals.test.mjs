// What is refused, and how: options, values, faults, and an engine that cannot be had.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { serve, STRICT } from '../support/server.mjs';
import { stage } from '../support/page.mjs';

const scene = stage();
const { inPage } = scene;

test('options that cannot be are named', async () => {
  const found = await inPage(async ({ open }, { code }) => {
    const log = await open({ name: 'options', storage: 'memory' });
    const said = [
      await code(open({ name: 'x', storage: 'memory', sise: 1 })),
      await code(open({ name: 7 })),
      await code(open({ name: 'x', storage: 'disk' })),
      await code(open({ name: 'x', storage: 'memory', segmentBytes: '1' })),
      await code(log.append({ value: 1 }, { durability: 'forever' })),
      await code(log.append(7)),
      await code(log.configure({ retentoin: {} })),
    ];
    const codes = [
      await code(open({ name: 'x', storage: 'memory', segmentBytes: 1 })),
      await code(open({ name: '', storage: 'memory' })),
      await code(log.get(-1)),
      await code(log.get(2 ** 53)),
      await code(log.get(1.5)),
      await code(log.append({ value: 1, time: Number.NaN })),
    ];
    await log.close();
    return { said, codes };
  });
  for (const [index, name] of ['sise', 'name', 'storage', 'segmentBytes', 'durability', 'record', 'retentoin'].entries()) {
    assert.match(found.said[index], new RegExp(`^TypeError: .*\\b${name}\\b`));
  }
  assert.deepEqual(found.codes, ['invalid', 'invalid', 'out-of-range', 'out-of-range', 'out-of-range', 'out-of-range']);
});

test('a value that a codec or schema refuses keeps the whole batch out', async () => {
  const found = await inPage(async ({ open, checked, text, TidelogError }, { code }) => {
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => (typeof value?.n === 'number' ? { value: { n: value.n } } : { issues: [{ message: 'n is no number' }] }),
      },
    };
    const log = await open({ name: 'codecs', storage: 'memory', value: checked(schema) });
    let words;
    try {
      await log.append([{ value: { n: 1 } }, { value: { n: 'one' } }]);
    } catch (error) {
      words = [error instanceof TidelogError, error.message];
    }
    await log.append({ value: { n: 2, more: true } });
    const kept = [];
    for await (const record of log.read()) kept.push(record.value);
    await log.close();
    const plain = await open({ name: 'codecs-2', storage: 'memory' });
    const cyclic = {};
    cyclic.self = cyclic;
    const codes = [
      await code(plain.append({ value: () => 1 })),
      (await code(plain.append({ value: cyclic }))).split(':')[0],
      await code(plain.append({ key: 7, value: 1 })),
    ];
    await plain.append({ value: 'not a text codec' });
    await plain.close();
    const other = await open({ name: 'codecs-2', storage: 'memory', value: { ...text, decode() { throw new Error('no'); } } });
    const record = await other.get(0);
    codes.push(await code((async () => record.value)()));
    const raw = new TextDecoder().decode(record.rawValue);
    await other.close();
    return { words, kept, codes, raw };
  });
  assert.deepEqual(found, {
    words: [true, 'the schema refuses the value: n is no number'],
    kept: [{ n: 2 }],
    codes: ['invalid', 'TypeError', 'invalid', 'invalid'],
    raw: '"not a text codec"',
  });
});

test('aborted signals reject with their reason', async () => {
  const found = await inPage(async ({ open }, { code, collect }) => {
    const signal = AbortSignal.abort(new RangeError('not now'));
    const opening = await code(open({ name: 'aborted', storage: 'memory', signal }));
    const log = await open({ name: 'aborted', storage: 'memory' });
    const said = [
      opening,
      await code(log.append({ value: 1 }, { signal })),
      await code(collect(log.read({ signal }))),
      await code(collect(log.follow({ signal }))),
    ];
    const { next } = await log.bounds();
    await log.close();
    return { said, next };
  });
  assert.deepEqual(found, { said: Array(4).fill('RangeError: not now'), next: 0 });
});

test('a storage that fails or is full is said to be', async () => {
  const found = await inPage(async ({ open, testing }, { code }) => {
    const log = await open({ name: 'faults', storage: 'memory' });
    await testing.setClock(log, 5000.25);
    await log.append({ value: 1 });
    const { time } = await log.get(0);
    await testing.failNext(log, 'append', 'full');
    const full = await code(log.append({ value: 2 }));
    await log.append({ value: 3 });
    await testing.failNext(log, 'sync', 'unavailable');
    const failed = await code(log.append({ value: 4 }, { durability: 'synced' }));
    const poisoned = await code(log.append({ value: 5 }));
    const readable = (await log.get(0)).value;
    const closing = await code(log.close());
    const anew = await open({ name: 'faults', storage: 'memory' });
    const kept = [];
    for await (const record of anew.read()) kept.push(record.value);
    await anew.close();
    return { time, full, failed, poisoned, readable, closing, kept };
  });
  const { kept, closing, ...rest } = found;
  assert.deepEqual(rest, { time: 5000.25, full: 'full', failed: 'poisoned', poisoned: 'poisoned', readable: 1 });
  assert.ok(['poisoned', 'no error'].includes(closing), closing);
  assert.deepEqual(kept.slice(0, 2), [1, 3]);
});

/** Opens a log in a page of a server of its own, and returns what that said. */
async function opening(options, files = {}) {
  const server = await serve(new URL('../..', import.meta.url).pathname, {
    policy: options.policy ?? STRICT,
    answers: { '/': { body: '<!doctype html><title>t</title><script type="module" src="/open.js"></script>' }, ...files,
      '/open.js': { type: 'text/javascript', body: `
        import { open } from '/dist/index.js';
        const said = (error) => \`\${error.code ?? error.name}: \${error.message}\`;
        try {
          const log = await open({ name: 'x', storage: 'memory', ...${JSON.stringify(options.open ?? {})} });
          await log.append({ value: 1 });
          document.title = 'opened';
        } catch (error) {
          document.title = said(error);
        }` } },
  });
  try {
    const { page, finish } = await scene.open(`${server.url}/`);
    await page.waitForFunction(() => document.title !== 't');
    const title = await page.title();
    await finish();
    return title;
  } finally {
    await server.close();
  }
}

test('an engine that cannot be loaded says why', async () => {
  assert.equal(await opening({}), 'opened');
  assert.match(await opening({ open: { wasm: '/nowhere.wasm' } }), /^unavailable: .*nowhere\.wasm.*404/);
  assert.match(
    await opening({ open: { wasm: '/page.wasm' } }, { '/page.wasm': { body: '<!doctype html>' } }),
    /^unavailable: .*page\.wasm is not WebAssembly but text\/html/);
  assert.match(
    await opening({ policy: STRICT.replace(" 'wasm-unsafe-eval'", '') }),
    /^unavailable: .*'wasm-unsafe-eval'/);
  assert.match(
    await opening({}, { '/dist/worker.js': { status: 404 } }),
    /^unavailable: .*worker/);
});

test('the engine runs in the page where it is told to', async () => {
  assert.equal(await opening({ open: { worker: false } }), 'opened');
});
