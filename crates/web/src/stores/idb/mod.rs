//! Owns [`IdbStore`]: blobs as pieces in an IndexedDB database, for windows and
//! workers alike.
//!
//! # Layout
//!
//! One database of three object stores: `blobs` (which exist), `pieces` (their bytes,
//! each below 60 KiB, keyed by where it ends) and `epochs` (the writer of each log).
//!
//! # Durability
//!
//! An append is one transaction with `relaxed` durability, a sync one with `strict`:
//! `docs/DURABILITY.md` says what browsers make of these.

mod connection;
mod events;
mod keys;
mod reading;
mod tail;
mod transaction;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use tidelog_core::{BlobId, BlockStore, Bytes, Geometry, LogId};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::IdbObjectStore;

use self::connection::Connection;
use self::events::{Answer, Events, failure};
use self::tail::Tail;
use self::transaction::{Mode, Transaction};
use super::error::{Reason, WebError};
use super::flights::Flights;
use super::web_locks::WebLock;

/// Milliseconds to wait for a lock: a page that is being reloaded lets go of it
/// within some tens of them.
const LOCK_WAIT: u32 = 500;

/// How a database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdbOptions {
    /// Make the database if there is none.
    pub create: bool,
    /// Milliseconds to wait for another writer that is letting go, before the log
    /// counts as `locked`.
    pub lock_wait: u32,
}

impl Default for IdbOptions {
    fn default() -> Self {
        Self {
            create: true,
            lock_wait: LOCK_WAIT,
        }
    }
}

/// A store whose blobs are in an IndexedDB database.
///
/// Any number of tabs and workers may have one database open; each log has one
/// writer among them at a time.
pub struct IdbStore {
    inner: Rc<Inner>,
    flights: Rc<Flights>,
}

struct Inner {
    connection: Connection,
    lock_wait: u32,
    claims: RefCell<BTreeMap<LogId, Claim>>,
    tails: RefCell<BTreeMap<BlobId, Tail>>,
}

/// The right to write to a log.
struct Claim {
    epoch: u64,
    lock: Option<WebLock>,
}

impl IdbStore {
    /// Opens the database `name`.
    ///
    /// # Errors
    /// `unsupported` where there is no IndexedDB, or the database was made by a newer
    /// version or by something else; `not-found` if it is missing and not to be made;
    /// `locked` while another tab brings it to a newer version; `forbidden` or
    /// `unavailable` if the browser refuses.
    pub async fn open(name: &str, options: IdbOptions) -> Result<Self, WebError> {
        let opened = Connection::open(name, options.create).await;
        let connection =
            opened.map_err(|reason| reason.doing(format!("opening the database {name:?}")))?;
        Ok(Self {
            inner: Rc::new(Inner {
                connection,
                lock_wait: options.lock_wait,
                claims: RefCell::default(),
                tails: RefCell::default(),
            }),
            flights: Rc::default(),
        })
    }

    /// Deletes the database `name` with everything in it, once those who have it open
    /// let go. That there is none is no error.
    ///
    /// # Errors
    /// `unsupported` where there is no IndexedDB, `unavailable` if the browser refuses.
    pub async fn destroy(name: &str) -> Result<(), WebError> {
        let doing = |reason: Reason| reason.doing(format!("deleting the database {name:?}"));
        let factory = connection::factory().map_err(doing)?;
        let request = factory.delete_database(name);
        let request = request.map_err(|error| doing(error.into()))?;
        let events = Events::of(&request, &["success", "error"]);
        match events.next().await {
            "success" => Ok(()),
            _ => Err(doing(failure(&request))),
        }
    }

