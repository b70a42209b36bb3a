//! Owns making a log of an export: what it begins with, and that nothing is left of one
//! that is refused.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::filling::{Filling, Progress, edits};
use super::stream::Stream;
use super::{ImportError, ImportSource};
use crate::format::{Edit, Fault};
use crate::host::Host;
use crate::log::handle::Log;
use crate::log::writer::Writer;
use crate::options::{Options, Settings};
use crate::sharing::{Shared, Sharing};
use crate::store::{BlobId, BlobKind, BlockStore, LogId, StoreError};

/// What was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The offset that follows the last record.
    pub next: u64,
    /// Records.
    pub records: u64,
    /// Segments that they are in now.
    pub segments: usize,
    /// Bytes of the export.
    pub bytes: u64,
}

/// An export of which the beginning was read.
#[derive(Debug)]
pub struct Import<'r, R> {
    stream: Stream<'r, R>,
    progress: Progress,
}

pub(super) type Outcome<T, S, R> =
    Result<T, ImportError<<S as BlockStore>::Error, <R as ImportSource>::Error>>;

const FIRST: Fault = Fault::Malformed("first frame of the export");

impl<'r, R: ImportSource> Import<'r, R> {
    /// Reads the beginning of an export.
    ///
    /// # Errors
    /// `corrupt` if it is none, `unsupported` if it was made by a newer version; those of
    /// the source.
    pub async fn begin<S: StoreError>(source: &'r mut R) -> Result<Self, ImportError<S, R::Error>> {
        let mut stream = Stream::open(source).await?;
        let first = stream.frame(|frame, _| {
            let (mut facts, mut others) = (None, false);
            edits(frame, |edit| match edit {
                Edit::Snapshot(found) if facts.is_none() => facts = Some(found),
                _ => others = true,
            })?;
            let facts = facts.filter(|facts| !others && facts.trim.oldest <= facts.next_offset);
            Ok(Progress::new(facts.ok_or(FIRST)?, &frame.header))
        });
        let progress = first.await?;
        Ok(Self { stream, progress })
    }

    /// The settings that the log had, and will have.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        self.progress.facts.settings
    }

    /// Makes log `id` of `store` of it, which must not exist, or be one that was never
    /// appended to. Nothing of it can be seen before everything was verified and is
    /// synced.
    ///
    /// # Cancellation
    /// Leaves an empty log at most.
    ///
    /// # Errors
    /// `corrupt` where the export is damaged or ends early; `exists`; as for opening and
    /// appending to a log; those of the source. There is no such log then, or an empty
    /// one if there was before.
    pub async fn fill<S: BlockStore, P: Sharing>(
        self,
        store: &S,
        id: LogId,
        host: Arc<dyn Host>,
    ) -> Outcome<Imported, S, R> {
        let settings = self.settings();
        let options = Options {
            durability: Some(settings.durability),
            compression: Some(settings.compression),
            segment_bytes: Some(settings.segment_bytes),
            align: Some(settings.align),
            indexes: Some(settings.indexes),
            retention: Some(settings.retention),
            segment_age: Some(settings.segment_age),
            producer_expiry: Some(settings.producer_expiry),
            ..Options::default()
        };
        let opened = Log::<&S, P>::open(store, id, options, host).await;
        let log = opened.map_err(|error| ImportError::opening(error, id))?;
        let stat = log.stat();
        if stat.bounds.next > 0 || stat.segments > 0 {
            return Err(ImportError::Exists(id));
        }
        let is_new = |writer: &Writer<S::Error>| writer.manifest.is_none();
        let writer = log.inner().writer.as_ref();
        let new = writer.is_some_and(|cell| cell.read(is_new));
        let mut filling = Filling::new(&log, self.stream, self.progress);
        let filled = match filling.fill().await {
            Ok(imported) => {
                let closed = log.close().await;
                closed.map(|()| imported).map_err(ImportError::Commit)
            }
            Err(error) => Err(error),
        };
        if filled.is_err() {
            // Leftovers count for nothing, so that failing to remove them is no reason
            // to hide why there are any.
            let _removed = remove_all(store, id, filling.blobs(), new).await;
        }
        filled
    }
}

/// Removes what an import has left, the manifest last of all.
async fn remove_all<S: BlockStore>(
    store: &S,
    log: LogId,
    blobs: Vec<BlobId>,
    new: bool,
) -> Result<(), S::Error> {
    for blob in blobs {
        store.remove(blob).await?;
    }
    store.sync_removals(log).await?;
    if new {
        for blob in store.list(log).await? {
            if matches!(blob.kind, BlobKind::Manifest | BlobKind::ManifestCopy) {
                store.remove(blob).await?;
            }
        }
        store.sync_removals(log).await?;
    }
    Ok(())
}
