//! Owns readers beside a writer, and following a log.

use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use core::sync::atomic::Ordering;
use core::task::Poll;

use super::block::{Batch, Entry};
use super::drive::Inner;
use super::error::{LookupError, OpenError, ReadError};
use super::keys::KeyTables;
use super::read::Source;
use super::recovery::recover;
use super::snapshot::{Bounds, Snapshot};
use crate::options::{Access, At, Durability, ReadLimits};
use crate::sharing::{Local, Shared, Sharing};
use crate::store::{BlobId, BlockStore};

/// What is to be read.
#[derive(Clone, Copy)]
pub(crate) enum Query {
    Forward(At, ReadLimits),
    Reverse(At, ReadLimits),
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    pub(crate) const fn source(&self) -> Source<'_, S, P> {
        Source {
            store: &self.store,
            log: self.log,
            cache: &self.cache,
            tables: &self.tables,
        }
    }

    /// Reads from a picture, and from newer ones as long as blobs of the last are gone.
    pub(crate) async fn read_picture(
        &self,
        mut snapshot: Arc<Snapshot>,
        query: Query,
    ) -> Result<Batch, ReadError<S::Error>> {
        loop {
            let outcome = self.answer(&snapshot, query).await;
            match self.newer_for_read(&snapshot, &outcome).await {
                Some(newer) => snapshot = newer,
                None => return outcome.map_err(|error| error.within(&snapshot)),
            }
        }
    }

    /// A newer picture to look things up in, if `outcome` may come from blobs of this
    /// one that are gone.
    pub(crate) async fn newer_for<T>(
        &self,
        snapshot: &Snapshot,
        outcome: &Result<T, LookupError<S::Error>>,
    ) -> Option<Arc<Snapshot>> {
        match outcome {
            Err(LookupError::Read(ReadError::Corrupt { place, .. })) => {
                self.newer_without(snapshot, place.blob).await
            }
            _ => None,
        }
    }

    async fn newer_for_read<T>(
        &self,
        snapshot: &Snapshot,
        outcome: &Result<T, ReadError<S::Error>>,
    ) -> Option<Arc<Snapshot>> {
        match outcome {
            Err(ReadError::Corrupt { place, .. }) => self.newer_without(snapshot, place.blob).await,
            _ => None,
        }
    }

    /// A newer picture, unless a blob that cannot be read counts in it too.
    async fn newer_without(&self, snapshot: &Snapshot, blob: BlobId) -> Option<Arc<Snapshot>> {
        let newer = self.newer(snapshot).await?;
        (!newer.names(blob)).then_some(newer)
    }

    async fn answer(
        &self,
        snapshot: &Snapshot,
        query: Query,
    ) -> Result<Batch, ReadError<S::Error>> {
        if snapshot.closed {
            return Err(ReadError::Closed);
        }
        match query {
            Query::Forward(at, limits) => self.source().read(snapshot, at, limits).await,
            Query::Reverse(at, limits) => self.source().read_reverse(snapshot, at, limits).await,
        }
    }

    pub(crate) async fn get_picture(
        &self,
        mut snapshot: Arc<Snapshot>,
        at: At,
    ) -> Result<Entry, ReadError<S::Error>> {
        if snapshot.closed {
            return Err(ReadError::Closed);
        }
        loop {
            let outcome = self.source().get(&snapshot, at).await;
            match self.newer_for_read(&snapshot, &outcome).await {
                Some(newer) => snapshot = newer,
                None => return outcome.map_err(|error| error.within(&snapshot)),
            }
        }
    }

    /// The record with this offset, if the published picture has it and its block is
    /// in the cache.
    pub(crate) fn try_get(&self, offset: u64) -> Option<Entry> {
        self.published.read(|published| {
            let snapshot = &published.snapshot;
            if snapshot.closed || offset >= snapshot.visible {
                return None;
            }
            self.source().get_cached(snapshot, offset)
        })
    }

    /// A picture with other segments than this one, if there is one.
    pub(crate) async fn newer(&self, snapshot: &Snapshot) -> Option<Arc<Snapshot>> {
        if self.writer.is_none() {
            self.refresh().await.ok()?;
        }
        let newer = self.shown();
        let same = newer.ended.len() == snapshot.ended.len()
            && newer
                .ended
                .iter()
                .zip(snapshot.ended.iter())
                .all(|(a, b)| a.meta == b.meta && a.mask == b.mask);
        let same = same && newer.trimmed == snapshot.trimmed;
        (!same).then_some(newer)
    }

    pub(crate) async fn refresh(&self) -> Result<(), OpenError<S::Error>> {
        if self.writer.is_some() {
            return Ok(());
        }
        let found = recover(&self.store, self.log, Access::Read, true).await?;
        self.tables.write(KeyTables::clear);
        self.published.write(|published| {
            if published.snapshot.closed {
                return;
            }
            published.snapshot = Arc::new(Snapshot {
                ended: Arc::new(found.segments),
                active: None,
                tail: alloc::vec::Vec::new(),
                trimmed: found.trim.oldest,
                visible: found.next.max(published.snapshot.visible),
                durable: found.durable,
                closed: false,
                indexes: found.indexes,
                hasher: found.hasher,
            });
            published.followers.wake();
        });
        Ok(())
    }
}

