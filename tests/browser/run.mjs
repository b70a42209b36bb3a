// Drives Chromium for `cargo xtask browser`: serves the pages that load the victim,
// kills the browser or limits its quota, and prints one JSON object.
//
// Usage: node run.mjs CHROMIUM FOLDER PROFILE kills COUNT SEED
//        node run.mjs CHROMIUM FOLDER PROFILE quota BYTES
//
// FOLDER holds victim.js and victim_bg.wasm; PROFILE is an empty folder on a disk.

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [chromium, folder, profile, task, ...rest] = process.argv.slice(2);
const STORES = ['idb', 'opfs'];
const PATIENCE = 180_000;
// What is acknowledged before the browser is killed.
const APPENDS_MIN = 200;

const PAGE = `<!doctype html><meta charset="utf-8"><title>tidelog</title>
<script>
  const search = new URLSearchParams(location.search);
  for (const store of search.get('stores').split(',')) {
    new Worker('/worker.js?task=' + search.get('task') + '&store=' + store, { type: 'module' });
  }
</script>`;

const WORKER = `
import init, { conform, judge, write } from '/victim.js';
const search = new URLSearchParams(location.search);
const store = search.get('store');
const tell = (what, body) =>
  fetch('/' + what + '?store=' + store, { method: 'POST', body: String(body) });
let latest = 0;
let told = 0;
let telling = false;
async function acknowledged(next) {
  latest = next;
  if (telling) return;
  telling = true;
  while (told < latest) {
    const number = latest;
    await tell('acknowledged', number);
    told = number;
  }
  telling = false;
}
try {
  await init();
  if (search.get('task') === 'conform') {
    await tell('found', await conform(store));
  } else {
    await tell('found', await judge(store, 'victim'));
    if (search.get('task') === 'write') await write(store, 'victim', acknowledged);
  }
} catch (error) {
  await tell('failed', error);
}
`;

/** What the workers of one launch told: a list for each store, and who waits for more. */
let told;
let wake = () => {};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const send = (type, body) => {
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(body);
  };
  if (request.method === 'POST') {
    let body = '';
    for await (const part of request) body += part;
    told?.push({ what: url.pathname.slice(1), store: url.searchParams.get('store'), body });
    wake();
    send('text/plain', '');
  } else if (url.pathname === '/') {
    send('text/html', PAGE);
  } else if (url.pathname === '/worker.js') {
    send('text/javascript', WORKER);
  } else if (url.pathname === '/victim.js') {
    send('text/javascript', await readFile(join(folder, 'victim.js')));
  } else if (url.pathname === '/victim_bg.wasm') {
    send('application/wasm', await readFile(join(folder, 'victim_bg.wasm')));
  } else {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const origin = `http://127.0.0.1:${server.address().port}`;

/** Starts Chromium on the profile, with a pipe for commands. */
function launch(url) {
  told = [];
  const browser = spawn(
    chromium,
    [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--remote-debugging-pipe', `--user-data-dir=${profile}`, url,
    ],
    { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  browser.stdio[3].on('error', () => {});
  const gone = new Promise((exited) => browser.once('exit', exited));
  return { browser, gone };
}

/** Every process of the browser at once, without a chance to write anything. */
async function kill({ browser, gone }) {
  process.kill(-browser.pid, 'SIGKILL');
  await gone;
}

/** Waits until `enough` says so of what was told. */
async function until(enough, what) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const failed = told.find(({ what }) => what === 'failed');
    if (failed) throw new Error(`${failed.store}: ${failed.body}`);
    if (enough()) return;
    const left = deadline - Date.now();
    if (left <= 0) throw new Error(`no ${what} within ${PATIENCE / 1000} s`);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, left);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const of = (store, kind) => told.filter(({ what, store: from }) => what === kind && from === store);
const last = (store, kind) => Number(of(store, kind).at(-1)?.body ?? 0);

/** A number from 0 up to 1 that `seed` and `turn` decide (mulberry32). */
function random(seed, turn) {
  let a = (seed + turn * 0x6d2b79f5) | 0;
  a = Math.imul(a ^ (a >>> 15), a | 1);
  a ^= a + Math.imul(a ^ (a >>> 7), a | 61);
  return ((a ^ (a >>> 14)) >>> 0) / 4294967296;
}

async function kills(count, seed) {
  const found = { kills: 0, failures: [] };
  const acknowledged = Object.fromEntries(STORES.map((store) => [store, 0]));
  for (let turn = 0; turn <= count; turn += 1) {
    const task = turn < count ? 'write' : 'judge';
    const running = launch(`${origin}/?task=${task}&stores=${STORES}`);
    try {
      await until(() => STORES.every((store) => of(store, 'found').length > 0), 'verdict');
      for (const store of STORES) {
        const there = last(store, 'found');
        if (there < acknowledged[store]) {
          found.failures.push(
            `${store}: after kill ${turn}, ${there} of ${acknowledged[store]} acknowledged records are there`,
          );
        }
        acknowledged[store] = there;
      }
      if (task === 'write') {
        const grown = (store) => last(store, 'acknowledged') >= acknowledged[store] + APPENDS_MIN;
        await until(() => STORES.every(grown), 'acknowledgements');
        await new Promise((resolve) => setTimeout(resolve, random(seed, turn) * 400));
      }
    } catch (error) {
      found.failures.push(`launch ${turn}: ${error.message}`);
      await kill(running);
      break;
    }
    await kill(running);
    // What arrived was acknowledged before the kill.
    for (const store of STORES) {
      acknowledged[store] = Math.max(acknowledged[store], last(store, 'acknowledged'));
    }
    if (task === 'write') found.kills += 1;
  }
  found.records = acknowledged;
  return found;
}

/** Sends a command through the pipe, and waits for its answer. */
function command(browser, id, method, params, sessionId) {
  const [to, from] = [browser.stdio[3], browser.stdio[4]];
  return new Promise((resolve, reject) => {
    let text = '';
    const hear = (part) => {
      text += part;
      const messages = text.split('\0');
      text = messages.pop();
      for (const message of messages.map((message) => JSON.parse(message))) {
        if (message.id !== id) continue;
        from.off('data', hear);
        if (message.error) reject(new Error(`${method}: ${message.error.message}`));
        else resolve(message.result);
      }
    };
    from.on('data', hear);
    to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  });
}

// IndexedDB compresses what it stores, so that the suite's bytes never fill a quota.
async function quota(bytes) {
  const found = { checks: {}, failures: [] };
  for (const store of ['opfs']) {
    const running = launch('about:blank');
    try {
      const { browser } = running;
      const { targetId } = await command(browser, 1, 'Target.createTarget', { url: origin });
      const attached = { targetId, flatten: true };
      const { sessionId } = await command(browser, 2, 'Target.attachToTarget', attached);
      const limit = { origin, quotaSize: bytes };
      await command(browser, 3, 'Storage.overrideQuotaForOrigin', limit, sessionId);
      const url = `${origin}/?task=conform&stores=${store}`;
      told = [];
      await command(browser, 4, 'Page.navigate', { url }, sessionId);
      await until(() => of(store, 'found').length > 0, 'report');
      found.checks[store] = of(store, 'found')[0].body.split('\n')[0];
    } catch (error) {
      found.failures.push(error.message);
    }
    await kill(running);
  }
  return found;
}

const numbers = rest.map(Number);
const result = task === 'kills' ? await kills(...numbers) : await quota(...numbers);
console.log(JSON.stringify(result));
server.close();
process.exit(0);
