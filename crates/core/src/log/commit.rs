//! Owns what happens next: from what the writer holds and what is asked for, the
//! one store operation to perform now, and what follows from how it ended.
//!
//! # Invariants
//!
//! - Every decision is made from the writer's state alone, so that an operation
//!   whose driver went away is settled by the next one, and nothing is lost or
//!   done twice.
//! - A record is acknowledged as stored only after the edit that names its segment
//!   is with the store; as synced only after one sync covered both.
//! - A write whose outcome is unknown, and a failed sync, poison the log.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::error::{Failure, Poison};
use super::growing::Growing;
use super::manifest::{Superseding, is_long};
use super::removals::Removal;
use super::segment::segment_blob;
use super::switch::{ManifestEnd, NewManifest, Switch, manifest_blobs, put_edits};
use super::totals::Totals;
use super::waiters::Goal;
use super::wants::Wants;
use super::writer::{Active, Closing, Ending, Takeover, Writer};
use crate::format::{Edit, Fault, FooterPlace, FrameKind};
use crate::options::Indexes;
use crate::planted::{Bug, planted};
use crate::store::{BlobId, StoreError};
use crate::{Bytes, ErrorKind, limits};

/// A store operation.
#[derive(Clone, Debug)]
pub(crate) enum Io {
    Append {
        blob: BlobId,
        position: u64,
        bytes: Bytes,
    },
    Sync(Vec<BlobId>),
    Seal(BlobId),
    Remove(BlobId),
    SyncRemovals,
    /// Find out how the operation on these blobs ended.
    Settle(Vec<BlobId>),
}

impl Io {
    fn blobs(&self) -> Vec<BlobId> {
        match self {
            Self::Append { blob, .. } | Self::Seal(blob) | Self::Remove(blob) => vec![*blob],
            Self::Sync(blobs) | Self::Settle(blobs) => blobs.clone(),
            Self::SyncRemovals => Vec::new(),
        }
    }
}

/// What an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Switch,
    Edit,
    Footer,
    Group,
    Sync,
    Seal,
    Remove,
    SyncRemovals,
}

impl Doing {
    const fn describe(self) -> &'static str {
        match self {
            Self::Switch => "writing a new manifest",
            Self::Edit => "writing a manifest edit",
            Self::Footer => "writing a footer",
            Self::Group => "writing records",
            Self::Sync => "syncing",
            Self::Seal => "sealing a segment",
            Self::Remove => "removing a blob",
            Self::SyncRemovals => "syncing removals",
        }
    }
}

/// The operation that was handed out and has not been reported back.
#[derive(Debug)]
pub(crate) struct Doubt {
    doing: Doing,
    io: Io,
}

/// A frame of edits on its way into every copy of the manifest.
#[derive(Debug)]
pub(crate) struct EditWrite {
    bytes: Bytes,
    copy: usize,
    edits: Vec<Edit>,
    /// The active segment ends with it.
    rolls: bool,
    ticket: u64,
}

impl<E: StoreError> Writer<E> {
    /// The operation to perform now, if there is anything to do. Until it is
    /// reported with [`done`](Self::done), asking again settles it.
    pub(crate) fn next(&mut self) -> Option<Io> {
        if let Some(doubt) = &self.doubt
            && !planted(Bug::SkipSettle)
        {
            return Some(match doubt.io {
                // It is about no blob that could be settled.
                Io::SyncRemovals => Io::SyncRemovals,
                _ => Io::Settle(doubt.io.blobs()),
            });
        }
        match self.decide() {
            Ok(next) => {
                let (doing, io) = next?;
                self.doubt = Some(Doubt {
                    doing,
                    io: io.clone(),
                });
                Some(io)
            }
            Err(fault) => {
                let failure = Failure::from(fault);
                self.waiters.resolve(|_| Some(Err(failure.clone())));
                None
            }
        }
    }

