//! Owns the picture of a log of which nothing changes while somebody has the turn: what
//! backing up and exporting copy.

use super::error::{Failure, SyncError};
use super::manifest::ManifestState;
use super::turn::Turn;
use super::writer::Writer;
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

impl<S: BlockStore, P: Sharing> Turn<'_, S, P> {
    /// Ends the active segment, and returns what is live with everything that was
    /// appended so far, and two random numbers. Appending goes on in segments that are
    /// not part of it.
    pub(crate) async fn unchanging(
        &self,
    ) -> Result<(ManifestState, [u64; 2]), SyncError<S::Error>> {
        let inner = self.inner();
        let Some(cell) = &inner.writer else {
            return Err(SyncError::ReadOnly);
        };
        let mut wanted = u64::MAX;
        loop {
            let end = |writer: &mut Writer<S::Error>| {
                writer.usable()?;
                writer.queue_copies().map_err(Failure::from)?;
                writer.end_staged();
                Ok((writer.quiet(), writer.staged_next))
            };
            // What a full store refused meanwhile is not waited for.
            wanted = wanted.min(inner.reach(end).await?);
            let (state, random) = cell.read(|writer| {
                let random = [writer.host.random(), writer.host.random()];
                (writer.unchanging(), random)
            });
            // Where a write had to be moved, its segment has yet to end.
            if state.facts.next_offset >= wanted {
                return Ok((state, random));
            }
        }
    }
}

impl<E> Writer<E> {
    /// What is live, up to the first segment that can change.
    fn unchanging(&self) -> ManifestState {
        let mut state = self.live.clone();
        let first = state.segments.iter().find(|(_, meta)| !meta.sealed);
        if let Some(first) = first.map(|(key, _)| *key) {
            for meta in state.segments.split_off(&first).values() {
                state.masks.remove(&meta.number);
            }
            state.facts.next_offset = first.0;
        } else {
            // Segments at the end of which nothing was left are gone; their offsets count.
            state.facts.next_offset = state.facts.next_offset.max(self.durable);
        }
        state.facts.allocated = state.facts.allocated.max(self.next_number);
        state
    }
}
