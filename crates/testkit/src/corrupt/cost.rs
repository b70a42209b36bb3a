//! Owns what a hit may cost at most: worked out from the undamaged image, before the
//! engine has seen the damaged one.

use std::ops::Range;
use std::sync::Arc;

use tidelog_core::{BlobId, BlobKind};

use super::layout::{Frame, Layout, Segment, is_header};
use super::shelf::Blobs;

/// Bytes of a blob's header.
const BLOB_HEADER: usize = 64;

/// What becomes of what says what is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manifest {
    /// One copy at least has everything.
    Whole,
    /// Its last edits are gone as if they had never been written, or cut off in the
    /// middle: a crash may leave the same, and nobody can tell.
    Forgotten,
    /// Edits that nothing vouches for are damaged: opening may go back to those in
    /// front of them and say so.
    Torn,
    /// Its only copy is another log's, whole in itself: no segment of this log agrees
    /// with it, which checking tells.
    Foreign,
    /// It is damaged where something vouches for it, or where it begins.
    Damaged,
}

/// What a hit may cost.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Ranges of offsets that may be lost, if that is reported.
    pub lost: Vec<Range<u64>>,
    /// Ranges of offsets that are lost too if the manifest has to be made anew: those of
    /// segments whose headers were hit.
    pub unsalvaged: Vec<Range<u64>>,
    /// From this offset on, all may be taken for a torn end.
    pub torn: Option<u64>,
    /// What is behind there looks as if it had never been written, so that nobody can
    /// report it.
    pub forgotten: bool,
    /// What became of the manifest.
    pub manifest: Manifest,
    /// Bytes that count were changed, so that somebody has to say so.
    pub counts: bool,
}

impl Cost {
    /// What it may cost that `clean`, which has this layout, became `hit`.
    #[must_use]
    pub fn of(layout: &Layout, clean: &Blobs, hit: &Blobs) -> Self {
        let view = View { clean, hit };
        let mut cost = Self {
            lost: Vec::new(),
            unsalvaged: Vec::new(),
            torn: None,
            forgotten: false,
            manifest: Manifest::Whole,
            counts: false,
        };
        cost.manifest(layout, &view);
        let vouching = layout.segments.iter().rposition(|segment| {
            let mut frames = segment.frames.iter();
            frames.any(|frame| frame.earlier_synced && view.has_header(segment.blob, frame))
        });
        for (at, segment) in layout.segments.iter().enumerate() {
            let vouched = segment.sealed || vouching.is_some_and(|last| at < last);
            cost.segment(segment, vouched, &view);
        }
        if cost.manifest == Manifest::Forgotten {
            // Segments named by what is gone are none any more.
            cost.counts = false;
        }
        cost
    }

    fn manifest(&mut self, layout: &Layout, view: &View<'_>) {
        let copy = |kind| BlobId {
            kind,
            log: layout.log,
            number: layout.manifest,
        };
        let copies = [BlobKind::Manifest, BlobKind::ManifestCopy].map(copy);
        let mut copies = copies.into_iter().filter(|id| view.clean.contains_key(id));
        // Then no crash cuts anything.
        let atomic = copies.clone().count() == 1;
        let changed = |id: &BlobId| !view.is_same(*id, 0..BLOB_HEADER);
        // One that is whole, but another log's, leaves nobody to say which is right.
        let foreign = |id: &BlobId| {
            let hit = view.hit.get(id);
            changed(id) && hit.is_some_and(|hit| is_header(*id, hit))
        };
        let any_foreign = copies.clone().any(|id| foreign(&id));
        if any_foreign && copies.clone().count() == 1 {
            self.manifest = Manifest::Foreign;
            self.counts = true;
            return;
        }
        if any_foreign || copies.clone().all(|id| changed(&id)) {
            self.manifest = Manifest::Damaged;
        }
        for (at, (frame, whole)) in layout.edits.iter().enumerate() {
            let good = |id: &&BlobId| view.is_same(**id, frame.range.clone());
            let left = whole.iter().filter(good).count();
            self.counts |= whole.iter().any(|id| view.is_wrong(*id, frame));
            if left > 0 {
                continue;
            }
            self.counts = true;
            let start = frame.range.start;
            let behind = &layout.edits[at + 1..];
            let vouched = behind.iter().any(|(later, whole)| {
                let seen = whole.iter().any(|id| view.has_header(*id, later));
                seen && later.vouched > start as u64
            });
            let state = if at == 0 || vouched {
                Manifest::Damaged
            } else if copies.all(|id| match atomic {
                true => view.is_blank_from(id, start),
                false => view.is_cut_from(id, start),
            }) {
                Manifest::Forgotten
            } else {
                Manifest::Torn
            };
            self.manifest = self.manifest.max(state);
            break;
        }
    }

