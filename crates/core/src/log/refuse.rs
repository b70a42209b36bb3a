//! Owns what becomes of staged frames when the store has no space for a group, or
//! when they have to move: they are encoded for another place, or refused.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::error::Failure;
use super::frames::verify;
use super::group::{Group, Place, Spare, StagedFrame, padding};
use super::growing::KeyedRecord;
use super::recovery::LooseRun;
use super::scan::LooseFrame;
use super::segment::{segment_blob, segment_seed};
use super::waiters::Goal;
use super::writer::{Takeover, Writer};
use crate::format::{Fault, FooterPlace};
use crate::producer::ProducerId;
use crate::store::StoreError;

/// A staged frame and its bytes, taken out of its group.
struct Loose {
    frame: StagedFrame,
    bytes: Vec<u8>,
    keys: Vec<KeyedRecord>,
    hashed: bool,
    /// Its group was refused.
    failed: bool,
    /// It is a copy of earlier data.
    copy: bool,
}

impl<E> Writer<E> {
    /// Queues the copies of earlier writers' data, in front of everything else,
    /// when something is staged for the first time.
    pub(crate) fn queue_copies(&mut self) -> Result<(), Fault> {
        let Takeover::Pending(plan) = &mut self.takeover else {
            return Ok(());
        };
        if plan.copy.is_empty() {
            return Ok(());
        }
        let (base, clamp, hash) = (plan.base_offset, plan.base_clamp, plan.base_hash);
        let runs = core::mem::take(&mut plan.copy);
        let mut place = self.new_place(base);
        place.meta.base_clamp = clamp;
        place.meta.base_hash = hash;
        let before = self.place.replace(place);
        let group = match self.copies(&runs, &place) {
            Ok(group) => group,
            Err(fault) => {
                // They are copied when there is memory for it.
                self.place = before;
                if let Takeover::Pending(plan) = &mut self.takeover {
                    plan.copy = runs;
                }
                return Err(fault);
            }
        };
        self.queue.push_front(group);
        self.grew(0);
        // What follows the copies waits for them, so it goes into another group.
        if let Some(group) = self.queue.front_mut() {
            group.freeze();
        }
        Ok(())
    }

    /// The frames of `runs`, for `place`.
    fn copies(&self, runs: &[LooseRun], place: &Place) -> Result<Group, Fault> {
        let mut group = Group::new(self.log, place, Spare::default());
        group.settles = true;
        let hasher = self.hasher();
        group.hashed = hasher.is_some();
        let vouch = self.vouch();
        for run in runs {
            let seed = segment_seed(self.log, &run.meta);
            let mut at = 0;
            for LooseFrame { position, .. } in &run.frames {
                let rest = run.bytes.get(at..).ok_or(Fault::Gap)?;
                let frame = verify(seed, *position, rest).map_err(|bad| bad.fault)?;
                let span = frame.keyed(hasher, &mut group.keys)?;
                at += frame.header.frame_length();
                if span.is_some() {
                    group.push_frame(&frame.header, span, rest, vouch)?;
                }
            }
        }
        Ok(group)
    }

    /// Takes every frame out of the queue.
    fn unqueue(&mut self, failed_groups: usize) -> Result<Vec<Loose>, Fault> {
        let mut all = Vec::new();
        for (index, group) in self.queue.drain(..).enumerate() {
            for frame in &group.frames {
                if frame.span.is_none() {
                    // Marks and padding are made anew where they are needed.
                    continue;
                }
                all.push(Loose {
                    frame: frame.clone(),
                    bytes: group.frame_bytes(frame).to_vec(),
                    keys: group.frame_keys(frame).to_vec(),
                    hashed: group.hashed,
                    failed: index < failed_groups,
                    copy: group.settles,
                });
            }
        }
        self.queued_bytes = 0;
        Ok(all)
    }

