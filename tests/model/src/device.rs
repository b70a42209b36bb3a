//! Owns the store of the checks: a device with a thread of its own, which performs
//! one operation after the other, answers later, and watches what it is asked for.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use shuttle::sync::{Condvar, Mutex, MutexGuard};
use shuttle::thread::{self, ThreadId};
use tidelog_core::{
    BlobId, BlobKind, BlockStore, Bytes, Durability, ErrorKind, Geometry, LogId, StoreError,
};

/// What the device refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceError(ErrorKind, Option<u64>);

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the device answered {}", self.0)
    }
}

impl std::error::Error for DeviceError {}

impl StoreError for DeviceError {
    fn kind(&self) -> ErrorKind {
        self.0
    }

    fn available(&self) -> Option<u64> {
        self.1
    }
}

#[derive(Clone)]
enum Request {
    Append(BlobId, u64, Bytes),
    Sync(Vec<BlobId>),
    Remove(BlobId),
}

impl Request {
    /// Whether both concern the same blob.
    fn meets(&self, other: &Self) -> bool {
        match self {
            Self::Append(blob, ..) | Self::Remove(blob) => other.concerns(*blob),
            Self::Sync(blobs) => blobs.iter().any(|blob| other.concerns(*blob)),
        }
    }

    fn concerns(&self, wanted: BlobId) -> bool {
        match self {
            Self::Append(blob, ..) | Self::Remove(blob) => *blob == wanted,
            Self::Sync(blobs) => blobs.contains(&wanted),
        }
    }
}

#[derive(Default)]
struct Blob {
    bytes: Vec<u8>,
    /// Bytes for which an append was answered.
    answered: usize,
    /// Bytes for which a sync was answered.
    synced: usize,
}

struct Task {
    ticket: u64,
    request: Request,
    waker: Option<Waker>,
    answer: Option<Result<(), DeviceError>>,
    /// Its future was dropped: nobody picks the answer up.
    abandoned: bool,
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<BlobId, Blob>,
    tasks: VecDeque<Task>,
    tickets: u64,
    /// Errors nobody was there to be told.
    untold: Vec<(Request, DeviceError)>,
    settling: Vec<Waker>,
    /// Appends to segments until one fails, and how.
    fails: Option<(u64, ErrorKind)>,
    claimed: bool,
    stopping: bool,
    /// Whose reads wait.
    held: Option<ThreadId>,
    holding: Vec<Waker>,
}

/// A store whose operations take their time.
#[derive(Default)]
pub struct Device {
    state: Mutex<State>,
    asked: Condvar,
}

impl Device {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Performs what is asked for, until told to stop.
    pub fn work(&self) {
        let mut state = self.state();
        loop {
            let task = state.tasks.iter().find(|task| task.answer.is_none());
            let Some((ticket, request)) = task.map(|task| (task.ticket, task.request.clone()))
            else {
                if state.stopping {
                    return;
                }
                state = self
                    .asked
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let performed = state.perform(&request);
            // Done, and not answered for yet: whoever acts on it now acts too early.
            drop(state);
            state = self.state();
            state.answer(ticket, &request, performed);
        }
    }

    /// Lets [`work`](Self::work) end.
    pub fn stop(&self) {
        self.state().stopping = true;
        self.asked.notify_all();
    }

    /// The `nth` append to a segment from now on fails like this.
    pub fn fail(&self, nth: u64, kind: ErrorKind) {
        self.state().fails = Some((nth, kind));
    }

    /// Nothing fails any more.
    pub fn mend(&self) {
        self.state().fails = None;
    }

    /// A device with these blobs, synced.
    pub fn of(blobs: &[(BlobId, Vec<u8>)]) -> Self {
        let device = Self::default();
        for (id, bytes) in blobs {
            let blob = Blob {
                bytes: bytes.clone(),
                answered: bytes.len(),
                synced: bytes.len(),
            };
            device.state().blobs.insert(*id, blob);
        }
        device
    }

    /// Reads of this thread take until they are let go.
    pub fn hold_reads(&self) {
        self.state().held = Some(thread::current().id());
    }

    /// Whether there is one.
    pub fn has_held(&self) -> bool {
        !self.state().holding.is_empty()
    }

    /// Lets them go.
    pub fn let_go(&self) {
        let mut state = self.state();
        state.held = None;
        state.holding.drain(..).for_each(Waker::wake);
    }

    /// Whether somebody holds the claim.
    pub fn is_claimed(&self) -> bool {
        self.state().claimed
    }

    /// How far the bytes of a record have got, as far as the device has answered.
    pub fn has(&self, value: &[u8]) -> Option<Durability> {
        let state = self.state();
        state.blobs.iter().find_map(|(id, blob)| {
            let mut places = blob.bytes.windows(value.len());
            let end = places.position(|bytes| bytes == value)? + value.len();
            match id.kind {
                BlobKind::Segment if end <= blob.synced => Some(Durability::Synced),
                BlobKind::Segment if end <= blob.answered => Some(Durability::Stored),
                _ => None,
            }
        })
    }

    fn request(&self, request: Request) -> Operation<'_> {
        Operation {
            device: self,
            request: Some(request),
            ticket: 0,
        }
    }
}

