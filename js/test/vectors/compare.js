// Whether an answer is what a step expects, as docs/VECTORS.md says.

/** Bytes as the scripts write them; undefined for what is none. */
export function bytesOf(written) {
  if (typeof written !== 'object' || written === null) return undefined;
  if (!('utf8' in written) && !('hex' in written)) return undefined;
  const unit = 'utf8' in written
    ? new TextEncoder().encode(written.utf8)
    : Uint8Array.from(written.hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const times = written.times ?? 1;
  const bytes = new Uint8Array(unit.length * times);
  for (let n = 0; n < times; n++) bytes.set(unit, n * unit.length);
  return bytes;
}

const shown = (value) => (value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(value));

/** What of `actual` is not as expected; undefined if all is. */
export function difference(expected, actual, place = 'the answer') {
  const wanted = bytesOf(expected);
  if (wanted !== undefined) {
    const same = actual instanceof Uint8Array && actual.length === wanted.length
      && actual.every((byte, index) => byte === wanted[index]);
    return same ? undefined : `${place} is ${shown(actual)}, not ${shown(expected)}`;
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    for (let index = 0; index < Math.min(expected.length, actual.length); index++) {
      const found = difference(expected[index], actual[index], `${place}[${index}]`);
      if (found !== undefined) return found;
    }
    return expected.length === actual.length ? undefined
      : `${place} has ${actual.length} items, not ${expected.length}`;
  }
  if (typeof expected === 'object' && expected !== null && typeof actual === 'object' && actual !== null) {
    for (const [name, value] of Object.entries(expected)) {
      if (!(name in actual)) return `${place}.${name} does not exist`;
      const found = difference(value, actual[name], `${place}.${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return Object.is(expected, actual) ? undefined : `${place} is ${shown(actual)}, not ${shown(expected)}`;
}
