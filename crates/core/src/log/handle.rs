//! Owns the handle of an opened log: what callers of this crate hold.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use super::block::{Batch, Entry};
use super::cache::Cache;
use super::commit::Io;
use super::drive::Inner;
use super::error::{AppendError, Failure, OpenError, ReadError, RemoveError, SyncError};
use super::followers::Followers;
use super::keys::KeyTables;
use super::reader::{Query, Reader};
use super::recovery::{Recovered, Recovery, recover};
use super::snapshot::{Bounds, Published, Snapshot};
use super::turn::Turns;
use super::waiters::Goal;
use super::writer::{Appended, Closing, Writer};
use crate::host::Host;
use crate::limits;
use crate::options::{Access, AppendOptions, At, Durability, Options, ReadLimits, Settings};
use crate::producer::Producer;
use crate::record::NewRecord;
use crate::sharing::{Local, Shared, Sharing};
use crate::store::{BlockStore, LogId, StoreError};

/// An append-only log of records in a store.
///
/// Handles are cheap to clone and share one writer. Appends are committed in
/// groups: while one write is under way, everything appended meanwhile goes into
/// the next.
///
/// # Cancellation
///
/// Dropping the future of any operation never disturbs another one. A batch whose
/// append was dropped may be in the log or not; nothing else depends on it.
///
/// # Durability
///
/// See [`Durability`]. Dropping the last handle without [`close`](Self::close) loses
/// what was only buffered, and makes the next opening read the last segment.
pub struct Log<S: BlockStore, P: Sharing = Local> {
    inner: Arc<Inner<S, P>>,
    recovery: Arc<Recovery>,
    settings: Settings,
    epoch: u64,
}

impl<S: BlockStore, P: Sharing> Clone for Log<S, P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            recovery: Arc::clone(&self.recovery),
            settings: self.settings,
            epoch: self.epoch,
        }
    }
}

impl<S: BlockStore, P: Sharing> fmt::Debug for Log<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("id", &self.inner.log)
            .field("bounds", &self.bounds())
            .finish()
    }
}

impl<S: BlockStore, P: Sharing> Drop for Inner<S, P> {
    fn drop(&mut self) {
        if let Some(writer) = &self.writer
            && writer.write(|writer| core::mem::take(&mut writer.holds_claim))
        {
            self.store.release(self.log);
        }
    }
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Opens log `id`. A log of which the store holds nothing is empty, and comes
    /// into being with the first write, or with [`establish`](Self::establish).
    ///
    /// Opening for writing claims the log; it writes nothing else. It reads the
    /// manifest and whatever may not be synced, however many records there are.
    ///
    /// # Errors
    /// `locked` if it has another writer, `invalid` for options out of their range,
    /// `corrupt` or `unsupported` if the manifest cannot be read, `not-found` if
    /// there is nothing to read, `lost` if there must be and is not, or the store's
    /// own.
    pub async fn open(
        store: S,
        id: LogId,
        options: Options,
        host: Arc<dyn Host>,
    ) -> Result<Self, OpenError<S::Error>> {
        validate(&options)?;
        let writes = options.access == Access::Write;
        if writes {
            return Self::open_writer(store, id, options, host).await;
        }
        let found = recover(&store, id, Access::Read, options.existing).await?;
        if found.manifest.is_none() {
            return Err(missing(&options, id));
        }
        agree(&options, &found)?;
        Ok(Self::reading(store, id, options, found))
    }

    async fn open_writer(
        store: S,
        id: LogId,
        options: Options,
        host: Arc<dyn Host>,
    ) -> Result<Self, OpenError<S::Error>> {
        // The claim comes before the old tail is read, so that no older writer
        // can add to it afterwards.
        let claimed = store.claim(id, 1).await.map_err(OpenError::Store)?;
        let claim = Claim {
            store: &store,
            id,
            kept: false,
        };
        let found = recover(&store, id, Access::Write, options.existing).await?;
        if found.manifest.is_none() && options.existing {
            return Err(missing(&options, id));
        }
        agree(&options, &found)?;
        claim.keep();
        Ok(Self::writing(store, id, options, host, claimed, found))
    }

