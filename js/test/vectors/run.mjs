// Runs the vectors of tests/vectors on a surface in Chromium: `node test/vectors/run.mjs SURFACE`.
// Prints one JSON object, as tidelog-vectors does, and exits with 0 if all came out.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { launch } from '../support/browser.mjs';
import { serve } from '../support/server.mjs';

const SURFACES = { 'chromium-memory': 'memory', 'chromium-idb': 'indexeddb', 'chromium-opfs': 'opfs' };
const HOME = fileURLToPath(new URL('../../../tests/vectors', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

const [surface] = process.argv.slice(2);
if (!Object.hasOwn(SURFACES, surface)) {
  throw new Error(`there is no surface ${surface}: there are ${Object.keys(SURFACES).join(', ')}`);
}
const load = (path) => JSON.parse(readFileSync(path, 'utf8'));
const files = readdirSync(HOME).filter((name) => name.endsWith('.json') && !['rows.json', 'schema.json'].includes(name));
const vectors = files.sort().flatMap((file) => load(join(HOME, file)).map((vector) => ({ file, vector })));
const list = join(HOME, 'skips', `${surface}.json`);
const skips = existsSync(list) ? load(list) : [];

const server = await serve(PACKAGE, { answers: { '/': { body: '<!doctype html><title>vectors</title>' } } });
const browser = await launch();
const start = Date.now();
const report = { passed: 0, failures: [], unneeded: [], skips: [] };
try {
  const page = await browser.context.newPage();
  page.on('pageerror', (error) => report.failures.push({ file: '', id: 'page', what: `unhandled: ${error.message}` }));
  await page.goto(`${server.url}/`);
  const used = new Set();
  for (const [number, { file, vector }] of vectors.entries()) {
    const wrong = await page.evaluate(async ([one, storage, index]) => {
      const { run } = await import('/test/vectors/surface.js');
      return (await run(one, storage, index)) ?? null;
    }, [vector, SURFACES[surface], number]);
    const skip = skips.find((entry) => entry.id === vector.id || vector.requires?.includes(entry.requires));
    if (skip !== undefined) used.add(skip);
    const { id } = vector;
    if (wrong === null && skip === undefined) report.passed += 1;
    else if (wrong === null) report.unneeded.push(`${id} came out although it is listed`);
    else if (skip === undefined) report.failures.push({ file, id, what: wrong });
    else report.skips.push({ id, reason: skip.reason });
  }
  for (const skip of skips) {
    if (!used.has(skip)) report.unneeded.push(`${skip.id ?? skip.requires} concerns no vector`);
  }
} finally {
  await browser.close();
  await server.close();
}
const ok = report.failures.length === 0 && report.unneeded.length === 0;
console.log(JSON.stringify({
  vectors: vectors.length, faults: [], ok,
  surfaces: { [surface]: { ...report, seconds: (Date.now() - start) / 1000 } },
}));
process.exitCode = ok ? 0 : 1;
