// The shapes of what a log answers, as the engine gives them. Times and spans in them
// are milliseconds.

import type { fromSpan } from './time.js';

/** Offsets from `first` up to, and without, `next`. */
export interface Range { first: number; next: number }

/** The bounds of a log. */
export interface Bounds {
  /** The lowest readable offset; `next` if there is none. */
  oldest: number;
  /** The highest existing offset. */
  last: number | null;
  /** The offset the next append gets. */
  next: number;
  /** The first offset that is not known to be synced. */
  durable: number;
}

/** What a log amounts to. */
export interface Stat {
  bounds: Bounds;
  /** Records, without deleted ones. */
  records: number;
  /** Deleted and trimmed records whose bytes still count. */
  deleted: number;
  segments: number;
  /** Bytes of segments. */
  bytes: number;
  /** How often the log was opened for writing. */
  epoch: number;
  /** Bytes held in memory for reading. */
  cachedBytes: number;
}

/** Damage, and where it is. */
export interface Damage extends Range { blob: string; position: number; fault: string }

/** What opening found. */
export interface Recovery {
  epoch: number;
  /** A torn write was found and left behind. */
  torn: boolean;
  /** Records that are there, but that no sync vouches for. */
  unsynced: Range | null;
  /** Records that cannot be read any more. */
  damage: Damage[];
  /** Places that a second copy made good. */
  repaired: number;
}

/** Settings in force. */
export interface Settings {
  durability: 'buffered' | 'stored' | 'synced';
  compression: 'none' | 'lz4' | 'deflate';
  segmentBytes: number;
  indexes: { keys: boolean; times: boolean };
  retention: { age: number | null; bytes: number | null; records: number | null };
  segmentAge: ReturnType<typeof fromSpan>;
  producerExpiry: ReturnType<typeof fromSpan>;
}

/** What deleting did, or would do. */
export interface Deleted {
  records: number;
  /** Offsets given that had no record. */
  missing: number[];
  bytes: number;
}

/** What trimming did, or would do. */
export interface Trimmed { oldest: number; records: number; bytes: number }

/** What compaction did. */
export interface Compacted {
  records: number;
  tombstones: number;
  bytes: number;
  /** Where another call goes on. */
  next: number;
  more: boolean;
}

/** What compaction would do. */
export interface PlannedCompaction extends Compacted { offsets: number[] }

/** What maintenance did. */
export interface Maintained {
  /** There is more to do, beyond this call's budget. */
  more: boolean;
  trimmed: number;
  merged: number;
  indexed: number;
  removed: number;
  copied: number;
}

/** Something that is not as it should be. */
export interface Finding { kind: string; blob: string; position: number; fault: string; offsets: Range | null }

/** What checking found. */
export interface Report { healthy: boolean; findings: Finding[]; segments: number; records: number; bytes: number }

/** What salvage did. */
export interface Salvage { rebuilt: boolean; lost: Damage[]; masks: number; records: number; rewritten: number }

/** What backing up did. */
export interface BackedUp {
  next: number;
  segments: number;
  copied: number;
  copiedBytes: number;
  kept: number;
  removed: number;
  damage: Damage[];
}

/** What an import made. */
export interface Imported { next: number; records: number; bytes: number }
