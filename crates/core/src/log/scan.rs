//! Owns reading one segment from front to back without trusting a byte of it.
//!
//! # Invariants
//!
//! - A bad frame below a vouched position is damage: it is reported, and what
//!   follows it is read on. Above every vouched position it is a tear: what
//!   follows does not count.
//! - What a frame vouches for is known only once a later frame was read, so
//!   frames past the last vouched position are kept apart.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::error::{Corruption, Unread};
use super::frames::{BadFrame, KnownFrame, VerifiedFrame, next_header, verify};
use super::growing::{Growing, KeyedRecord};
use super::totals::{TimeSpan, Totals};
use super::window::Window;
use crate::format::{
    ALIGN, BLOB_HEADER, Compression, FRAME_HEADER_MAX, Fault, Footer, FrameHeader, FrameKind,
    KeyHasher, RATIO_MAX, RECORD_MIN, Seed, SegmentMeta,
};
use crate::log::segment::{segment_blob, segment_seed};
use crate::options::Indexes;
use crate::store::{BlockStore, LogId};
use crate::{ErrorKind, limits};

/// Records that damage has made unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first offset that cannot be read.
    pub first: u64,
    /// The offset after the last one.
    pub next: u64,
    /// Where, and what is wrong.
    pub place: Corruption,
}

/// A valid frame that nothing vouches for yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LooseFrame {
    pub(crate) position: u64,
    pub(crate) header: FrameHeader,
    pub(crate) span: Option<TimeSpan>,
}

/// What reading a segment found.
pub(crate) struct SegmentScan {
    log: LogId,
    pub(crate) meta: SegmentMeta,
    /// Of all valid frames.
    pub(crate) all: Totals,
    /// Of the frames that are vouched for.
    pub(crate) vouched: Totals,
    pub(crate) index: Growing,
    /// The frames past `vouched`, in order.
    pub(crate) loose: VecDeque<LooseFrame>,
    /// Their bytes, if asked for: from the first loose frame on.
    pub(crate) loose_bytes: Vec<u8>,
    /// Every frame of a producer, in order.
    pub(crate) produced: Vec<LooseFrame>,
    pub(crate) damage: Vec<Damage>,
    /// Where what was read, damage included, ends.
    pub(crate) end: u64,
    /// A frame that only a newer or a fuller build can read; reading stopped there.
    pub(crate) unsupported: Option<Corruption>,
    /// Why reading stopped, unless nothing was left.
    pub(crate) tear: Option<Corruption>,
    /// The bytes behind the tear that are not blank.
    pub(crate) torn_bytes: u64,
    /// A frame says that every earlier segment was synced as a whole.
    pub(crate) earlier_synced: bool,
    /// A batch in it is packed.
    packed: bool,
}

impl SegmentScan {
    fn new(log: LogId, meta: SegmentMeta, keys: bool) -> Self {
        Self {
            log,
            meta,
            all: Totals::of(&meta),
            vouched: Totals::of(&meta),
            index: Growing::new(Indexes { keys, times: true }),
            loose: VecDeque::new(),
            loose_bytes: Vec::new(),
            produced: Vec::new(),
            damage: Vec::new(),
            end: meta.data_end,
            unsupported: None,
            tear: None,
            torn_bytes: 0,
            earlier_synced: false,
            packed: false,
        }
    }

