//! Owns what is counted while frames are written or scanned: the facts that end
//! up in a segment's manifest entry and footer.

use alloc::vec::Vec;

use super::growing::{Growing, KeyList};
use crate::format::{
    BLOB_HEADER, ContentHash, Footer, FooterPlace, FooterRoot, FrameHeader, ProducerState,
    SegmentMeta,
};
use crate::options::Indexes;
use crate::producer::ProducerId;

/// The earliest and the latest time in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeSpan {
    pub(crate) min: i64,
    pub(crate) max: i64,
}

impl TimeSpan {
    pub(crate) fn include(&mut self, time: i64) {
        self.min = self.min.min(time);
        self.max = self.max.max(time);
    }
}

/// What the frames of a segment add up to, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub(crate) next_offset: u64,
    pub(crate) records: u64,
    pub(crate) data_end: u64,
    pub(crate) span: Option<TimeSpan>,
    pub(crate) clamp: i64,
    pub(crate) hash: ContentHash,
    pub(crate) producers: u64,
}

impl Totals {
    /// The totals of a segment without frames.
    pub(crate) const fn start(base_offset: u64, clamp: i64, hash: ContentHash) -> Self {
        Self {
            next_offset: base_offset,
            records: 0,
            data_end: BLOB_HEADER as u64,
            span: None,
            clamp,
            hash,
            producers: 0,
        }
    }

    pub(crate) fn of(meta: &SegmentMeta) -> Self {
        Self::start(meta.base_offset, meta.base_clamp, meta.base_hash)
    }

    /// Adds the frame at `position`. A batch has a span.
    pub(crate) fn add(&mut self, position: u64, frame: &FrameHeader, span: Option<TimeSpan>) {
        self.data_end = position + frame.frame_length() as u64;
        self.hash = self.hash.frame(frame.header_crc, frame.body_crc);
        self.clamp = self.clamp.max(frame.clamp_floor);
        let Some(span) = span else { return };
        self.next_offset = frame.next_offset();
        self.records += u64::from(frame.record_count);
        self.producers += u64::from(frame.producer.is_some());
        self.clamp = self.clamp.max(span.max);
        match &mut self.span {
            Some(own) => {
                own.include(span.min);
                own.include(span.max);
            }
            None => self.span = Some(span),
        }
    }

    /// The manifest entry of `meta`'s segment, had it ended here.
    pub(crate) fn ended(
        &self,
        meta: &SegmentMeta,
        footer: FooterPlace,
        sealed: bool,
    ) -> SegmentMeta {
        let span = self.span.unwrap_or(TimeSpan { min: 0, max: 0 });
        SegmentMeta {
            next_offset: self.next_offset,
            records: self.records,
            data_end: self.data_end,
            min_time: span.min,
            max_time: span.max,
            clamp: self.clamp,
            content_hash: self.hash,
            producers: self.producers,
            footer,
            sealed,
            ..*meta
        }
    }

    /// The footer of the segment that starts at `base_offset`, had it ended here, with
    /// these indexes.
    pub(crate) fn footer(
        &self,
        base_offset: u64,
        index: &Growing,
        indexes: Indexes,
        producers: Vec<(ProducerId, ProducerState)>,
    ) -> Footer {
        let span = self.span.unwrap_or(TimeSpan { min: 0, max: 0 });
        let mut root = FooterRoot::default();
        root.base_offset = base_offset;
        root.next_offset = self.next_offset;
        root.records = self.records;
        root.data_end = self.data_end;
        (root.min_time, root.max_time) = (span.min, span.max);
        root.clamp = self.clamp;
        root.content_hash = self.hash;
        Footer {
            root,
            offsets: index.offsets.iter().copied().collect(),
            producers,
            times: index
                .floors
                .as_ref()
                .filter(|_| indexes.times)
                .map(|floors| floors.iter().copied().collect()),
            keys: index
                .keys
                .as_ref()
                .filter(|_| indexes.keys)
                .map(KeyList::sorted),
        }
    }
}
