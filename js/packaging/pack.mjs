// Owns what webpack and Rspack have in common: their configuration and how they are run.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Builds the app with a compiler of webpack's interface. */
export async function pack(create, { app, out }) {
  const compiler = create({
    mode: 'production',
    context: app,
    entry: './page.js',
    output: { path: out, filename: 'page.js' },
    performance: { hints: false },
  });
  const stats = await promisify((done) => compiler.run(done))();
  await promisify((done) => compiler.close(done))();
  if (stats.hasErrors() || stats.hasWarnings()) {
    throw new Error(stats.toString({ all: false, errors: true, warnings: true }));
  }
  const page = readFileSync(join(app, 'index.html'), 'utf8');
  // What they emit unless told otherwise are scripts, not modules.
  writeFileSync(join(out, 'index.html'), page.replace('type="module"', 'defer'));
}
