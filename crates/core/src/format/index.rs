//! Owns the entries of a segment's offset index.

use alloc::vec::Vec;

use super::Fault;
use super::wire::Input;

/// Where a frame starts, relative to the base offset of its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    /// First offset of the frame less the segment's base offset.
    pub(crate) delta: u32,
    /// Position of the frame in the segment.
    pub(crate) position: u32,
}

impl IndexEntry {
    /// Bytes of an entry.
    pub(super) const LENGTH: usize = 8;

    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.delta.to_le_bytes());
        out.extend_from_slice(&self.position.to_le_bytes());
    }

    pub(super) fn take(input: &mut Input<'_>) -> Result<Self, Fault> {
        Ok(Self {
            delta: input.u32()?,
            position: input.u32()?,
        })
    }
}
