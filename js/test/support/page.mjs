// One browser and one server for the tests of a file, and pages in which nothing may go
// wrong unseen.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before } from 'node:test';

import { launch } from './browser.mjs';
import { serve } from './server.mjs';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const BLANK = { '/': { body: '<!doctype html><title>tidelog</title>' } };

/** Sets both up for the tests of this file. */
export function stage() {
  const stage = { browser: undefined, server: undefined, inPage };
  before(async () => {
    stage.server = await serve(PACKAGE, { answers: BLANK });
    stage.browser = await launch();
  });
  after(async () => {
    await stage.browser?.close();
    await stage.server?.close();
  });

  /** A fresh page of the origin. Its unhandled errors fail `finish`. */
  async function open(url = `${stage.server.url}/`) {
    const page = await stage.browser.context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.stack ?? String(error)));
    await page.goto(url);
    return {
      page,
      async finish() {
        await page.close();
        assert.deepEqual(errors, [], 'the page had unhandled errors');
      },
    };
  }

  /** Runs a function in a fresh page, with the package as its first argument. */
  async function inPage(run, argument) {
    const { page, finish } = await open();
    try {
      return await page.evaluate(async ([source, given]) => {
        const tidelog = { ...(await import('/dist/index.js')), testing: await import('/dist/testing.js') };
        const collect = async (records) => {
          const all = [];
          for await (const record of records) all.push(JSON.parse(JSON.stringify(record)));
          return all;
        };
        const code = async (promise) => {
          try {
            await promise;
            return 'no error';
          } catch (error) {
            return error instanceof tidelog.TidelogError ? error.code : `${error.name}: ${error.message}`;
          }
        };
        // The content security policy allows no eval: functions come in as modules.
        const module = await import(`/test-function?${new URLSearchParams({ source })}`);
        return module.default(tidelog, { collect, code }, given);
      }, [run.toString(), argument]);
    } finally {
      await finish();
    }
  }

  stage.open = open;
  return stage;
}