    /// A handle that writes on from what was found. The log is claimed.
    pub(crate) fn writing(
        store: S,
        id: LogId,
        options: Options,
        host: Arc<dyn Host>,
        claimed: u64,
        found: Recovered,
    ) -> Self {
        let geometry = store.geometry();
        let own = found.manifest.as_ref().map_or_else(
            || Settings {
                align: geometry.blast_radius,
                ..Settings::default()
            },
            |manifest| manifest.state.facts.settings,
        );
        let settings = options.settings(own);
        let epoch = claimed.max(found.report.epoch + 1);
        let mut report = found.report.clone();
        report.epoch = epoch;
        let mut writer = Writer::new(id, host, geometry, settings, epoch, found);
        let snapshot = Arc::new(writer.snapshot());
        writer.changed = false;
        Self {
            inner: Arc::new(Inner {
                store,
                log: id,
                writer: Some(Shared::new(writer)),
                published: Shared::new(Published {
                    snapshot,
                    followers: Followers::default(),
                }),
                cache: Cache::new(options.cache_bytes),
                tables: Shared::new(KeyTables::default()),
                turns: Shared::new(Turns::default()),
                ahead: AtomicBool::new(false),
                followed: AtomicBool::new(false),
            }),
            recovery: Arc::new(report),
            settings,
            epoch,
        }
    }

    fn reading(store: S, id: LogId, options: Options, found: Recovered) -> Self {
        let settings = found
            .manifest
            .as_ref()
            .map_or(Settings::default(), |m| m.state.facts.settings);
        let snapshot = Snapshot {
            ended: Arc::new(found.segments),
            active: None,
            tail: Vec::new(),
            trimmed: found.trim.oldest,
            visible: found.next,
            durable: found.durable,
            closed: false,
            indexes: found.indexes,
            hasher: found.hasher,
        };
        let published = Published {
            snapshot: Arc::new(snapshot),
            followers: Followers::default(),
        };
        Self {
            inner: Arc::new(Inner {
                store,
                log: id,
                writer: None,
                published: Shared::new(published),
                cache: Cache::new(options.cache_bytes),
                tables: Shared::new(KeyTables::default()),
                turns: Shared::new(Turns::default()),
                ahead: AtomicBool::new(false),
                followed: AtomicBool::new(false),
            }),
            settings,
            epoch: found.report.epoch,
            recovery: Arc::new(found.report),
        }
    }

    pub(crate) fn inner(&self) -> &Inner<S, P> {
        &self.inner
    }

    pub(crate) fn writes(&self) -> bool {
        self.inner.writer.is_some()
    }

