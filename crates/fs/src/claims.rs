//! Owns the right to write to a log: a file lock where there are any, a file for
//! each epoch elsewhere.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use tidelog_core::LogId;

use crate::directory;
use crate::error::{FsError, Operation, Reason};
use crate::layout::Layout;
use crate::options::Locks;

/// The logs this store writes to.
#[derive(Debug)]
pub(crate) struct Claims {
    held: RwLock<HashMap<LogId, Claim>>,
    /// Whether an epoch was ever claimed: every append asks.
    any_epochs: AtomicBool,
    locks: Locks,
}

#[derive(Debug)]
enum Claim {
    /// Locked for as long as the file stays open, which is all it is for.
    Lock { _file: File },
    /// Valid until the next epoch is taken.
    Epoch(u64),
}

impl Claims {
    pub(crate) fn new(locks: Locks) -> Self {
        Self {
            held: RwLock::default(),
            any_epochs: AtomicBool::new(false),
            locks,
        }
    }

    /// Becomes the writer of `log`; returns the epoch.
    pub(crate) fn claim(&self, layout: &Layout, log: LogId, at_least: u64) -> Result<u64, FsError> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let folder = layout.folder(log);
        if held.contains_key(&log) {
            return Err(Reason::Locked.at(Operation::Claim, &folder));
        }
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Reason::from(error).at(Operation::Claim, &folder));
            }
            _ => {}
        }
        let locked = match self.locks {
            Locks::Auto => try_lock(&layout.lock(log))?,
            Locks::EpochFiles => None,
        };
        let (claim, epoch) = match locked {
            Some(file) => (Claim::Lock { _file: file }, at_least),
            None => {
                let epoch = take_epoch(layout, log, at_least)?;
                self.any_epochs.store(true, Ordering::Release);
                (Claim::Epoch(epoch), epoch)
            }
        };
        held.insert(log, claim);
        Ok(epoch)
    }

    /// Stops being the writer of `log`. An epoch taken stays taken.
    pub(crate) fn release(&self, log: LogId) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.remove(&log);
    }

    /// Fails if a newer writer took `log` over.
    pub(crate) fn check(&self, layout: &Layout, log: LogId) -> Result<(), Reason> {
        let Some(epoch) = self.epoch(log) else {
            return Ok(());
        };
        let next = layout.epoch(log, epoch.saturating_add(1));
        match fs::symlink_metadata(next) {
            Ok(_) => Err(Reason::Fenced { epoch }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the log may be taken over at any moment, so that what was checked
    /// may be wrong a moment later.
    pub(crate) fn can_be_lost(&self, log: LogId) -> bool {
        self.epoch(log).is_some()
    }

    fn epoch(&self, log: LogId) -> Option<u64> {
        if !self.any_epochs.load(Ordering::Acquire) {
            return None;
        }
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        match held.get(&log) {
            Some(Claim::Epoch(epoch)) => Some(*epoch),
            _ => None,
        }
    }
}

/// The locked file, or `None` where files cannot be locked.
fn try_lock(path: &Path) -> Result<Option<File>, FsError> {
    let refused = |reason: Reason| Err(reason.at(Operation::Claim, path));
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) => return refused(error.into()),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => refused(Reason::Locked),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(TryLockError::Error(error)) => refused(error.into()),
    }
}

/// Takes the smallest free epoch from `at_least` on. Durable before it is used:
/// an epoch forgotten by a power cut would be given twice.
fn take_epoch(layout: &Layout, log: LogId, at_least: u64) -> Result<u64, FsError> {
    for epoch in at_least.. {
        let path = layout.epoch(log, epoch);
        let taken = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|file| file.sync_all())
            .and_then(|()| directory::sync(&layout.folder(log)));
        match taken {
            Ok(()) => return Ok(epoch),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Reason::from(error).at(Operation::Claim, &path)),
        }
    }
    Err(Reason::Locked.at(Operation::Claim, &layout.folder(log)))
}