    /// The name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.inner.connection.name()
    }

    /// Waits for what is in flight, lets go of every claim and closes the database:
    /// on return others may have both.
    pub async fn close(self) {
        self.flights.all_landed().await;
        let claims = std::mem::take(&mut *self.inner.claims.borrow_mut());
        for lock in claims.into_values().filter_map(|claim| claim.lock) {
            lock.release().await;
        }
        self.inner.connection.close();
    }

    /// Runs `work` on `blobs` to its end, whoever waits for it.
    async fn run<T, F>(
        &self,
        doing: impl Into<String>,
        blobs: &[BlobId],
        work: impl FnOnce(Rc<Inner>) -> F,
    ) -> Result<T, WebError>
    where
        T: 'static,
        F: Future<Output = Result<T, Reason>> + 'static,
    {
        let (doing, work) = (doing.into(), work(Rc::clone(&self.inner)));
        let named = async move { work.await.map_err(|reason| reason.doing(doing)) };
        self.flights.run(blobs, named).await
    }
}

impl Inner {
    /// Begins a transaction, on a new connection if the old one was lost.
    async fn begin(&self, mode: Mode) -> Result<Transaction, Reason> {
        match Transaction::begin(&self.connection.get().await?, mode) {
            Err(reason) if reason.is_lost_connection() => {
                self.connection.give_up();
                Transaction::begin(&self.connection.get().await?, mode)
            }
            begun => begun,
        }
    }

    /// Begins a transaction that writes to `log`, together with the question who its
    /// writer is.
    async fn begin_write(&self, log: LogId, mode: Mode) -> Result<(Transaction, Writer), Reason> {
        let claimed = self.claims.borrow().get(&log).map(|claim| claim.epoch);
        let epoch = claimed.ok_or(Reason::Fenced)?;
        let transaction = self.begin(mode).await?;
        let answer = Answer::of(transaction.epochs.get(&keys::log(log))?);
        Ok((transaction, Writer { epoch, answer }))
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: &[u8]) -> Result<(), Reason> {
        let known = self.tails.borrow_mut().remove(&blob);
        let tail = known.clone();
        let outcome = match self.try_append(blob, position, bytes, tail).await {
            Err(reason) if reason.is_lost_connection() => {
                self.connection.give_up();
                self.settle_append(blob, position, bytes).await
            }
            outcome => outcome,
        };
        let (outcome, tail) = match outcome {
            Ok(tail) => (Ok(()), Some(tail)),
            Err(reason) => (Err(reason), known),
        };
        if let Some(tail) = tail {
            self.tails.borrow_mut().insert(blob, tail);
        }
        outcome
    }

    /// An append whose connection was lost has happened as a whole or not at all.
    async fn settle_append(
        &self,
        blob: BlobId,
        position: u64,
        bytes: &[u8],
    ) -> Result<Tail, Reason> {
        let end = position + bytes.len() as u64;
        match self.end(blob).await? {
            Some(found) if found == end => {
                // Still the writer it was?
                let (transaction, writer) = self.begin_write(blob.log, Mode::Read).await?;
                writer.confirm().await?;
                transaction.commit().await?;
                Ok(Tail::at(end))
            }
            Some(found) if found == position => {
                let tail = Some(Tail::at(position));
                self.try_append(blob, position, bytes, tail).await
            }
            None if position == 0 => self.try_append(blob, position, bytes, None).await,
            found => Err(Reason::Conflict {
                end: found.unwrap_or(0),
                position,
            }),
        }
    }

    /// Appends in one transaction, and returns the blob's end as it is then.
    async fn try_append(
        &self,
        blob: BlobId,
        position: u64,
        bytes: &[u8],
        tail: Option<Tail>,
    ) -> Result<Tail, Reason> {
        let tail = match tail {
            Some(tail) => tail,
            None if position == 0 => Tail::default(),
            None => match self.end(blob).await? {
                Some(end) => Tail::at(end),
                None => Tail::default(),
            },
        };
        let creates = tail == Tail::default() && position == 0;
        if tail.end() != position || (position == 0 && !creates) {
            let end = tail.end();
            return Err(Reason::Conflict { end, position });
        }
        let (transaction, writer) = self.begin_write(blob.log, Mode::Relaxed).await?;
        if creates {
            let key = keys::blob(blob);
            transaction.blobs.add_with_key(&JsValue::from(0), &key)?;
        }
        let plan = tail.plan(bytes);
        if let Some((first, run)) = plan.merged {
            replace(&transaction.pieces, blob, first, position, run)?;
        }
        for (end, piece) in plan.pieces {
            let value = Uint8Array::from(piece);
            transaction
                .pieces
                .add_with_key(&value, &keys::piece(blob, end))?;
        }
        let committed = async {
            writer.confirm().await?;
            transaction.commit().await
        };
        committed.await.map_err(|reason| match reason.name() {
            "ConstraintError" => Reason::Exists,
            _ => reason,
        })?;
        let mut tail = tail;
        tail.appended(bytes);
        Ok(tail)
    }

