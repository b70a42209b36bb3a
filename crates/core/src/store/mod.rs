//! Owns the boundary to storage: the [`BlockStore`] trait and its contract. May
//! not know what is inside a blob.

mod blob;
mod geometry;
mod memory;

pub use blob::{BlobId, BlobKind, LogId};
pub use geometry::Geometry;
pub use memory::{MemoryError, MemoryStore};

use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::{Bytes, ErrorKind};

/// An error of a store.
pub trait StoreError: core::error::Error + 'static {
    /// What the engine, or its caller, should do about it.
    ///
    /// The engine acts on these: `not-found` (no such blob), `out-of-range` (a
    /// read past the end), `conflict` (an append at the wrong position, or a
    /// blob that exists), `full`, `locked`, `fenced`, `read-only`. Everything
    /// else means that the outcome is unknown.
    fn kind(&self) -> ErrorKind;

    /// For a read past the end: how many bytes exist from the position asked
    /// for. A hint; `None` if the store cannot tell.
    fn available(&self) -> Option<u64> {
        None
    }
}

/// Where blobs live. A store holds blobs, append-only byte sequences each named
/// by a [`BlobId`]; how it lays them out is its own business.
///
/// Nothing here is `Send`: the engine never spawns. A store whose futures are
/// `Send` makes a log whose futures are `Send`.
///
/// # Contract
///
/// - **A started operation runs to its end.** Dropping a future that has been
///   polled drops only the notification, never the operation.
///   [`settle`](Self::settle) waits for it and tells the outcome.
/// - **Order.** Operations on one blob take effect in call order.
/// - **Crash.** A crash may leave any mix of old and new bytes inside the range
///   of an append that was not synced, and nothing changed outside it (widened
///   to the [`Geometry::blast_radius`]). The blob itself may be missing until
///   it was synced.
/// - **No trust.** [`list`](Self::list) is a hint, and a store reports no
///   lengths: preallocated bytes may be read as zeros past the end.
/// - **Failure.** After a failed append or sync whose kind is not `full`, the
///   outcome is unknown, and the engine sends no more writes to that log.
///
/// `tidelog_testkit::conformance` checks every sentence that can be checked.
#[allow(
    async_fn_in_trait,
    reason = "futures are Send exactly when the store's are"
)]
pub trait BlockStore {
    /// What can go wrong.
    type Error: StoreError;

    /// What this store promises about single appends. Constant while it is open.
    fn geometry(&self) -> Geometry;

    /// The blobs of `log`, as a hint: some may be missing, repeated, or no
    /// longer exist, in any order.
    ///
    /// # Errors
    /// `unavailable` or another kind of failure. An unknown log is an empty list.
    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, Self::Error>;

    /// Fills `buf` from `position` on, or fails: a short read is an error.
    ///
    /// # Errors
    /// `not-found` if the blob does not exist, `out-of-range` if it ends before
    /// `position + buf.len()` (see [`StoreError::available`]).
    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes `bytes` at `position`, which is the number of bytes this writer has
    /// appended to the blob so far. Position 0 creates the blob. The first
    /// append of a writer to a blob it did not create names the position where
    /// that blob ends for it; torn bytes of an earlier writer may follow there.
    ///
    /// # Errors
    /// `conflict` if the position is another one, or position 0 is given for a
    /// blob that exists; `full` if there is no space, in which case the range
    /// may hold anything and the blob is not appended to again; `fenced` if a
    /// newer writer claimed the log.
    ///
    /// A store keeps [`MANIFEST_RESERVE`](crate::limits::MANIFEST_RESERVE) bytes
    /// in hand for blobs of the manifest kinds: they are not refused as `full`
    /// before that is used up, whatever the rest of the store holds.
    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), Self::Error>;

    /// Makes everything appended to these blobs, and their existence, durable.
    /// A set, so that a store can serve several blobs or logs with one request.
    ///
    /// # Errors
    /// A failure is never retried: what it covered may be lost even if a later
    /// sync succeeds. `fenced` if a newer writer claimed the log.
    async fn sync(&self, blobs: &[BlobId]) -> Result<(), Self::Error>;

    /// A hint that nothing will be appended to the blob any more: a store may
    /// shrink, merge, or close what it holds for it.
    ///
    /// # Errors
    /// A failure concerns the hint alone; the blob stays as readable as it was.
    async fn seal(&self, blob: BlobId) -> Result<(), Self::Error>;

    /// Removes the blob. It may reappear after a crash until
    /// [`sync_removals`](Self::sync_removals). A missing blob is no error.
    ///
    /// # Errors
    /// `fenced` if a newer writer claimed the log, or a failure of the storage.
    async fn remove(&self, blob: BlobId) -> Result<(), Self::Error>;

    /// Makes the removals of this log's blobs so far durable.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    async fn sync_removals(&self, log: LogId) -> Result<(), Self::Error>;

    /// Waits until no operation on the blob is in flight. Returns how many bytes
    /// this writer has appended to it (where its next append continues), or the
    /// error of an operation whose future was dropped before it could be told.
    ///
    /// # Errors
    /// The outcome of the abandoned operation, once.
    async fn settle(&self, blob: BlobId) -> Result<u64, Self::Error>;

    /// Becomes the writer of `log`, with the smallest free epoch that is not
    /// below `at_least`, which is returned. Where locks exist this takes the lock
    /// and returns `at_least`; where they do not, it creates an epoch marker.
    ///
    /// # Errors
    /// `locked` if another live writer holds the log, `read-only` if the storage
    /// allows no writing.
    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, Self::Error>;

    /// Stops being the writer of `log`. Never fails; a store that must wait for
    /// something does so on its own.
    fn release(&self, log: LogId);
}

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        impl<S: BlockStore> BlockStore for $pointer {
            type Error = S::Error;

            fn geometry(&self) -> Geometry {
                (**self).geometry()
            }
            async fn list(&self, log: LogId) -> Result<Vec<BlobId>, Self::Error> {
                (**self).list(log).await
            }
            async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), Self::Error> {
                (**self).read(blob, position, buf).await
            }
            async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), Self::Error> {
                (**self).append(blob, position, bytes).await
            }
            async fn sync(&self, blobs: &[BlobId]) -> Result<(), Self::Error> {
                (**self).sync(blobs).await
            }
            async fn seal(&self, blob: BlobId) -> Result<(), Self::Error> {
                (**self).seal(blob).await
            }
            async fn remove(&self, blob: BlobId) -> Result<(), Self::Error> {
                (**self).remove(blob).await
            }
            async fn sync_removals(&self, log: LogId) -> Result<(), Self::Error> {
                (**self).sync_removals(log).await
            }
            async fn settle(&self, blob: BlobId) -> Result<u64, Self::Error> {
                (**self).settle(blob).await
            }
            async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, Self::Error> {
                (**self).claim(log, at_least).await
            }
            fn release(&self, log: LogId) {
                (**self).release(log);
            }
        }
    )+};
}

forward!(&S, Rc<S>, Arc<S>);