    fn segment(&mut self, segment: &Segment, vouched: bool, view: &View<'_>) {
        let blob = segment.blob;
        let header = view.is_same(blob, 0..BLOB_HEADER);
        if !header {
            self.unsalvaged.push(segment.offsets());
        }
        if let Some((footer, range)) = &segment.footer {
            self.counts |= !view.is_same(*footer, range.clone());
        }
        if let Some((mask, range)) = &segment.mask
            && !view.is_same(*mask, range.clone())
        {
            // Nobody knows any more what of it is deleted.
            self.counts = true;
            self.lost.push(segment.offsets());
        }
        let mut torn = false;
        for (at, frame) in segment.frames.iter().enumerate() {
            if frame.is_sound && view.is_same(blob, frame.range.clone()) {
                continue;
            }
            self.lost.push(frame.offsets.clone());
            if torn {
                continue;
            }
            let start = frame.range.start;
            let vouches =
                |later: &Frame| later.vouched > start as u64 && view.has_header(blob, later);
            if vouched || segment.frames[at + 1..].iter().any(vouches) {
                self.counts |= frame.is_sound;
                continue;
            }
            let from = frame.offsets.start;
            self.torn = Some(self.torn.map_or(from, |torn| torn.min(from)));
            if view.is_blank_from(blob, start) {
                self.forgotten = true;
                // A segment without records is none.
                self.counts |= !header && at > 0;
            } else {
                self.counts |= frame.is_sound;
            }
            torn = true;
        }
        self.counts |= !header && !torn;
    }
}

/// An image before and after.
struct View<'a> {
    clean: &'a Blobs,
    hit: &'a Blobs,
}

impl<'a> View<'a> {
    /// Whether these bytes are what they were. They may end early if they did before.
    fn is_same(&self, blob: BlobId, range: Range<usize>) -> bool {
        let (clean, hit) = (self.clean.get(&blob), self.hit.get(&blob));
        if let (Some(clean), Some(hit)) = (clean, hit)
            && Arc::ptr_eq(clean, hit)
        {
            return true;
        }
        part(clean, &range) == part(hit, &range)
    }

    fn has_header(&self, blob: BlobId, frame: &Frame) -> bool {
        self.is_same(blob, frame.range.start..frame.header_end)
    }

    /// Whether something else is where a frame was, and not just nothing: a crash may
    /// cut one copy of a manifest, which costs nothing and is not reported.
    fn is_wrong(&self, blob: BlobId, frame: &Frame) -> bool {
        let there = part(self.hit.get(&blob), &frame.range);
        let there = there.filter(|bytes| bytes.len() == frame.range.len());
        let header = there.and_then(|bytes| bytes.get(..frame.header_end - frame.range.start));
        !self.is_same(blob, frame.range.clone())
            && header.is_some_and(|header| header.iter().any(|byte| *byte != 0))
    }

    /// Whether a part of what was there from `start` on, maybe nothing, is followed by
    /// nothing but zeros: a crash while it was written may leave the same.
    fn is_cut_from(&self, blob: BlobId, start: usize) -> bool {
        let rest = |blobs: &'a Blobs| blobs.get(&blob).and_then(|bytes| bytes.get(start..));
        let clean = rest(self.clean).unwrap_or_default();
        let hit = rest(self.hit).unwrap_or_default();
        let end = hit.iter().rposition(|byte| *byte != 0);
        clean.starts_with(&hit[..end.map_or(0, |last| last + 1)])
    }

    /// Whether nothing but zeros is left from `start` on.
    fn is_blank_from(&self, blob: BlobId, start: usize) -> bool {
        let rest = self.hit.get(&blob).and_then(|bytes| bytes.get(start..));
        rest.is_none_or(|rest| rest.iter().all(|byte| *byte == 0))
    }
}

fn part<'a>(bytes: Option<&'a Arc<Vec<u8>>>, range: &Range<usize>) -> Option<&'a [u8]> {
    let bytes = bytes?;
    let end = range.end.min(bytes.len());
    bytes.get(range.start..end)
}
