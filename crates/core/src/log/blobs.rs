//! Owns writing blobs beside segments: their numbers, their frames, and changing
//! what is live once they are synced.

use alloc::vec::Vec;

use super::drive::Inner;
use super::error::{Failure, SyncError};
use super::masks::mask_blob;
use super::waiters::Goal;
use super::writer::{Takeover, Writer};
use crate::Bytes;
use crate::format::{BlobHeader, Edit, FrameHeader, FrameKind, Mask, MaskPlace, seal_frame};
use crate::limits;
use crate::planted::{Bug, planted};
use crate::sharing::Sharing;
use crate::store::{BlobId, BlockStore};

/// Why a change of what is live did not come about.
pub(crate) enum ChangeError<E> {
    Commit(SyncError<E>),
    Store(E),
}

impl<E> From<Failure<E>> for ChangeError<E> {
    fn from(failure: Failure<E>) -> Self {
        Self::Commit(failure.into())
    }
}

/// A number of this epoch, and what goes into the header of its blob.
#[derive(Clone, Copy)]
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) epoch: u64,
    pub(crate) salt: u64,
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    /// Numbers for new blobs, allocated by an edit that is with the store.
    pub(crate) async fn numbers(
        &self,
        count: usize,
    ) -> Result<Vec<Numbered>, ChangeError<S::Error>> {
        let begin = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            let numbers: Vec<Numbered> = (writer.next_number..)
                .take(count)
                .map(|number| Numbered {
                    number,
                    epoch: writer.epoch,
                    salt: writer.host.random(),
                })
                .collect();
            writer.next_number += count as u64;
            let known = matches!(writer.takeover, Takeover::Done)
                && writer.next_number <= writer.live.facts.allocated;
            let goal = match known {
                true => Goal::Stored(0),
                false => {
                    let allocated = writer.next_number + limits::NUMBERS_PER_EDIT;
                    writer.ask([Edit::Allocated(allocated)])
                }
            };
            Ok((goal, numbers))
        };
        Ok(self.reach(begin).await?)
    }

    /// Writes a mask into a new blob; it is not synced yet.
    pub(crate) async fn write_mask(
        &self,
        at: Numbered,
        base_offset: u64,
        mask: &Mask,
    ) -> Result<(BlobId, MaskPlace), ChangeError<S::Error>> {
        let blob = mask_blob(self.log, at.number);
        let header = BlobHeader {
            blob,
            epoch: at.epoch,
            base_offset,
            salt: at.salt,
            rewritten: false,
            backup: false,
        };
        let mut out = Vec::new();
        header.encode(&mut out);
        let before = out.len();
        for body in mask.encode(limits::MASK_FRAME_BYTES) {
            let start = out.len();
            let mut frame = FrameHeader::mark(0, 0, 0, false);
            frame.kind = FrameKind::Mask;
            out.resize(start + frame.header_length(), 0);
            out.extend_from_slice(&body);
            seal_frame(&mut out, start, frame, header.seed(), start as u64)
                .map_err(|fault| ChangeError::from(Failure::from(fault)))?;
        }
        let place = MaskPlace {
            number: at.number,
            salt: at.salt,
            epoch: at.epoch,
            length: (out.len() - before) as u64,
        };
        let bytes = Bytes::from(out);
        let written = self.store.append(blob, 0, bytes).await;
        written.map_err(ChangeError::Store)?;
        self.store.seal(blob).await.map_err(ChangeError::Store)?;
        Ok((blob, place))
    }

    /// Syncs `fresh` blobs, then makes `edits` take effect, all together, and with them
    /// a trim to `oldest` if there is one; then removes `stale` blobs.
    pub(crate) async fn change(
        &self,
        fresh: &[BlobId],
        oldest: Option<u64>,
        mut edits: Vec<Edit>,
        stale: &[BlobId],
    ) -> Result<(), ChangeError<S::Error>> {
        if !fresh.is_empty() {
            self.store.sync(fresh).await.map_err(ChangeError::Store)?;
        }
        let begin = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            let drops = edits.iter().any(|edit| matches!(edit, Edit::Dropped(_)));
            if drops || oldest.is_some() {
                // Were every segment dropped, nothing else would know where the next
                // one has to begin.
                edits.push(Edit::Trimmed(writer.trim_to(oldest)));
            }
            let asked = writer.ask(edits);
            let goal = match planted(Bug::DeleteNotDurable) {
                true => Goal::Stored(0),
                false => asked,
            };
            Ok((goal, ()))
        };
        self.reach(begin).await?;
        for blob in stale {
            self.store.remove(*blob).await.map_err(ChangeError::Store)?;
        }
        if !stale.is_empty() {
            let synced = self.store.sync_removals(self.log).await;
            synced.map_err(ChangeError::Store)?;
        }
        Ok(())
    }
}
