// The package as a surface of the vectors: what each operation of a script is here.

import { bytes, importLog, open, recover, remove } from '/dist/index.js';
import { failNext, setClock } from '/dist/testing.js';

import { bytesOf, difference } from './compare.js';

const NAME = 'vector';

/** A place: what is too large for a number of the script comes as text. */
const offset = (at) => (/^\d+$/.test(at) ? Number(at) : at);

/** How long a wait may go on that should not end, and one that should, in milliseconds. */
const MOMENT = 10;
const LONG = 20_000;

/** An operation that this surface does not have. */
class Missing extends Error {}

const ms = (micros) => (micros === undefined || micros === null ? micros : Number(micros) / 1000);
const micros = (time) => (time === null ? null : Math.round(time * 1000));

function settings(chosen = {}) {
  const { durability, compression, segment_bytes, align, indexes, retention, segment_age, producer_expiry, cache_bytes } = chosen;
  const limit = (age) => (age === null ? 0 : ms(age));
  const all = {
    durability, compression, segmentBytes: segment_bytes, align, indexes,
    retention: retention && Object.fromEntries(
      Object.entries({ ...retention, age: ms(retention.age) }).filter(([, value]) => value !== undefined && value !== null)),
    segmentAge: limit(segment_age), producerExpiry: limit(producer_expiry), cacheBytes: cache_bytes,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const limits = ({ records, bytes: size, below_oldest: below } = {}) =>
  ({ pageRecords: records, pageBytes: size, refuseBelow: below === 'refuse' });

const record = (found) => ({
  offset: found.offset, time: micros(found.time), key: found.key ?? null, value: found.value ?? null,
  headers: found.headers.map((header) => ({ name: header.rawName, value: header.value })),
});

const batch = (page) => ({ count: page.length, records: [...page].map(record), next: page.next });

class Machine {
  handles = new Map();
  waits = new Map();
  exported;

  constructor(storage, name) {
    this.places = [`${name}-a`, `${name}-b`].map((namespace) => ({ storage, namespace }));
  }

  /** The clock and the faults belong to a storage that is open; a log beside keeps it so. */
  async begin() {
    this.keepers = await Promise.all(this.places.map((place) => open({ ...place, name: 'keeper' })));
  }

  async clock(now) {
    for (const keeper of this.keepers) await setClock(keeper, Number(now) / 1000);
  }

  log(handle) {
    const log = this.handles.get(handle);
    if (log === undefined) throw new Error(`the handle ${handle} is not open`);
    return log;
  }

  async end() {
    for (const wait of this.waits.values()) wait.stop.abort();
    for (const log of [...this.handles.values(), ...this.keepers]) await log.close().catch(() => undefined);
    for (const place of this.places) {
      for (const name of [NAME, 'keeper']) await remove(name, place).catch(() => undefined);
    }
  }

  begin_wait({ ticket, at, key, limits: most }, log) {
    const stop = new AbortController();
    const options = { from: at, key: bytesOf(key), signal: stop.signal, ...limits(most) };
    const wait = { stop, ended: false, outcome: undefined };
    wait.outcome = log.follow(options).pages().next().then(({ value }) => batch(value));
    wait.outcome.catch(() => undefined).finally(() => { wait.ended = true; });
    this.waits.set(ticket, wait);
    return {};
  }

  async run(op, args, handle) {
    const [place, other] = this.places;
    switch (op) {
      case 'open': {
        const log = await open({
          ...place, name: NAME, value: bytes, key: bytes, ...settings(args.settings),
          readOnly: args.access === 'read', create: args.create ?? !args.existing,
        });
        this.handles.set(handle, log);
        const { oldest, last, next } = await log.bounds();
        const { torn, unsynced, damage, repaired } = log.recovery;
        return { oldest, last, next, torn, unsynced, damage, repaired };
      }
      case 'settle': {
        const late = new Promise((_, reject) => { setTimeout(() => reject(new Error('it goes on waiting')), LONG); });
        return Promise.race([this.waits.get(args.ticket).outcome, late]);
      }
      case 'pending':
        await new Promise((resolve) => { setTimeout(resolve, MOMENT); });
        if (this.waits.get(args.ticket).ended) throw new Error('it has ended');
        return {};
      case 'cancel':
        this.waits.get(args.ticket).stop.abort();
        return {};
      case 'recover': {
        const { lost, ...rest } = await recover(NAME, place);
        return { ...rest, lost: lost.map(({ first, next }) => ({ first, next })) };
      }
      case 'swap':
        this.places.reverse();
        this.keepers.reverse();
        return {};
      case 'import': return importLog(NAME, new Blob(this.exported).stream(), place);
      case 'fail': {
        await failNext(this.keepers[0], args.operation, args.kind);
        return {};
      }
      default: return this.verb(op, args, this.log(handle), other);
    }
  }

  async verb(op, args, log, other) {
    const at = offset(args.at ?? 'oldest');
    const time = Number(args.time) / 1000;
    switch (op) {
      case 'close': await log.close(); return {};
      case 'refresh': await log.refresh(); return {};
      case 'append': {
        const records = args.records.map(({ time: when, key, value, headers = [] }) => ({
          time: ms(when) ?? undefined, key: bytesOf(key), value: bytesOf(value),
          headers: headers.map((header) => [bytesOf(header.name), bytesOf(header.value)]),
        }));
        if (args.producer === undefined || args.producer === null) {
          return { duplicate: false, offsets_known: true, ...(await log.append(records, { durability: args.durability })) };
        }
        const { id, epoch, sequence } = args.producer;
        const producer = { id: bytesOf(id), epoch, sequence };
        const { offsetsKnown, ...rest } = await log.produce(records, producer, { durability: args.durability });
        return { ...rest, offsets_known: offsetsKnown };
      }
      case 'flush': return { next: await log.flush() };
      case 'sync': return { next: await log.sync() };
      case 'bounds': return log.bounds();
      case 'stat': {
        const { bounds, cachedBytes, ...rest } = await log.stat();
        return { ...bounds, ...rest, cached_bytes: cachedBytes };
      }
      case 'settings': {
        const { durability, compression, segmentBytes, indexes, retention, segmentAge, producerExpiry } = await log.settings();
        return {
          durability, compression, segment_bytes: segmentBytes, ...indexes,
          retention_age: micros(retention.age), retention_bytes: retention.bytes, retention_records: retention.records,
          segment_age: micros(segmentAge), producer_expiry: micros(producerExpiry),
        };
      }
      case 'read': return batch(await log.readPage({ from: at, ...limits(args.limits) }));
      case 'read_reverse': return batch(await log.readPage({ from: offset(args.before), reverse: true, ...limits(args.limits) }));
      case 'read_by_key': return batch(await log.readPage({ from: at, key: bytesOf(args.key), ...limits(args.limits) }));
      case 'get': return record(await log.get(at));
      case 'get_by_key': return record(await log.getByKey(bytesOf(args.key)));
      case 'get_by_time': return record(await log.getByTime(time));
      case 'offset_by_key': return { offset: await log.offsetByKey(bytesOf(args.key)) };
      case 'offset_by_time': {
        const found = await log.offsetByTime(time);
        return { offset: found.offset, time: micros(found.time) };
      }
      case 'follow': case 'follow_by_key': return this.begin_wait(args, log);
      case 'delete': return log.delete(args.offsets.map(Number));
      case 'plan_delete': return log.delete(args.offsets.map(Number), { plan: true });
      case 'trim': return log.trim(trimming(args));
      case 'plan_trim': return log.trim({ ...trimming(args), plan: true });
      case 'clear': return log.clear();
      case 'compact': return log.compact(compaction(args));
      case 'plan_compact': return log.planCompact(compaction(args));
      case 'configure': await log.configure(settings(args)); return {};
      case 'reindex': return log.reindex(args);
      case 'maintain': return log.maintain(args.budget ?? undefined);
      case 'gc': return { bytes: await log.gc(args.bytes ?? undefined) };
      case 'check': return log.check();
      case 'backup': {
        const { damage, ...rest } = await log.backup(other);
        return { ...rest, damaged: damage.length };
      }
      case 'export': {
        this.exported = [];
        for await (const piece of log.export()) this.exported.push(piece);
        const { records, bounds } = await log.stat();
        return { records, next: bounds.next };
      }
      default: throw new Missing(op);
    }
  }
}

const trimming = ({ time, before, ...rest }) => {
  if (time !== undefined && time !== null) return { time: Number(time) / 1000 };
  return before === undefined || before === null ? rest : { before: offset(before) };
};
const compaction = ({ updates, tombstones, ...rest }) => ({ ...rest, updates: ms(updates) ?? undefined, tombstones: ms(tombstones) ?? undefined });

/** Runs one vector; what did not come out as it says, or undefined. */
export async function run(vector, storage, number) {
  const machine = new Machine(storage, `vector-${number}`);
  await machine.begin();
  try {
    for (const [index, step] of vector.steps.entries()) {
      const wrong = await one(machine, step, vector.settings);
      if (wrong !== undefined) return `step ${index}: ${step.op}: ${wrong}`;
    }
    return undefined;
  } finally {
    await machine.end();
  }
}

async function one(machine, step, common) {
  await machine.clock(step.now);
  let args = step.args ?? {};
  if (step.op === 'open') args = { ...args, settings: args.settings ?? common };
  try {
    const answer = await machine.run(step.op, args, step.handle ?? 'main');
    return step.expect === undefined
      ? `it succeeded, and should fail as ${step.error.kind}`
      : difference(step.expect, answer ?? {});
  } catch (error) {
    if (step.error === undefined || error.code === undefined) return `${error.name}: ${error.code ?? ''} ${error.message}`;
    if (error.code !== step.error.kind) return `it failed as ${error.code}, not ${step.error.kind}: ${error.message}`;
    return difference(step.error.fields ?? {}, error.details, 'the error');
  }
}
