// Vite's development server, with its optimiser of dependencies.

import { createServer } from 'vite';

export default async function viteDev({ app, out }) {
  const server = await createServer({
    root: app,
    configFile: false,
    logLevel: 'error',
    cacheDir: out,
    server: { host: '127.0.0.1', port: 0, hmr: false },
  });
  await server.listen();
  const { port } = server.httpServer.address();
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
