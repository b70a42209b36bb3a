// The entry `tidelog/testing`: a clock to set, and storage that fails when told to. Works
// with the logs of every other entry.

import type { ErrorCode } from './errors.js';
import { partsOf, type Log } from './log.js';
import { toMicros, type Time } from './time.js';

/** Sets the clock of every log in the storage and namespace of this one. */
export async function setClock<V, K>(log: Log<V, K>, time: Time): Promise<void> {
  const { connection, stores } = partsOf(log);
  await connection.call(stores, 'setClock', [toMicros(time)]);
}

/** Makes the next operation of this sort fail, with an error of this code, in the storage
 * and namespace of this log. */
export async function failNext<V, K>(log: Log<V, K>, operation: 'read' | 'append' | 'sync', code: ErrorCode): Promise<void> {
  const { connection, stores } = partsOf(log);
  await connection.call(stores, 'fail', [operation, code]);
}