    /// The log's number in its store.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.inner.log
    }

    /// The store it lives in.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.inner.store
    }

    /// What opening found.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The settings in force for this handle.
    #[must_use]
    pub fn settings(&self) -> Settings {
        match &self.inner.writer {
            Some(writer) => writer.read(|writer| writer.settings),
            None => Settings {
                indexes: self.inner.shown().indexes,
                ..self.settings
            },
        }
    }

    /// The writer epoch of this handle; for a reader, that of the last writer.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Appends a batch: all of it or nothing. Waits until it has got as far as the
    /// level says, and while more than [`QUEUED_MAX`](limits::QUEUED_MAX) bytes are
    /// queued. An empty batch does nothing.
    ///
    /// # Errors
    /// `too-large` and `invalid` before anything is written; `full` if the store
    /// refused the batch; `conflict` or `fenced` if the producer's sequence or epoch
    /// is not the next; `poisoned` if a write or sync failed, after which the outcome
    /// is known only by reopening; `closed`, `read-only`.
    pub async fn append(
        &self,
        records: &[NewRecord<'_>],
        options: AppendOptions,
    ) -> Result<Appended, AppendError<S::Error>> {
        let Some(cell) = &self.inner.writer else {
            return Err(AppendError::ReadOnly);
        };
        let level = options.durability.unwrap_or(self.settings.durability);
        loop {
            match cell.write(|writer| self.begin(writer, records, options.producer, level))? {
                Begun::Over(appended) => return Ok(appended),
                Begun::Crowded(key) => {
                    let waiting = self.inner.waiting(key);
                    self.inner.wait(cell, &waiting).await?;
                }
                Begun::Leading(goal, io, appended) => {
                    let Some(key) = self.inner.lead(cell, goal, io).await else {
                        return Ok(appended);
                    };
                    return self.finish(cell, key, appended, level).await;
                }
                Begun::Waiting(key, appended) => {
                    return self.finish(cell, key, appended, level).await;
                }
            }
        }
    }

    /// Stages a batch, and says what its append has to wait for.
    fn begin(
        &self,
        writer: &mut Writer<S::Error>,
        records: &[NewRecord<'_>],
        producer: Option<Producer>,
        level: Durability,
    ) -> Result<Begun, AppendError<S::Error>> {
        if writer.is_crowded() && writer.poison.is_none() {
            return Ok(Begun::Crowded(writer.waiters.add(Goal::Room)));
        }
        let staged = writer.stage(records, producer, level)?;
        let goal = match level {
            Durability::Buffered if writer.queued_bytes < limits::BUFFERED_MAX => {
                self.inner.show_buffered();
                return Ok(Begun::Over(staged.appended));
            }
            // Nobody waits for buffered records, but a full buffer is handed to the
            // store by whoever filled it.
            Durability::Buffered => Goal::Stored(writer.staged_next),
            Durability::Stored => Goal::Stored(staged.target),
            Durability::Synced => Goal::Synced(staged.target),
        };
        if writer.reached(goal) {
            return Ok(Begun::Over(staged.appended));
        }
        if !writer.driving && writer.waiters.is_empty() && writer.doubt.is_none() {
            writer.driving = true;
            writer.leader = Some(goal);
            if let Some(io) = self.inner.ask(writer) {
                return Ok(Begun::Leading(goal, io, staged.appended));
            }
            writer.stop_driving();
        }
        Ok(Begun::Waiting(writer.waiters.add(goal), staged.appended))
    }

    async fn finish(
        &self,
        cell: &P::Cell<Writer<S::Error>>,
        key: usize,
        appended: Appended,
        level: Durability,
    ) -> Result<Appended, AppendError<S::Error>> {
        let waiting = self.inner.waiting(key);
        match self.inner.wait(cell, &waiting).await {
            // What was acknowledged as buffered stays queued when the store is full.
            Err(Failure::Full(_)) if level == Durability::Buffered => Ok(appended),
            outcome => Ok(outcome.map(|()| appended)?),
        }
    }

    /// Hands everything buffered to the store. Returns the offset below which
    /// records are stored.
    ///
    /// # Errors
    /// `full`, `poisoned`, `closed`, `read-only`.
    pub async fn flush(&self) -> Result<u64, SyncError<S::Error>> {
        self.get_to(Goal::Stored).await
    }

    /// Makes everything appended so far durable. Returns the offset below which it is.
    ///
    /// # Errors
    /// `full`, `poisoned`, `closed`, `read-only`.
    pub async fn sync(&self) -> Result<u64, SyncError<S::Error>> {
        self.get_to(Goal::Synced).await
    }

    async fn get_to(&self, goal: fn(u64) -> Goal) -> Result<u64, SyncError<S::Error>> {
        if self.inner.writer.is_none() {
            return Err(SyncError::ReadOnly);
        }
        let begin = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            let target = writer.staged_next;
            Ok((goal(target), target))
        };
        Ok(self.inner.reach(begin).await?)
    }

    /// Makes a new log exist, durably, before anything is appended to it.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub async fn establish(&self) -> Result<(), SyncError<S::Error>> {
        if self.inner.writer.is_none() {
            return Err(SyncError::ReadOnly);
        }
        let begin = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            Ok((writer.quiet(), ()))
        };
        Ok(self.inner.reach(begin).await?)
    }

    /// The picture this handle has of the log: its own records, buffered or not.
    pub(crate) fn own(&self) -> Arc<Snapshot> {
        match &self.inner.writer {
            Some(writer) if !self.sees_published() => {
                writer.read(|writer| Arc::new(writer.own_snapshot()))
            }
            _ => self.inner.shown(),
        }
    }

    /// Whether that is the picture that is published.
    pub(crate) fn sees_published(&self) -> bool {
        self.inner.writer.is_none()
            || self.settings.durability != Durability::Synced
                && !self.inner.ahead.load(Ordering::Acquire)
    }

    /// The picture this handle has of the log, unless that is closed.
    pub(crate) fn open_picture(&self) -> Result<Arc<Snapshot>, RemoveError<S::Error>> {
        let picture = self.own();
        match picture.closed {
            true => Err(RemoveError::Read(ReadError::Closed)),
            false => Ok(picture),
        }
    }

    /// The record with this offset, if it is in memory: without a future, for callers
    /// that do not wait. `None` says nothing; [`get`](Self::get) does.
    #[must_use]
    pub fn try_get(&self, offset: u64) -> Option<Entry> {
        if self.inner.ahead.load(Ordering::Acquire) {
            return None;
        }
        self.inner.try_get(offset)
    }

    /// The bounds of the log as this handle sees it.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.own().bounds()
    }

    /// A reader of what is acknowledged at the log's level: it sees what other
    /// handles may see, and never waits for the writer.
    #[must_use]
    pub fn reader(&self) -> Reader<S, P> {
        Reader::new(Arc::clone(&self.inner), self.settings.durability)
    }

    /// Records from `at` on, oldest first, across segments, up to the limits.
    ///
    /// # Errors
    /// `out-of-range` beyond the log, `corrupt` where damaged records are next
    /// (the error says where reading goes on), or the store's own.
    pub async fn read(&self, at: At, limits: ReadLimits) -> Result<Batch, ReadError<S::Error>> {
        self.inner
            .read_picture(self.own(), Query::Forward(at, limits))
            .await
    }

    /// Records below `before`, newest first, up to the limits.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub async fn read_reverse(
        &self,
        before: At,
        limits: ReadLimits,
    ) -> Result<Batch, ReadError<S::Error>> {
        self.inner
            .read_picture(self.own(), Query::Reverse(before, limits))
            .await
    }

    /// The record at `at`.
    ///
    /// # Errors
    /// `not-found` if it was removed, `out-of-range` at or beyond `next` and in an
    /// empty log, `corrupt` if it is damaged, or the store's own.
    pub async fn get(&self, at: At) -> Result<Entry, ReadError<S::Error>> {
        self.inner.get_picture(self.own(), at).await
    }

    /// Looks at the store again, in a handle that only reads: for what the writer in
    /// another process has appended since. Does nothing in a handle that writes.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn refresh(&self) -> Result<(), OpenError<S::Error>> {
        self.inner.refresh().await
    }

    /// Waits until there are records from `at` on that are acknowledged at the log's
    /// level, and reads them.
    ///
    /// # Errors
    /// As for [`read`](Self::read), and `closed` when the log is closed meanwhile.
    pub async fn follow(&self, at: At, limits: ReadLimits) -> Result<Batch, ReadError<S::Error>> {
        self.reader().follow(at, limits).await
    }

    /// Stores and syncs everything, seals the last segment, and gives the log up.
    /// Closing again does nothing. Followers end with `closed`.
    ///
    /// # Errors
    /// `full` if the last records could not be stored, in which case the log stays
    /// open, or `poisoned`; a poisoned log is given up all the same.
    pub async fn close(&self) -> Result<(), SyncError<S::Error>> {
        let Some(cell) = &self.inner.writer else {
            self.inner.published.write(|published| {
                Arc::make_mut(&mut published.snapshot).closed = true;
                published.followers.wake();
            });
            return Ok(());
        };
        let begin = |writer: &mut Writer<S::Error>| {
            if writer.closing == Closing::No && writer.poison.is_none() {
                writer.closing = Closing::Asked;
            }
            Ok((Goal::Closed, ()))
        };
        let outcome = self.inner.reach(begin).await;
        let poisoned = matches!(outcome, Err(Failure::Poisoned(_)));
        cell.write(|writer| {
            if poisoned && writer.closing != Closing::Closed {
                writer.closing = Closing::Closed;
                writer.changed = true;
                self.inner.publish(writer);
            } else if outcome.is_err() {
                if matches!(outcome, Err(Failure::Full(_))) {
                    writer.closing = Closing::No;
                }
                return;
            }
            // Inside: another close that ends now must find it done.
            if core::mem::take(&mut writer.holds_claim) {
                self.inner.store.release(self.inner.log);
            }
        });
        Ok(outcome?)
    }
}

