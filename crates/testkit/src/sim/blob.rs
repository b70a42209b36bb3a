//! Owns the state of one simulated blob: what of it is durable, what is not
//! yet, and what a crash makes of both.

use std::cell::Cell;
use std::rc::Rc;

use tidelog_core::Bytes;

use super::tear::Tear;
use crate::planted;
use crate::random::digest;

/// One operation on a blob that no sync has covered yet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Its place in the order of all operations on the disk.
    pub seq: u64,
    pub change: Change,
    /// Finished as far as the process is concerned; otherwise in flight.
    pub done: bool,
    /// Given up by a failed sync: readable, but no later sync covers it.
    pub forsaken: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Create,
    Write { position: u64, bytes: Bytes },
    Remove,
}

/// What a crash did to one pending operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Lost,
    Whole,
    Torn(Tear),
}

#[derive(Clone, Debug)]
pub(super) struct SimBlob {
    /// What a power cut leaves for sure; `None` while it may not even exist.
    durable: Option<Rc<Vec<u8>>>,
    /// What a read sees; `None` before the creation and after the removal.
    visible: Option<Rc<Vec<u8>>>,
    pending: Vec<Pending>,
    digest: Cell<Option<u64>>,
}

impl SimBlob {
    /// A blob nothing has happened to yet.
    pub fn absent() -> Self {
        Self {
            durable: None,
            visible: None,
            pending: Vec::new(),
            digest: Cell::new(None),
        }
    }

    pub fn visible(&self) -> Option<&Rc<Vec<u8>>> {
        self.visible.as_ref()
    }

    pub fn durable(&self) -> Option<&Rc<Vec<u8>>> {
        self.durable.as_ref()
    }

    pub fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// Nothing visible, durable or pending: the blob can be forgotten.
    pub fn is_gone(&self) -> bool {
        self.durable.is_none() && self.visible.is_none() && self.pending.is_empty()
    }

    /// A hash of what a read sees.
    pub fn digest(&self) -> u64 {
        let found = self
            .digest
            .get()
            .unwrap_or_else(|| self.visible.as_ref().map_or(0, |bytes| digest(1, bytes)));
        self.digest.set(Some(found));
        found
    }

    /// The operation is on its way: a crash may or may not apply it.
    pub fn issue(&mut self, seq: u64, change: Change) {
        self.pending.push(Pending {
            seq,
            change,
            done: false,
            forsaken: false,
        });
    }

    /// The operation has happened as far as the process can see.
    pub fn complete(&mut self, seq: u64) {
        let Some(at) = self.pending.iter().position(|entry| entry.seq == seq) else {
            return;
        };
        self.pending[at].done = true;
        self.digest.set(None);
        match &self.pending[at].change {
            Change::Create => {
                self.visible.get_or_insert_default();
            }
            Change::Write { position, bytes } => {
                let content = Rc::make_mut(self.visible.get_or_insert_default());
                write_at(content, *position, bytes);
            }
            Change::Remove => self.visible = None,
        }
    }

    /// The operation turned out to be only a part of what was asked for, or
    /// nothing of it.
    pub fn reduce(&mut self, seq: u64, len: usize) {
        let Some(at) = self.pending.iter().position(|entry| entry.seq == seq) else {
            return;
        };
        match &mut self.pending[at].change {
            Change::Write { bytes, .. } if len > 0 => {
                let part = bytes.get(..len).unwrap_or(bytes).to_vec();
                *bytes = Bytes::from(part);
            }
            _ => {
                self.pending.remove(at);
            }
        }
    }

    /// Makes durable what happened before `seq`, but no removal.
    pub fn sync(&mut self, seq: u64) {
        let created = |entry: &Pending| matches!(entry.change, Change::Create);
        if planted::skips_directory_sync() && self.pending.iter().any(created) {
            return;
        }
        let covered = |entry: &Pending| {
            entry.seq < seq && !entry.forsaken && !matches!(entry.change, Change::Remove)
        };
        let whole = self
            .pending
            .iter()
            .all(|entry| covered(entry) && entry.done);
        if whole {
            self.pending.clear();
            self.durable.clone_from(&self.visible);
            return;
        }
        for entry in &self.pending {
            if covered(entry) {
                apply(&mut self.durable, &entry.change);
            }
        }
        self.pending.retain(|entry| !covered(entry));
    }

