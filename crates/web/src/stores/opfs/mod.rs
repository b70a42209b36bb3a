//! Owns [`OpfsStore`]: blobs as files of the origin private file system, for
//! dedicated workers.
//!
//! # Layout
//!
//! That of the file store, name for name and byte for byte: a marker, a folder for
//! each log, in it a file for each blob and the file `lock`, which the writer of the
//! log holds open.
//!
//! # Durability
//!
//! An append is one write, which the system has when it returns; a sync flushes.
//! `docs/DURABILITY.md` says what neither covers.

mod file;
mod files;
mod folder;
mod tail;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use tidelog_core::{BlobId, BlockStore, Bytes, Geometry, LogId};

use self::file::BlobFile;
use self::files::Files;
use self::folder::Folder;
use self::tail::Tail;
use super::error::{Reason, WebError};
use super::flights::Flights;
use crate::host::sleep;

/// Files held open: opening one costs as much as ten appends, and a browser has only
/// some hundreds of handles for all.
const OPEN_FILES: usize = 8;

/// Milliseconds to wait for a lock: a page that is being reloaded lets go of it
/// within some tens of them.
const LOCK_WAIT: u32 = 500;

/// Milliseconds between two looks at a lock.
const LOCK_STEP: u32 = 20;

/// How a directory is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpfsOptions {
    /// Make the directory if there is none.
    pub create: bool,
    /// Files of blobs held open, at least 1. One more is open for each log claimed.
    pub open_files: usize,
    /// Milliseconds to wait for another writer that is letting go, before the log
    /// counts as `locked`.
    pub lock_wait: u32,
}

impl Default for OpfsOptions {
    fn default() -> Self {
        Self {
            create: true,
            open_files: OPEN_FILES,
            lock_wait: LOCK_WAIT,
        }
    }
}

/// A store whose blobs are files of the origin private file system.
///
/// Any number of workers may have one directory open; each log has one writer among
/// them at a time.
pub struct OpfsStore {
    inner: Rc<Inner>,
    flights: Rc<Flights>,
}

struct Inner {
    folder: Folder,
    lock_wait: u32,
    /// The file that is held for each log this store writes to.
    claims: RefCell<BTreeMap<LogId, BlobFile>>,
    tails: RefCell<BTreeMap<BlobId, Tail>>,
    files: Files,
}

impl OpfsStore {
    /// Opens the directory `path`, whose parts are separated by `/`.
    ///
    /// # Errors
    /// `unsupported` where this context has no such files, or the directory was made
    /// by a newer version or by something else; `not-found` if it is missing and not
    /// to be made; `forbidden` or `unavailable` if the browser refuses.
    pub async fn open(path: &str, options: OpfsOptions) -> Result<Self, WebError> {
        let folder = Folder::open(path, options.create).await;
        let folder =
            folder.map_err(|reason| reason.doing(format!("opening the directory {path:?}")))?;
        Ok(Self {
            inner: Rc::new(Inner {
                folder,
                lock_wait: options.lock_wait,
                claims: RefCell::default(),
                tails: RefCell::default(),
                files: Files::new(options.open_files),
            }),
            flights: Rc::default(),
        })
    }

    /// Removes the directory `path` with everything in it. That there is none is no
    /// error.
    ///
    /// # Errors
    /// `unsupported` where this context has no such files, `unavailable` while
    /// somebody has a file of it open.
    pub async fn destroy(path: &str) -> Result<(), WebError> {
        let removed = Folder::remove_all(path).await;
        removed.map_err(|reason| reason.doing(format!("removing the directory {path:?}")))
    }

    /// The path of the directory.
    #[must_use]
    pub fn path(&self) -> &str {
        self.inner.folder.path()
    }

