//! Owns giving back memory that reading holds.

use super::handle::Log;
use crate::sharing::Sharing;
use crate::store::BlockStore;

/// What of the memory that reading holds is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// What was used since the last call with this: called every minute, it drops
    /// what has been idle for one to two.
    Used,
    /// About this many bytes, of what is used most; 0 for nothing.
    Bytes(usize),
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Drops blocks, indexes and masks of ended segments from memory; reads load them
    /// again. Returns the bytes given back. What the writer holds of segments without a
    /// footer stays.
    pub fn gc(&self, keep: Keep) -> usize {
        let cache = &self.inner().cache;
        let before = cache.weight();
        match keep {
            Keep::Used => cache.drop_unused(),
            Keep::Bytes(bytes) => cache.shrink(bytes),
        }
        before.saturating_sub(cache.weight())
    }
}
