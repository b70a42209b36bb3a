// Codecs: how keys and values become bytes. What a codec refuses is never sent.

import { TidelogError } from './errors.js';

/** Turns values into bytes and back. A string stands for its UTF-8. */
export interface Codec<T> {
  encode(value: T): Uint8Array | string;
  decode(bytes: Uint8Array): T;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Values as JSON: the default for values. */
export const json: Codec<unknown> = {
  encode(value) {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) {
      throw new TidelogError('invalid', `a ${typeof value} cannot be written as JSON`);
    }
    return text;
  },
  decode: (bytes) => JSON.parse(decoder.decode(bytes)) as unknown,
};

/** Text as UTF-8: the default for keys. */
export const text: Codec<string> = {
  encode(value) {
    if (typeof value !== 'string') {
      throw new TidelogError('invalid', `a ${typeof value} was given where text is expected`);
    }
    return value;
  },
  decode: (bytes) => decoder.decode(bytes),
};

/** Bytes as they are. Decoded ones are a view on the page that was read. */
export const bytes: Codec<Uint8Array> = {
  encode(value) {
    if (!(value instanceof Uint8Array)) {
      throw new TidelogError('invalid', `a ${typeof value} was given where a Uint8Array is expected`);
    }
    return value;
  },
  decode: (found) => found,
};

/** The part of Standard Schema (standardschema.dev) that validators have in common. */
export interface StandardSchema<In = unknown, Out = In> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Out> | Promise<StandardResult<Out>>;
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
  };
}

type StandardResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** A codec that writes only what the schema accepts, as the schema returns it. */
export function checked<T>(schema: StandardSchema<unknown, T>, inner: Codec<unknown> = json): Codec<T> {
  return {
    encode(value) {
      const result = schema['~standard'].validate(value);
      if (result instanceof Promise) {
        throw new TidelogError('unsupported', 'schemas that validate asynchronously cannot be used');
      }
      if (result.issues !== undefined) {
        const words = result.issues.map((issue) => issue.message).join('; ');
        throw new TidelogError('invalid', `the schema refuses the value: ${words}`, { issues: result.issues });
      }
      return inner.encode(result.value);
    },
    decode: (found) => inner.decode(found) as T,
  };
}
