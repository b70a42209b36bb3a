// A server on the loopback for files of one folder, with the headers a test asks for.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

/** What strict sites send: everything tidelog needs, and nothing else. */
export const STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";

/**
 * Serves `root`. `answers` are paths with an answer of their own: `{status, type, body}`.
 * Pages get `policy` as their content security policy.
 */
export async function serve(root, { answers = {}, policy = STRICT } = {}) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const path = normalize(decodeURIComponent(url.pathname));
    // Functions of tests: a strict policy lets a page run nothing but what is served.
    const own = path === '/test-function'
      ? { type: 'text/javascript', body: `export default ${url.searchParams.get('source')};` }
      : answers[path];
    const headers = { 'cache-control': 'no-store', 'content-security-policy': policy };
    if (own !== undefined) {
      response.writeHead(own.status ?? 200, { ...headers, 'content-type': own.type ?? 'text/html' });
      response.end(own.body ?? '');
      return;
    }
    try {
      const body = await readFile(join(root, path));
      response.writeHead(200, { ...headers, 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
      response.end(body);
    } catch {
      response.writeHead(404, { ...headers, 'content-type': 'text/html' });
      response.end('<!doctype html><title>not found</title>');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}