impl State {
    fn perform(&mut self, request: &Request) -> Result<(), DeviceError> {
        match request {
            Request::Append(blob, position, bytes) => {
                if blob.kind == BlobKind::Segment
                    && let Some((left, kind)) = &mut self.fails
                {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        let kind = *kind;
                        self.fails = None;
                        return Err(DeviceError(kind, None));
                    }
                }
                let held = self.blobs.entry(*blob).or_default();
                assert_eq!(held.bytes.len() as u64, *position, "append to {blob}");
                held.bytes.extend_from_slice(bytes);
            }
            Request::Sync(_) => {}
            Request::Remove(blob) => {
                self.blobs.remove(blob);
            }
        }
        Ok(())
    }

    fn answer(&mut self, ticket: u64, request: &Request, answer: Result<(), DeviceError>) {
        match (request, answer) {
            (_, Err(_)) | (Request::Remove(_), _) => {}
            (Request::Append(blob, ..), Ok(())) => {
                let held = self.blobs.entry(*blob).or_default();
                held.answered = held.bytes.len();
            }
            (Request::Sync(blobs), Ok(())) => {
                for blob in blobs {
                    let held = self.blobs.entry(*blob).or_default();
                    held.synced = held.answered;
                }
            }
        }
        if let Some(task) = self.tasks.iter_mut().find(|task| task.ticket == ticket) {
            task.answer = Some(answer);
            if let Some(waker) = task.waker.take() {
                waker.wake();
            }
        }
        self.forget_abandoned();
        self.settling.drain(..).for_each(Waker::wake);
    }
    /// What an abandoned operation failed with is kept for whoever settles.
    fn forget_abandoned(&mut self) {
        let gone = |task: &Task| task.abandoned && task.answer.is_some();
        for task in self.tasks.iter().filter(|task| gone(task)) {
            if let Some(Err(error)) = task.answer {
                self.untold.push((task.request.clone(), error));
            }
        }
        self.tasks.retain(|task| !gone(task));
    }
}

/// An operation: begun with the first poll, and performed whether or not its future
/// lives to see the end.
struct Operation<'a> {
    device: &'a Device,
    request: Option<Request>,
    ticket: u64,
}