    /// Reports how the operation ended. Settling an append tells where its blob ends.
    pub(crate) fn done(&mut self, result: Result<Option<u64>, E>) {
        let Some(Doubt { doing, io }) = self.doubt.take() else {
            return;
        };
        if let (
            Ok(Some(end)),
            Io::Append {
                position, bytes, ..
            },
        ) = (&result, &io)
            && *end < position + bytes.len() as u64
        {
            // It never began: the decision is made anew.
            return;
        }
        let length = match &io {
            Io::Append { bytes, .. } => bytes.len() as u64,
            _ => 0,
        };
        drop(io);
        let outcome = match result {
            Ok(_) => self.succeeded(doing, length),
            Err(error) => self.failed(doing, error),
        };
        if let Err(fault) = outcome {
            let failure = Failure::from(fault);
            self.waiters.resolve(|_| Some(Err(failure.clone())));
        }
        self.tell();
    }

    fn decide(&mut self) -> Result<Option<(Doing, Io)>, Fault> {
        if self.poison.is_some() || self.closing == Closing::Closed {
            return Ok(None);
        }
        if self.switch.is_some() {
            return Ok(self.switch_io());
        }
        if let Some(write) = &self.edit_write {
            let (copy, bytes) = (write.copy, write.bytes.clone());
            return Ok(self
                .manifest_append(copy, bytes)
                .map(|io| (Doing::Edit, io)));
        }
        let wants = self.wants();
        if matches!(self.takeover, Takeover::Pending(_)) {
            return self.begin_epoch(wants);
        }
        if wants.any && self.manifest_is_full() {
            // Should there be no room for another, what is stored is safe all the same.
            if wants.sync && self.unsynced > 0 && matches!(self.takeover, Takeover::Done) {
                return self.sync();
            }
            self.begin_switch()?;
            return Ok(self.switch_io());
        }
        if let Some(next) = self.settle_copies()? {
            return Ok(Some(next));
        }
        if wants.any && self.removals.len() > limits::REMOVALS_MAX {
            return Ok(self.tidy_up());
        }
        let ends = self.must_end();
        let hold = wants.hold && !(ends && self.queues_for_active());
        // What the store has of a segment that no edit names yet comes before other edits.
        let named = self.queue.front().is_none_or(|front| !front.unnamed);
        if wants.store && !hold && !self.queue.is_empty() || !named {
            return self.store_front();
        }
        if wants.sync && ends && !self.queues_for_active() {
            return self.end_active();
        }
        if wants.sync && self.is_dirty() {
            return self.sync();
        }
        if !self.edit_queue.is_empty() {
            return self.write_edits(Vec::new(), false);
        }
        if self.closing == Closing::Asked {
            return self.close_step();
        }
        Ok(self.tidy_up())
    }

    /// The first write of an epoch begins with a manifest of its own.
    fn begin_epoch(&mut self, wants: Wants) -> Result<Option<(Doing, Io)>, Fault> {
        let closing = self.closing == Closing::Asked && self.queue.is_empty();
        let due = wants.store && !self.queue.is_empty()
            || wants.sync && (self.durable < self.stored || !self.edit_queue.is_empty())
            || wants.sync && self.manifest.is_none() && !closing;
        if !due {
            if closing {
                self.closing = Closing::Closed;
                self.changed = true;
            }
            self.tell();
            return Ok(None);
        }
        self.queue_copies()?;
        self.begin_switch()?;
        Ok(self.switch_io())
    }

    pub(crate) fn begin_switch(&mut self) -> Result<(), Fault> {
        self.expire_producers();
        self.live.facts.predecessor = self.manifest.map_or(0, |old| old.number);
        self.live.facts.allocated = self.next_number + limits::NUMBERS_PER_EDIT;
        let mut olds: Vec<ManifestEnd> = self.manifest.into_iter().collect();
        olds.extend(self.superseding.unmarked.iter().map(ManifestEnd::of));
        let torn = &self.superseding.torn;
        let new = NewManifest {
            log: self.log,
            number: self.next_manifest,
            salt: self.host.random(),
            backup: false,
        };
        let switch = Switch::plan(new, &self.live, &olds, torn, self.copies)?;
        self.next_manifest += 1;
        self.switch = Some(switch);
        Ok(())
    }

