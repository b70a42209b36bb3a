// Prints `SEED HASH` as src/main.rs does, from the WebAssembly of the same function.
// Usage: node run.mjs FILE.wasm FIRST COUNT

import { readFile } from 'node:fs/promises';

const [path, first, count] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(await readFile(path), {});
for (let at = 0n; at < BigInt(count); at += 1n) {
  const seed = BigInt.asUintN(64, BigInt(first) + at);
  try {
    const hash = BigInt.asUintN(64, instance.exports.hash(BigInt.asIntN(64, seed)));
    console.log(`${seed} ${hash.toString(16).padStart(16, '0')}`);
  } catch (error) {
    // A panic is a trap here, and leaves memory as it was then.
    console.log(`${seed} trapped: ${error.message}`);
    process.exit(1);
  }
}