/// Reads what is acknowledged at the log's level, beside the writer: it neither
/// waits for it nor makes it wait. Cheap to clone.
///
/// In a log whose own level is [`Durability::Buffered`], acknowledged records are
/// still with the writer, so there a reader looks at what the writer holds.
pub struct Reader<S: BlockStore, P: Sharing = Local> {
    inner: Arc<Inner<S, P>>,
    level: Durability,
}

impl<S: BlockStore, P: Sharing> Clone for Reader<S, P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            level: self.level,
        }
    }
}

impl<S: BlockStore, P: Sharing> fmt::Debug for Reader<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("log", &self.inner.log)
            .finish_non_exhaustive()
    }
}

impl<S: BlockStore, P: Sharing> Reader<S, P> {
    pub(crate) const fn new(inner: Arc<Inner<S, P>>, level: Durability) -> Self {
        Self { inner, level }
    }

    pub(crate) fn inner(&self) -> &Inner<S, P> {
        &self.inner
    }

    /// What it sees.
    pub(crate) fn picture(&self) -> Arc<Snapshot> {
        match &self.inner.writer {
            Some(writer) if self.level == Durability::Buffered => {
                writer.read(|writer| Arc::new(writer.own_snapshot()))
            }
            _ => self.inner.shown(),
        }
    }

    /// The bounds of what this reader sees.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.picture().bounds()
    }

    /// Records from `at` on, oldest first, across segments, up to the limits.
    ///
    /// # Errors
    /// As for [`Log::read`](super::Log::read).
    pub async fn read(&self, at: At, limits: ReadLimits) -> Result<Batch, ReadError<S::Error>> {
        self.inner
            .read_picture(self.picture(), Query::Forward(at, limits))
            .await
    }

    /// Records below `before`, newest first, up to the limits.
    ///
    /// # Errors
    /// As for [`Log::read`](super::Log::read).
    pub async fn read_reverse(
        &self,
        before: At,
        limits: ReadLimits,
    ) -> Result<Batch, ReadError<S::Error>> {
        self.inner
            .read_picture(self.picture(), Query::Reverse(before, limits))
            .await
    }

    /// The record at `at`.
    ///
    /// # Errors
    /// As for [`Log::get`](super::Log::get).
    pub async fn get(&self, at: At) -> Result<Entry, ReadError<S::Error>> {
        self.inner.get_picture(self.picture(), at).await
    }

    /// The record with this offset, if it is in memory: without a future, for callers
    /// that do not wait. `None` says nothing; [`get`](Self::get) does.
    #[must_use]
    pub fn try_get(&self, offset: u64) -> Option<Entry> {
        self.inner.try_get(offset)
    }

    /// Waits until there are records from `at` on, and reads them. From
    /// [`At::Next`] on it waits for the next append.
    ///
    /// In a handle that only reads, new records appear with
    /// [`Log::refresh`](super::Log::refresh).
    ///
    /// # Errors
    /// As for [`read`](Self::read), and `closed` when the log is closed meanwhile.
    pub async fn follow(&self, at: At, limits: ReadLimits) -> Result<Batch, ReadError<S::Error>> {
        let at = match at {
            At::Next => At::Offset(self.bounds().next),
            at => at,
        };
        loop {
            let picture = self.picture();
            let seen = picture.visible;
            let batch = self
                .inner
                .read_picture(picture, Query::Forward(at, limits))
                .await?;
            let waits = limits.records > 0 && batch.is_empty() && batch.next() == seen;
            if !waits {
                return Ok(batch);
            }
            self.changed(seen).await;
        }
    }

    /// Waits until something else than the records below `seen` can be seen, or the log
    /// is closed.
    pub(crate) async fn changed(&self, seen: u64) {
        let mut following = Following {
            inner: &self.inner,
            number: None,
        };
        poll_fn(|cx| {
            // Before it looks: what changes in between wakes it.
            self.inner.published.write(|published| {
                published.followers.sleep(&mut following.number, cx.waker());
            });
            if self.level == Durability::Buffered {
                self.inner.followed.store(true, Ordering::Relaxed);
            }
            let picture = self.picture();
            match picture.closed || picture.visible != seen {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

/// Somebody who waits for a newer picture, until it is dropped.
struct Following<'a, S: BlockStore, P: Sharing> {
    inner: &'a Inner<S, P>,
    number: Option<u64>,
}

impl<S: BlockStore, P: Sharing> Drop for Following<'_, S, P> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.inner
                .published
                .write(|published| published.followers.leave(number));
        }
    }
}