    /// Whether the manifest has grown long, or has room for little more than the mark
    /// with which it ends.
    fn manifest_is_full(&self) -> bool {
        let appends_max = self.geometry.appends_max;
        self.manifest.is_some_and(|manifest| {
            is_long(manifest.end - self.manifest_base)
                || appends_max > 0 && manifest.appends + 2 > appends_max
        })
    }

    fn switch_io(&self) -> Option<(Doing, Io)> {
        let step = self.switch.as_ref()?.steps.front()?;
        Some((Doing::Switch, step.clone()))
    }

    fn manifest_append(&self, copy: usize, bytes: Bytes) -> Option<Io> {
        let manifest = self.manifest?;
        let blob = *manifest_blobs(self.log, manifest.number, self.copies).get(copy)?;
        Some(Io::Append {
            blob,
            position: manifest.end,
            bytes,
        })
    }

    /// Copies of earlier data are written and synced before anything else is, and
    /// before the manifest names them.
    fn settle_copies(&mut self) -> Result<Option<(Doing, Io)>, Fault> {
        let Takeover::Settling { copied, .. } = &self.takeover else {
            return Ok(None);
        };
        if !*copied {
            return self.append_front();
        }
        if self.unsynced > 0 && !planted(Bug::DropUnsynced) {
            return self.sync();
        }
        let settled = core::mem::replace(&mut self.takeover, Takeover::Done);
        let Takeover::Settling { loose, trimmed, .. } = settled else {
            return Ok(None);
        };
        let mut edits = Vec::new();
        for number in loose {
            self.indexes.remove(&number);
            if trimmed
                .as_ref()
                .is_none_or(|trimmed| trimmed.meta.number != number)
            {
                edits.push(Edit::Dropped(number));
                self.removals.push_named(segment_blob(self.log, number));
            }
        }
        if let Some(trimmed) = trimmed {
            edits.push(Edit::Segment(trimmed.meta));
            if let Some(index) = trimmed.index {
                self.indexes.insert(trimmed.meta.number, index);
            }
        }
        edits.extend(
            self.active
                .as_ref()
                .map(|active| Edit::Segment(active.meta)),
        );
        self.write_edits(edits, false)
    }

    /// Brings the group at the front of the queue into the store. A new segment is
    /// named by the manifest once its first bytes are there, so that a full store is
    /// asked for nothing but them.
    fn store_front(&mut self) -> Result<Option<(Doing, Io)>, Fault> {
        let Some(front) = self.queue.front() else {
            return Ok(None);
        };
        let length = front.length() as u64;
        if front.unnamed {
            return self.roll();
        }
        if front.opens()
            && let Some(footer) = self.footer()?
        {
            return Ok(Some(footer));
        }
        if self.unsynced > 0 && self.unsynced + length > limits::UNSYNCED_MAX {
            return self.sync();
        }
        self.append_front()
    }

    fn append_front(&mut self) -> Result<Option<(Doing, Io)>, Fault> {
        let Some(front) = self.queue.front_mut() else {
            return Ok(None);
        };
        let blob = segment_blob(self.log, front.meta.number);
        let io = Io::Append {
            blob,
            position: front.position,
            bytes: front.freeze(),
        };
        Ok(Some((Doing::Group, io)))
    }

    /// Starts writing a frame of edits: these, behind those that are queued.
    pub(super) fn write_edits(
        &mut self,
        edits: Vec<Edit>,
        rolls: bool,
    ) -> Result<Option<(Doing, Io)>, Fault> {
        let Some(manifest) = &self.manifest else {
            return Ok(None);
        };
        let mut all = core::mem::take(&mut self.edit_queue);
        all.extend(edits);
        if self.next_number >= self.live.facts.allocated {
            all.push(Edit::Allocated(self.next_number + limits::NUMBERS_PER_EDIT));
        }
        let mut bytes = Vec::new();
        put_edits(
            &mut bytes,
            manifest.end,
            manifest.seed,
            manifest.synced,
            &all,
            self.settings.align,
        )?;
        let bytes = Bytes::from(bytes);
        let write = EditWrite {
            bytes,
            copy: 0,
            edits: all,
            rolls,
            ticket: self.edits_asked,
        };
        let io = self.manifest_append(0, write.bytes.clone());
        self.edit_write = Some(write);
        Ok(io.map(|io| (Doing::Edit, io)))
    }

