//! Owns the store through which one simulated process sees the disk.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use tidelog_core::{BlobId, BlockStore, Bytes, Geometry, LogId};

use super::error::SimError;
use super::fault::{Effect, Operation};
use super::machine::Machine;
use super::request::{Reply, Request};

/// Numbers of logs from here on are those of another store on the same machine.
pub const ELSEWHERE: u64 = 1 << 50;

/// A [`BlockStore`] on a simulated [`Machine`], for one of its processes.
#[derive(Clone)]
pub struct SimStore {
    machine: Machine,
    process: Rc<Process>,
    /// What is added to the numbers of logs on their way to the disk.
    shift: u64,
}

struct Process {
    number: u64,
    state: RefCell<View>,
}

/// What this process knows of its own writes.
#[derive(Default)]
struct View {
    ends: BTreeMap<BlobId, u64>,
    epochs: BTreeMap<LogId, u64>,
    errors: BTreeMap<BlobId, SimError>,
}

impl SimStore {
    pub(super) fn new(machine: Machine, number: u64) -> Self {
        Self {
            machine,
            process: Rc::new(Process {
                number,
                state: RefCell::default(),
            }),
            shift: 0,
        }
    }

    /// Another store of the same process, in another place of the same disk: its log 1
    /// is log [`ELSEWHERE`] + 1 of the machine.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self {
            shift: ELSEWHERE,
            ..self.clone()
        }
    }

    /// Whether it is in that other place.
    #[must_use]
    pub const fn is_elsewhere(&self) -> bool {
        self.shift == ELSEWHERE
    }

    /// The store in which the machine's log `log` is, and its number there.
    #[must_use]
    pub fn placed(&self, log: LogId) -> (Self, LogId) {
        match log.0.checked_sub(ELSEWHERE) {
            Some(number) => (self.elsewhere(), LogId(number)),
            None => (self.clone(), log),
        }
    }

    /// A log as the machine numbers it.
    const fn at(&self, log: LogId) -> LogId {
        LogId(log.0 + self.shift)
    }

    /// A blob as the machine names it.
    const fn blob(&self, blob: BlobId) -> BlobId {
        BlobId {
            log: self.at(blob.log),
            ..blob
        }
    }

    /// The machine it runs on.
    #[must_use]
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The number of its process, from 1.
    #[must_use]
    pub fn process(&self) -> u64 {
        self.process.number
    }

    /// Counts an operation that is carried out elsewhere, and says which fault it
    /// is to meet.
    ///
    /// # Errors
    /// The process was killed, or asks for more operations than a run needs.
    pub fn strike(&self, operation: Operation) -> Result<Option<Effect>, SimError> {
        let mut state = self.machine.0.borrow_mut();
        state.strike(self.process.number, operation)
    }

    async fn request(&self, log: LogId, request: Request) -> Result<Reply, SimError> {
        let epoch = self.process.state.borrow().epochs.get(&log).copied();
        let started =
            self.machine
                .0
                .borrow_mut()
                .start(self.process.number, epoch.unwrap_or(0), request);
        let flight = match started {
            Ok(outcome) => return outcome,
            Err(flight) => flight,
        };
        let mut landing = Landing {
            store: self,
            flight: Some(flight),
        };
        poll_fn(|context| {
            let polled = self.machine.0.borrow_mut().poll(flight, context.waker());
            match polled {
                Some(outcome) => {
                    landing.flight = None;
                    Poll::Ready(outcome)
                }
                None => Poll::Pending,
            }
        })
        .await
    }
}

/// Keeps the outcome of an operation nobody waits for any more.
struct Landing<'a> {
    store: &'a SimStore,
    flight: Option<u64>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let Some(flight) = self.flight else { return };
        let failed = self.store.machine.0.borrow_mut().abandon(flight);
        if let Some((blob, error)) = failed {
            let mut view = self.store.process.state.borrow_mut();
            view.errors.insert(blob, error);
        }
    }
}

impl BlockStore for SimStore {
    type Error = SimError;

    fn geometry(&self) -> Geometry {
        self.machine.setup().geometry
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, SimError> {
        let log = self.at(log);
        let back = |blob: BlobId| {
            let number = blob.log.0.checked_sub(self.shift)?;
            let log = LogId(number);
            Some(BlobId { log, ..blob })
        };
        match self.request(log, Request::List(log)).await? {
            Reply::Blobs(blobs) => Ok(blobs.into_iter().filter_map(back).collect()),
            _ => Ok(Vec::new()),
        }
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), SimError> {
        let blob = self.blob(blob);
        let request = Request::Read(blob, position, buf.len());
        if let Reply::Bytes(bytes) = self.request(blob.log, request).await? {
            buf.copy_from_slice(&bytes);
        }
        Ok(())
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), SimError> {
        let blob = self.blob(blob);
        let end = self.process.state.borrow().ends.get(&blob).copied();
        let here = match end {
            Some(end) => end == position,
            None => {
                let machine = self.machine.0.borrow();
                match machine.disk.visible(blob) {
                    Some(held) => (1..=held.len() as u64).contains(&position),
                    None => position == 0,
                }
            }
        };
        if !here {
            if self.machine.0.borrow_mut().refuse() {
                return Err(SimError::Endless);
            }
            return Err(SimError::Conflict {
                blob,
                end: end.unwrap_or(0),
                position,
            });
        }
        let after = position + bytes.len() as u64;
        self.process.state.borrow_mut().ends.insert(blob, after);
        let request = Request::Append(blob, position, bytes);
        let outcome = self.request(blob.log, request).await;
        if matches!(outcome, Err(SimError::Full | SimError::TooLong(_))) {
            // The range may hold anything, but counts for nothing.
            self.process.state.borrow_mut().ends.insert(blob, position);
        }
        outcome.map(|_| ())
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), SimError> {
        let Some(first) = blobs.first() else {
            return Ok(());
        };
        let (log, blobs) = (
            self.at(first.log),
            blobs.iter().map(|blob| self.blob(*blob)),
        );
        let request = Request::Sync(blobs.collect());
        self.request(log, request).await.map(|_| ())
    }

    async fn seal(&self, blob: BlobId) -> Result<(), SimError> {
        let blob = self.blob(blob);
        self.request(blob.log, Request::Seal(blob))
            .await
            .map(|_| ())
    }

    async fn remove(&self, blob: BlobId) -> Result<(), SimError> {
        let blob = self.blob(blob);
        self.request(blob.log, Request::Remove(blob)).await?;
        self.process.state.borrow_mut().ends.remove(&blob);
        Ok(())
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), SimError> {
        let log = self.at(log);
        self.request(log, Request::SyncRemovals(log))
            .await
            .map(|_| ())
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, SimError> {
        let blob = self.blob(blob);
        self.request(blob.log, Request::Settle(blob)).await?;
        let over = self
            .machine
            .0
            .borrow_mut()
            .abandoned_error(self.process.number, blob);
        let mut view = self.process.state.borrow_mut();
        match over.or_else(|| view.errors.remove(&blob)) {
            Some(error) => Err(error),
            None => Ok(view.ends.get(&blob).copied().unwrap_or(0)),
        }
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, SimError> {
        let log = self.at(log);
        let reply = self.request(log, Request::Claim(log, at_least)).await?;
        let Reply::Number(epoch) = reply else {
            return Ok(at_least);
        };
        let mut view = self.process.state.borrow_mut();
        view.epochs.insert(log, epoch);
        Ok(epoch)
    }

    fn release(&self, log: LogId) {
        self.machine
            .0
            .borrow_mut()
            .release(self.process.number, self.at(log));
    }
}
