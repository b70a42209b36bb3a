//! Owns the store that keeps its blobs in memory: for tests, and for logs that
//! need not outlive the process. Its `stored` and `synced` survive nothing.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;

use super::{BlobId, BlobKind, BlockStore, Geometry, LogId, StoreError};
use crate::limits::MANIFEST_RESERVE;
use crate::{Bytes, ErrorKind, Local, Shared, Sharing};

/// A store in memory. `P` says whether it may be shared between threads.
pub struct MemoryStore<P: Sharing = Local> {
    state: P::Cell<State>,
    capacity: u64,
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<BlobId, Vec<u8>>,
    claimed: BTreeSet<LogId>,
    held: u64,
}

/// Why the memory store refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryError {
    /// No such blob.
    NotFound(BlobId),
    /// A read past the end of the blob.
    PastEnd {
        /// The blob.
        blob: BlobId,
        /// Bytes that exist from the position asked for.
        available: u64,
    },
    /// An append somewhere else than at the end.
    Conflict {
        /// The blob.
        blob: BlobId,
        /// Where it ends.
        end: u64,
        /// The position given.
        position: u64,
    },
    /// The capacity is used up.
    Full,
    /// Another handle writes to this log.
    Locked(LogId),
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(blob) => write!(f, "{blob} does not exist"),
            Self::PastEnd { blob, available } => {
                write!(f, "{blob} has only {available} bytes from there on")
            }
            Self::Conflict {
                blob,
                end,
                position,
            } => {
                write!(f, "{blob} ends at {end}, not at {position}")
            }
            Self::Full => f.write_str("the memory store has reached its capacity"),
            Self::Locked(log) => write!(f, "log {log} has a writer already"),
        }
    }
}

impl core::error::Error for MemoryError {}

impl StoreError for MemoryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::PastEnd { .. } => ErrorKind::OutOfRange,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Full => ErrorKind::Full,
            Self::Locked(_) => ErrorKind::Locked,
        }
    }

    fn available(&self) -> Option<u64> {
        match self {
            Self::PastEnd { available, .. } => Some(*available),
            _ => None,
        }
    }
}

impl<P: Sharing> MemoryStore<P> {
    /// An empty store without a bound.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(u64::MAX)
    }

    /// An empty store that refuses to hold more than `capacity` bytes, beside
    /// the reserve of its manifests.
    #[must_use]
    pub fn with_capacity(capacity: u64) -> Self {
        Self {
            state: Shared::new(State::default()),
            capacity,
        }
    }

    /// Bytes held in all blobs.
    pub fn held(&self) -> u64 {
        self.state.read(|state| state.held)
    }
}

impl<P: Sharing> Default for MemoryStore<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Sharing> fmt::Debug for MemoryStore<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}

impl<P: Sharing> BlockStore for MemoryStore<P> {
    type Error = MemoryError;

    fn geometry(&self) -> Geometry {
        Geometry {
            atomic_append: true,
            blast_radius: 0,
            longest_blob: u64::MAX,
            appends_max: 0,
            cheap_append: 0,
        }
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, MemoryError> {
        Ok(self.state.read(|state| {
            state
                .blobs
                .keys()
                .filter(|blob| blob.log == log)
                .copied()
                .collect()
        }))
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        self.state.read(|state| {
            let bytes = state.blobs.get(&blob).ok_or(MemoryError::NotFound(blob))?;
            let rest = usize::try_from(position)
                .ok()
                .and_then(|at| bytes.get(at..))
                .unwrap_or(&[]);
            match rest.get(..buf.len()) {
                Some(found) => {
                    buf.copy_from_slice(found);
                    Ok(())
                }
                None => Err(MemoryError::PastEnd {
                    blob,
                    available: rest.len() as u64,
                }),
            }
        })
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), MemoryError> {
        self.state.write(|state| {
            let end = state.blobs.get(&blob).map(|held| held.len() as u64);
            if position != end.unwrap_or(0) || (position == 0 && end.is_some()) {
                return Err(MemoryError::Conflict {
                    blob,
                    end: end.unwrap_or(0),
                    position,
                });
            }
            let reserve = match blob.kind {
                BlobKind::Manifest | BlobKind::ManifestCopy => MANIFEST_RESERVE,
                _ => 0,
            };
            let held = state.held.saturating_add(bytes.len() as u64);
            if held > self.capacity.saturating_add(reserve) {
                return Err(MemoryError::Full);
            }
            state.held = held;
            state
                .blobs
                .entry(blob)
                .or_default()
                .extend_from_slice(&bytes);
            Ok(())
        })
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), MemoryError> {
        self.state.read(
            |state| match blobs.iter().find(|blob| !state.blobs.contains_key(blob)) {
                Some(missing) => Err(MemoryError::NotFound(*missing)),
                None => Ok(()),
            },
        )
    }

    async fn seal(&self, _blob: BlobId) -> Result<(), MemoryError> {
        Ok(())
    }

    async fn remove(&self, blob: BlobId) -> Result<(), MemoryError> {
        self.state.write(|state| {
            if let Some(bytes) = state.blobs.remove(&blob) {
                state.held = state.held.saturating_sub(bytes.len() as u64);
            }
        });
        Ok(())
    }

    async fn sync_removals(&self, _log: LogId) -> Result<(), MemoryError> {
        Ok(())
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, MemoryError> {
        Ok(self
            .state
            .read(|state| state.blobs.get(&blob).map_or(0, |held| held.len() as u64)))
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, MemoryError> {
        if self.state.write(|state| state.claimed.insert(log)) {
            Ok(at_least)
        } else {
            Err(MemoryError::Locked(log))
        }
    }

    fn release(&self, log: LogId) {
        self.state.write(|state| {
            state.claimed.remove(&log);
        });
    }
}