impl Future for Operation<'_> {
    type Output = Result<(), DeviceError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = context.waker().clone();
        let mut state = self.device.state();
        if let Some(request) = self.request.take() {
            let open = state.tasks.iter().filter(|task| task.answer.is_none());
            // One of the commit, and one of whoever has a turn.
            assert!(open.clone().count() < 2, "operations in flight at a time");
            let mut concerned = open.filter(|task| task.request.meets(&request));
            assert!(
                concerned.next().is_none(),
                "one operation of a blob at a time"
            );
            state.tickets += 1;
            self.ticket = state.tickets;
            state.tasks.push_back(Task {
                ticket: self.ticket,
                request,
                waker: Some(waker),
                answer: None,
                abandoned: false,
            });
            self.device.asked.notify_all();
            return Poll::Pending;
        }
        let ticket = self.ticket;
        let at = state.tasks.iter().position(|task| task.ticket == ticket);
        let at = at.expect("polled while it is under way");
        let task = &mut state.tasks[at];
        if let Some(answer) = task.answer {
            state.tasks.remove(at);
            return Poll::Ready(answer);
        }
        task.waker = Some(waker);
        Poll::Pending
    }
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        let mut state = self.device.state();
        let ticket = self.ticket;
        if let Some(task) = state.tasks.iter_mut().find(|task| task.ticket == ticket) {
            task.abandoned = true;
            task.waker = None;
            state.forget_abandoned();
        }
    }
}

impl BlockStore for Device {
    type Error = DeviceError;

    fn geometry(&self) -> Geometry {
        Geometry {
            atomic_append: true,
            blast_radius: 0,
            longest_blob: u64::MAX,
            appends_max: 0,
            cheap_append: 0,
        }
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, DeviceError> {
        let state = self.state();
        let blobs = state.blobs.keys().filter(|blob| blob.log == log);
        Ok(blobs.copied().collect())
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), DeviceError> {
        poll_fn(|context| {
            let mut state = self.state();
            if state.held != Some(thread::current().id()) {
                return Poll::Ready(());
            }
            state.holding.push(context.waker().clone());
            Poll::Pending
        })
        .await;
        let state = self.state();
        let held = state.blobs.get(&blob);
        let held = held.ok_or(DeviceError(ErrorKind::NotFound, None))?;
        let start = usize::try_from(position).expect("small blobs");
        let rest = held.bytes.get(start..).unwrap_or(&[]);
        let available = Some(rest.len() as u64);
        let found = rest
            .get(..buf.len())
            .ok_or(DeviceError(ErrorKind::OutOfRange, available))?;
        buf.copy_from_slice(found);
        Ok(())
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), DeviceError> {
        self.request(Request::Append(blob, position, bytes)).await
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), DeviceError> {
        self.request(Request::Sync(blobs.to_vec())).await
    }

    async fn seal(&self, _blob: BlobId) -> Result<(), DeviceError> {
        Ok(())
    }

    async fn remove(&self, blob: BlobId) -> Result<(), DeviceError> {
        self.request(Request::Remove(blob)).await
    }

    async fn sync_removals(&self, _log: LogId) -> Result<(), DeviceError> {
        Ok(())
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, DeviceError> {
        poll_fn(|context| {
            let mut state = self.state();
            let mut open = state.tasks.iter().filter(|task| task.answer.is_none());
            if open.any(|task| task.request.concerns(blob)) {
                state.settling.push(context.waker().clone());
                return Poll::Pending;
            }
            let untold = &mut state.untold;
            if let Some(at) = untold
                .iter()
                .position(|(request, _)| request.concerns(blob))
            {
                return Poll::Ready(Err(untold.remove(at).1));
            }
            let held = state.blobs.get(&blob);
            Poll::Ready(Ok(held.map_or(0, |held| held.bytes.len() as u64)))
        })
        .await
    }

    async fn claim(&self, _log: LogId, at_least: u64) -> Result<u64, DeviceError> {
        let mut state = self.state();
        if state.claimed {
            return Err(DeviceError(ErrorKind::Locked, None));
        }
        state.claimed = true;
        Ok(at_least)
    }

    fn release(&self, _log: LogId) {
        let mut state = self.state();
        assert!(state.claimed, "a claim is given back once");
        state.claimed = false;
    }
}
