// The entry `tidelog`: finds its worker and its module beside itself.

import { entry } from './open.js';

export * from './api.js';
export const { open, list, remove, recover, importLog } = entry({
  worker: () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'tidelog' }),
  wasm: () => new URL('./tidelog.wasm', import.meta.url),
});