    fn is_dirty(&self) -> bool {
        self.unsynced > 0 || self.manifest_dirty
    }

    /// Syncs whatever is not. What is synced ends at a multiple of the alignment, so
    /// that no later write shares a block with it.
    fn sync(&mut self) -> Result<Option<(Doing, Io)>, Fault> {
        if self.pad_active()? {
            return self.append_front();
        }
        let mut blobs = Vec::new();
        let unsynced = self.ending.iter().filter(|ending| !ending.synced);
        blobs.extend(unsynced.map(|ending| segment_blob(self.log, ending.meta.number)));
        if let Some(active) = &self.active
            && self.unsynced > 0
        {
            blobs.push(segment_blob(self.log, active.meta.number));
        }
        if let Some(manifest) = &self.manifest
            && self.manifest_dirty
        {
            blobs.extend(manifest_blobs(self.log, manifest.number, self.copies));
        }
        Ok(Some((Doing::Sync, Io::Sync(blobs))))
    }

    /// Closing seals the active segment, so that the next opening reads nothing.
    fn close_step(&mut self) -> Result<Option<(Doing, Io)>, Fault> {
        if self.active.is_some() {
            return self.end_active();
        }
        if self.is_dirty() {
            return self.sync();
        }
        if let Some(next) = self.tidy_up() {
            return Ok(Some(next));
        }
        self.closing = Closing::Closed;
        self.changed = true;
        self.tell();
        Ok(None)
    }

    /// Work nobody waits for.
    fn tidy_up(&mut self) -> Option<(Doing, Io)> {
        if let Some(blob) = self.seals.pop_front() {
            return Some((Doing::Seal, Io::Seal(blob)));
        }
        self.removals.pop().map(|removal| match removal {
            Removal::Blob(blob) => (Doing::Remove, Io::Remove(blob)),
            Removal::Settle => (Doing::SyncRemovals, Io::SyncRemovals),
        })
    }

    fn succeeded(&mut self, doing: Doing, length: u64) -> Result<(), Fault> {
        match doing {
            Doing::Switch => self.switched(),
            Doing::Edit => self.edited(),
            Doing::Footer => {
                self.footed(length);
                Ok(())
            }
            Doing::Group => {
                match self.queue.front_mut() {
                    Some(front) if front.opens() && !front.settles => front.unnamed = true,
                    _ => self.stored_front(),
                }
                Ok(())
            }
            Doing::Sync => self.synced(),
            Doing::Seal | Doing::Remove | Doing::SyncRemovals => Ok(()),
        }
    }

    fn switched(&mut self) -> Result<(), Fault> {
        let Some(switch) = &mut self.switch else {
            return Ok(());
        };
        switch.steps.pop_front();
        if !switch.steps.is_empty() {
            return Ok(());
        }
        let new = switch.new;
        // Were one of these to come back without a mark, only what it was to supersede,
        // or what superseded it, would show that it does not count. And were one to come
        // back with a mark, the next number has to be there too: by it the rest are found.
        let Superseding {
            mut stale,
            torn,
            refused,
            ..
        } = core::mem::take(&mut self.superseding);
        stale.sort_unstable();
        for (index, number) in stale.into_iter().enumerate() {
            let blobs = manifest_blobs(self.log, number, self.copies);
            match index {
                0 => blobs.into_iter().for_each(|blob| self.removals.push(blob)),
                _ => self.removals.push_behind(blobs),
            }
        }
        torn.into_iter()
            .chain(refused)
            .for_each(|blob| self.removals.push(blob));
        self.removals.push_behind(switch.old.drain(..));
        self.switch = None;
        self.manifest = Some(new);
        self.manifest_base = new.end;
        self.edits_synced = self.edits_written;
        self.manifest_dirty = false;
        self.removals.edits_synced();
        if let Takeover::Pending(plan) = &mut self.takeover {
            let loose: Vec<u64> = plan.loose.iter().map(|meta| meta.number).collect();
            self.takeover = match loose.is_empty() {
                true => Takeover::Done,
                false => Takeover::Settling {
                    loose,
                    trimmed: plan.trimmed.take(),
                    copied: false,
                },
            };
        }
        Ok(())
    }