    async fn sync(&self, log: LogId, blobs: &[BlobId]) -> Result<(), Reason> {
        let (transaction, writer) = self.begin_write(log, Mode::Strict).await?;
        let mut answers = Vec::new();
        for blob in blobs.iter().filter(|blob| blob.log == log) {
            if !self.tails.borrow().contains_key(blob) {
                let request = transaction.blobs.get_key(&keys::blob(*blob))?;
                answers.push(Answer::of(request));
            }
        }
        // A transaction that writes nothing makes nothing durable.
        let row = Uint8Array::from(&writer.epoch.to_be_bytes()[..]);
        transaction.epochs.put_with_key(&row, &keys::log(log))?;
        writer.confirm().await?;
        for answer in answers {
            if answer.get().await?.is_undefined() {
                return Err(Reason::NotFound);
            }
        }
        transaction.commit().await?;
        for blob in blobs.iter().filter(|blob| blob.log == log) {
            if let Some(tail) = self.tails.borrow_mut().get_mut(blob) {
                tail.unsynced = false;
            }
        }
        Ok(())
    }

    async fn seal(&self, blob: BlobId) -> Result<(), Reason> {
        let Some(mut tail) = self.tails.borrow().get(&blob).cloned() else {
            return Ok(());
        };
        if let Some((first, run)) = tail.run() {
            let (transaction, writer) = self.begin_write(blob.log, Mode::Relaxed).await?;
            replace(&transaction.pieces, blob, first, tail.end(), run)?;
            writer.confirm().await?;
            transaction.commit().await?;
            tail.unsynced = true;
        }
        tail.merged();
        self.tails.borrow_mut().insert(blob, tail);
        Ok(())
    }

