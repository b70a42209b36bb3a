// The system's Chromium with a profile on disk: a context off the record would keep
// everything in memory.

import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { tmpdir } from 'node:os';
import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** The browser's program. */
export function program() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const name of NAMES) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  throw new Error('no Chromium was found on the PATH; `cargo xtask setup` installs one');
}

/** Starts one with a profile of its own, or with that in `profile`. */
export async function launch(profile) {
  const folder = profile ?? mkdtempSync(join(tmpdir(), 'tidelog-browser-'));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: program(),
    headless: true,
    args: FLAGS,
  });
  return {
    context,
    profile: folder,
    async close() {
      await context.close();
      if (profile === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
