//! Owns ending the active segment: its footer, and the edit that says where it ends.

use alloc::vec::Vec;

use super::commit::{Doing, Io};
use super::segment::segment_blob;
use super::writer::Writer;
use crate::Bytes;
use crate::format::{Edit, Fault, FooterPlace};
use crate::planted::{Bug, planted};
use crate::store::StoreError;

impl<E> Writer<E> {
    /// Lets what is staged end where it is: the next batch goes into a new segment.
    pub(crate) const fn end_staged(&mut self) {
        self.ends = self.next_number - 1;
        self.place = None;
    }
}

impl<E: StoreError> Writer<E> {
    /// The footer of the active segment, if it can take one and has none.
    pub(super) fn footer(&self) -> Result<Option<(Doing, Io)>, Fault> {
        let Some(active) = &self.active else {
            return Ok(None);
        };
        if active.broken || active.footer != FooterPlace::None {
            return Ok(None);
        }
        let footer = active.totals.footer(
            active.meta.base_offset,
            &active.index,
            self.building,
            self.active_producers(),
        );
        let position = active.totals.data_end;
        let mut bytes = Vec::new();
        footer.encode(
            super::segment::segment_seed(self.log, &active.meta),
            position,
            &mut bytes,
        )?;
        let blob = segment_blob(self.log, active.meta.number);
        Ok(Some((
            Doing::Footer,
            Io::Append {
                blob,
                position,
                bytes: Bytes::from(bytes),
            },
        )))
    }

    /// Ends the active segment and names the one at the front of the queue.
    pub(super) fn roll(&mut self) -> Result<Option<(Doing, Io)>, Fault> {
        let mut edits = Vec::new();
        let mut hash = self
            .live
            .segments
            .values()
            .next_back()
            .map(|meta| meta.content_hash)
            .or(Some(self.live.facts.trim.hash));
        if let Some(active) = &self.active {
            let mut meta = active.totals.ended(&active.meta, active.footer, false);
            hash = Some(meta.content_hash);
            meta.next_offset -= u64::from(planted(Bug::RollOffByOne));
            edits.push(Edit::Segment(meta));
        }
        if let Some(front) = self.queue.front_mut() {
            front.meta.base_hash = hash.unwrap_or_default();
            edits.push(Edit::Segment(front.meta));
        }
        self.write_edits(edits, true)
    }

    /// Whether the active segment ends without being full.
    pub(super) fn must_end(&self) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| active.meta.number <= self.ends)
    }

    /// Whether something is queued for the active segment.
    pub(super) fn queues_for_active(&self) -> bool {
        let active = self.active.as_ref().map(|active| active.meta.number);
        self.queue
            .iter()
            .any(|group| Some(group.meta.number) == active)
    }

    /// Ends the active segment, with a footer. Nothing is queued for it.
    pub(super) fn end_active(&mut self) -> Result<Option<(Doing, Io)>, Fault> {
        if let Some(footer) = self.footer()? {
            return Ok(Some(footer));
        }
        let ended = self.active.as_ref().map(|active| {
            let meta = active.totals.ended(&active.meta, active.footer, false);
            Edit::Segment(meta)
        });
        self.write_edits(ended.into_iter().collect(), true)
    }
}