    fn edited(&mut self) -> Result<(), Fault> {
        let Some(write) = &mut self.edit_write else {
            return Ok(());
        };
        if write.copy + 1 < self.copies {
            write.copy += 1;
            return Ok(());
        }
        let Some(write) = self.edit_write.take() else {
            return Ok(());
        };
        if let Some(manifest) = &mut self.manifest {
            manifest.end += write.bytes.len() as u64;
            manifest.appends += 1;
        }
        self.manifest_dirty = true;
        self.edits_written = write.ticket;
        if write.rolls
            && let Some(active) = self.active.take()
        {
            let footer = match active.footer {
                FooterPlace::Own { length } => length,
                _ => 0,
            };
            self.indexes.insert(active.meta.number, active.index);
            self.ending.push(Ending {
                meta: active.totals.ended(&active.meta, active.footer, true),
                synced: active.synced == active.totals.data_end + footer,
            });
        }
        for edit in &write.edits {
            self.live.apply(edit);
            if let Edit::Settings(settings) = edit {
                self.settings = *settings;
                self.building = settings.indexes;
            }
            if let Edit::Dropped(number) = edit {
                self.indexes.remove(number);
            }
            if let Edit::Segment(meta) = edit
                && meta.sealed
                && meta.footer != FooterPlace::None
            {
                self.indexes.remove(&meta.number);
            }
        }
        if self.queue.front().is_some_and(|front| front.unnamed) {
            self.stored_front();
        }
        self.seal_synced();
        self.list_ended();
        Ok(())
    }

    /// Asks for the edits that record ended segments as sealed.
    fn seal_synced(&mut self) {
        for ending in self.ending.extract_if(.., |ending| ending.synced) {
            self.edit_queue.push(Edit::Segment(ending.meta));
            self.seals
                .push_back(segment_blob(self.log, ending.meta.number));
        }
    }

    fn footed(&mut self, length: u64) {
        if let Some(active) = &mut self.active {
            active.footer = FooterPlace::Own { length };
            self.unsynced += length;
        }
    }

    fn stored_front(&mut self) {
        let Some(group) = self.queue.pop_front() else {
            return;
        };
        let length = group.length();
        if !group.pads {
            self.taken += group.frames.len() as u64;
        }
        self.queued_bytes -= length;
        self.unsynced += length as u64;
        if group.opens() {
            self.active = Some(Active {
                meta: group.meta,
                totals: Totals::of(&group.meta),
                index: Growing::new(Indexes {
                    keys: group.hashed,
                    times: self.building.times,
                }),
                synced: 0,
                vouched: 0,
                settled: 0,
                batch_end: 0,
                appends: 0,
                broken: false,
                producers: alloc::collections::BTreeSet::new(),
                footer: FooterPlace::None,
            });
        }
        let Some(active) = &mut self.active else {
            return;
        };
        active.appends += 1;
        for frame in &group.frames {
            let position = group.position + frame.at as u64;
            if frame.header.kind == FrameKind::Batch {
                let base = active.meta.base_offset;
                active.index.add(base, position, &frame.header);
                active.batch_end = position + frame.header.frame_length() as u64;
            }
            active.totals.add(position, &frame.header, frame.span);
            active.vouched = active.vouched.max(frame.header.vouched);
            if let Some(producer) = frame.header.producer {
                active.producers.insert(producer.id);
            }
        }
        if !group.hashed {
            active.index.keys = None;
        }
        active.index.add_keys(active.meta.base_offset, &group.keys);
        if group.settles {
            if let Takeover::Settling { copied, .. } = &mut self.takeover {
                *copied = true;
            }
        } else {
            self.stored = self.stored.max(active.totals.next_offset);
        }
        self.changed = true;
        self.recycle(group);
    }

