//! The conformance suite notices broken stores: each fault fails the check that
//! stands for the sentence it breaks.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use tidelog_core::{
    BlobId, BlobKind, BlockStore, Bytes, ErrorKind, Geometry, LogId, MemoryError, MemoryStore,
    StoreError,
};
use tidelog_testkit::block_on::block_on;
use tidelog_testkit::conformance::{Subject, conformance};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    GeometryChanges,
    ListsOtherLogs,
    ShortReads,
    FillsTheTail,
    MissingReadsAsZeros,
    AvailableTooSmall,
    AppendsAnywhere,
    CreatesTwice,
    MergesKinds,
    ForgetsFirstBlobs,
    CutsBigAppends,
    SyncsMissing,
    SealDrops,
    KeepsRemoved,
    RemovesOnlyOnce,
    StopsWhenDropped,
    LastFirst,
    SettlesAtZero,
    EpochBelow,
    ClaimsTwice,
    ReleasesNothing,
    ReleasesAll,
    FullAsUnavailable,
    NoReserve,
}

const CAUGHT: &[(Fault, &str)] = &[
    (Fault::GeometryChanges, "geometry_is_constant"),
    (Fault::ListsOtherLogs, "listing_stays_in_its_log"),
    (Fault::ShortReads, "reads_are_exact"),
    (Fault::FillsTheTail, "reading_past_the_end_is_out_of_range"),
    (Fault::MissingReadsAsZeros, "missing_blob_is_not_found"),
    (Fault::AvailableTooSmall, "available_can_be_read"),
    (Fault::AppendsAnywhere, "another_position_is_a_conflict"),
    (Fault::CreatesTwice, "creating_twice_is_a_conflict"),
    (Fault::MergesKinds, "every_name_is_its_own_blob"),
    (Fault::ForgetsFirstBlobs, "many_blobs_are_held"),
    (Fault::CutsBigAppends, "big_appends_are_kept_whole"),
    (Fault::SyncsMissing, "missing_blob_cannot_be_synced"),
    (Fault::SealDrops, "sealed_blobs_stay_readable"),
    (Fault::KeepsRemoved, "removed_blobs_are_not_found"),
    (Fault::RemovesOnlyOnce, "removing_twice_is_no_error"),
    (Fault::StopsWhenDropped, "dropped_appends_run_to_their_end"),
    (Fault::LastFirst, "operations_take_effect_in_call_order"),
    (Fault::SettlesAtZero, "settle_tells_where_to_continue"),
    (Fault::EpochBelow, "epochs_are_free_and_not_below"),
    (Fault::ClaimsTwice, "a_second_claim_is_refused"),
    (Fault::ReleasesNothing, "released_logs_can_be_claimed"),
    (Fault::ReleasesAll, "logs_are_claimed_one_by_one"),
    (Fault::FullAsUnavailable, "what_does_not_fit_is_full"),
    (Fault::NoReserve, "manifests_have_a_reserve"),
];

#[derive(Debug)]
enum BrokenError {
    Memory(MemoryError),
    Other(ErrorKind),
    Available(u64),
}

impl std::fmt::Display for BrokenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for BrokenError {}

impl StoreError for BrokenError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Memory(error) => error.kind(),
            Self::Other(kind) => *kind,
            Self::Available(_) => ErrorKind::OutOfRange,
        }
    }

    fn available(&self) -> Option<u64> {
        match self {
            Self::Memory(error) => error.available(),
            Self::Other(_) => None,
            Self::Available(available) => Some(*available),
        }
    }
}

impl From<MemoryError> for BrokenError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

struct Broken {
    inner: Rc<MemoryStore>,
    fault: Fault,
    appended: Cell<u64>,
    created: RefCell<Vec<BlobId>>,
}

impl Broken {
    fn over(inner: Rc<MemoryStore>, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            appended: Cell::new(0),
            created: RefCell::default(),
        }
    }

    fn renamed(&self, blob: BlobId) -> BlobId {
        match (self.fault, blob.kind) {
            (Fault::MergesKinds, BlobKind::Index) => BlobId {
                kind: BlobKind::Mask,
                ..blob
            },
            _ => blob,
        }
    }
}

