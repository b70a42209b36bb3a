// The calls between a page and the engine, in a worker or beside it. Owns numbering,
// transfer and what happens when the other side goes away; knows no verb.

import { fromPlain, TidelogError, toPlain, type PlainError } from './errors.js';

/** What the engine may ask of the caller while a call is under way. */
export type Answer = (question: unknown) => Promise<unknown>;

/** Somewhere that runs calls. Target 0 is the engine itself, others what it has opened. */
export interface Connection {
  call(target: number, method: string, args: readonly unknown[], answer?: Answer): Promise<unknown>;
}

/** What runs the calls that arrive. */
export interface Callee {
  call(target: number, method: string, args: readonly unknown[], ask: Answer): Promise<unknown>;
}

type ToWorker =
  | { id: number; target: number; method: string; args: readonly unknown[] }
  | { id: number; answer: unknown }
  | { id: number; refusal: PlainError };

type FromWorker =
  | { id: number; value: unknown }
  | { id: number; error: PlainError }
  | { id: number; question: unknown };

/** The messages' ends that a worker, and a test, has. */
interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
}

/** Buffers are moved, not copied: those of bytes that are handed over whole. */
function transfers(values: readonly unknown[]): Transferable[] {
  const buffers: Transferable[] = [];
  for (const value of values) {
    if (value instanceof Uint8Array && value.byteLength === value.buffer.byteLength) {
      buffers.push(value.buffer as ArrayBuffer);
    }
  }
  return buffers;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  answer: Answer | undefined;
}

/** The page's side of a worker. */
export class Remote implements Connection {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #failed: TidelogError | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener('message', (event: MessageEvent<FromWorker>) => this.#receive(event.data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#fail(new TidelogError('unavailable',
        'the worker of tidelog could not be started, or failed: '
        + `${event.message || 'its script did not load; see that it is served, and that the '
          + 'content security policy allows it (worker-src)'}`));
    });
    worker.addEventListener('messageerror', () => {
      this.#fail(new TidelogError('internal', 'a message of the worker could not be read'));
    });
  }

  call(target: number, method: string, args: readonly unknown[], answer?: Answer): Promise<unknown> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, answer });
      try {
        this.#post({ id, target, method, args }, transfers(args));
      } catch (cause) {
        this.#waiting.delete(id);
        reject(new TypeError(`an argument cannot be handed to the worker: ${String(cause)}`, { cause }));
      }
    });
  }

  #post(message: ToWorker, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if ('question' in message) {
      void this.#answer(message.id, message.question, waiting.answer);
      return;
    }
    this.#waiting.delete(message.id);
    if ('error' in message) waiting.reject(fromPlain(message.error));
    else waiting.resolve(message.value);
  }

  async #answer(id: number, question: unknown, answer: Answer | undefined): Promise<void> {
    try {
      const value = await answer?.(question);
      this.#post({ id, answer: value }, []);
    } catch (error) {
      this.#post({ id, refusal: toPlain(error) }, []);
    }
  }

  #fail(error: TidelogError): void {
    this.#failed = error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

/** The engine beside its caller, in one thread. */
export class Direct implements Connection {
  readonly #callee: Callee;

  constructor(callee: Callee) {
    this.#callee = callee;
  }

  async call(target: number, method: string, args: readonly unknown[], answer?: Answer): Promise<unknown> {
    try {
      return await this.#callee.call(target, method, args, async (question) => answer?.(question));
    } catch (error) {
      throw error instanceof TypeError || error instanceof TidelogError ? error : fromPlain(toPlain(error));
    }
  }
}

/** The worker's side: runs what arrives on `port`. */
export function serve(port: Port & { onmessage: ((event: MessageEvent) => void) | null }, callee: Callee): void {
  const asked = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  const post = (message: FromWorker, transfer: Transferable[] = []): void => port.postMessage(message, transfer);

  async function run(id: number, target: number, method: string, args: readonly unknown[]): Promise<void> {
    const ask: Answer = (question) => new Promise((resolve, reject) => {
      asked.set(id, { resolve, reject });
      post({ id, question }, transfers([question]));
    });
    try {
      const value = await callee.call(target, method, args, ask);
      post({ id, value }, transfers([value]));
    } catch (error) {
      post({ id, error: toPlain(error) });
    }
  }

  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if ('method' in data) {
      void run(data.id, data.target, data.method, data.args);
      return;
    }
    const waiting = asked.get(data.id);
    asked.delete(data.id);
    if ('refusal' in data) waiting?.reject(fromPlain(data.refusal));
    else waiting?.resolve(data.answer);
  };
}
