// Owns turning what stands for the WebAssembly module into one, with an error that says
// what is wrong where that fails.

import { TidelogError } from './errors.js';

/** The module, its bytes, or where they are. */
export type WasmSource = WebAssembly.Module | BufferSource | URL | string;

const unavailable = (message: string, cause?: unknown): TidelogError =>
  new TidelogError('unavailable', `the engine could not be loaded: ${message}`, {}, { cause });

/** Compiles it. */
export async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  try {
    return typeof source === 'string' || source instanceof URL
      ? await download(String(source))
      : await WebAssembly.compile(source);
  } catch (error) {
    if (error instanceof TidelogError) throw error;
    // Browsers word a refusal by the content security policy in many ways.
    const policy = /unsafe-eval|Content Security Policy|CSP/i.test(String(error));
    throw unavailable(policy
      ? `the content security policy forbids WebAssembly; allow 'wasm-unsafe-eval' in script-src`
      : String(error), error);
  }
}

async function download(url: string): Promise<WebAssembly.Module> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw unavailable(`${url} cannot be fetched: ${String(error)}`, error);
  }
  if (!response.ok) {
    throw unavailable(`${url} answers ${response.status}; serve tidelog.wasm there, or pass { wasm }`);
  }
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('application/wasm')) return WebAssembly.compileStreaming(response);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d) {
    throw unavailable(`${url} is not WebAssembly but ${type || 'of no content type'}; `
      + 'serve tidelog.wasm there, or pass { wasm }');
  }
  return WebAssembly.compile(bytes);
}
