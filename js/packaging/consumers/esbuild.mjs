// esbuild copies no files that a package refers to, so it takes `tidelog/inline`.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

export default async function esbuild({ app, out, blobs }) {
  await build({
    absWorkingDir: app,
    entryPoints: ['page.js', 'worker.js'],
    outdir: out,
    bundle: true,
    splitting: true,
    format: 'esm',
    alias: { tidelog: 'tidelog/inline' },
    logLevel: 'error',
  });
  copyFileSync(join(app, 'index.html'), join(out, 'index.html'));
  return { policy: blobs };
}