const fn missing<E>(options: &Options, id: LogId) -> OpenError<E> {
    if options.existing {
        OpenError::Lost(id)
    } else {
        OpenError::NotFound(id)
    }
}

/// Refuses other indexes than those of a log that exists.
fn agree<E>(options: &Options, found: &Recovered) -> Result<(), OpenError<E>> {
    let differs = options
        .indexes
        .is_some_and(|indexes| indexes != found.indexes);
    if differs && found.manifest.is_some() {
        return Err(OpenError::OtherIndexes(found.indexes));
    }
    Ok(())
}

enum Begun {
    Over(Appended),
    Crowded(usize),
    Leading(Goal, Io, Appended),
    Waiting(usize, Appended),
}

/// A claim that is given back unless it is kept.
pub(crate) struct Claim<'a, S: BlockStore> {
    pub(crate) store: &'a S,
    pub(crate) id: LogId,
    pub(crate) kept: bool,
}

impl<S: BlockStore> Claim<'_, S> {
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl<S: BlockStore> Drop for Claim<'_, S> {
    fn drop(&mut self) {
        if !self.kept {
            self.store.release(self.id);
        }
    }
}

pub(crate) fn validate<E: StoreError>(options: &Options) -> Result<(), OpenError<E>> {
    let segment = limits::SEGMENT_MIN..=limits::SEGMENT_MAX;
    if options
        .segment_bytes
        .is_some_and(|bytes| !segment.contains(&bytes))
    {
        return Err(OpenError::Invalid(
            "segment_bytes must be between 4 KiB and 1 GiB",
        ));
    }
    if options
        .align
        .is_some_and(|align| align != 0 && !(64..=65536).contains(&align))
    {
        return Err(OpenError::Invalid(
            "align must be 0, or between 64 and 65536",
        ));
    }
    if options
        .align
        .is_some_and(|align| align != 0 && !align.is_power_of_two())
    {
        return Err(OpenError::Invalid("align must be a power of two"));
    }
    if options
        .compression
        .is_some_and(|compression| !compression.is_supported())
    {
        return Err(OpenError::Invalid(
            "this build does not contain that compression",
        ));
    }
    Ok(())
}
