// The importer of docs/MIGRATING.md, from Dexie and from plain IndexedDB.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const copied = { counts: [1234, 1, 0], records: 1235, right: true };
const refused = { message: 'the row with key 1 has at row.at what JSON would change; pass { value }', next: 0 };

export default async function migrate({ app, out, blobs }) {
  await build({
    absWorkingDir: app,
    entryPoints: ['migrate.js'],
    outdir: out,
    bundle: true,
    format: 'esm',
    alias: { tidelog: 'tidelog/inline' },
    logLevel: 'error',
  });
  const page = readFileSync(join(app, 'index.html'), 'utf8');
  writeFileSync(join(out, 'index.html'), page.replace('page.js', 'migrate.js'));
  return { policy: blobs, expected: { dexie: { ...copied, refused }, plain: copied } };
}
