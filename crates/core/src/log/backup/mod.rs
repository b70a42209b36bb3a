//! Owns backing a log up: copying its blobs, as they are, into another store, where
//! they make up the same log.
//!
//! # Invariants
//!
//! - Only blobs that never change again are copied: the active segment ends first.
//! - Until the one switch of manifests at the end, the other store holds the earlier
//!   backup and blobs that nothing names.
//! - Whoever backs up has the turn, so that no blob goes away meanwhile. Appending and
//!   reading need no turn.

mod error;
mod target;

pub use error::BackupError;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::handle::{Claim, Log};
use super::index::index_blob;
use super::manifest::ManifestState;
use super::masks::mask_blob;
use super::scan::Damage;
use super::segment::segment_blob;
use crate::format::{BLOB_HEADER, ContentHash, FooterPlace, SegmentMeta};
use crate::sharing::Sharing;
use crate::store::{BlobId, BlockStore, LogId};
use target::Target;

/// What backing up did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// The offset that follows the last record in the backup.
    pub next: u64,
    /// Segments that the backup consists of.
    pub segments: usize,
    /// Blobs that were copied: segments, masks and indexes.
    pub copied: usize,
    /// Bytes that were copied.
    pub copied_bytes: u64,
    /// Blobs that were there already.
    pub kept: usize,
    /// Segments, masks and indexes that were removed, since this backup needs them no
    /// more.
    pub removed: usize,
    /// Damage of the log that was copied with the rest.
    pub damage: Vec<Damage>,
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Makes `target` hold a backup of this log, under the same number: everything
    /// appended before the call, as it is. What an earlier backup left there is copied
    /// no more. The backup opens like any log; once it was opened for writing and
    /// written to, it is a log of its own and no longer backed up to.
    ///
    /// The last segment ends for it, which only a writer can do; and only the turn that a
    /// writer has keeps what is being copied from being removed. So a handle that only reads
    /// cannot back up. Appends and reads go on meanwhile; deleting, trimming and
    /// maintenance wait.
    ///
    /// # Cancellation
    /// An earlier backup stays as it was. The next call goes on with the blobs that
    /// were copied whole.
    ///
    /// # Errors
    /// `exists` if `target` holds something else under this number, of which nothing
    /// is changed; `locked` if somebody writes there; `read-only` if this handle only
    /// reads; `closed`, `poisoned`, `full`; `corrupt` if a blob of the log is cut
    /// short, or was not stored as it was sent.
    pub async fn backup<T: BlockStore>(
        &self,
        target: &T,
    ) -> Result<BackedUp, BackupError<S::Error, T::Error>> {
        let inner = self.inner();
        let turn = inner.turn().await;
        let (state, salts) = turn.unchanging().await.map_err(BackupError::Commit)?;
        target
            .claim(inner.log, 1)
            .await
            .map_err(|error| BackupError::Target(super::OpenError::Store(error)))?;
        let _claim = Claim {
            store: target,
            id: inner.log,
            kept: false,
        };
        Target::begin(&inner.store, target, inner.log, state, salts)
            .await?
            .fill()
            .await
    }
}

/// A blob that a log consists of, and what tells it from others of its name.
#[derive(Clone, Copy, Debug)]
struct Piece {
    epoch: u64,
    salt: u64,
    length: u64,
    hash: ContentHash,
    /// The segment's entry, if it is one.
    meta: Option<SegmentMeta>,
}

impl Piece {
    /// Whether it is `other`, be that longer.
    fn is_in(&self, other: &Self) -> bool {
        self.of_same_writer(other) && self.length <= other.length && self.hash == other.hash
    }

    fn of_same_writer(&self, other: &Self) -> bool {
        (self.epoch, self.salt) == (other.epoch, other.salt)
    }
}

/// The blobs that a manifest names.
fn pieces(log: LogId, state: &ManifestState) -> BTreeMap<BlobId, Piece> {
    let mut pieces = BTreeMap::new();
    let header = BLOB_HEADER as u64;
    for meta in state.segments.values() {
        let mut length = meta.data_end;
        match meta.footer {
            FooterPlace::None => {}
            FooterPlace::Own { length: footer } => length += footer,
            FooterPlace::Blob {
                number,
                salt,
                epoch,
                length,
            } => {
                let piece = Piece {
                    epoch,
                    salt,
                    length: header + length,
                    hash: meta.content_hash,
                    meta: None,
                };
                pieces.insert(index_blob(log, number), piece);
            }
        }
        let piece = Piece {
            epoch: meta.epoch,
            salt: meta.salt,
            length,
            hash: meta.content_hash,
            meta: Some(*meta),
        };
        pieces.insert(segment_blob(log, meta.number), piece);
    }
    for place in state.masks.values().filter_map(|mask| mask.blob) {
        let piece = Piece {
            epoch: place.epoch,
            salt: place.salt,
            length: header + place.length,
            hash: ContentHash::default(),
            meta: None,
        };
        pieces.insert(mask_blob(log, place.number), piece);
    }
    pieces
}
