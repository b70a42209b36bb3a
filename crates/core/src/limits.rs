//! Every number the engine will not go beyond. Nothing else in the crate holds
//! one.

/// Bytes of key, value and headers of one record. 16 MiB.
pub const RECORD_MAX: usize = 16 << 20;

/// Bytes of one encoded batch, which is one frame. 32 MiB.
pub const BATCH_MAX: usize = 32 << 20;

/// Records of one batch.
pub const BATCH_RECORDS_MAX: usize = 1 << 20;

/// Headers of one record.
pub const HEADERS_MAX: usize = 1 << 10;

/// Offsets stay below 2^53, so that every JavaScript build can name each.
pub const OFFSET_MAX: u64 = (1 << 53) - 1;

/// Numbers of blobs and logs, and epochs, stay below 2^53 as well.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Bytes of a segment or an index, whatever a manifest says. 2 GiB.
pub const BLOB_MAX: u64 = 2 << 30;

/// Smallest and largest alignment of padding, in bytes.
pub const ALIGN_MIN: u32 = 64;
/// See [`ALIGN_MIN`].
pub const ALIGN_MAX: u32 = 64 << 10;

/// Bytes written but not yet synced before an append waits for a sync. 16 MiB.
/// It bounds what recovery reads beyond the last sync.
pub const UNSYNCED_MAX: u64 = 16 << 20;

/// Bytes queued behind a commit in flight before an append waits. 16 MiB.
pub const QUEUED_MAX: usize = 16 << 20;

/// Bytes of buffered records before they are handed to the store unasked.
pub const BUFFERED_MAX: usize = 256 << 10;

/// Bytes a store keeps in hand so that a manifest can still be written when it
/// refuses everything else as full. 64 KiB.
pub const MANIFEST_RESERVE: u64 = 64 << 10;

/// Removals that wait until nobody waits for anything else: a process that is always
/// busy, or always killed, would leave everything it is done with to the next opening.
pub const REMOVALS_MAX: usize = 4;

/// Bytes of edits after which a manifest is rewritten as a snapshot.
pub const MANIFEST_EDITS_MAX: u64 = 256 << 10;

/// Smallest and largest size at which a segment is rolled.
pub const SEGMENT_MIN: u64 = 4 << 10;
/// See [`SEGMENT_MIN`]. 1 GiB, so that every position fits 32 bits with room
/// for the largest batch.
pub const SEGMENT_MAX: u64 = 1 << 30;
/// The size at which a segment is rolled unless the log says otherwise.
pub const SEGMENT_DEFAULT: u64 = 64 << 20;

/// Bytes between two entries of a segment's offset index, and with it the size
/// of a cached block of small batches.
pub const INDEX_STRIDE: u64 = 4 << 10;

/// Offsets a segment spans before it is rolled, where keys are indexed: what its key
/// index takes in memory while it grows stays below 32 MiB.
pub const SEGMENT_KEYS_MAX: u64 = 1 << 20;

/// Batches of one producer whose offsets a duplicate is answered with.
pub const PRODUCER_WINDOW: usize = 8;

/// Bytes of blocks a log keeps in memory unless told otherwise. 16 MiB.
pub const CACHE_DEFAULT: usize = 16 << 20;

/// Shards of that memory, so that readers on several threads seldom meet.
pub const CACHE_SHARDS: usize = 16;

/// Bytes of a shard, unless the whole has less, or more than [`CACHE_SHARDS`] of these:
/// room for the largest filter and others beside it. 4 MiB.
pub const CACHE_SHARD: usize = 4 << 20;

/// Deleted offsets of one segment that a manifest edit holds itself; more of them go
/// into a mask blob.
pub const MASK_OFFSETS_MAX: usize = 256;

/// Bytes of one frame of a mask blob, about. 64 KiB.
pub const MASK_FRAME_BYTES: usize = 64 << 10;

/// Segment numbers allocated by one manifest edit.
pub const NUMBERS_PER_EDIT: u64 = 64;

/// Bytes of a log's name. Names are UTF-8 without control characters.
pub const NAME_MAX: usize = 255;

/// Times a blob may turn out shorter than the store has just said, in one read. A
/// writer beside a reader may give space back; a store that goes on contradicting
/// itself is broken, and what it holds is not taken for empty.
pub const SHRINKS_MAX: u32 = 3;
