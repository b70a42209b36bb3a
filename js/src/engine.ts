// Owns the engine on the side where it runs: the objects that calls name by number, and
// the moment from which it is dead.

import init, { WebStores } from '../generated/engine.js';
import { TidelogError, toPlain } from './errors.js';
import type { Answer, Callee } from './rpc.js';
import { compile, type WasmSource } from './wasm.js';

interface Freed {
  free(): void;
}
type Methods = Freed & Record<string, (...args: unknown[]) => unknown>;

/** Runs the calls that a page makes. */
export class Engine implements Callee {
  readonly #objects = new Map<number, Methods>();
  #last = 0;
  #started: Promise<unknown> | undefined;
  #dead: TidelogError | undefined;

  async call(target: number, method: string, args: readonly unknown[], ask: Answer): Promise<unknown> {
    if (this.#dead !== undefined) throw this.#dead;
    try {
      return await (target === 0 ? this.#own(method, args) : this.#on(target, method, args, ask));
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) {
        this.#dead = new TidelogError('internal',
          `the engine stopped and cannot go on; reload the page: ${error.message}`);
        throw this.#dead;
      }
      throw error;
    }
  }

  #own(method: string, args: readonly unknown[]): Promise<unknown> {
    switch (method) {
      case 'start': return this.#start(args[0] as WasmSource);
      case 'open': return this.#open(args[0]);
      case 'forget': return this.#forget(args[0] as number);
      default: throw new TidelogError('internal', `the engine has no call named ${method}`);
    }
  }

  async #start(source: WasmSource): Promise<void> {
    this.#started ??= compile(source).then((module) => init({ module_or_path: module }));
    try {
      await this.#started;
    } catch (error) {
      this.#started = undefined;
      throw error;
    }
  }

  #keep(object: unknown): number {
    this.#objects.set(++this.#last, object as Methods);
    return this.#last;
  }

  async #open(place: unknown): Promise<number> {
    return this.#keep(await WebStores.open(place));
  }

  async #forget(number: number): Promise<void> {
    const object = this.#objects.get(number);
    this.#objects.delete(number);
    object?.free();
  }

  async #on(target: number, method: string, args: readonly unknown[], ask: Answer): Promise<unknown> {
    const object = this.#objects.get(target);
    if (object === undefined) throw new TidelogError('closed', 'the log was closed');
    const call = object[method];
    if (call === undefined) throw new TidelogError('internal', `the engine has no call named ${method}`);
    switch (method) {
      case 'log': {
        const log = (await call.apply(object, [...args])) as Methods;
        const facts = { bounds: log['bounds']!(), recovery: log['recovery']!(), settings: log['settings']!() };
        return { number: this.#keep(log), ...facts };
      }
      case 'backup':
        return call.call(object, this.#objects.get(args[0] as number), args[1]);
      case 'exportTo':
        return call.call(object, ask);
      case 'importFrom':
        return call.call(object, args[0], () => ask(null));
      default:
        return call.apply(object, [...args]);
    }
  }
}

export { toPlain };
