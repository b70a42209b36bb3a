//! Owns trimming: removing records from the old end. Only the manifest changes; what
//! is left of the first segment gives its space back when it is rewritten.

use super::delete::Deletion;
use super::drive::Inner;
use super::error::{ReadError, RemoveError, SyncError};
use super::handle::Log;
use super::left::Left;
use super::snapshot::Snapshot;
use crate::format::Mask;
use crate::options::{At, ReadLimits};
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

/// Up to where a log is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimTo {
    /// Records below this place go. [`At::Next`] leaves none; an offset beyond the
    /// end does the same.
    Before(At),
    /// This many of the newest records stay.
    Records(u64),
    /// At most this many bytes of segments stay, rounded down to whole blocks of
    /// about 4 KiB.
    Bytes(u64),
    /// Records go whose own time, in microseconds since 1970, is this or earlier, up
    /// to the first that is later.
    Time(i64),
}

/// What trimming did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// The lowest readable offset afterwards.
    pub oldest: u64,
    /// Records removed.
    pub records: u64,
    /// Bytes of segments that this gives back, about; some of them only when the
    /// first segment that stays is rewritten.
    pub bytes: u64,
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Removes records from the old end: with one edit, visible at once, and durable
    /// when this returns.
    ///
    /// # Cancellation
    /// When its future is dropped, or it fails, either all or nothing is removed: now, or with
    /// what is written next.
    ///
    /// # Errors
    /// `read-only`, `closed`, `poisoned`, `full`; `corrupt` if records that have to be
    /// looked at cannot be read.
    pub async fn trim(&self, to: TrimTo) -> Result<Trimmed, RemoveError<S::Error>> {
        let _turn = self.inner().turn().await;
        let below = self.mark().await;
        let below = below.map_err(|failure| RemoveError::Commit(failure.into()))?;
        self.trim_in_turn(to, below).await
    }

    /// Removes every record, with one edit: [`trim`](Self::trim) to the end. Offsets go
    /// on where they were.
    ///
    /// # Errors
    /// As for [`trim`](Self::trim).
    pub async fn clear(&self) -> Result<Trimmed, RemoveError<S::Error>> {
        self.trim(TrimTo::Before(At::Next)).await
    }

    /// The same, for whoever has the turn, and has vouched for what lies below `below`.
    pub(crate) async fn trim_in_turn(
        &self,
        to: TrimTo,
        below: u64,
    ) -> Result<Trimmed, RemoveError<S::Error>> {
        let inner = self.inner();
        let Some(cell) = &inner.writer else {
            return Err(RemoveError::Commit(SyncError::ReadOnly));
        };
        let snapshot = cell.read(|writer| writer.snapshot());
        let (deletion, trimmed) = inner.plan_trim(&snapshot, to, below).await?;
        if trimmed.oldest > snapshot.oldest() {
            inner.apply(deletion, Some(trimmed.oldest)).await?;
        }
        Ok(trimmed)
    }

    /// What [`trim`](Self::trim) would do now. Changes nothing.
    ///
    /// # Errors
    /// `closed`; `corrupt` if records that have to be looked at cannot be read.
    pub async fn plan_trim(&self, to: TrimTo) -> Result<Trimmed, RemoveError<S::Error>> {
        let snapshot = self.open_picture()?;
        let planned = self.inner().plan_trim(&snapshot, to, snapshot.visible);
        Ok(planned.await?.1)
    }
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    async fn plan_trim(
        &self,
        snapshot: &Snapshot,
        to: TrimTo,
        below: u64,
    ) -> Result<(Deletion, Trimmed), RemoveError<S::Error>> {
        let bounds = snapshot.bounds();
        let found = match to {
            TrimTo::Before(At::Oldest) => bounds.oldest,
            TrimTo::Before(At::Last) => bounds.last.unwrap_or(bounds.next),
            TrimTo::Before(At::Next) => bounds.next,
            TrimTo::Before(At::Offset(offset)) => offset,
            TrimTo::Records(count) => self.before_newest(snapshot, count).await?,
            TrimTo::Bytes(limit) => self.within_bytes(snapshot, limit).await?,
            TrimTo::Time(time) => self.later_than(snapshot, time).await?,
        };
        let oldest = found.min(bounds.next).min(below).max(bounds.oldest);
        let mut deletion = Deletion::default();
        let mut trimmed = Trimmed {
            oldest,
            ..Trimmed::default()
        };
        if oldest == bounds.oldest {
            return Ok((deletion, trimmed));
        }
        for index in 0..snapshot.parts() {
            let Some(part) = snapshot.part(index) else {
                break;
            };
            if part.base_offset() >= oldest || part.next_offset() <= snapshot.trimmed {
                continue;
            }
            let left = Left::new(self.source(), part);
            let mask = left.mask().await?;
            let alive = left.part.alive();
            let stays = match left.part.next_offset() <= oldest {
                true => 0,
                false => {
                    let below = left.count_below(&Mask::default(), oldest).await?;
                    let hidden = mask.count(oldest, left.part.next_offset());
                    left.part.records().saturating_sub(below + hidden)
                }
            };
            let fresh = alive.saturating_sub(stays);
            self.mask_part(&mut deletion, &left, mask, fresh, (oldest, below))
                .await?;
        }
        trimmed.records = deletion.done.records;
        trimmed.bytes = deletion.done.bytes;
        Ok((deletion, trimmed))
    }

    /// The offset from which on there are this many records.
    async fn before_newest(
        &self,
        snapshot: &Snapshot,
        count: u64,
    ) -> Result<u64, RemoveError<S::Error>> {
        let mut wanted = count;
        for index in (0..snapshot.parts()).rev() {
            let Some(part) = snapshot.part(index) else {
                break;
            };
            let (base, next) = (part.base_offset(), part.next_offset());
            if next <= snapshot.trimmed {
                break;
            }
            let alive = part.alive();
            if alive <= wanted {
                wanted -= alive;
                continue;
            }
            let mut cursor = next;
            while wanted > 0 && cursor > base {
                let limits = ReadLimits::records(usize::try_from(wanted.min(1024)).unwrap_or(1));
                let source = self.source();
                let batch = source
                    .read_reverse(snapshot, At::Offset(cursor), limits)
                    .await?;
                wanted -= batch.len() as u64;
                cursor = batch
                    .records()
                    .last()
                    .map_or(batch.next(), |last| last.offset);
            }
            return Ok(cursor);
        }
        Ok(snapshot.oldest())
    }

    /// The offset from which on segments take at most this many bytes.
    async fn within_bytes(
        &self,
        snapshot: &Snapshot,
        limit: u64,
    ) -> Result<u64, RemoveError<S::Error>> {
        let mut room = limit;
        for index in (0..snapshot.parts()).rev() {
            let Some(part) = snapshot.part(index) else {
                break;
            };
            if part.bytes() <= room {
                room -= part.bytes();
                continue;
            }
            let next = part.next_offset();
            let Some(extent) = part.extent() else {
                return Ok(next);
            };
            let from = part.bytes() - room;
            let source = self.source();
            let offsets = source.offsets(&extent).await?;
            return Ok(offsets.behind_position(&extent, from).unwrap_or(next));
        }
        Ok(snapshot.oldest())
    }

    /// The offset of the first record whose own time is later.
    pub(crate) async fn later_than(
        &self,
        snapshot: &Snapshot,
        time: i64,
    ) -> Result<u64, RemoveError<S::Error>> {
        let mut cursor = snapshot.oldest();
        while cursor < snapshot.visible {
            let whole = snapshot.part_from(cursor).and_then(|part| {
                let meta = part.sealed().filter(|meta| meta.records > 0)?;
                (meta.max_time <= time).then_some(meta.next_offset)
            });
            if let Some(next) = whole {
                cursor = next;
                continue;
            }
            let source = self.source();
            let read = source.read(snapshot, At::Offset(cursor), ReadLimits::default());
            let batch = match read.await {
                // What is lost has no time of its own.
                Err(ReadError::Corrupt { next, .. }) => {
                    cursor = next;
                    continue;
                }
                batch => batch?,
            };
            if let Some(later) = batch.records().find(|record| record.time > time) {
                return Ok(later.offset);
            }
            cursor = batch.next();
        }
        Ok(cursor)
    }
}

impl<E> From<ReadError<E>> for RemoveError<E> {
    fn from(error: ReadError<E>) -> Self {
        Self::Read(error)
    }
}
