// What `node --test` says, as one JSON object a line for each test that is no suite.

export default async function* reporter(events) {
  for await (const { type, data } of events) {
    if (type === 'test:stderr') process.stderr.write(data.message);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    // A file is reported as a test of its own name; it counts only when it failed by itself.
    const isFile = data.name === data.file || data.file === undefined || data.name.endsWith('.mjs');
    if (data.skip !== undefined || data.todo !== undefined) {
      yield `${JSON.stringify({ name: data.name, failure: 'it was skipped' })}\n`;
    } else if (type === 'test:fail') {
      const { error } = data.details;
      const failure = String(error.cause?.stack ?? error.cause ?? error.stack ?? error);
      yield `${JSON.stringify({ name: data.name, failure })}\n`;
    } else if (!isFile) {
      yield `${JSON.stringify({ name: data.name })}\n`;
    }
  }
}