    fn add(&mut self, frame: LooseFrame, bytes: Option<&[u8]>) -> Result<(), Fault> {
        let LooseFrame {
            position,
            header,
            span,
        } = frame;
        if header.kind == FrameKind::Batch {
            self.index.add(self.meta.base_offset, position, &header);
        }
        if header.producer.is_some() {
            Fault::reserve(&mut self.produced, 1)?;
            self.produced.push(frame);
        }
        self.all.add(position, &header, span);
        self.earlier_synced |= header.attributes.earlier_synced;
        self.packed |= header.attributes.compression != Compression::None;
        self.vouch(header.vouched);
        let refused = |_| Fault::Memory(size_of::<LooseFrame>());
        self.loose.try_reserve(1).map_err(refused)?;
        self.loose.push_back(frame);
        if let Some(bytes) = bytes {
            Fault::reserve(&mut self.loose_bytes, bytes.len())?;
            self.loose_bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Everything before `position` was synced.
    pub(crate) fn vouch(&mut self, position: u64) {
        let mut bytes = 0;
        while let Some(frame) = self.loose.front()
            && frame.position < position
        {
            self.vouched.add(frame.position, &frame.header, frame.span);
            bytes += frame.header.frame_length();
            self.loose.pop_front();
        }
        self.loose_bytes.drain(..bytes.min(self.loose_bytes.len()));
    }

    /// Every batch with records up to this offset was synced.
    pub(crate) fn vouch_up_to(&mut self, offset: u64) {
        let mut behind = self.loose.iter().rev();
        let last = behind.find(|frame| frame.header.base_offset <= offset);
        if let Some(position) = last.map(|last| last.position) {
            self.vouch(position + 1);
        }
    }

    /// Where damage behind everything vouched for ends: at the next frame.
    pub(crate) fn damaged_end(&self) -> u64 {
        let behind = |damage: &Damage| damage.place.position >= self.vouched.data_end;
        let next = self.loose.front().map(|frame| frame.position);
        next.filter(|_| self.damage.iter().any(behind)).unwrap_or(0)
    }

    /// A segment that ended has all the records that its manifest entry says, or its
    /// end is torn.
    fn tear_at_end(&mut self) {
        let reaches = self
            .all
            .next_offset
            .max(self.damage.last().map_or(0, |damage| damage.next));
        if self.tear.is_none() && self.meta.end().is_some() && reaches < self.meta.next_offset {
            let blob = segment_blob(self.log, self.meta.number);
            let position = self.all.data_end;
            self.tear = Some(Corruption {
                blob,
                position,
                fault: Fault::Short,
            });
        }
    }

    /// Says in the indexes what is missing from them.
    fn note_damage(&mut self) {
        let damage = (!self.damage.is_empty()).then(|| Arc::new(self.damage.clone()));
        self.index.damage = damage;
    }

    /// Marks that nothing vouches for hold nothing that would have to be copied.
    pub(crate) fn drop_loose_marks(&mut self) {
        if self.loose.iter().all(|frame| frame.span.is_none()) {
            self.end = self.end.max(self.damaged_end());
            self.loose.clear();
            self.loose_bytes.clear();
            self.all = self.vouched;
        }
    }

    /// Everything in this segment was synced, so a tear is damage.
    pub(crate) fn vouch_whole(&mut self, next_base: u64) {
        self.vouch(u64::MAX);
        if let Some(place) = self.tear.take() {
            self.end = self.end.max(self.meta.data_end);
            self.damage.push(Damage {
                first: self.all.next_offset,
                next: next_base,
                place,
            });
            self.note_damage();
            self.torn_bytes = 0;
        }
    }
}

/// How to read a segment.
#[derive(Clone, Copy)]
pub(crate) struct ScanOptions {
    /// The position at which it ends, where that is known.
    pub(crate) end: Option<u64>,
    /// Whether appends are atomic: then nothing is ever torn.
    pub(crate) atomic: bool,
    /// Whether everything was synced, so that all damage is damage.
    pub(crate) synced: bool,
    /// Whether the bytes of loose frames are wanted.
    pub(crate) keep: bool,
    /// What keys are hashed with, if they are indexed.
    pub(crate) keys: Option<KeyHasher>,
    /// Whether batches that cannot be read may have been packed.
    pub(crate) packed: bool,
    /// Batches from this offset on do not count: they have another place.
    pub(crate) below: u64,
}

impl ScanOptions {
    /// How to read a segment that was synced as a whole: up to the end that its entry
    /// in the manifest says, with the keys hashed by `keys`.
    pub(crate) const fn sealed(meta: &SegmentMeta, keys: Option<KeyHasher>) -> Self {
        Self {
            end: meta.end(),
            atomic: false,
            synced: true,
            keep: false,
            packed: true,
            keys,
            below: u64::MAX,
        }
    }
}

/// Reads the segment of `meta`.
pub(crate) async fn scan<S: BlockStore>(
    store: &S,
    log: LogId,
    meta: SegmentMeta,
    options: ScanOptions,
) -> Result<SegmentScan, Unread<S::Error>> {
    let (blob, seed) = (segment_blob(log, meta.number), segment_seed(log, &meta));
    let mut found = SegmentScan::new(log, meta, options.keys.is_some());
    let mut keys = Vec::new();
    let mut window = Window::new(store, blob);
    let limit = options.end.unwrap_or(u64::MAX);
    let mut position = BLOB_HEADER as u64;
    let mut want = FRAME_HEADER_MAX;
    while position < limit {
        let bytes = window.at(position, want, limit).await?;
        let whole = bytes.len() >= want;
        let bad = match verify(seed, position, bytes) {
            Ok(frame)
                if frame.header.kind == FrameKind::Batch
                    && frame.header.base_offset >= options.below =>
            {
                break;
            }
            Ok(frame) => match belongs(&frame, &found.all, options.keys, &mut keys) {
                Ok(span) => {
                    let length = frame.header.frame_length();
                    let frame = LooseFrame {
                        position,
                        header: frame.header,
                        span,
                    };
                    let kept = bytes.get(..length).filter(|_| options.keep);
                    Unread::unless_memory(found.add(frame, kept))?;
                    found.index.add_keys(meta.base_offset, &keys);
                    keys.clear();
                    position += length as u64;
                    want = FRAME_HEADER_MAX;
                    continue;
                }
                Err(fault) => BadFrame {
                    fault,
                    known: Some(KnownFrame::from(&frame.header)),
                    needs: 0,
                },
            },
            Err(bad) => bad,
        };
        if let Fault::Memory(bytes) = bad.fault {
            return Err(Unread::Memory(bytes));
        }
        if bad.fault == Fault::Short && whole && bad.needs > want {
            want = bad.needs;
            continue;
        }
        // Appends that were never synced may be missing altogether.
        if bytes.is_empty() && !options.synced {
            break;
        }
        let place = Corruption {
            blob,
            position,
            fault: bad.fault,
        };
        if place.kind() == ErrorKind::Unsupported {
            found.unsupported = Some(place);
            break;
        }
        let ahead = look_ahead(&mut window, seed, position, bad, limit).await?;
        // What a header vouches for holds, whether its frame counts or not.
        found.earlier_synced |= ahead.earlier_synced;
        if let Some(known) = bad.known {
            found.earlier_synced |= known.earlier_synced;
            found.vouch(known.vouched);
        }
        if ahead.next.is_none() && ends_with_footer(&mut window, seed, position, &ahead).await? {
            break;
        }
        let certain = options.synced || options.atomic || ahead.vouched > position;
        match ahead.next {
            Some((next, offset)) if certain => {
                let first = found.all.next_offset;
                found.damage.push(Damage {
                    first,
                    next: offset.max(first),
                    place,
                });
                position = next;
                want = FRAME_HEADER_MAX;
            }
            _ if bad.fault == Fault::Blank
                && ahead.used == 0
                && options.end.is_none()
                && !options.atomic =>
            {
                break;
            }
            None if certain => {
                // This skips every offset that may have been given to a record.
                let first = found.all.next_offset;
                let next = match options.end {
                    Some(_) => meta.next_offset.max(first),
                    None => {
                        let raw = match options.packed || found.packed {
                            true => ahead.length * RATIO_MAX as u64,
                            false => ahead.length,
                        };
                        first
                            .saturating_add(raw / RECORD_MIN)
                            .min(limits::OFFSET_MAX)
                    }
                };
                found.damage.push(Damage { first, next, place });
                found.end = found.end.max(position + ahead.length);
                break;
            }
            _ => {
                found.tear = Some(place);
                found.torn_bytes = ahead.used;
                // Damage may lie in front of it, and what follows does not count.
                found.end = position;
                break;
            }
        }
    }
    if !options.synced {
        found.tear_at_end();
    }
    found.note_damage();
    Ok(found)
}

/// The times in a frame that can follow what was read of a segment so far, and its
/// keys.
fn belongs(
    frame: &VerifiedFrame<'_>,
    before: &Totals,
    hasher: Option<KeyHasher>,
    keys: &mut Vec<KeyedRecord>,
) -> Result<Option<TimeSpan>, Fault> {
    match frame.header.kind {
        FrameKind::Mark => Ok(None),
        FrameKind::Batch if frame.header.base_offset >= before.next_offset => {
            frame.keyed(hasher, keys)
        }
        FrameKind::Batch => Err(Fault::Malformed("base offset of a frame")),
        _ => Err(Fault::Malformed("frame kind of a segment")),
    }
}

/// What lies behind a bad frame.
struct Ahead {
    /// The next frame that verifies: its position and base offset.
    next: Option<(u64, u64)>,
    /// The highest position vouched for by the frames ahead.
    vouched: u64,
    /// One of them says that every earlier segment was synced.
    earlier_synced: bool,
    /// Bytes up to the last one that is not zero.
    used: u64,
    /// Bytes up to the end of the blob, as far as was looked.
    length: u64,
}

/// Looks for valid frames behind the bad one at `position`, as far as unsynced
/// bytes can reach: the bytes that may be unsynced, and a group that was being
/// written when they were all.
async fn look_ahead<S: BlockStore>(
    window: &mut Window<'_, S>,
    seed: Seed,
    position: u64,
    bad: BadFrame,
    limit: u64,
) -> Result<Ahead, Unread<S::Error>> {
    let reach = limits::UNSYNCED_MAX + (limits::QUEUED_MAX + 2 * limits::BATCH_MAX) as u64;
    let end = limit.min(position.saturating_add(reach));
    let mut ahead = Ahead {
        next: None,
        vouched: 0,
        earlier_synced: false,
        used: 0,
        length: 0,
    };
    let mut at = position;
    let mut skip = bad.length();
    while at < end {
        let bytes = window.at(at, WINDOW, end).await?;
        let seen = at - position + bytes.len() as u64;
        ahead.length = seen.next_multiple_of(ALIGN as u64);
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            ahead.used = at - position + last as u64 + 1;
        }
        while let Some((found, header)) = next_header(seed, at, bytes, skip) {
            if ahead.next.is_none() {
                ahead.next = Some((at + found as u64, header.base_offset));
            }
            ahead.vouched = ahead.vouched.max(header.vouched);
            ahead.earlier_synced |= header.attributes.earlier_synced;
            if ahead.vouched > position {
                return Ok(ahead);
            }
            skip = found + header.frame_length();
        }
        // A header may lie across the edge of what was read.
        let step = bytes
            .len()
            .saturating_sub(FRAME_HEADER_MAX)
            .next_multiple_of(ALIGN);
        if bytes.len() < WINDOW || step == 0 {
            break;
        }
        let step = step.max(skip.min(bytes.len()));
        skip = skip.saturating_sub(step);
        at += step as u64;
    }
    Ok(ahead)
}

/// Whether what lies at `position` is the footer of a segment whose end did not get
/// into the manifest.
async fn ends_with_footer<S: BlockStore>(
    window: &mut Window<'_, S>,
    seed: Seed,
    position: u64,
    ahead: &Ahead,
) -> Result<bool, Unread<S::Error>> {
    let length = ahead.used.next_multiple_of(ALIGN as u64);
    let Ok(want) = usize::try_from(length) else {
        return Ok(false);
    };
    if want == 0 {
        return Ok(false);
    }
    let bytes = window
        .at(position, want, position.saturating_add(length))
        .await?;
    let footer = Unread::unless_memory(Footer::decode(seed, position, bytes))?;
    Ok(footer.is_some_and(|footer| footer.root.data_end == position))
}

/// Bytes searched at once for frames behind a bad one.
const WINDOW: usize = 256 << 10;
