// What the package weighs, beside what size.json says of it: `node size.mjs` refuses growth
// that is not declared there, `node size.mjs --bless` declares it.

import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** Growth that needs no declaration. */
const TOLERATED = 1.02;

const here = new URL('.', import.meta.url);
const read = (path) => readFileSync(new URL(path, here));

/** What a page downloads that imports this entry, its static imports with it. */
function files(entry, seen = new Set()) {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const [, path] of read(`dist/${entry}`).toString().matchAll(/\bfrom\s*"\.\/([^"]+)"/g)) files(path, seen);
  return seen;
}

function weigh(names) {
  const sizes = { raw: 0, gzip: 0, brotli: 0 };
  for (const name of names) {
    const bytes = read(`dist/${name}`);
    sizes.raw += bytes.length;
    sizes.gzip += gzipSync(bytes, { level: 9 }).length;
    sizes.brotli += brotliCompressSync(bytes).length;
  }
  return sizes;
}

const page = [...files('index.js')];
const found = {
  page: weigh(page),
  worker: weigh(['worker.js']),
  wasm: weigh(['tidelog.wasm']),
  download: weigh([...page, 'worker.js', 'tidelog.wasm']),
};

if (process.argv.includes('--bless')) {
  writeFileSync(new URL('size.json', here), `${JSON.stringify(found, null, 2)}\n`);
} else {
  const declared = JSON.parse(read('size.json'));
  for (const [part, sizes] of Object.entries(found)) {
    for (const [how, bytes] of Object.entries(sizes)) {
      const before = declared[part]?.[how] ?? 0;
      if (bytes > before * TOLERATED) {
        console.error(`${part}, ${how}: ${bytes} bytes, and size.json declares ${before}; `
          + 'make it smaller, or declare it with `node size.mjs --bless`');
        process.exitCode = 1;
      }
    }
  }
}
console.log(JSON.stringify(found));
