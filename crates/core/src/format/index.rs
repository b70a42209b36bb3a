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
    const LENGTH: usize = 8;

    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.delta.to_le_bytes());
        out.extend_from_slice(&self.position.to_le_bytes());
    }

    fn take(input: &mut Input<'_>) -> Result<Self, Fault> {
        Ok(Self {
            delta: input.u32()?,
            position: input.u32()?,
        })
    }

    /// The entries of a verified payload.
    pub(crate) fn take_all(payload: &[u8], items: usize) -> Result<Vec<Self>, Fault> {
        let malformed = Fault::Malformed("offset index");
        if payload.len() != items.checked_mul(Self::LENGTH).ok_or(malformed)? {
            return Err(malformed);
        }
        let mut input = Input::new(payload);
        let mut entries = Vec::new();
        Fault::reserve(&mut entries, items)?;
        while !input.is_empty() {
            entries.push(Self::take(&mut input)?);
        }
        match entries.is_sorted_by(|a, b| a.delta < b.delta && a.position < b.position) {
            true => Ok(entries),
            false => Err(Fault::Malformed("order of the offset index")),
        }
    }
}
