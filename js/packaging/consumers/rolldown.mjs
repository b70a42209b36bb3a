// Rolldown copies no files that a package refers to, so it takes `tidelog/inline`.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

export default async function rolldown({ app, out, blobs }) {
  await build({
    cwd: app,
    input: { page: './page.js', worker: './worker.js' },
    resolve: { alias: { tidelog: 'tidelog/inline' } },
    output: { dir: out, format: 'esm' },
    logLevel: 'warn',
  });
  copyFileSync(join(app, 'index.html'), join(out, 'index.html'));
  return { policy: blobs };
}
