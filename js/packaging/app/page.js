// Runs the trial in the page, then in a worker, since only one of them may write at a time.

import { trial } from './trial.js';

function say(place, said) {
  const output = document.createElement('output');
  output.id = place;
  output.textContent = JSON.stringify(said);
  document.body.append(output);
}

async function inWorker() {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(`the worker failed: ${event.message ?? 'it did not load'}`));
  });
}

for (const [place, run] of [['page', () => trial('page')], ['worker', inWorker]]) {
  say(place, await run().catch((error) => ({ error: String(error.stack ?? error) })));
}
