// Pages: records in columns, as docs/PAGE.md lays them out. This file and crates/page
// are the only ones that know a position in a page.

import type { Codec } from './codec.js';
import { TidelogError } from './errors.js';
import { fromMicros, toMicros, type Time } from './time.js';

const HEADER = 32;
const MAGIC = 0x47504c54;
const TIME = 1;
const KEY = 2;
const VALUE = 4;
const WORD = 0x1_0000_0000;

/** A named piece of metadata: text, or bytes. */
export type HeaderInput = readonly [name: string | Uint8Array, value: string | Uint8Array];

/** A record to append. Without a value it is a tombstone; without a time it gets now. */
export interface NewRecord<V, K> {
  value?: V;
  key?: K;
  time?: Time;
  headers?: Readonly<Record<string, string | Uint8Array>> | readonly HeaderInput[];
}

/** A record whose parts the codecs have turned into bytes, or text that stands for it. */
export interface EncodedRecord {
  time: number | undefined;
  key: Uint8Array | string | undefined;
  value: Uint8Array | string | undefined;
  headers: readonly HeaderInput[];
}

/** Encodes a record; throws what the codec throws. */
export function encodeRecord<V, K>(record: NewRecord<V, K>, value: Codec<V>, key: Codec<K>): EncodedRecord {
  if (typeof record !== 'object' || record === null) {
    throw new TypeError(`a record is an object such as { value, key, time, headers }, not ${typeof record}`);
  }
  const { headers = [] } = record;
  return {
    time: record.time === undefined ? undefined : toMicros(record.time),
    key: record.key === undefined ? undefined : key.encode(record.key),
    value: record.value === undefined ? undefined : value.encode(record.value),
    headers: Array.isArray(headers) ? (headers as readonly HeaderInput[]) : Object.entries(headers),
  };
}

/** About how many bytes it takes. */
export function weight(record: EncodedRecord): number {
  let bytes = 32 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const [name, value] of record.headers) bytes += name.length + value.length;
  return bytes;
}

const encoder = new TextEncoder();
// Reused from page to page: what is sent is a copy of the right length.
let scratch = new Uint8Array(64 << 10);

function put(at: number, part: Uint8Array | string): number {
  const most = typeof part === 'string' ? part.length * 3 : part.length;
  if (at + most > scratch.length) {
    const larger = new Uint8Array(Math.max(at + most, scratch.length * 2));
    larger.set(scratch.subarray(0, at));
    scratch = larger;
  }
  if (typeof part === 'string') return at + encoder.encodeInto(part, scratch.subarray(at)).written;
  scratch.set(part, at);
  return at + part.length;
}

/** The page of these records, in order. */
export function encodePage(records: readonly EncodedRecord[]): Uint8Array<ArrayBuffer> {
  const count = records.length;
  let headers = 0;
  for (const record of records) headers += record.headers.length;
  const counted = headers > 0 ? count : 0;
  const times = new Uint32Array(2 * count);
  const ends = new Uint32Array(2 * count + counted + 2 * headers);
  const kinds = new Uint8Array(count);
  let end = 0;
  records.forEach((record, index) => {
    let kind = 0;
    if (record.time !== undefined) {
      kind |= TIME;
      const high = Math.floor(record.time / WORD);
      times[2 * index] = record.time - high * WORD;
      times[2 * index + 1] = high;
    }
    if (record.key !== undefined) {
      kind |= KEY;
      end = put(end, record.key);
    }
    ends[2 * index] = end;
    if (record.value !== undefined) {
      kind |= VALUE;
      end = put(end, record.value);
    }
    ends[2 * index + 1] = end;
    kinds[index] = kind;
  });
  if (headers > 0) {
    let [seen, at] = [0, 3 * count];
    records.forEach((record, index) => {
      for (const pair of record.headers) {
        for (const part of pair) {
          end = put(end, part);
          ends[at++] = end;
        }
      }
      seen += record.headers.length;
      ends[2 * count + index] = seen;
    });
  }
  const columns = HEADER + times.byteLength + ends.byteLength + count;
  const page = new Uint8Array(columns + end);
  const head = new Uint32Array(page.buffer, 0, HEADER / 4);
  head.set([MAGIC, 1, count, headers, end]);
  page.set(new Uint8Array(times.buffer), HEADER);
  page.set(new Uint8Array(ends.buffer), HEADER + times.byteLength);
  page.set(kinds, HEADER + times.byteLength + ends.byteLength);
  page.set(scratch.subarray(0, end), columns);
  return page;
}

/** A header of a record that was read. */
export interface Header {
  /** Its name; bytes that are not UTF-8 are replaced. */
  readonly name: string;
  readonly rawName: Uint8Array;
  readonly value: Uint8Array;
}

const lossy = new TextDecoder('utf-8', { ignoreBOM: true });

/** Records that were read together. They are views on one buffer: holding one record
 * holds the page. */
export class Page<V, K> implements Iterable<LogRecord<V, K>> {
  /** How many records it holds. */
  readonly length: number;
  /** The offset to read next. */
  readonly next: number;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #headers: number;
  readonly #value: Codec<V>;
  readonly #key: Codec<K>;

