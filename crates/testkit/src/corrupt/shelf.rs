//! Owns the store in which hit images are opened: blobs are shared until somebody
//! appends to them, so that a thousand stores cost as much as one. What was there
//! when it was made may be written over from where a writer says that it ends.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use tidelog_core::{BlobId, BlobKind, BlockStore, Bytes, Geometry, LogId, MemoryError};

/// Blobs by name, none of which changes any more.
pub type Blobs = BTreeMap<BlobId, Arc<Vec<u8>>>;

/// A store over [`Blobs`].
#[derive(Clone, Debug)]
pub struct Shelf {
    state: Rc<RefCell<State>>,
    atomic: bool,
}

#[derive(Debug)]
struct State {
    blobs: Blobs,
    /// Blobs that a writer of this store has appended to, and where it is.
    ends: BTreeMap<BlobId, u64>,
    claimed: BTreeSet<LogId>,
}

impl Shelf {
    /// A store that holds `blobs`. Where no blob is a copy of a manifest, its appends
    /// are atomic, as they were where the blobs come from.
    #[must_use]
    pub fn new(blobs: Blobs, atomic: bool) -> Self {
        let state = State {
            blobs,
            ends: BTreeMap::new(),
            claimed: BTreeSet::new(),
        };
        Self {
            state: Rc::new(RefCell::new(state)),
            atomic,
        }
    }

    /// Whether the store that these blobs come from has atomic appends: it keeps one
    /// copy of each manifest.
    #[must_use]
    pub fn is_atomic(blobs: &Blobs) -> bool {
        !blobs.keys().any(|id| id.kind == BlobKind::ManifestCopy)
    }

    /// What it holds.
    #[must_use]
    pub fn blobs(&self) -> Blobs {
        self.state.borrow().blobs.clone()
    }
}

impl BlockStore for Shelf {
    type Error = MemoryError;

    fn geometry(&self) -> Geometry {
        Geometry {
            atomic_append: self.atomic,
            blast_radius: 0,
            longest_blob: u64::MAX,
            appends_max: 0,
            cheap_append: 0,
        }
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, MemoryError> {
        let state = self.state.borrow();
        let blobs = state.blobs.keys().filter(|blob| blob.log == log);
        Ok(blobs.copied().collect())
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        let state = self.state.borrow();
        let bytes = state.blobs.get(&blob).ok_or(MemoryError::NotFound(blob))?;
        let rest = usize::try_from(position)
            .ok()
            .and_then(|at| bytes.get(at..))
            .unwrap_or(&[]);
        let found = rest.get(..buf.len()).ok_or(MemoryError::PastEnd {
            blob,
            available: rest.len() as u64,
        })?;
        buf.copy_from_slice(found);
        Ok(())
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), MemoryError> {
        let state = &mut *self.state.borrow_mut();
        let held = state.blobs.get(&blob).map(|held| held.len() as u64);
        let own = state.ends.get(&blob).copied();
        let fits = match (own, held) {
            (Some(own), _) => position == own,
            (None, None) => position == 0,
            (None, Some(held)) => position > 0 && position <= held,
        };
        if !fits {
            let end = own.or(held).unwrap_or(0);
            return Err(MemoryError::Conflict {
                blob,
                end,
                position,
            });
        }
        let held = Arc::make_mut(state.blobs.entry(blob).or_default());
        let at = position as usize;
        let covered = bytes.len().min(held.len() - at);
        held[at..at + covered].copy_from_slice(&bytes[..covered]);
        held.extend_from_slice(&bytes[covered..]);
        state.ends.insert(blob, position + bytes.len() as u64);
        Ok(())
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), MemoryError> {
        let state = self.state.borrow();
        match blobs.iter().find(|blob| !state.blobs.contains_key(blob)) {
            Some(missing) => Err(MemoryError::NotFound(*missing)),
            None => Ok(()),
        }
    }

    async fn seal(&self, _blob: BlobId) -> Result<(), MemoryError> {
        Ok(())
    }

    async fn remove(&self, blob: BlobId) -> Result<(), MemoryError> {
        self.state.borrow_mut().blobs.remove(&blob);
        Ok(())
    }

    async fn sync_removals(&self, _log: LogId) -> Result<(), MemoryError> {
        Ok(())
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, MemoryError> {
        let state = self.state.borrow();
        Ok(state.ends.get(&blob).copied().unwrap_or(0))
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, MemoryError> {
        if self.state.borrow_mut().claimed.insert(log) {
            Ok(at_least)
        } else {
            Err(MemoryError::Locked(log))
        }
    }

    fn release(&self, log: LogId) {
        self.state.borrow_mut().claimed.remove(&log);
    }
}
