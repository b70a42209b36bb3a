// Vite, as `vite build` leaves it.

import { build } from 'vite';

export default async function vite({ app, out }) {
  await build({
    root: app,
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: out, target: 'es2022' },
  });
}