  /** Of bytes that the engine has written. */
  constructor(bytes: Uint8Array, value: Codec<V>, key: Codec<K>) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    if (words[0] !== MAGIC || words[1] !== 0x101) {
      throw new TidelogError('internal', 'the engine answered with something else than a page');
    }
    this.length = words[2]!;
    this.next = words[6]! + words[7]! * WORD;
    this.#headers = words[3]!;
    this.#words = words;
    this.#bytes = bytes;
    this.#value = value;
    this.#key = key;
  }

  /** The record with this number in the page, from 0. */
  at(index: number): LogRecord<V, K> {
    if (!(index >= 0 && index < this.length)) {
      throw new RangeError(`the page has ${this.length} records, and none at ${index}`);
    }
    return new LogRecord(this, index);
  }

  *[Symbol.iterator](): Generator<LogRecord<V, K>, void> {
    for (let index = 0; index < this.length; index++) yield new LogRecord(this, index);
  }

  /** @internal */
  offset(index: number): number {
    const at = HEADER / 4 + 2 * index;
    return this.#words[at]! + this.#words[at + 1]! * WORD;
  }

  /** @internal */
  micros(index: number): number {
    const at = HEADER / 4 + 2 * (this.length + index);
    const micros = this.#words[at]! + (this.#words[at + 1]! | 0) * WORD;
    if (!Number.isSafeInteger(micros)) {
      throw new TidelogError('out-of-range',
        `the time of record ${this.offset(index)} is beyond what a number can hold`);
    }
    return micros;
  }

  /** Where part `index` ends in the data: keys and values in turn, then headers.
   * @internal */
  #end(part: number): number {
    if (part < 0) return 0;
    const counts = part < 2 * this.length || this.#headers === 0 ? 0 : this.length;
    return this.#words[HEADER / 4 + 4 * this.length + counts + part]!;
  }

  #part(part: number): Uint8Array {
    const columns = HEADER + 25 * this.length
      + (this.#headers > 0 ? 4 * this.length + 8 * this.#headers : 0);
    return this.#bytes.subarray(columns + this.#end(part - 1), columns + this.#end(part));
  }

  #kind(index: number): number {
    const columns = HEADER + 24 * this.length
      + (this.#headers > 0 ? 4 * this.length + 8 * this.#headers : 0);
    return this.#bytes[columns + index]!;
  }

  /** @internal */
  rawKey(index: number): Uint8Array | undefined {
    return (this.#kind(index) & KEY) === 0 ? undefined : this.#part(2 * index);
  }

  /** @internal */
  rawValue(index: number): Uint8Array | undefined {
    return (this.#kind(index) & VALUE) === 0 ? undefined : this.#part(2 * index + 1);
  }

  /** @internal */
  key(index: number): K | undefined {
    const raw = this.rawKey(index);
    return raw === undefined ? undefined : this.#decode('key', index, this.#key, raw);
  }

  /** @internal */
  value(index: number): V | undefined {
    const raw = this.rawValue(index);
    return raw === undefined ? undefined : this.#decode('value', index, this.#value, raw);
  }

  #decode<T>(what: string, index: number, codec: Codec<T>, raw: Uint8Array): T {
    try {
      return codec.decode(raw);
    } catch (cause) {
      const offset = this.offset(index);
      throw new TidelogError('invalid', `the codec cannot read the ${what} of record ${offset}: ${String(cause)}`,
        { offset }, { cause });
    }
  }

  /** @internal */
  headers(index: number): Header[] {
    if (this.#headers === 0) return [];
    const counts = HEADER / 4 + 6 * this.length;
    const first = index === 0 ? 0 : this.#words[counts + index - 1]!;
    const found: Header[] = [];
    for (let number = first; number < this.#words[counts + index]!; number++) {
      const rawName = this.#part(2 * (this.length + number));
      const value = this.#part(2 * (this.length + number) + 1);
      found.push({ name: lossy.decode(rawName), rawName, value });
    }
    return found;
  }
}

/** A record that was read: a view, decoded when it is looked at. */
export class LogRecord<V, K> {
  readonly #page: Page<V, K>;
  readonly #index: number;

  /** @internal */
  constructor(page: Page<V, K>, index: number) {
    this.#page = page;
    this.#index = index;
  }

  /** Its number in the log. */
  get offset(): number { return this.#page.offset(this.#index); }
  /** Milliseconds since 1970, with fractions down to a microsecond. */
  get time(): number { return fromMicros(this.#page.micros(this.#index)); }
  /** The key; undefined if it has none. Decoded at each look. */
  get key(): K | undefined { return this.#page.key(this.#index); }
  /** The value; undefined for a tombstone. Decoded at each look. */
  get value(): V | undefined { return this.#page.value(this.#index); }
  /** The headers, in order. */
  get headers(): Header[] { return this.#page.headers(this.#index); }
  /** The bytes of the key. */
  get rawKey(): Uint8Array | undefined { return this.#page.rawKey(this.#index); }
  /** The bytes of the value. */
  get rawValue(): Uint8Array | undefined { return this.#page.rawValue(this.#index); }

  /** What JSON.stringify shows. */
  toJSON(): { offset: number; time: number; key: K | undefined; value: V | undefined } {
    return { offset: this.offset, time: this.time, key: this.key, value: this.value };
  }
}
