//! Owns what the one writer of a log holds, and staging: giving a batch its
//! offsets and its place. What happens to staged frames is in `commit.rs`.
//!
//! Everything here is synchronous. The writer asks for store operations one at a
//! time and is told how each ended, so that it does not matter who performs them,
//! or whether whoever began lives to see the end.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::commit::{Doubt, EditWrite};
use super::error::{AppendError, Failure, Poison};
use super::group::{Group, NewBatch, Place, Spare, StagedFrame, Vouch};
use super::growing::Growing;
use super::manifest::{ManifestState, Superseding};
use super::producers::{Producers, Verdict};
use super::recovery::{Recovered, TakeoverPlan};
use super::removals::Removals;
use super::segment::EndedSegment;
use super::snapshot::{ActiveView, Snapshot};
use super::switch::{ManifestEnd, Switch};
use super::totals::Totals;
use super::waiters::{Goal, Waiters};
use crate::format::{
    BLOB_HEADER, ContentHash, Edit, Fault, FooterPlace, KeyHasher, ProducerBatch, ProducerState,
    SegmentMeta, SnapshotFacts, Trim,
};
use crate::host::Host;
use crate::limits;
use crate::options::{Durability, Indexes, Settings};
use crate::planted::{Bug, planted};
use crate::producer::{Producer, ProducerId};
use crate::record::NewRecord;
use crate::store::{BlobId, Geometry, LogId};

/// The segment that is being written, as the store has it.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) meta: SegmentMeta,
    pub(crate) totals: Totals,
    pub(crate) index: Growing,
    /// Bytes of it known to be synced.
    pub(crate) synced: u64,
    /// The highest position that a frame in it vouches for.
    pub(crate) vouched: u64,
    /// The same, of frames that are synced themselves.
    pub(crate) settled: u64,
    /// Where its last batch ends.
    pub(crate) batch_end: u64,
    /// Appends it has received.
    pub(crate) appends: u32,
    /// An append to it failed: it ends where it is, without a footer.
    pub(crate) broken: bool,
    /// Producers with a batch in it.
    pub(crate) producers: BTreeSet<ProducerId>,
    /// Its footer, once that is written.
    pub(crate) footer: FooterPlace,
}

/// A segment that has ended and is not recorded as sealed yet.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) meta: SegmentMeta,
    pub(crate) synced: bool,
}

/// What the first write of the epoch still has to do.
pub(crate) enum Takeover {
    /// Everything.
    Pending(TakeoverPlan),
    /// Copying the loose data of earlier writers, out of the segments of these
    /// numbers; `trimmed` is what is left of the first.
    Settling {
        loose: Vec<u64>,
        trimmed: Option<EndedSegment>,
        copied: bool,
    },
    /// Nothing.
    Done,
}

/// What a batch was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of its first record.
    pub first: u64,
    /// The offset after its last record.
    pub next: u64,
    /// It had been appended before by its producer; nothing was written.
    pub duplicate: bool,
    /// Whether `first` and `next` are known: not for a duplicate older than the
    /// last [`PRODUCER_WINDOW`](limits::PRODUCER_WINDOW) batches of its producer.
    pub offsets_known: bool,
}

/// Closing, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    No,
    Asked,
    Closed,
}