    /// A failed sync gave up what happened before `seq`, as far as `forsaken`
    /// says so.
    pub fn forsake(&mut self, seq: u64, mut forsaken: impl FnMut() -> bool) {
        for entry in &mut self.pending {
            if entry.seq < seq && !matches!(entry.change, Change::Remove) {
                entry.forsaken |= forsaken();
            }
        }
    }

    /// Makes a removal that has happened durable.
    pub fn sync_removal(&mut self) {
        let removed = |entry: &Pending| entry.done && matches!(entry.change, Change::Remove);
        if let Some(at) = self.pending.iter().position(removed) {
            self.pending.drain(..=at);
            self.durable = None;
        }
    }

    /// The blob after a power cut that did `fate` to each pending operation,
    /// and everything that is left is durable. `stale` are bytes an older
    /// generation left where this blob lies.
    pub fn after_power_cut(&self, stale: &[u8], fate: impl Fn(u64) -> Fate) -> Self {
        let mut content = self.durable.clone();
        for entry in &self.pending {
            match (&entry.change, fate(entry.seq)) {
                (Change::Create, Fate::Lost) if content.is_none() => {
                    // Without its directory entry nothing of the blob is found.
                    break;
                }
                (_, Fate::Lost) => {}
                (Change::Write { position, bytes }, Fate::Torn(tear)) => {
                    if let Some(content) = &mut content {
                        tear.write(Rc::make_mut(content), *position, bytes, stale);
                    }
                }
                (change, _) => apply(&mut content, change),
            }
        }
        Self::settled(content)
    }

    /// The blob after its process was killed: what is done stays, still not
    /// durable; what was in flight meets its `fate`.
    pub fn after_kill(&self, stale: &[u8], fate: impl Fn(u64) -> Fate) -> Self {
        let mut after = Self {
            durable: self.durable.clone(),
            visible: self.durable.clone(),
            pending: Vec::with_capacity(self.pending.len()),
            digest: Cell::new(None),
        };
        for entry in &self.pending {
            let mut entry = entry.clone();
            if !entry.done {
                match (&mut entry.change, fate(entry.seq)) {
                    (_, Fate::Lost) => continue,
                    (_, Fate::Whole) => {}
                    (Change::Write { position, bytes }, Fate::Torn(tear)) => {
                        let len = after.visible.as_ref().map_or(0, |held| held.len());
                        let mut region = vec![0; len.max(*position as usize)];
                        if let Some(held) = &after.visible {
                            region[..held.len()].copy_from_slice(held);
                        }
                        tear.write(&mut region, *position, bytes, stale);
                        let torn = region.get(*position as usize..).unwrap_or(&[]);
                        *bytes = Bytes::from(torn.to_vec());
                    }
                    (_, Fate::Torn(_)) => {}
                }
                entry.done = true;
            }
            apply(&mut after.visible, &entry.change);
            after.pending.push(entry);
        }
        after
    }

    /// Damages `range` of what is there, durable or not.
    pub fn damage(&mut self, start: usize, end: usize, mut damage: impl FnMut(&mut [u8])) {
        if let Some(content) = &mut self.visible {
            let content = Rc::make_mut(content);
            let end = end.min(content.len());
            if start < end {
                damage(&mut content[start..end]);
            }
        }
        self.durable.clone_from(&self.visible);
        self.digest.set(None);
    }

    /// A blob of which everything is durable.
    pub fn settled(content: Option<Rc<Vec<u8>>>) -> Self {
        Self {
            durable: content.clone(),
            visible: content,
            pending: Vec::new(),
            digest: Cell::new(None),
        }
    }
}

fn apply(content: &mut Option<Rc<Vec<u8>>>, change: &Change) {
    match change {
        Change::Create => {
            content.get_or_insert_default();
        }
        // A write to a blob that is not there leaves nothing to be found.
        Change::Write { position, bytes } => {
            if let Some(content) = content {
                write_at(Rc::make_mut(content), *position, bytes);
            }
        }
        Change::Remove => *content = None,
    }
}

/// Writes as a file does: a gap before the position reads as zeros, bytes after
/// the end stay.
pub(super) fn write_at(content: &mut Vec<u8>, position: u64, bytes: &[u8]) {
    let start = position as usize;
    let end = start + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[start..end].copy_from_slice(bytes);
}
