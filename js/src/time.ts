// The one place where times are converted. Users see milliseconds, as Date.now() gives
// them, with fractions down to a microsecond; the engine counts microseconds.

import { TidelogError } from './errors.js';

/** A moment: a Date, or milliseconds since 1970. */
export type Time = Date | number;

/** Microseconds since 1970, for the engine. */
export function toMicros(time: Time): number {
  const micros = Math.round(Number(time) * 1000);
  if (!Number.isSafeInteger(micros)) {
    throw new TidelogError('out-of-range',
      `${String(time)} is no time between the years 1684 and 2255, in milliseconds since 1970`);
  }
  return micros;
}

/** A span in microseconds, for the engine; undefined stays undefined. */
export const toSpan = (milliseconds: number | undefined): number | undefined =>
  milliseconds === undefined ? undefined : toMicros(milliseconds);

/** Milliseconds, from the engine's microseconds. */
export const fromMicros = (micros: number): number => micros / 1000;

/** The same, of what may be absent. */
export const fromSpan = (micros: number | null): number | null =>
  micros === null ? null : fromMicros(micros);