    async fn remove(&self, blob: BlobId) -> Result<(), Reason> {
        let (transaction, writer) = self.begin_write(blob.log, Mode::Relaxed).await?;
        transaction.blobs.delete(&keys::blob(blob))?;
        transaction
            .pieces
            .delete(&keys::pieces(blob, 0, u64::MAX)?)?;
        writer.confirm().await?;
        transaction.commit().await?;
        self.tails.borrow_mut().remove(&blob);
        Ok(())
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, Reason> {
        if self.claims.borrow().contains_key(&log) {
            return Err(Reason::Locked);
        }
        let name = format!("tidelog/{}/{log}", self.connection.name());
        let lock = WebLock::take(&name, self.lock_wait).await?;
        let transaction = self.begin(Mode::Strict).await?;
        let row = transaction.epochs.get(&keys::log(log))?;
        let epoch = match epoch_of(&Answer::of(row).get().await?) {
            Some(taken) => at_least.max(taken + 1),
            None => at_least,
        };
        let row = Uint8Array::from(&epoch.to_be_bytes()[..]);
        transaction.epochs.put_with_key(&row, &keys::log(log))?;
        transaction.commit().await?;
        self.claims.borrow_mut().insert(log, Claim { epoch, lock });
        Ok(epoch)
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, Reason> {
        let transaction = self.begin(Mode::Read).await?;
        let request = transaction
            .blobs
            .get_all_keys_with_key(&keys::blobs_of(log)?)?;
        let found: Array = Answer::of(request).get().await?.unchecked_into();
        transaction.commit().await?;
        Ok(found
            .iter()
            .filter_map(|key| keys::parse_blob(&key))
            .collect())
    }
}

/// The question who writes to a log, asked in the transaction that writes.
struct Writer {
    epoch: u64,
    answer: Answer,
}

impl Writer {
    /// Fails if it is somebody else, or if the storage was cleared.
    async fn confirm(self) -> Result<(), Reason> {
        match epoch_of(&self.answer.get().await?) {
            Some(epoch) if epoch == self.epoch => Ok(()),
            Some(_) => Err(Reason::Fenced),
            None => Err(Reason::Lost),
        }
    }
}

fn epoch_of(row: &JsValue) -> Option<u64> {
    let bytes = row.dyn_ref::<Uint8Array>()?.to_vec();
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// Replaces the pieces that end between `first` and `end` by one.
fn replace(
    pieces: &IdbObjectStore,
    blob: BlobId,
    first: u64,
    end: u64,
    run: &[u8],
) -> Result<(), Reason> {
    pieces.delete(&keys::pieces(blob, first, end)?)?;
    pieces.add_with_key(&Uint8Array::from(run), &keys::piece(blob, end))?;
    Ok(())
}

impl fmt::Debug for IdbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdbStore")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

impl BlockStore for IdbStore {
    type Error = WebError;

    fn geometry(&self) -> Geometry {
        Geometry {
            atomic_append: true,
            blast_radius: 0,
            longest_blob: (1 << 53) - 1,
            appends_max: 0,
            cheap_append: 4 << 10,
        }
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, WebError> {
        let doing = |reason: Reason| reason.doing(format!("listing log {log}"));
        self.inner.list(log).await.map_err(doing)
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), WebError> {
        self.flights.landed(blob).await;
        let doing = |reason: Reason| reason.doing(format!("reading {blob}"));
        self.inner.read(blob, position, buf).await.map_err(doing)
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), WebError> {
        let doing = format!("appending to {blob}");
        self.run(doing, &[blob], |inner| async move {
            inner.append(blob, position, &bytes).await
        })
        .await
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), WebError> {
        let mut logs: Vec<LogId> = blobs.iter().map(|blob| blob.log).collect();
        logs.sort_unstable();
        logs.dedup();
        let set = blobs.to_vec();
        self.run("syncing", blobs, |inner| async move {
            for log in logs {
                inner.sync(log, &set).await.map_err(Reason::of_sync)?;
            }
            Ok(())
        })
        .await
    }

    async fn seal(&self, blob: BlobId) -> Result<(), WebError> {
        let doing = format!("sealing {blob}");
        self.run(
            doing,
            &[blob],
            |inner| async move { inner.seal(blob).await },
        )
        .await
    }

    async fn remove(&self, blob: BlobId) -> Result<(), WebError> {
        let doing = format!("removing {blob}");
        self.run(
            doing,
            &[blob],
            |inner| async move { inner.remove(blob).await },
        )
        .await
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), WebError> {
        let doing = format!("syncing the removals of log {log}");
        self.run(doing, &[], |inner| async move {
            inner.sync(log, &[]).await.map_err(Reason::of_sync)
        })
        .await
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, WebError> {
        self.flights.settle(blob).await?;
        let tails = self.inner.tails.borrow();
        Ok(tails.get(&blob).map_or(0, Tail::end))
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, WebError> {
        let doing = |reason: Reason| reason.doing(format!("claiming log {log}"));
        self.inner.claim(log, at_least).await.map_err(doing)
    }

    fn release(&self, log: LogId) {
        let claim = self.inner.claims.borrow_mut().remove(&log);
        // The next writer, even through this store, knows nothing of this one.
        self.inner
            .tails
            .borrow_mut()
            .retain(|blob, _| blob.log != log);
        self.flights.forget(log);
        if let Some(lock) = claim.and_then(|claim| claim.lock) {
            spawn_local(lock.release());
        }
    }
}