/// All that a log's writer holds.
pub(crate) struct Writer<E> {
    pub(crate) log: LogId,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) geometry: Geometry,
    pub(crate) copies: usize,
    pub(crate) settings: Settings,
    pub(crate) epoch: u64,
    pub(crate) next_number: u64,
    /// What is live, as the manifest says or, before the takeover, will say.
    pub(crate) live: ManifestState,
    pub(crate) manifest: Option<ManifestEnd>,
    pub(crate) takeover: Takeover,
    /// The number of the next manifest.
    pub(crate) next_manifest: u64,
    /// Bytes of the manifest that were its snapshot.
    pub(crate) manifest_base: u64,
    pub(crate) switch: Option<Switch>,
    pub(crate) superseding: Superseding,
    pub(crate) edit_queue: Vec<Edit>,
    pub(crate) edit_write: Option<EditWrite>,
    /// Tickets of edits asked for, written, synced.
    pub(crate) edits_asked: u64,
    pub(crate) edits_written: u64,
    pub(crate) edits_synced: u64,
    pub(crate) manifest_dirty: bool,
    pub(crate) active: Option<Active>,
    pub(crate) ending: Vec<Ending>,
    pub(crate) removals: Removals,
    pub(crate) seals: VecDeque<BlobId>,
    /// Index time at the first record of the segment in which frames are staged.
    pub(crate) place_since: Option<i64>,
    /// Where the next frame is staged; `None`: in a new segment.
    pub(crate) place: Option<Place>,
    pub(crate) queue: VecDeque<Group>,
    pub(crate) queued_bytes: usize,
    pub(crate) producers: Producers,
    pub(crate) staged_next: u64,
    pub(crate) staged_clamp: i64,
    pub(crate) stored: u64,
    pub(crate) durable: u64,
    /// Bytes with the store that are not synced.
    pub(crate) unsynced: u64,
    /// Frames that have left the queue for the store.
    pub(crate) taken: u64,
    pub(crate) waiters: Waiters<E>,
    pub(crate) driving: bool,
    /// What an append that drives the log itself, with nobody else waiting, is after.
    pub(crate) leader: Option<Goal>,
    pub(crate) doubt: Option<Doubt>,
    pub(crate) poison: Option<Poison<E>>,
    pub(crate) closing: Closing,
    /// The store still has to be told that this writer is gone.
    pub(crate) holds_claim: bool,
    /// Numbers below this one were allocated by earlier epochs.
    pub(crate) first_number: u64,
    /// The indexes that new segments get: those of the log, and one that is being
    /// added.
    pub(crate) building: Indexes,
    /// Segments up to this number end as soon as nothing is queued for them.
    pub(crate) ends: u64,
    /// In-memory indexes by segment number.
    pub(crate) indexes: BTreeMap<u64, Growing>,
    pub(crate) ended: Arc<Vec<EndedSegment>>,
    /// A picture has to be published.
    pub(crate) changed: bool,
    spare: Spare,
    scratch: Vec<u8>,
}

/// A staged batch.
pub(crate) struct Staged {
    pub(crate) appended: Appended,
    /// The offset below which everything must get to the level asked for.
    pub(crate) target: u64,
}

impl<E> Writer<E> {
    pub(crate) fn new(
        log: LogId,
        host: Arc<dyn Host>,
        geometry: Geometry,
        settings: Settings,
        epoch: u64,
        found: Recovered,
    ) -> Self {
        let old = found.manifest.as_ref();
        let known = old.map_or(0, |old| old.state.facts.allocated);
        let next_number = known.max(found.highest_number) + 1;
        let mut live = ManifestState::new(SnapshotFacts {
            predecessor: old.map_or(0, |old| old.header.blob.number),
            epoch,
            allocated: next_number + limits::NUMBERS_PER_EDIT,
            next_offset: found.durable,
            trim: found.trim,
            key_seed: old.map_or_else(|| host.random(), |old| old.state.facts.key_seed),
            settings,
        });
        if let Some(old) = old {
            live.masks.clone_from(&old.state.masks);
            live.producers.clone_from(&old.state.producers);
        }
        let mut indexes = BTreeMap::new();
        for segment in &found.segments {
            live.apply(&Edit::Segment(segment.meta));
            if let Some(index) = &segment.index {
                indexes.insert(segment.meta.number, index.clone());
            }
        }
        for segment in &found.plan.sealed {
            live.apply(&Edit::Segment(segment.meta));
        }
        live.facts.next_offset = found.durable;
        let manifest = old.map(ManifestEnd::of);
        let copies = if geometry.atomic_append { 1 } else { 2 };
        let mut writer = Self {
            log,
            host,
            geometry,
            copies,
            settings,
            epoch,
            next_number,
            live,
            manifest,
            takeover: Takeover::Pending(found.plan),
            next_manifest: found.highest_manifest + 1,
            manifest_base: 0,
            switch: None,
            superseding: found.superseding,
            edit_queue: Vec::new(),
            edit_write: None,
            edits_asked: 0,
            edits_written: 0,
            edits_synced: 0,
            manifest_dirty: false,
            active: None,
            ending: Vec::new(),
            removals: Removals::default(),
            seals: VecDeque::new(),
            place_since: None,
            place: None,
            queue: VecDeque::new(),
            queued_bytes: 0,
            producers: found.producers,
            staged_next: found.next,
            staged_clamp: found.clamp,
            stored: found.next,
            durable: found.durable,
            unsynced: 0,
            taken: 0,
            waiters: Waiters::new(),
            driving: false,
            leader: None,
            doubt: None,
            poison: None,
            closing: Closing::No,
            holds_claim: true,
            first_number: next_number,
            building: settings.indexes,
            ends: 0,
            indexes,
            ended: Arc::default(),
            changed: false,
            spare: Spare::default(),
            scratch: Vec::new(),
        };
        writer.list_ended();
        writer
    }

