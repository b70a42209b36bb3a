// No bundler: the browser finds the package by an import map, which a strict policy lets in
// by its hash.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export default async function bare({ project, app, strict }) {
  const map = JSON.stringify({ imports: { tidelog: '/node_modules/tidelog/dist/index.js' } });
  const hash = createHash('sha256').update(map).digest('base64');
  const page = readFileSync(join(app, 'index.html'), 'utf8');
  return {
    root: project,
    path: '/app/bare.html',
    // Import maps reach no worker, in any browser: there the page asks for the package by URL.
    answers: {
      '/app/bare.html': { body: page.replace('<script', `<script type="importmap">${map}</script>\n<script`) },
      '/app/worker.js': {
        type: 'text/javascript',
        body: ['trial.js', 'worker.js'].map((file) => readFileSync(join(app, file), 'utf8')).join('\n')
          .replace("from 'tidelog'", "from '/node_modules/tidelog/dist/index.js'")
          .replace("import { trial } from './trial.js';", ''),
      },
    },
    policy: strict.replace("script-src 'self'", `script-src 'self' 'sha256-${hash}'`),
  };
}
