// Builds dist/ from src/ and generated/: `node build.mjs`. What generated/ holds comes from
// `cargo xtask js`, which calls this.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const at = (...parts) => join(here, ...parts);
const shared = {
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
};

rmSync(at('dist'), { recursive: true, force: true });
mkdirSync(at('dist'), { recursive: true });
copyFileSync(at('generated', 'engine_bg.wasm'), at('dist', 'tidelog.wasm'));

// The glue's own guess at where its module is would make bundlers look for a file that
// does not exist.
const glue = {
  name: 'glue',
  setup({ onLoad }) {
    onLoad({ filter: /generated[\\/]engine\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const guess = /if \(module_or_path === undefined\) \{[^}]*\}/;
      if (!guess.test(text)) throw new Error('the generated glue has changed: see build.mjs');
      return { contents: text.replace(guess, ''), loader: 'js' };
    });
  },
};

// Files without imports of their own: a worker must be one.
for (const name of ['worker', 'engine']) {
  await build({ ...shared, entryPoints: [at('src', `${name}.ts`)], outfile: at('dist', `${name}.js`), plugins: [glue] });
}

const worker = readFileSync(at('dist', 'worker.js'), 'utf8');
const wasm = readFileSync(at('dist', 'tidelog.wasm')).toString('base64');
const embedded = {
  name: 'embedded',
  setup({ onLoad }) {
    onLoad({ filter: /src[\\/]embedded\.ts$/ }, () => ({
      contents: `export const worker = ${JSON.stringify(worker)};\nexport const wasm = ${JSON.stringify(wasm)};`,
      loader: 'js',
    }));
  },
};
await build({
  ...shared,
  entryPoints: ['index', 'inline', 'slim', 'react', 'testing'].map((name) => at('src', `${name}.ts`)),
  outdir: at('dist'),
  splitting: true,
  chunkNames: 'shared-[hash]',
  external: ['react', './engine.js'],
  plugins: [embedded],
});

const tsc = at('node_modules', 'typescript', 'bin', 'tsc');
execFileSync(process.execPath, [tsc, '--project', at('tsconfig.json')], { stdio: 'inherit' });
writeFileSync(at('dist', 'tidelog.wasm.d.ts'), 'declare const url: string;\nexport default url;\n');
