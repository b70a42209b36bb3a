// The entry `tidelog/inline`: worker and module are part of it, for bundlers that copy no
// files. Its worker is a blob, which the content security policy must allow
// (worker-src blob:); where it does not, pass `worker: false` and IndexedDB in the page.

import { entry } from './open.js';
import * as embedded from './embedded.js';

export * from './api.js';
export const { open, list, remove, recover, importLog } = entry({
  worker: () => {
    const script = URL.createObjectURL(new Blob([embedded.worker], { type: 'text/javascript' }));
    return new Worker(script, { type: 'module', name: 'tidelog' });
  },
  wasm: () => Uint8Array.from(atob(embedded.wasm), (letter) => letter.charCodeAt(0)),
});
