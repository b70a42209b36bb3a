// Owns appends on their way to the engine: those of one moment travel as one page, and
// no more are under way than the engine would queue.

import { fromPlain, type PlainError } from './errors.js';
import { encodePage, weight, type EncodedRecord } from './page.js';

/** The offsets of a batch. */
export interface Appended {
  /** The offset of its first record. */
  first: number;
  /** The offset after its last record. */
  next: number;
}

/** Bytes of appends that may be under way before others wait: the engine's own bound. */
const UNDER_WAY = 16 << 20;

/** Bytes of one message: enough for a message's cost not to count. */
const MESSAGE = 1 << 20;

interface Batch {
  records: readonly EncodedRecord[];
  bytes: number;
  durability: string | undefined;
  resolve(appended: Appended): void;
  reject(error: unknown): void;
}

interface Sent {
  first: Float64Array;
  errors: [number, PlainError][];
}

/** Hands a page of batches over. */
export type Send = (page: Uint8Array, lengths: Uint32Array, options: object) => Promise<unknown>;

/** Batches that wait for the end of the task in which they were appended. */
export class Outbox {
  readonly #send: Send;
  #queued: Batch[] = [];
  #bytes = 0;
  #underWay = 0;
  #scheduled = false;
  #waiting: (() => void)[] = [];

  constructor(send: Send) {
    this.#send = send;
  }

  /** How full the queue is: 1 and above is a reason to wait for `drained`. */
  get pressure(): number {
    return this.#bytes / UNDER_WAY;
  }

  /** Waits until there is room. */
  async drained(): Promise<void> {
    while (this.pressure >= 1) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  append(records: readonly EncodedRecord[], durability: string | undefined): Promise<Appended> {
    let bytes = 0;
    for (const record of records) bytes += weight(record);
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queued.push({ records, bytes, durability, resolve, reject });
      if (!this.#scheduled) {
        this.#scheduled = true;
        queueMicrotask(() => {
          this.#scheduled = false;
          this.#flush();
        });
      }
    });
  }

  /** Hands over what can be; resolves once everything appended before the call was. */
  async posted(): Promise<void> {
    this.#flush();
    const last = this.#queued.at(-1);
    while (last !== undefined && this.#queued.includes(last)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Whether everything appended so far is on its way. */
  flushed(): boolean {
    this.#flush();
    return this.#queued.length === 0;
  }

  #flush(): void {
    while (this.#queued.length > 0 && this.#underWay < UNDER_WAY) {
      const { durability } = this.#queued[0]!;
      let [count, bytes] = [0, 0];
      for (const batch of this.#queued) {
        if (batch.durability !== durability || (count > 0 && bytes + batch.bytes > MESSAGE)) break;
        count += 1;
        bytes += batch.bytes;
      }
      void this.#post(this.#queued.splice(0, count), bytes, durability);
    }
  }

  async #post(batches: Batch[], bytes: number, durability: string | undefined): Promise<void> {
    this.#underWay += bytes;
    try {
      const page = encodePage(batches.flatMap((batch) => batch.records));
      const lengths = Uint32Array.from(batches, (batch) => batch.records.length);
      const { first, errors } = (await this.#send(page, lengths, durability === undefined ? {} : { durability })) as Sent;
      const refused = new Map(errors);
      batches.forEach((batch, index) => {
        const error = refused.get(index);
        if (error !== undefined) batch.reject(fromPlain(error));
        else batch.resolve({ first: first[index]!, next: first[index]! + batch.records.length });
      });
    } catch (error) {
      for (const batch of batches) batch.reject(error);
    } finally {
      this.#underWay -= bytes;
      this.#bytes -= bytes;
      this.#flush();
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve();
    }
  }
}