    fn synced(&mut self) -> Result<(), Fault> {
        for ending in &mut self.ending {
            ending.synced = true;
        }
        if let Some(active) = &mut self.active {
            let footer = match active.footer {
                FooterPlace::Own { length } => length,
                _ => 0,
            };
            active.synced = active.totals.data_end + footer;
            active.settled = active.vouched;
        }
        self.unsynced = 0;
        if self.manifest_dirty
            && let Some(manifest) = &mut self.manifest
        {
            manifest.synced = manifest.end;
            self.manifest_dirty = false;
            self.edits_synced = self.edits_written;
            self.removals.edits_synced();
        }
        if matches!(self.takeover, Takeover::Done) {
            self.durable = self.stored;
        }
        self.changed = true;
        self.seal_synced();
        Ok(())
    }

    fn failed(&mut self, doing: Doing, error: E) -> Result<(), Fault> {
        let kind = error.kind();
        let error = Arc::new(error);
        match (doing, kind) {
            (Doing::Seal, kind) if kind != ErrorKind::Fenced => Ok(()),
            (Doing::Remove, kind) if kind != ErrorKind::Fenced => {
                self.removals.blob_failed();
                Ok(())
            }
            (Doing::SyncRemovals, kind) if kind != ErrorKind::Fenced => {
                self.removals.settle_failed();
                Ok(())
            }
            (Doing::Footer, ErrorKind::Full) => {
                if let Some(active) = &mut self.active {
                    active.broken = true;
                }
                Ok(())
            }
            (Doing::Group, ErrorKind::Full) => self.refuse_front(error),
            (Doing::Group, ErrorKind::Conflict)
                if self.queue.front().is_some_and(super::group::Group::opens) =>
            {
                self.move_front()
            }
            (Doing::Switch, ErrorKind::Full | ErrorKind::Conflict)
                if self.switch.as_ref().is_some_and(Switch::is_fresh) =>
            {
                if let Some(switch) = self.switch.take() {
                    let refused = switch.refused(self.log, kind, self.copies);
                    self.superseding.refused.extend(refused);
                }
                if kind == ErrorKind::Full {
                    self.refuse_all(&error)?;
                }
                Ok(())
            }
            _ => {
                self.poison(doing.describe(), error);
                Ok(())
            }
        }
    }

    pub(crate) fn poison(&mut self, doing: &'static str, source: Arc<E>) {
        self.poison = Some(Poison { doing, source });
        self.queue.clear();
        self.queued_bytes = 0;
        self.changed = true;
    }

    /// Whether records are as far as this goal asks.
    pub(crate) fn reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Stored(target) => self.stored >= target,
            Goal::Synced(target) if planted(Bug::AcknowledgeBeforeSync) => self.stored >= target,
            Goal::Synced(target) => self.durable >= target,
            _ => false,
        }
    }

    /// Hands on the right to perform operations.
    pub(crate) fn stop_driving(&mut self) {
        self.driving = false;
        self.leader = None;
        if !planted(Bug::SkipWake) {
            self.waiters.wake();
        }
    }

    /// Tells everyone whose goal is reached, or cannot be any more.
    pub(crate) fn tell(&mut self) {
        let poison = self.poison.clone();
        let closed = self.closing == Closing::Closed;
        let (stored, durable) = (self.stored, self.durable);
        let (edits, crowded) = (self.edits_synced, self.is_crowded());
        let (taken, idle) = (self.taken, self.queue.is_empty());
        let quiet = poison.is_none()
            && self.manifest.is_some()
            && !self.must_end()
            && durable >= stored
            && !self.is_dirty()
            && self.edit_queue.is_empty()
            && self.edit_write.is_none()
            && self.switch.is_none();
        self.waiters.resolve(|goal| {
            let reached = match goal {
                Goal::Stored(target) => stored >= target,
                Goal::Synced(target) if planted(Bug::AcknowledgeBeforeSync) => stored >= target,
                Goal::Synced(target) => durable >= target,
                Goal::Edits(ticket) => edits >= ticket,
                Goal::Quiet(target) => quiet && (idle || taken >= target),
                Goal::Room => !crowded,
                Goal::Closed => closed,
            };
            match (&poison, reached) {
                (_, true) => Some(Ok(())),
                (Some(poison), false) => Some(Err(Failure::Poisoned(poison.clone()))),
                (None, false) if closed => Some(Err(Failure::Closed)),
                (None, false) => None,
            }
        });
    }
}
