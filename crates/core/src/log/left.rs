//! Owns counting what deletions leave of a segment, exactly, reading records only
//! where offsets are missing between them.

use alloc::sync::Arc;

use super::error::ReadError;
use super::masks::LoadedMask;
use super::read::Source;
use super::snapshot::Part;
use crate::format::{Mask, MaskMeta};
use crate::sharing::Sharing;
use crate::store::BlockStore;

/// A part of a log, and the deletions to be counted in it.
pub(crate) struct Left<'a, S, P: Sharing> {
    pub(crate) source: Source<'a, S, P>,
    pub(crate) part: Part<'a>,
    /// Every offset of the part has a record.
    whole: bool,
}

impl<'a, S: BlockStore, P: Sharing> Left<'a, S, P> {
    pub(crate) fn new(source: Source<'a, S, P>, part: Part<'a>) -> Self {
        let range = part.next_offset() - part.base_offset();
        let whole = part.records() == range;
        Self {
            source,
            part,
            whole,
        }
    }

    /// The deletions in it, to be added to.
    pub(crate) async fn mask(&self) -> Result<Mask, ReadError<S::Error>> {
        let loaded = self.source.deleted(&self.part, self.part.base_offset());
        Ok(loaded
            .await?
            .map_or_else(Mask::default, |loaded: Arc<LoadedMask>| loaded.mask.clone()))
    }

    /// Whether there is a record with this offset, deleted or not.
    pub(crate) async fn has(&self, offset: u64) -> Result<bool, ReadError<S::Error>> {
        let inside = (self.part.base_offset()..self.part.next_offset()).contains(&offset);
        if !inside || self.whole {
            return Ok(inside);
        }
        let found = self.source.block(&self.part, offset, 0).await?;
        let block = found.block;
        Ok(block.offset(block.lower_bound(offset)) == Some(offset))
    }

    /// The lowest offset at or above `from` that has a record which `mask` leaves, or
    /// one that cannot be read; the part's next offset if there is none.
    pub(crate) async fn first(&self, mask: &Mask, from: u64) -> Result<u64, ReadError<S::Error>> {
        let next = self.part.next_offset();
        let mut offset = from.max(self.part.base_offset());
        loop {
            offset = mask.next_absent(offset);
            if offset >= next {
                return Ok(next);
            }
            if self.whole {
                return Ok(offset);
            }
            let found = self.source.block(&self.part, offset, 0).await?;
            let block = found.block;
            let record = block.offset(block.lower_bound(offset));
            let damaged = block
                .damage_from(offset)
                .map(|damage| damage.first.max(offset));
            let nearest = record.into_iter().chain(damaged).min();
            match nearest.filter(|nearest| *nearest < found.next) {
                Some(nearest) if !mask.contains(nearest) => return Ok(nearest),
                Some(nearest) => offset = nearest,
                None => offset = found.next,
            }
        }
    }

    /// The offset after the highest below `below` that has a record which `mask`
    /// leaves, or one that cannot be read; `first` if there is none.
    pub(crate) async fn end(
        &self,
        mask: &Mask,
        first: u64,
        below: u64,
    ) -> Result<u64, ReadError<S::Error>> {
        let mut end = below;
        while let Some(offset) = mask.last_absent(end).filter(|offset| *offset >= first) {
            if self.whole {
                return Ok(offset + 1);
            }
            let found = self.source.block(&self.part, offset, 0).await?;
            let block = found.block;
            let at = block.lower_bound(offset + 1);
            let record = at.checked_sub(1).and_then(|at| block.offset(at));
            let damaged = block
                .damage_below(offset + 1)
                .map(|damage| (damage.next - 1).min(offset));
            let nearest = record.into_iter().chain(damaged).max();
            match nearest.filter(|nearest| *nearest >= found.first) {
                Some(nearest) if !mask.contains(nearest) => return Ok(nearest + 1),
                Some(nearest) => end = nearest,
                None => end = found.first,
            }
        }
        Ok(first)
    }

    /// How many records below `before` are left by `mask`.
    pub(crate) async fn count_below(
        &self,
        mask: &Mask,
        before: u64,
    ) -> Result<u64, ReadError<S::Error>> {
        let (base, before) = (self.part.base_offset(), before.min(self.part.next_offset()));
        if self.whole {
            return Ok(before.saturating_sub(base) - mask.count(base, before));
        }
        let (mut offset, mut count) = (base, 0);
        while offset < before {
            let found = self.source.block(&self.part, offset, 0).await?;
            let block = found.block;
            let (from, to) = (block.lower_bound(offset), block.lower_bound(before));
            let runs = super::masks::live_runs(&block, Some(mask), from..to)?;
            count += runs.iter().map(|run| run.len() as u64).sum::<u64>();
            offset = found.next;
        }
        Ok(count)
    }

    /// What the manifest has to know of these deletions, all of them below `below`, but
    /// for the offsets themselves; `deleted` records are gone.
    pub(crate) async fn facts(
        &self,
        mask: &Mask,
        deleted: u64,
        (oldest, below): (u64, u64),
    ) -> Result<MaskMeta, ReadError<S::Error>> {
        let covers = self.part.next_offset().min(below);
        let first = self.first(mask, oldest).await?;
        Ok(MaskMeta {
            segment: self.part.number(),
            deleted,
            first,
            end: self.end(mask, first, covers).await?,
            covers,
            ..MaskMeta::default()
        })
    }
}