async fn once_pending() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl BlockStore for Broken {
    type Error = BrokenError;

    fn geometry(&self) -> Geometry {
        let geometry = self.inner.geometry();
        Geometry {
            atomic_append: self.fault != Fault::GeometryChanges || self.appended.get() == 0,
            ..geometry
        }
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, BrokenError> {
        let mut blobs = self.inner.list(log).await?;
        if self.fault == Fault::ListsOtherLogs {
            blobs.extend(self.created.borrow().iter());
        }
        Ok(blobs)
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), BrokenError> {
        let outcome = self.inner.read(self.renamed(blob), position, buf).await;
        match (self.fault, outcome) {
            (Fault::ShortReads, Ok(())) if buf.len() > 4_096 => buf[4_096..].fill(0),
            (Fault::FillsTheTail, Err(MemoryError::PastEnd { .. })) => buf.fill(1),
            (Fault::MissingReadsAsZeros, Err(MemoryError::NotFound(_))) => buf.fill(0),
            (Fault::AvailableTooSmall, Err(MemoryError::PastEnd { available, .. })) => {
                return Err(BrokenError::Available(available.saturating_sub(1)));
            }
            (_, outcome) => outcome?,
        }
        Ok(())
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), BrokenError> {
        let blob = self.renamed(blob);
        let end = self.inner.settle(blob).await?;
        let mut bytes = bytes;
        let mut position = position;
        match self.fault {
            Fault::StopsWhenDropped => once_pending().await,
            Fault::LastFirst if position == 0 => once_pending().await,
            Fault::AppendsAnywhere if position > 0 => position = end,
            Fault::CreatesTwice if position == 0 => self.inner.remove(blob).await?,
            Fault::CutsBigAppends if bytes.len() > 1 << 20 => {
                bytes = bytes[..1 << 20].to_vec().into();
            }
            Fault::ForgetsFirstBlobs if position == 0 => {
                let first = self.created.borrow().first().copied();
                if let Some(first) = first.filter(|_| self.created.borrow().len() == 100) {
                    self.created.borrow_mut().remove(0);
                    self.inner.remove(first).await?;
                }
            }
            Fault::NoReserve if self.inner.held() >= 1 << 20 => {
                return Err(BrokenError::Other(ErrorKind::Full));
            }
            _ => {}
        }
        match self.inner.append(blob, position, bytes).await {
            Err(MemoryError::Full) if self.fault == Fault::FullAsUnavailable => {
                return Err(BrokenError::Other(ErrorKind::Unavailable));
            }
            outcome => outcome?,
        }
        self.appended.set(self.appended.get() + 1);
        if position == 0 {
            self.created.borrow_mut().push(blob);
        }
        Ok(())
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), BrokenError> {
        if self.fault == Fault::SyncsMissing {
            return Ok(());
        }
        Ok(self.inner.sync(blobs).await?)
    }

    async fn seal(&self, blob: BlobId) -> Result<(), BrokenError> {
        if self.fault == Fault::SealDrops {
            self.inner.remove(blob).await?;
        }
        Ok(())
    }

    async fn remove(&self, blob: BlobId) -> Result<(), BrokenError> {
        match self.fault {
            Fault::KeepsRemoved => return Ok(()),
            Fault::RemovesOnlyOnce => self.inner.sync(&[blob]).await?,
            _ => {}
        }
        Ok(self.inner.remove(blob).await?)
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), BrokenError> {
        Ok(self.inner.sync_removals(log).await?)
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, BrokenError> {
        let end = self.inner.settle(blob).await?;
        Ok(if self.fault == Fault::SettlesAtZero {
            0
        } else {
            end
        })
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, BrokenError> {
        match self.fault {
            Fault::EpochBelow => Ok(self.inner.claim(log, at_least).await? - 1),
            Fault::ClaimsTwice => Ok(self.inner.claim(log, at_least).await.unwrap_or(at_least)),
            _ => Ok(self.inner.claim(log, at_least).await?),
        }
    }

    fn release(&self, log: LogId) {
        match self.fault {
            Fault::ReleasesNothing => {}
            Fault::ReleasesAll => (0..10).for_each(|log| self.inner.release(LogId(log))),
            _ => self.inner.release(log),
        }
    }
}

struct BrokenBy(Fault);

impl Subject for BrokenBy {
    type Store = Broken;

    async fn fresh(&self) -> Broken {
        Broken::over(Rc::default(), self.0)
    }

    async fn reopen(&self, store: Broken) -> Broken {
        Broken::over(store.inner, self.0)
    }

    async fn limited(&self) -> Option<Broken> {
        Some(Broken::over(
            Rc::new(MemoryStore::with_capacity(1 << 20)),
            self.0,
        ))
    }
}

#[test]
fn every_fault_fails_its_check() {
    for (fault, check) in CAUGHT {
        let report = block_on(conformance(&BrokenBy(*fault)));
        assert!(
            report.failed.iter().any(|failure| failure.check == *check),
            "{fault:?} was not caught by {check}:\n{report}"
        );
    }
}