    /// Stages frames again, from the writer's place on.
    fn requeue(&mut self, frames: Vec<Loose>) -> Result<(), Fault> {
        let mut copying = false;
        let ended = self
            .live
            .segments
            .values()
            .next_back()
            .map(|meta| meta.clamp);
        let stored = self.active.as_ref().map(|active| active.totals.clamp);
        let mut clamp = stored.or(ended).unwrap_or(i64::MIN);
        for loose in frames {
            let mut header = loose.frame.header;
            // What was refused raises nobody's index time.
            if !loose.copy {
                header.clamp_floor = clamp;
            }
            // A segment that begins with it begins with the index time before it.
            self.staged_clamp = header.clamp_floor;
            clamp = clamp
                .max(header.clamp_floor)
                .max(loose.frame.span.map_or(clamp, |s| s.max));
            if copying
                && !loose.copy
                && let Some(group) = self.queue.back_mut()
            {
                group.freeze();
            }
            // Copies stay together: what they are copied from goes once they are there.
            if !(copying && loose.copy) {
                let length = if loose.copy { 0 } else { loose.bytes.len() };
                self.open_group(header.base_offset, length)?;
            }
            copying = loose.copy;
            let vouch = self.vouch();
            let Some(group) = self.queue.back_mut() else {
                return Err(Fault::Gap);
            };
            group.settles = loose.copy;
            let before = group.length();
            group.push_frame(&header, loose.frame.span, &loose.bytes, vouch)?;
            group.keys.extend_from_slice(&loose.keys);
            group.hashed &= loose.hashed;
            if let Some(frame) = group.frames.last_mut() {
                frame.undo = loose.frame.undo;
                frame.kept = loose.frame.kept;
            }
            self.grew(before);
        }
        self.staged_clamp = clamp;
        if copying && let Some(group) = self.queue.back_mut() {
            group.freeze();
        }
        Ok(())
    }

    /// The blob of the group at the front cannot be used: ends the segment there.
    fn abandon_front(&mut self) {
        let Some(front) = self.queue.front() else {
            return;
        };
        if front.opens() {
            let blob = segment_blob(self.log, front.meta.number);
            self.removals.push(blob);
        } else if let Some(active) = &mut self.active {
            active.broken = true;
        }
        self.place = None;
    }

    /// The number at the front turned out to be taken: everything moves to another.
    pub(crate) fn move_front(&mut self) -> Result<(), Fault> {
        self.place = None;
        let frames = self.unqueue(0)?;
        self.requeue(frames)
    }

    /// Puts padding at the front of the queue, if what is about to be synced of the
    /// active segment does not end at a multiple of the alignment. What is staged
    /// behind it moves.
    pub(crate) fn pad_active(&mut self) -> Result<bool, Fault> {
        let Some(active) = self.active.as_ref().filter(|active| {
            !active.broken && active.footer == FooterPlace::None && self.unsynced > 0
        }) else {
            return Ok(false);
        };
        let length = padding(active.totals.data_end, self.settings.align);
        if length == 0 {
            return Ok(false);
        }
        let place = Place {
            position: active.totals.data_end,
            ..Place::new(self.log, active.meta)
        };
        let (next, clamp) = (active.totals.next_offset, active.totals.clamp);
        let staged_clamp = self.staged_clamp;
        // The next batch goes behind the padding, unless it was to go into another
        // segment, be that one that is yet to begin.
        let staging = self.place;
        let elsewhere = staging.is_none_or(|next| next.meta.number != place.meta.number);
        let (own, behind): (VecDeque<Group>, VecDeque<Group>) = self
            .queue
            .drain(..)
            .partition(|group| group.meta.number == place.meta.number);
        self.queue = own;
        let frames = self.unqueue(0)?;
        self.queued_bytes += behind.iter().map(Group::length).sum::<usize>();
        let mut group = Group::new(self.log, &place, Spare::default());
        group.push_mark(next, clamp, self.vouch(), length)?;
        group.pads = true;
        group.freeze();
        self.place = Some(Place {
            position: place.position + length as u64,
            ..place
        });
        self.queued_bytes += group.length();
        self.queue.push_back(group);
        self.requeue(frames)?;
        self.queue.extend(behind);
        // Nothing that is staged is gone.
        self.staged_clamp = staged_clamp;
        if elsewhere {
            self.place = staging;
        }
        Ok(true)
    }
}

