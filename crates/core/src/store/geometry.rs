//! Owns what a store promises about its single operations.

/// What a store promises about single appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// An append is there as a whole after a crash, or not at all, and never without
    /// the earlier appends to its blob. Where it is not, the manifest is kept in two
    /// identical blobs.
    pub atomic_append: bool,
    /// Bytes around a write that a crash may damage beside the written ones,
    /// as a power of two to which writes are aligned; 0 where a write harms
    /// only what it writes (power-safe overwrite).
    pub blast_radius: u32,
    /// Bytes a blob may hold.
    pub longest_blob: u64,
    /// Appends a blob may receive; 0 where that is not bounded.
    pub appends_max: u32,
    /// Bytes below which an append costs the same whatever its size.
    pub cheap_append: u32,
}
