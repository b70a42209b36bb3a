// The entry `tidelog/slim`: brings neither worker nor module; the caller passes both.

import { entry } from './open.js';

export * from './api.js';
export const { open, list, remove, recover, importLog } = entry({});
