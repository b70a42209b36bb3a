// `node run.mjs CONSUMER...`: packs the package, judges the tarball, installs it, imports
// every entry on a server, and runs what each consumer builds of `app/` in Chromium. The last
// line it prints is `{"checks": [...], "seconds": {...}, "failures": [...]}`.

import { isDeepStrictEqual } from 'node:util';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

import { launch } from '../test/support/browser.mjs';
import { serve, STRICT } from '../test/support/server.mjs';
import { install, judge, pack } from './tarball.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const PACKAGE = here('..');
const PROJECT = here('installed');
const BLOBS = STRICT.replace("worker-src 'self'", "worker-src 'self' blob:");
const WAIT = 30_000;

const storage = (kind) => ({ kind, values: [{ item: 'tea' }, 'paid', 3], refusal: 'not-found' });
const EXPECTED = { opfs: storage('opfs'), indexeddb: storage('indexeddb') };

/** Imports every entry in a Node of its own, which finds the package as a server would. */
function onServer() {
  const { exports } = JSON.parse(execFileSync(process.execPath, [
    '--input-type=module', '--eval',
    "import { readFileSync } from 'node:fs'; process.stdout.write(readFileSync(new URL(import.meta.resolve('tidelog/package.json'))))",
  ], { cwd: PROJECT }));
  const entries = Object.keys(exports).filter((entry) => exports[entry].default?.endsWith('.js'));
  // A worker is a script of a worker, whose scope it needs.
  const libraries = entries.filter((entry) => entry !== './worker');
  const source = `for (const entry of ${JSON.stringify(libraries)}) {
    const module = await import(entry.replace('.', 'tidelog'));
    if (Object.keys(module).length === 0) throw new Error(entry + ' exports nothing');
  }
  for (const file of ['worker', 'tidelog.wasm']) import.meta.resolve('tidelog/' + file);`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', source], { cwd: PROJECT, stdio: 'pipe' });
}

/** Bundles a worker that is nothing but `import 'tidelog/worker'`, for users of `tidelog/slim`. */
async function ownWorker() {
  const { outputFiles: [{ text }] } = await build({
    stdin: { contents: "import 'tidelog/worker';", resolveDir: PROJECT },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  return text.includes('postMessage') ? [] : ['the engine was dropped from the bundle as without side effects'];
}

/** Opens what a consumer made, and gives what went wrong, as sentences. */
async function visit(browser, url, expected = { page: EXPECTED, worker: EXPECTED }) {
  const page = await browser.context.newPage();
  const failures = [];
  page.on('pageerror', (error) => failures.push(`an unhandled error: ${error.stack ?? error}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) {
      failures.push(`the console says: ${message.text()}`);
    }
  });
  try {
    await page.goto(url);
    for (const [place, wanted] of Object.entries(expected)) {
      const said = JSON.parse(await page.locator(`output#${place}`).textContent({ timeout: WAIT }));
      if (!isDeepStrictEqual(said, wanted)) failures.push(`its ${place} says ${said.error ?? JSON.stringify(said)}`);
    }
    if (await page.evaluate(() => crossOriginIsolated)) failures.push('it is isolated, which nothing may need');
  } catch (error) {
    failures.push(String(error));
  } finally {
    await page.close();
  }
  return failures;
}

async function consume(browser, name) {
  const { default: prepare } = await import(`./consumers/${name}.mjs`);
  const app = join(PROJECT, 'app');
  const out = join(PROJECT, 'built', name);
  const built = await prepare({ project: PROJECT, app, out, strict: STRICT, blobs: BLOBS }) ?? {};
  if (built.url !== undefined) {
    try {
      return await visit(browser, built.url);
    } finally {
      await built.close();
    }
  }
  const { root = out, path = '/index.html', answers, policy, expected } = built;
  const server = await serve(root, { answers, policy });
  try {
    return await visit(browser, server.url + path, expected);
  } finally {
    await server.close();
  }
}

const checks = [];
const failures = [];
const seconds = {};

/** Runs one check, which gives sentences or throws. */
async function check(name, run) {
  const start = performance.now();
  let found;
  try {
    found = await run() ?? [];
  } catch (error) {
    found = [[String(error.stack ?? error), error.stderr].filter(Boolean).join('\n')];
  }
  seconds[name] = Math.round((performance.now() - start) / 100) / 10;
  process.stderr.write(`${name}: ${found.length === 0 ? 'held' : 'FAILED'}, ${seconds[name]} s\n`);
  if (found.length === 0) checks.push(name);
  failures.push(...found.map((sentence) => `${name}: ${sentence}`));
}

const tarball = pack(PACKAGE, PROJECT);
await check('tarball', () => judge(tarball));
install(tarball, PROJECT, { app: here('app'), examples: here('../examples') });
await check('server', () => onServer());
await check('own-worker', () => ownWorker());
const browser = await launch();
try {
  for (const name of process.argv.slice(2)) await check(name, () => consume(browser, name));
} finally {
  await browser.close();
}
process.stdout.write(`${JSON.stringify({ checks, seconds, failures })}\n`);