    /// Derives the list of ended segments from what is live.
    pub(crate) fn list_ended(&mut self) {
        let segments = self
            .live
            .segments
            .values()
            .filter(|meta| meta.end().is_some());
        let ended = segments
            .map(|meta| EndedSegment {
                meta: *meta,
                index: self.indexes.get(&meta.number).cloned(),
                mask: self.live.masks.get(&meta.number).cloned(),
            })
            .collect();
        self.ended = Arc::new(ended);
        self.changed = true;
    }

    /// Refuses what no store operation could help.
    pub(crate) fn usable(&self) -> Result<(), Failure<E>> {
        if let Some(poison) = &self.poison {
            return Err(Failure::Poisoned(poison.clone()));
        }
        if self.closing != Closing::No {
            return Err(Failure::Closed);
        }
        Ok(())
    }

    /// Gives a batch its offsets and encodes it. Nothing is changed on error.
    pub(crate) fn stage(
        &mut self,
        records: &[NewRecord<'_>],
        producer: Option<Producer>,
        level: Durability,
    ) -> Result<Staged, AppendError<E>> {
        self.usable()?;
        self.queue_copies().map_err(Failure::from)?;
        let first = self.staged_next;
        let appended = |first, next, duplicate, offsets_known| Staged {
            appended: Appended {
                first,
                next,
                duplicate,
                offsets_known,
            },
            target: next,
        };
        if let Some(producer) = &producer {
            if let Some(before) = self.expires_before() {
                self.producers.expire_one(&producer.id, before);
            }
            match self.producers.check(producer) {
                Verdict::New => {}
                Verdict::Duplicate(batch) => {
                    return Ok(appended(batch.first, batch.next, true, true));
                }
                Verdict::OldDuplicate(below) => return Ok(appended(below, below, true, false)),
                Verdict::Fenced(current) => {
                    let given = producer.epoch;
                    return Err(AppendError::ProducerFenced {
                        id: producer.id,
                        given,
                        current,
                    });
                }
                Verdict::Gap(expected) => {
                    return Err(AppendError::ProducerGap {
                        given: *producer,
                        expected,
                    });
                }
            }
        }
        let size = measure(records)?;
        if records.is_empty() {
            return Ok(appended(first, first, false, true));
        }
        let next = first
            .checked_add(records.len() as u64)
            .filter(|next| *next <= limits::OFFSET_MAX)
            .ok_or(AppendError::OffsetsUsedUp)?;
        let batch = NewBatch {
            records,
            first,
            now: if records.iter().any(|record| record.time.is_none()) {
                self.host.now()
            } else {
                0
            },
            clamp_floor: self.staged_clamp,
            producer,
            compression: self.settings.compression,
            hasher: self.hasher(),
        };
        self.push_batch(&batch, size).map_err(Failure::from)?;
        let time = self.accepted(level, |frame| frame.span.map_or(0, |span| span.max));
        if let Some(producer) = &producer {
            let undo = self
                .producers
                .accept(producer, ProducerBatch { first, next }, time);
            self.accepted(level, |frame| frame.undo = Some(undo));
        }
        self.staged_next = next;
        self.staged_clamp = self.staged_clamp.max(time);
        self.place_since.get_or_insert(self.staged_clamp);
        Ok(appended(first, next, false, true))
    }

    /// Looks at the frame staged last.
    fn accepted<T: Default>(
        &mut self,
        level: Durability,
        look: impl FnOnce(&mut StagedFrame) -> T,
    ) -> T {
        let frame = self
            .queue
            .back_mut()
            .and_then(|group| group.frames.last_mut());
        frame.map_or_else(T::default, |frame| {
            frame.kept = level == Durability::Buffered;
            look(frame)
        })
    }

    fn push_batch(&mut self, batch: &NewBatch<'_>, size: usize) -> Result<(), Fault> {
        self.open_group(batch.first, size)?;
        let vouch = self.vouch();
        let mut scratch = core::mem::take(&mut self.scratch);
        let Some(group) = self.queue.back_mut() else {
            return Err(Fault::Gap);
        };
        let before = group.length();
        let pushed = group.push_batch(batch, vouch, &mut scratch);
        self.scratch = scratch;
        self.grew(before);
        pushed
    }

    /// Accounts for what was added to the last group.
    pub(crate) fn grew(&mut self, before: usize) {
        if let (Some(group), Some(place)) = (self.queue.back(), &mut self.place) {
            self.queued_bytes += group.length() - before;
            place.position = group.position + group.length() as u64;
        }
    }

    /// Makes the last group of the queue one that takes a frame of about `size`
    /// bytes beginning with `offset`.
    pub(crate) fn open_group(&mut self, offset: u64, size: usize) -> Result<(), Fault> {
        if self
            .place
            .is_none_or(|place| self.is_full(&place, offset, size))
        {
            self.place = Some(self.new_place(offset));
        }
        let Some(place) = self.place else {
            return Err(Fault::Gap);
        };
        let fresh = self
            .queue
            .back()
            .is_none_or(|group| group.frozen.is_some() || group.meta.number != place.meta.number);
        if !fresh {
            return Ok(());
        }
        let group = Group::new(self.log, &place, core::mem::take(&mut self.spare));
        self.queued_bytes += group.length();
        self.queue.push_back(group);
        Ok(())
    }

    fn is_full(&self, place: &Place, offset: u64, size: usize) -> bool {
        let position = place.position;
        let appends = self
            .active
            .as_ref()
            .filter(|active| active.meta.number == place.meta.number)
            .map_or(0, |active| active.appends);
        let queued = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        // A footer and a mark still have to go into it.
        let appends_max = self.geometry.appends_max;
        position > BLOB_HEADER as u64
            && (position >= self.settings.segment_bytes
                || self.is_old()
                || self.building.keys
                    && offset.saturating_sub(place.meta.base_offset) >= limits::SEGMENT_KEYS_MAX
                || position.saturating_add(size as u64) > self.geometry.longest_blob / 2
                || (appends_max > 0
                    && appends.saturating_add(queued).saturating_add(3) > appends_max))
    }

    /// Whether the segment in which frames are staged is older than segments get.
    fn is_old(&self) -> bool {
        let age = self.settings.segment_age.zip(self.place_since);
        age.is_some_and(|(age, since)| self.staged_clamp.abs_diff(since) >= age)
    }

    pub(crate) fn new_place(&mut self, base_offset: u64) -> Place {
        let mut number = self.next_number;
        self.next_number += 1;
        if planted(Bug::ReuseNumber) {
            let taken = |number: &u64| {
                let mut live = self.live.segments.values();
                let mut queued = self.queue.iter();
                live.any(|meta| meta.number == *number)
                    || queued.any(|group| group.meta.number == *number)
            };
            number = (1..number).find(|free| !taken(free)).unwrap_or(number);
        }
        self.place_since = None;
        Place::new(
            self.log,
            self.new_meta(number, base_offset, self.staged_clamp),
        )
    }

    pub(crate) fn new_meta(&self, number: u64, base_offset: u64, base_clamp: i64) -> SegmentMeta {
        SegmentMeta {
            number,
            epoch: self.epoch,
            salt: self.host.random(),
            base_offset,
            base_clamp,
            base_hash: ContentHash::default(),
            next_offset: base_offset,
            records: 0,
            data_end: 0,
            min_time: 0,
            max_time: 0,
            clamp: base_clamp,
            content_hash: ContentHash::default(),
            producers: 0,
            footer: FooterPlace::None,
            sealed: false,
        }
    }

    /// What keys are hashed with, if new segments index them.
    pub(crate) fn hasher(&self) -> Option<KeyHasher> {
        let keys = self.building.keys;
        keys.then(|| KeyHasher::new(self.live.facts.key_seed, self.log))
    }

    /// What a frame staged now may say of what is synced.
    pub(crate) fn vouch(&self) -> Vouch {
        let own = self.place.map(|place| place.meta.number);
        // What is only queued of an earlier segment is not synced either.
        let earlier = self.ending.iter().all(|segment| segment.synced)
            && self
                .queue
                .front()
                .is_none_or(|group| Some(group.meta.number) == own);
        match &self.active {
            Some(active) if Some(active.meta.number) == own => Vouch {
                position: if planted(Bug::VouchEarly) {
                    active.totals.data_end
                } else {
                    active.synced
                },
                earlier,
            },
            Some(_) => Vouch {
                position: 0,
                earlier: false,
            },
            None => Vouch {
                position: 0,
                earlier,
            },
        }
    }

    /// Stages a mark, if the active segment holds synced records that nothing
    /// vouches for. One that can take no mark ends instead.
    pub(crate) fn stage_mark(&mut self) -> Result<(), Fault> {
        let broken = self.active.as_ref().filter(|active| active.broken);
        if let Some(active) = broken.filter(|active| active.vouched < active.batch_end) {
            self.ends = self.ends.max(active.meta.number);
            return Ok(());
        }
        let due = self.queue.is_empty()
            && !planted(Bug::NoMark)
            && self.active.as_ref().is_some_and(|active| {
                !active.broken
                    && active.synced >= active.batch_end
                    && active.vouched < active.batch_end
            });
        if !due {
            return Ok(());
        }
        self.place = self.active.as_ref().map(|active| Place {
            position: active.totals.data_end,
            ..Place::new(self.log, active.meta)
        });
        self.open_group(self.staged_next, 0)?;
        let (vouch, next, clamp) = (self.vouch(), self.staged_next, self.staged_clamp);
        let Some(group) = self.queue.back_mut() else {
            return Err(Fault::Gap);
        };
        let before = group.length();
        group.push_mark(next, clamp, vouch, 0)?;
        self.grew(before);
        Ok(())
    }

    /// To wait until all that is staged now is synced, and nothing is left to be done.
    pub(crate) fn quiet(&self) -> Goal {
        let queued = self.queue.iter().map(|group| group.frames.len() as u64);
        Goal::Quiet(self.taken + queued.sum::<u64>())
    }

    /// The time before which a producer's newest record must lie for it to be
    /// forgotten: from what is with the store alone, so that every opening agrees.
    fn expires_before(&self) -> Option<i64> {
        let expiry = i64::try_from(self.settings.producer_expiry?).unwrap_or(i64::MAX);
        let last = self.live.segments.values().next_back();
        let known = self.live.facts.trim.clamp;
        let last = last.map_or(known, |meta| meta.clamp.max(known));
        let clamp = self
            .active
            .as_ref()
            .map_or(last, |active| active.totals.clamp);
        Some(clamp.saturating_sub(expiry))
    }

    /// A trim to `oldest`, or to where the log is trimmed.
    pub(crate) fn trim_to(&self, oldest: Option<u64>) -> Trim {
        let known = self.live.facts.trim;
        let segments = &mut self.live.segments.values();
        let last = segments.rfind(|meta| meta.end().is_some());
        Trim {
            oldest: oldest.unwrap_or(known.oldest),
            // Segments that were dropped may have reached further than the last.
            clamp: last.map_or(known.clamp, |last| last.clamp.max(known.clamp)),
            hash: last.map_or(known.hash, |last| last.content_hash),
        }
    }

    /// Forgets producers that have been idle for too long, and those that the manifest
    /// carries for nothing.
    pub(crate) fn expire_producers(&mut self) {
        let before = self.expires_before().unwrap_or(i64::MIN);
        self.producers.expire(before);
        let (producers, durable) = (&self.producers, self.durable);
        self.live
            .producers
            .retain(|id, state| state.time >= before && !producers.supersedes(id, state, durable));
    }

    /// What others see.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            ended: Arc::clone(&self.ended),
            active: self.active_view(),
            tail: Vec::new(),
            trimmed: self.live.facts.trim.oldest,
            visible: self.visible(),
            durable: self.durable,
            closed: self.closing == Closing::Closed,
            indexes: self.settings.indexes,
            hasher: KeyHasher::new(self.live.facts.key_seed, self.log),
        }
    }

    /// What this handle sees: its own records, whether stored or not.
    pub(crate) fn own_snapshot(&self) -> Snapshot {
        let mut snapshot = self.snapshot();
        if self.poison.is_none() {
            snapshot.tail = self
                .queue
                .iter()
                .filter(|g| !g.settles)
                .filter_map(Group::view)
                .collect();
            snapshot.tail.retain(|tail| tail.next > tail.first);
        }
        snapshot.visible = snapshot.tail.last().map_or(self.stored, |tail| tail.next);
        snapshot
    }

    /// The producers with a batch in the active segment, as of its last batch:
    /// what is queued behind it may still be lost.
    pub(crate) fn active_producers(&self) -> Vec<(ProducerId, ProducerState)> {
        let Some(active) = &self.active else {
            return Vec::new();
        };
        let mut table = self.producers.subset(&active.producers);
        let queued = self
            .queue
            .iter()
            .rev()
            .flat_map(|group| group.frames.iter().rev());
        for undo in queued.filter_map(|frame| frame.undo.as_ref()) {
            if active.producers.contains(&undo.id) {
                table.undo(undo.clone());
            }
        }
        table.into_states()
    }

    /// Keeps the allocation of a group that is done.
    pub(crate) fn recycle(&mut self, mut group: Group) {
        let spare = group
            .frozen
            .and_then(crate::Bytes::into_vec)
            .unwrap_or(group.bytes);
        if spare.capacity() <= limits::BUFFERED_MAX * 4 {
            group.frames.clear();
            group.keys.clear();
            self.spare = (spare, group.frames, group.keys);
        }
    }

    /// Brings a picture that nobody looks at up to date.
    pub(crate) fn refresh(&self, snapshot: &mut Snapshot) {
        if !Arc::ptr_eq(&snapshot.ended, &self.ended) {
            snapshot.ended = Arc::clone(&self.ended);
        }
        match (&mut snapshot.active, &self.active) {
            (Some(view), Some(active)) if view.meta.number == active.meta.number => {
                view.data_end = active.totals.data_end;
                view.next_offset = active.totals.next_offset;
                view.records = active.totals.records;
                view.clamp = active.totals.clamp;
                view.index.catch_up(&active.index);
                view.mask = self.live.masks.get(&active.meta.number).cloned();
            }
            (view, _) => *view = self.active_view(),
        }
        snapshot.trimmed = self.live.facts.trim.oldest;
        snapshot.visible = self.visible();
        snapshot.durable = self.durable;
        snapshot.closed = self.closing == Closing::Closed;
        snapshot.indexes = self.settings.indexes;
    }

    fn active_view(&self) -> Option<ActiveView> {
        self.active.as_ref().map(|active| ActiveView {
            meta: active.meta,
            index: active.index.clone(),
            data_end: active.totals.data_end,
            next_offset: active.totals.next_offset,
            records: active.totals.records,
            clamp: active.totals.clamp,
            mask: self.live.masks.get(&active.meta.number).cloned(),
        })
    }

    /// The offset below which others see records.
    const fn visible(&self) -> u64 {
        match self.settings.durability {
            Durability::Synced => self.durable,
            _ => self.stored,
        }
    }

    /// Whether an append has to wait for room.
    pub(crate) const fn is_crowded(&self) -> bool {
        self.queued_bytes >= limits::QUEUED_MAX
    }

    /// Asks for edits to be written and synced; the goal is reached when they are.
    pub(crate) fn ask(&mut self, edits: impl IntoIterator<Item = Edit>) -> Goal {
        self.edit_queue.extend(edits);
        self.edits_asked += 1;
        Goal::Edits(self.edits_asked)
    }
}

