// What every consumer does, in its page and in a worker of its own: a log in each storage,
// written, closed, opened again and read.

import { open, TidelogError } from 'tidelog';

const WRITTEN = [{ key: 'order-1', value: { item: 'tea' } }, { value: 'paid' }, { value: 3 }];

export async function trial(place) {
  const said = {};
  for (const storage of ['opfs', 'indexeddb']) {
    const name = `${place}-${storage}`;
    const log = await open({ name, storage });
    const [first, ...more] = WRITTEN;
    await log.append(first, { durability: 'synced' });
    await log.append(more);
    await log.close();
    const again = await open({ name, storage, create: false });
    const values = [];
    for await (const { value } of again.read()) values.push(value);
    said[storage] = { kind: again.storage.kind, values };
    await again.close();
    const refusal = await open({ name: 'none', storage, create: false }).catch((error) => error);
    said[storage].refusal = refusal instanceof TidelogError ? refusal.code : String(refusal);
  }
  return said;
}
