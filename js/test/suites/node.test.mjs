// Where there is no browser: importing does nothing, opening says what is missing.

import assert from 'node:assert/strict';
import { test } from 'node:test';

for (const entry of ['index', 'slim', 'inline', 'testing', 'react']) {
  test(`the entry ${entry} can be imported on a server`, async () => {
    const before = Object.keys(globalThis);
    const module = await import(`../../dist/${entry}.js`);
    assert.ok(Object.keys(module).length > 0);
    assert.deepEqual(Object.keys(globalThis), before);
  });
}

test('opening on a server is refused as unsupported', async () => {
  const { open } = await import('../../dist/index.js');
  await assert.rejects(open({ name: 'x', storage: 'memory' }), { name: 'TidelogError', code: 'unsupported' });
  await assert.rejects(open({ name: 'x' }), { name: 'TidelogError', code: 'unsupported' });
});