impl<E: StoreError> Writer<E> {
    /// The store has no space for the group at the front.
    pub(crate) fn refuse_front(&mut self, source: Arc<E>) -> Result<(), Fault> {
        self.abandon_front();
        // Where only what has to stay was refused, what is queued behind it cannot be
        // stored either.
        let stays = |group: &Group| group.settles || group.frames.iter().all(|frame| frame.kept);
        let groups = if self.queue.front().is_some_and(stays) {
            self.queue.len()
        } else {
            1
        };
        self.refuse(groups, false, source)
    }

    /// The store has no space for anything.
    pub(crate) fn refuse_all(&mut self, source: &Arc<E>) -> Result<(), Fault> {
        self.place = None;
        self.refuse(self.queue.len(), true, Arc::clone(source))
    }

    /// Refuses what the first groups hold, but for what was acknowledged as
    /// buffered, and what depends on it: later batches of the same producers.
    /// Tells whom it concerns, or everyone.
    fn refuse(&mut self, groups: usize, everyone: bool, source: Arc<E>) -> Result<(), Fault> {
        let mut frames = self.unqueue(groups)?;
        // A batch stays if a later one of its producer has to: its retry is then
        // answered as a duplicate.
        let mut kept: BTreeSet<ProducerId> = BTreeSet::new();
        for loose in frames.iter_mut().rev() {
            let id = loose.frame.header.producer.map(|producer| producer.id);
            loose.frame.kept |= loose.copy || id.is_some_and(|id| kept.contains(&id));
            if loose.frame.kept {
                kept.extend(id);
            }
        }
        let mut refused_producers: BTreeSet<ProducerId> = BTreeSet::new();
        let (mut refused, mut survivors) = (Vec::new(), Vec::new());
        for loose in frames {
            let id = loose.frame.header.producer.map(|producer| producer.id);
            let depends = id.is_some_and(|id| refused_producers.contains(&id));
            if (loose.failed || depends) && !loose.frame.kept {
                refused_producers.extend(id);
                refused.push(loose.frame);
            } else {
                survivors.push(loose);
            }
        }
        let range = |frame: &StagedFrame| (frame.header.base_offset, frame.header.next_offset());
        let first = refused.first().map(range);
        // Whoever waits for something that is still queued goes on waiting, unless it
        // was this very attempt that failed to store it.
        let mut told: Vec<(u64, u64)> = refused.iter().map(range).collect();
        let failed = survivors.iter().filter(|loose| loose.failed);
        let everyone = everyone || failed.clone().any(|loose| loose.copy);
        told.extend(failed.map(|loose| range(&loose.frame)));
        if let Some((first, _)) = first {
            let next = survivors.iter().rev().find(|loose| !loose.copy);
            self.staged_next = next.map_or(first, |loose| loose.frame.header.next_offset());
        }
        for frame in refused.into_iter().rev() {
            if let Some(undo) = frame.undo {
                self.producers.undo(undo);
            }
        }
        self.requeue(survivors)?;
        let full = Failure::Full(source);
        let staged_next = self.staged_next;
        self.waiters.resolve(|goal| {
            let hit = match goal {
                Goal::Stored(target) | Goal::Synced(target) => {
                    everyone
                        || target > staged_next
                        || told
                            .iter()
                            .any(|(first, next)| *first < target && target <= *next)
                }
                Goal::Closed | Goal::Edits(_) | Goal::Quiet(_) | Goal::Room => true,
            };
            hit.then(|| Err(full.clone()))
        });
        self.changed = true;
        Ok(())
    }
}
