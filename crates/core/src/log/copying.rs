//! Owns copying frames to a new place: into a segment that takes the place of others,
//! into an export, and out of one. Records keep their offsets; deleted ones stay behind.

use alloc::vec::Vec;

use super::error::Unread;
use super::frames::{BadFrame, VerifiedFrame, verify};
use super::group::{Vouch, reseal};
use super::growing::{Growing, KeyedRecord};
use super::regroup::Regroup;
use super::totals::{TimeSpan, Totals};
use super::window::Window;
use crate::format::{
    Compression, FRAME_HEADER_MAX, Fault, FrameHeader, KeyHasher, Mask, Seed, SegmentMeta,
};
use crate::options::Indexes;
use crate::store::BlockStore;

/// Bytes gathered before they are written.
pub(crate) const CHUNK: usize = 1 << 20;

/// Nothing of what is copied is unsynced once it is live.
const SYNCED: Vouch = Vouch {
    position: 0,
    earlier: true,
};

/// The records of a frame that stay.
#[derive(Clone, Copy)]
pub(crate) struct Staying<'a> {
    pub(crate) oldest: u64,
    pub(crate) mask: &'a Mask,
}

impl Staying<'_> {
    fn holds(&self, offset: u64) -> bool {
        offset >= self.oldest && !self.mask.contains(offset)
    }

    /// Whether a record of the frame may stay.
    fn leaves(&self, header: &FrameHeader) -> bool {
        let first = header.base_offset.max(self.oldest);
        self.mask.next_absent(first) < header.next_offset()
    }

    fn is_whole(&self, header: &FrameHeader) -> bool {
        let deleted = self.mask.next_present(header.base_offset);
        header.base_offset >= self.oldest
            && deleted.is_none_or(|offset| offset >= header.next_offset())
    }
}

/// Frames on their way to a new place.
pub(crate) struct Copying {
    seed: Seed,
    /// What offsets in the index count from; there is none of what is no segment.
    base: Option<u64>,
    hasher: Option<KeyHasher>,
    /// Of frames that have to be made anew.
    compression: Compression,
    /// Bytes of the new place in front of `out`.
    pub(crate) written: u64,
    pub(crate) out: Vec<u8>,
    pub(crate) totals: Totals,
    pub(crate) index: Growing,
    /// The offset of the first record.
    pub(crate) first: Option<u64>,
    keys: Vec<KeyedRecord>,
}

impl Copying {
    /// Into the segment of `meta`, of which `out` is the beginning.
    pub(crate) fn into_segment(
        seed: Seed,
        meta: &SegmentMeta,
        (indexes, hasher): (Indexes, Option<KeyHasher>),
        compression: Compression,
        out: Vec<u8>,
    ) -> Self {
        Self {
            base: Some(meta.base_offset),
            index: Growing::new(indexes),
            hasher,
            ..Self::into_export(seed, Totals::of(meta), compression, out)
        }
    }

    /// Into an export, of which `out` is the beginning. Frames lose their producers.
    pub(crate) fn into_export(
        seed: Seed,
        totals: Totals,
        compression: Compression,
        out: Vec<u8>,
    ) -> Self {
        Self {
            seed,
            base: None,
            hasher: None,
            compression,
            written: 0,
            out,
            totals,
            index: Growing::default(),
            first: None,
            keys: Vec::new(),
        }
    }

    /// Where the next frame goes.
    pub(crate) fn position(&self) -> u64 {
        self.written + self.out.len() as u64
    }

    /// The times of a frame that is about to be copied; `None` if it has no records.
    pub(crate) fn look(&mut self, frame: &VerifiedFrame<'_>) -> Result<Option<TimeSpan>, Fault> {
        self.keys.clear();
        frame.keyed(self.hasher, &mut self.keys)
    }

    /// The same; `None` as well if none of its records stays: then it is not decoded.
    pub(crate) fn look_for(
        &mut self,
        frame: &VerifiedFrame<'_>,
        staying: Staying<'_>,
    ) -> Result<Option<TimeSpan>, Fault> {
        match staying.leaves(&frame.header) {
            true => self.look(frame),
            false => Ok(None),
        }
    }

    /// Copies what stays of the frame looked at last, of which these are the bytes.
    pub(crate) fn put(
        &mut self,
        frame: &VerifiedFrame<'_>,
        bytes: &[u8],
        span: TimeSpan,
        staying: Staying<'_>,
    ) -> Result<(), Fault> {
        let position = self.position();
        if staying.is_whole(&frame.header) {
            let producer = frame.header.producer.filter(|_| self.base.is_some());
            let (out, seed) = (&mut self.out, self.seed);
            let sealed = reseal(out, &frame.header, producer, bytes, SYNCED, seed, position)?;
            self.count(position, &sealed, span);
        } else {
            let regroup = Regroup {
                seed: self.seed,
                written: self.written,
                compression: self.compression,
                vouch: SYNCED,
            };
            let mut out = core::mem::take(&mut self.out);
            let count = |at: u64, sealed: &FrameHeader, span| self.count(at, sealed, span);
            let put = regroup.put(&mut out, frame, |offset| staying.holds(offset), count);
            self.out = out;
            put?;
            self.keys.retain(|key| staying.holds(key.offset));
        }
        if let Some(base) = self.base {
            self.index.add_keys(base, &self.keys);
        }
        Ok(())
    }

    fn count(&mut self, position: u64, sealed: &FrameHeader, span: TimeSpan) {
        self.first.get_or_insert(sealed.base_offset);
        if let Some(base) = self.base {
            self.index.add(base, position, sealed);
        }
        self.totals.add(position, sealed, Some(span));
    }

    /// What has gathered, if that is enough to be written, or all of it. It counts as
    /// written.
    pub(crate) fn take(&mut self, all: bool) -> Option<Vec<u8>> {
        let due = !self.out.is_empty() && (all || self.out.len() >= CHUNK);
        due.then(|| {
            let bytes = core::mem::take(&mut self.out);
            self.written += bytes.len() as u64;
            bytes
        })
    }
}

/// Verifies the frame at `position` of a blob that ends at `limit`, and hands it with
/// its bytes to `each`. Returns what that did, and the length of the frame.
pub(crate) async fn with_frame<S: BlockStore, T>(
    window: &mut Window<'_, S>,
    seed: Seed,
    position: u64,
    limit: u64,
    each: impl FnOnce(&VerifiedFrame<'_>, &[u8]) -> T,
) -> Result<Result<(T, u64), BadFrame>, Unread<S::Error>> {
    let mut want = FRAME_HEADER_MAX;
    loop {
        let bytes = window.at(position, want, limit).await?;
        match verify(seed, position, bytes) {
            Ok(frame) => {
                let length = frame.header.frame_length() as u64;
                return Ok(Ok((each(&frame, bytes), length)));
            }
            Err(BadFrame {
                fault: Fault::Memory(bytes),
                ..
            }) => return Err(Unread::Memory(bytes)),
            Err(bad) if bad.fault == Fault::Short && bad.needs > want && bytes.len() >= want => {
                want = bad.needs;
            }
            Err(bad) => return Ok(Err(bad)),
        }
    }
}
