// The consumer's own worker: the package runs in it, not in a second one.

import { trial } from './trial.js';

trial('worker').then(
  (said) => postMessage(said),
  (error) => postMessage({ error: String(error.stack ?? error) }),
);
