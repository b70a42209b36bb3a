// The one error class, and its codes. They are those of the engine (ErrorKind in
// crates/core/src/error.rs), the same on every surface.

/** What the caller should do about an error; the same word on every surface of tidelog. */
export type ErrorCode =
  | 'invalid' | 'not-found' | 'out-of-range' | 'no-index' | 'conflict' | 'locked' | 'fenced'
  | 'exists' | 'read-only' | 'full' | 'too-large' | 'corrupt' | 'lost' | 'unavailable'
  | 'timeout' | 'throttled' | 'unauthenticated' | 'forbidden' | 'poisoned' | 'closed'
  | 'unsupported' | 'internal';

/** What an error names beside its sentence: offsets, limits, places. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** Every error of this package, except a TypeError for options that cannot be, and the
 * reason of an AbortSignal. */
export class TidelogError extends Error {
  override readonly name = 'TidelogError';
  /** What to do about it. */
  readonly code: ErrorCode;
  /** What it is about: `offset`, `oldest`, `next`, `limit`, ... */
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** An error as it crosses from the worker: class instances do not survive that. */
export interface PlainError {
  code: ErrorCode;
  message: string;
  details: ErrorDetails;
}

const isPlain = (error: unknown): error is PlainError =>
  typeof error === 'object' && error !== null && 'code' in error && 'details' in error;

/** Makes whatever the engine threw something that can be posted. */
export function toPlain(error: unknown): PlainError {
  if (isPlain(error)) {
    return { code: error.code, message: error.message, details: error.details };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: `the engine failed: ${message}`, details: {} };
}

/** Makes it an error again, in the page. */
export function fromPlain({ code, message, details }: PlainError): TidelogError {
  return new TidelogError(code, message, details);
}