    /// Waits for what is in flight, lets go of every claim and closes every file: on
    /// return others may have them.
    pub async fn close(self) {
        self.flights.all_landed().await;
        let logs: Vec<LogId> = self.inner.claims.borrow().keys().copied().collect();
        for log in logs {
            self.release(log);
        }
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
    fn writable(&self, log: LogId) -> Result<(), Reason> {
        if self.claims.borrow().contains_key(&log) {
            Ok(())
        } else {
            Err(Reason::Fenced)
        }
    }

    /// Uses what is known of the end of `blob`.
    fn with<R>(&self, blob: BlobId, use_it: impl FnOnce(&mut Tail) -> R) -> R {
        let mut tails = self.tails.borrow_mut();
        use_it(tails.entry(blob).or_insert_with(|| Tail::of(blob)))
    }

    /// The open file of `blob`, which this store writes to.
    async fn file(&self, blob: BlobId) -> Result<Rc<BlobFile>, Reason> {
        if let Some(file) = self.files.get(blob) {
            return Ok(file);
        }
        let handle = self.folder.blob(blob, false).await?;
        let file = BlobFile::open(&handle.ok_or(Reason::NotFound)?).await?;
        Ok(self.keep(blob, file))
    }

    fn keep(&self, blob: BlobId, file: BlobFile) -> Rc<BlobFile> {
        let file = Rc::new(file);
        if let Some((surplus, _)) = self.files.keep(blob, Rc::clone(&file)) {
            // Its next append or sync tells.
            self.with(surplus, |tail| tail.failed = true);
        }
        file
    }

    async fn create(&self, blob: BlobId) -> Result<Rc<BlobFile>, Reason> {
        if self.folder.blob(blob, false).await?.is_some() {
            return Err(Reason::Exists);
        }
        let handle = self.folder.blob(blob, true).await?;
        let file = BlobFile::open(&handle.ok_or(Reason::Lost)?).await?;
        self.with(blob, |tail| tail.appended = Some(0));
        Ok(self.keep(blob, file))
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: &[u8]) -> Result<(), Reason> {
        self.writable(blob.log)?;
        let (failed, appended) = self.with(blob, |tail| (tail.failed, tail.appended));
        if failed {
            return Err(Reason::FailedBefore);
        }
        let file = match appended {
            Some(0) if position == 0 => return Err(Reason::Exists),
            Some(end) if end != position => return Err(Reason::Conflict { end, position }),
            Some(_) => self.file(blob).await,
            None if position == 0 => self.create(blob).await,
            None => self.take_over(blob, position).await,
        };
        let file = match file {
            // This writer had it.
            Err(Reason::NotFound) if appended.is_some() => return Err(Reason::Lost),
            file => file?,
        };
        self.with(blob, |tail| tail.append(&file, position, bytes))
    }

    // What an earlier writer left behind `position` is torn, and is written over.
    async fn take_over(&self, blob: BlobId, position: u64) -> Result<Rc<BlobFile>, Reason> {
        let (file, end) = match self.file(blob).await {
            Ok(file) => {
                let end = file.len()?;
                (Some(file), end)
            }
            Err(Reason::NotFound) => (None, 0),
            Err(reason) => return Err(reason),
        };
        match file {
            Some(file) if position <= end => Ok(file),
            _ => Err(Reason::Conflict { end, position }),
        }
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), Reason> {
        for blob in blobs {
            self.writable(blob.log)?;
            if self.with(*blob, |tail| tail.failed) {
                return Err(Reason::FailedBefore);
            }
            let file = self.file(*blob).await?;
            if let Err(reason) = file.flush() {
                // The system may have thrown the bytes away and say yes next time.
                self.with(*blob, |tail| tail.failed = true);
                return Err(reason.of_sync());
            }
        }
        Ok(())
    }

    async fn seal(&self, blob: BlobId) -> Result<(), Reason> {
        let grown = self.tails.borrow().get(&blob).map(|tail| tail.appended);
        if grown.flatten().is_none() || self.writable(blob.log).is_err() {
            return Ok(());
        }
        let file = self.file(blob).await?;
        self.with(blob, |tail| tail.shrink(&file))
    }

    async fn remove(&self, blob: BlobId) -> Result<(), Reason> {
        self.writable(blob.log)?;
        self.files.close(blob);
        self.folder.remove(blob).await?;
        self.tails.borrow_mut().remove(&blob);
        Ok(())
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, Reason> {
        if self.claims.borrow().contains_key(&log) {
            return Err(Reason::Locked);
        }
        let handle = self.folder.lock(log).await?;
        let mut waited = 0;
        let lock = loop {
            match BlobFile::open(&handle).await {
                Err(Reason::Locked) if waited < self.lock_wait => {
                    sleep(LOCK_STEP).await;
                    waited += LOCK_STEP;
                }
                opened => break opened?,
            }
        };
        self.claims.borrow_mut().insert(log, lock);
        Ok(at_least)
    }

    /// Reads a blob whose log others may be writing to.
    async fn read_shared(
        &self,
        blob: BlobId,
        position: u64,
        buf: &mut [u8],
    ) -> Result<u64, Reason> {
        let handle = self.folder.blob(blob, false).await?;
        folder::read_shared(&handle.ok_or(Reason::NotFound)?, position, buf).await
    }
}

impl fmt::Debug for OpfsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpfsStore")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

impl BlockStore for OpfsStore {
    type Error = WebError;

    fn geometry(&self) -> Geometry {
        Geometry {
            atomic_append: false,
            blast_radius: 0,
            longest_blob: (1 << 53) - 1,
            appends_max: 0,
            cheap_append: 16 << 10,
        }
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, WebError> {
        let doing = |reason: Reason| reason.doing(format!("listing log {log}"));
        self.inner.folder.list(log).await.map_err(doing)
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), WebError> {
        self.flights.landed(blob).await;
        let doing = |reason: Reason| reason.doing(format!("reading {blob}"));
        // A file that is open cannot be opened by others, so only a writer does that.
        let read = if self.inner.writable(blob.log).is_ok() {
            let file = match self.inner.files.get(blob) {
                Some(file) => file,
                None => {
                    let open = |inner: Rc<Inner>| async move { inner.file(blob).await };
                    self.run(format!("opening {blob}"), &[blob], open).await?
                }
            };
            file.read(position, buf).map_err(doing)?
        } else {
            let read = self.inner.read_shared(blob, position, buf).await;
            read.map_err(doing)?
        };
        if read < buf.len() as u64 {
            return Err(doing(Reason::PastEnd { available: read }));
        }
        Ok(())
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), WebError> {
        let doing = format!("appending to {blob}");
        self.run(doing, &[blob], |inner| async move {
            inner.append(blob, position, &bytes).await
        })
        .await
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), WebError> {
        let set = blobs.to_vec();
        self.run(
            "syncing",
            blobs,
            |inner| async move { inner.sync(&set).await },
        )
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
        let doing = |reason: Reason| reason.doing(format!("syncing the removals of log {log}"));
        // No call makes a name durable: whoever opens must bear a blob that is back.
        self.inner.writable(log).map_err(doing)
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, WebError> {
        self.flights.settle(blob).await?;
        let tails = self.inner.tails.borrow();
        Ok(tails.get(&blob).and_then(|tail| tail.appended).unwrap_or(0))
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, WebError> {
        let doing = |reason: Reason| reason.doing(format!("claiming log {log}"));
        self.inner.claim(log, at_least).await.map_err(doing)
    }

    fn release(&self, log: LogId) {
        // The next writer, even through this store, knows nothing of this one.
        self.inner
            .tails
            .borrow_mut()
            .retain(|blob, _| blob.log != log);
        self.inner.files.close_log(log);
        self.inner.claims.borrow_mut().remove(&log);
        self.flights.forget(log);
    }
}
