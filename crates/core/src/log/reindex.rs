//! Owns index blobs: footers of sealed segments that have none of their own, or lack an
//! index; and changing which indexes a log keeps.
//!
//! # Invariant
//!
//! A log keeps an index only once every segment that was ever written has it, or can
//! be given it by reading its frames: the edit that says so comes last.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::drive::Inner;
use super::error::{Failure, MaintainError, SyncError};
use super::handle::Log;
use super::index::{OpenFooter, index_blob};
use super::maintain::Maintained;
use super::scan::{ScanOptions, scan};
use super::writer::Writer;
use crate::Bytes;
use crate::format::{BLOB_HEADER, BlobHeader, Edit, FooterPlace, KeyHasher, Section, SegmentMeta};
use crate::options::{Indexes, Settings};
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Makes these the indexes of the log: adds what it lacks, by reading the segments
    /// that lack it, and drops what it has more. Appends and reads go on meanwhile;
    /// what is added can be asked for once this has returned.
    ///
    /// Segments with damage get no index: theirs is made when it is needed.
    ///
    /// # Cancellation
    /// The log keeps the indexes it had; those already written are used by the next
    /// call.
    ///
    /// # Errors
    /// As for [`maintain`](Self::maintain).
    pub async fn reindex(&self, indexes: Indexes) -> Result<Maintained, MaintainError<S::Error>> {
        let inner = self.inner();
        let Some(cell) = &inner.writer else {
            return Err(MaintainError::Commit(SyncError::ReadOnly));
        };
        let commit = |failure: Failure<S::Error>| MaintainError::Commit(failure.into());
        let _turn = inner.turn().await;
        let build = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            writer.build(indexes);
            Ok((writer.quiet(), ()))
        };
        inner.reach(build).await.map_err(commit)?;
        let mut done = Maintained::default();
        for meta in cell.read(Writer::sealed) {
            if inner.lacks(&meta, indexes).await? && inner.write_index(&meta).await? {
                done.indexed += 1;
            }
        }
        let settle = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            let settings = Settings {
                indexes,
                ..writer.settings
            };
            Ok((writer.ask([Edit::Settings(settings)]), ()))
        };
        inner.reach(settle).await.map_err(commit)?;
        Ok(done)
    }
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    /// Whether a sealed segment lacks one of these indexes.
    async fn lacks(
        &self,
        meta: &SegmentMeta,
        indexes: Indexes,
    ) -> Result<bool, MaintainError<S::Error>> {
        let footer = OpenFooter::of(&self.store, self.log, meta).await;
        let Some(footer) = footer? else {
            return Ok(true);
        };
        let lacks = |section| footer.root.section(section).is_none();
        Ok(indexes.keys && lacks(Section::Keys) || indexes.times && lacks(Section::Times))
    }

    /// Writes the footer of a sealed segment into a blob of its own, and makes that the
    /// one that counts; not if the segment is damaged. Whether it did.
    pub(crate) async fn write_index(
        &self,
        meta: &SegmentMeta,
    ) -> Result<bool, MaintainError<S::Error>> {
        let (indexes, hasher) = self.building();
        let options = ScanOptions::sealed(meta, hasher);
        let found = scan(&self.store, self.log, *meta, options).await;
        let found = found?;
        let whole = found.damage.is_empty()
            && found.unsupported.is_none()
            && found.all.data_end == meta.data_end;
        if !whole {
            return Ok(false);
        }
        let mut totals = found.all;
        (totals.next_offset, totals.clamp) = (meta.next_offset, meta.clamp);
        let mut producers = BTreeMap::new();
        self.producers_of(meta, &mut producers).await?;
        let producers = producers.into_iter().collect();
        let footer = totals.footer(meta.base_offset, &found.index, indexes, producers);
        let Some(at) = self.numbers(1).await?.pop() else {
            return Ok(false);
        };
        let blob = index_blob(self.log, at.number);
        let header = BlobHeader {
            blob,
            epoch: at.epoch,
            base_offset: meta.base_offset,
            salt: at.salt,
            rewritten: false,
            backup: false,
        };
        let mut out = Vec::new();
        header.encode(&mut out);
        footer
            .encode(header.seed(), BLOB_HEADER as u64, &mut out)
            .map_err(|fault| MaintainError::Commit(Failure::from(fault).into()))?;
        let footer = FooterPlace::Blob {
            number: at.number,
            salt: at.salt,
            epoch: at.epoch,
            length: (out.len() - BLOB_HEADER) as u64,
        };
        let written = self.store.append(blob, 0, Bytes::from(out)).await;
        written.map_err(MaintainError::Store)?;
        self.store.seal(blob).await.map_err(MaintainError::Store)?;
        let stale: Vec<_> = self.blobs_of(meta).skip(1).collect();
        let edit = Edit::Segment(SegmentMeta { footer, ..*meta });
        self.change(&[blob], None, Vec::from([edit]), &stale)
            .await?;
        Ok(true)
    }

    /// The indexes that new segments get, and what keys are hashed with for them.
    pub(crate) fn building(&self) -> (Indexes, Option<KeyHasher>) {
        let writer = self.writer.as_ref();
        writer.map_or_else(Default::default, |writer| {
            writer.read(|writer| (writer.building, writer.hasher()))
        })
    }
}

impl<E> Writer<E> {
    /// Lets new segments have these indexes too, from the next batch on. What is staged
    /// already goes into segments that end behind it.
    fn build(&mut self, indexes: Indexes) {
        self.building = Indexes {
            keys: self.building.keys || indexes.keys,
            times: self.building.times || indexes.times,
        };
        self.end_staged();
    }

    fn sealed(&self) -> Vec<SegmentMeta> {
        let segments = self.live.segments.values();
        segments.filter(|meta| meta.sealed).copied().collect()
    }

    /// Sealed segments without a footer.
    pub(crate) fn footerless(&self) -> Vec<SegmentMeta> {
        let mut sealed = self.sealed();
        sealed.retain(|meta| meta.footer == FooterPlace::None);
        sealed
    }
}
