// What `tidelog/inline` carries in itself. The build puts the worker's script, and the
// module as base64, in the place of these.

export const worker: string = '';
export const wasm: string = '';
