//! Owns what is kept of producers when the segments with their batches go.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::drive::Inner;
use super::error::MaintainError;
use super::writer::Writer;
use crate::format::{Edit, SegmentMeta};
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    /// The edits that keep producers whose newest batch is in one of the segments
    /// `gone`.
    pub(crate) async fn carried(
        &self,
        gone: &[SegmentMeta],
    ) -> Result<Vec<Edit>, MaintainError<S::Error>> {
        let mut states = BTreeMap::new();
        for meta in gone {
            self.producers_of(meta, &mut states).await?;
        }
        let Some(cell) = &self.writer else {
            return Ok(Vec::new());
        };
        Ok(cell.read(|writer: &Writer<S::Error>| {
            let durable = writer.durable;
            states.retain(|id, state| !writer.producers.supersedes(id, state, durable));
            let edits = states.into_iter();
            edits.map(|(id, state)| Edit::Producer(id, state)).collect()
        }))
    }
}