impl<E> From<Failure<E>> for AppendError<E> {
    fn from(failure: Failure<E>) -> Self {
        match failure {
            Failure::Full(source) => Self::Full(source),
            Failure::Poisoned(poison) => Self::Poisoned(poison),
            Failure::Closed => Self::Closed,
            Failure::Memory(bytes) => Self::Memory(bytes),
            Failure::Internal(what) => Self::Internal(what),
        }
    }
}

/// The size of a batch's records, if no limit is exceeded.
fn measure<E>(records: &[NewRecord<'_>]) -> Result<usize, AppendError<E>> {
    let too_large = |what, size, limit| AppendError::TooLarge { what, size, limit };
    if records.len() > limits::BATCH_RECORDS_MAX {
        return Err(too_large(
            "number of records",
            records.len(),
            limits::BATCH_RECORDS_MAX,
        ));
    }
    let mut batch = 0usize;
    for record in records {
        if record.headers.len() > limits::HEADERS_MAX {
            return Err(too_large(
                "number of headers",
                record.headers.len(),
                limits::HEADERS_MAX,
            ));
        }
        let headers = record
            .headers
            .iter()
            .map(|header| header.name.len() + header.value.len() + 20);
        let size = record.key.map_or(0, <[u8]>::len)
            + record.value.map_or(0, <[u8]>::len)
            + headers.sum::<usize>();
        if size > limits::RECORD_MAX {
            return Err(too_large("record", size, limits::RECORD_MAX));
        }
        // Lengths and deltas take at most 40 bytes beside it.
        batch = batch.saturating_add(size + 40);
    }
    if batch > limits::BATCH_MAX {
        return Err(too_large("batch", batch, limits::BATCH_MAX));
    }
    Ok(batch)
}
