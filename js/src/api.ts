// What every entry exports beside the functions that need the engine.

export { bytes, checked, json, text, type Codec, type StandardSchema } from './codec.js';
export { TidelogError, type ErrorCode, type ErrorDetails } from './errors.js';
export {
  Log, type AppendOptions, type CompactOptions, type Durability, type FollowOptions, type Place,
  type Produced, type Producer, type Reading, type ReadOptions, type SettingOptions, type TrimOptions,
} from './log.js';
export type { OpenOptions, StorageOptions } from './open.js';
export type { Appended } from './outbox.js';
export { LogRecord, Page, type Header, type HeaderInput, type NewRecord } from './page.js';
export type {
  BackedUp, Bounds, Compacted, Damage, Deleted, Finding, Imported, Maintained, PlannedCompaction,
  Range, Recovery, Report, Salvage, Settings, Stat, Trimmed,
} from './reports.js';
export { persist, type StorageKind, type StorageReport } from './storage.js';
export type { Time } from './time.js';
export type { WasmSource } from './wasm.js';
