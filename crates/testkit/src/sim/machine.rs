//! Owns the simulated machine: its disk, its clock of ticks, the operations in
//! flight and the claims of its processes.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::Waker;

use tidelog_core::{BlobId, BlobKind, Bytes, Geometry, LogId, limits};

use super::disk::Disk;
use super::error::SimError;
use super::fault::{Effect, Fault, Landed, Listing, Operation, Window};
use super::store::SimStore;
use super::trace::Trace;
use crate::random::Random;

/// Who may write to a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claims {
    /// Locks exist: a second living process is refused as `locked`.
    #[default]
    Locks,
    /// Locks do not exist, or can be lost: the newest claim wins, and older
    /// writers are `fenced`.
    Epochs,
}

/// What kind of machine is simulated.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the store promises about single appends.
    pub geometry: Geometry,
    /// Bytes the disk holds, beside the reserve for manifests.
    pub capacity: u64,
    /// Who may write.
    pub claims: Claims,
    /// Ticks an operation takes at most; 0 lets each finish at once.
    pub pace: u64,
    /// What is wrong with its listings.
    pub listing: Listing,
    /// What goes wrong, each in its time.
    pub faults: Vec<Fault>,
    /// Operations after which everything fails: a run needs fewer.
    pub operations_max: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            geometry: Geometry {
                atomic_append: false,
                blast_radius: 0,
                longest_blob: u64::MAX,
                appends_max: 0,
                cheap_append: 0,
            },
            capacity: u64::MAX,
            claims: Claims::Locks,
            pace: 0,
            listing: Listing::Honest,
            faults: Vec::new(),
            operations_max: 20_000,
        }
    }
}

/// A machine with one disk and any number of processes, one after the other or
/// beside each other. Everything in it follows from its seed.
#[derive(Clone)]
pub struct Machine(pub(super) Rc<RefCell<State>>);

pub(super) struct State {
    pub disk: Disk,
    pub setup: Setup,
    pub trace: Option<Trace>,
    random: Random,
    now: u64,
    flights: BTreeMap<u64, Flight>,
    next_flight: u64,
    /// When the last operation on each blob will be done.
    busy: BTreeMap<BlobId, u64>,
    claimed: BTreeMap<LogId, u64>,
    counts: BTreeMap<Operation, u64>,
    processes: u64,
    dead: Vec<u64>,
}

#[derive(Clone, Debug)]
pub(super) enum Request {
    List(LogId),
    Read(BlobId, u64, usize),
    Append(BlobId, u64, Bytes),
    Sync(Vec<BlobId>),
    Seal(BlobId),
    Remove(BlobId),
    SyncRemovals(LogId),
    Settle(BlobId),
    Claim(LogId, u64),
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Done,
    Blobs(Vec<BlobId>),
    Bytes(Vec<u8>),
    Number(u64),
}

type Outcome = Result<Reply, SimError>;

/// An operation between its start and its end.
struct Flight {
    process: u64,
    epoch: u64,
    due: u64,
    request: Request,
    /// The parts of a write or removal; for a sync, what it covers.
    seqs: [u64; 2],
    effect: Option<Effect>,
    refused: Option<SimError>,
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

impl Request {
    const fn operation(&self) -> Operation {
        match self {
            Self::List(_) => Operation::List,
            Self::Read(..) => Operation::Read,
            Self::Append(..) => Operation::Append,
            Self::Sync(_) | Self::SyncRemovals(_) => Operation::Sync,
            Self::Seal(_) => Operation::Seal,
            Self::Remove(_) => Operation::Remove,
            Self::Settle(_) => Operation::Settle,
            Self::Claim(..) => Operation::Claim,
        }
    }

    fn blobs(&self) -> &[BlobId] {
        match self {
            Self::Read(blob, ..)
            | Self::Append(blob, ..)
            | Self::Seal(blob)
            | Self::Remove(blob)
            | Self::Settle(blob) => std::slice::from_ref(blob),
            Self::Sync(blobs) => blobs,
            Self::List(_) | Self::SyncRemovals(_) | Self::Claim(..) => &[],
        }
    }

    fn log(&self) -> Option<LogId> {
        match self {
            Self::Append(blob, ..) | Self::Remove(blob) => Some(blob.log),
            Self::Sync(blobs) => blobs.first().map(|blob| blob.log),
            Self::SyncRemovals(log) => Some(*log),
            _ => None,
        }
    }
}

impl Machine {
    /// A machine with an empty disk.
    #[must_use]
    pub fn new(setup: Setup, seed: u64) -> Self {
        Self::with_disk(Disk::default(), setup, seed)
    }

    /// A machine that finds this disk when it starts.
    #[must_use]
    pub fn with_disk(disk: Disk, setup: Setup, seed: u64) -> Self {
        Self(Rc::new(RefCell::new(State {
            disk,
            setup,
            trace: None,
            random: Random::new(seed),
            now: 0,
            flights: BTreeMap::new(),
            next_flight: 0,
            busy: BTreeMap::new(),
            claimed: BTreeMap::new(),
            counts: BTreeMap::new(),
            processes: 0,
            dead: Vec::new(),
        })))
    }

    /// Starts a process. Every clone of its store belongs to it.
    #[must_use]
    pub fn process(&self) -> SimStore {
        let mut state = self.0.borrow_mut();
        state.processes += 1;
        SimStore::new(self.clone(), state.processes)
    }

    /// Keeps every moment from now on.
    pub fn record(&self, trace: Trace) {
        self.0.borrow_mut().trace = Some(trace);
    }

    /// The moments kept so far; nothing more is kept.
    pub fn take_trace(&self) -> Option<Trace> {
        self.0.borrow_mut().trace.take()
    }

    /// The disk as it is.
    #[must_use]
    pub fn disk(&self) -> Disk {
        self.0.borrow().disk.clone()
    }

    /// How many operations of a class were started.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        let state = self.0.borrow();
        state.counts.get(&operation).copied().unwrap_or(0)
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.0.borrow_mut().setup.faults = faults;
    }

    /// What kind of machine it is.
    pub fn setup(&self) -> Ref<'_, Setup> {
        Ref::map(self.0.borrow(), |state| &state.setup)
    }

    /// Changes how much the disk holds.
    pub fn set_capacity(&self, bytes: u64) {
        self.0.borrow_mut().setup.capacity = bytes;
    }

    /// Lets one tick pass: operations that are due finish. False if nothing was
    /// in flight.
    pub fn tick(&self) -> bool {
        let mut state = self.0.borrow_mut();
        state.now += 1;
        let due: Vec<u64> = state
            .flights
            .iter()
            .filter(|(_, flight)| flight.outcome.is_none() && flight.due <= state.now)
            .map(|(id, _)| *id)
            .collect();
        let waiting = state
            .flights
            .values()
            .any(|flight| flight.outcome.is_none());
        let wakers: Vec<Waker> = due.into_iter().filter_map(|id| state.land(id)).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        waiting
    }

    /// Keeps this moment as one at which `event` happened outside the store.
    pub fn mark(&self, event: &'static str) {
        self.0.borrow_mut().mark(event, None);
    }

    /// Kills a process: its claims are free, and what it has in flight never
    /// returns; each such operation may or may not reach the disk.
    pub fn kill(&self, store: &SimStore) {
        let mut state = self.0.borrow_mut();
        let process = store.process();
        state.dead.push(process);
        state.claimed.retain(|_, holder| *holder != process);
        let flying: Vec<u64> = state
            .flights
            .iter()
            .filter(|(_, flight)| flight.process == process && flight.outcome.is_none())
            .map(|(id, _)| *id)
            .collect();
        for id in flying {
            if state.random.one_in(2) {
                state.land(id);
            } else if let Some(flight) = state.flights.remove(&id) {
                match flight.request {
                    Request::Append(blob, ..) => state.disk.reduce(blob, flight.seqs, 0),
                    Request::Remove(blob) => state.disk.reduce(blob, flight.seqs, 0),
                    _ => {}
                }
            }
        }
        state.flights.retain(|_, flight| flight.process != process);
        state.mark("kill", None);
    }
}

impl State {
    /// Starts an operation. `Ok` if it is over at once, else its flight.
    pub fn start(&mut self, process: u64, epoch: u64, request: Request) -> Result<Outcome, u64> {
        if self.dead.contains(&process) {
            return Ok(Err(SimError::Dead));
        }
        let operation = request.operation();
        let total: u64 = self.counts.values().sum();
        if total >= self.setup.operations_max {
            return Ok(Err(SimError::Endless));
        }
        let number = self.counts.entry(operation).or_default();
        let at = *number;
        *number += 1;
        let faults = &self.setup.faults;
        let fault = faults.iter().find(|fault| fault.hits(operation, at));
        let effect = fault.map(|fault| fault.effect);
        let pace = self.setup.pace;
        let taken = if pace == 0 {
            0
        } else {
            self.random.below(pace + 1)
        };
        let due = request
            .blobs()
            .iter()
            .filter_map(|blob| self.busy.get(blob))
            .fold(self.now + taken, |due, busy| due.max(*busy));
        let mut flight = Flight {
            process,
            epoch,
            due,
            request,
            seqs: [0; 2],
            effect,
            refused: None,
            outcome: None,
            waker: None,
        };
        self.issue(&mut flight);
        if due <= self.now {
            return Ok(self.finish(&flight));
        }
        for blob in flight.request.blobs() {
            self.busy.insert(*blob, due);
        }
        let id = self.next_flight;
        self.next_flight += 1;
        self.flights.insert(id, flight);
        Err(id)
    }

    /// The outcome of a flight, once it is over.
    pub fn poll(&mut self, id: u64, waker: &Waker) -> Option<Outcome> {
        let flight = self.flights.get_mut(&id)?;
        if flight.outcome.is_none() {
            flight.waker = Some(waker.clone());
            return None;
        }
        self.flights.remove(&id).and_then(|flight| flight.outcome)
    }

    /// Nobody waits for the flight any more; it goes on. Its blob and error, if
    /// it is over already and failed.
    pub fn abandon(&mut self, id: u64) -> Option<(BlobId, SimError)> {
        let flight = self.flights.get_mut(&id)?;
        flight.waker = None;
        flight.outcome.as_ref()?;
        let flight = self.flights.remove(&id)?;
        let blob = *flight.request.blobs().first()?;
        Some((blob, flight.outcome?.err()?))
    }

    /// What the process's store continues with: outcomes of abandoned flights on
    /// `blob` that are over.
    pub fn abandoned_error(&mut self, process: u64, blob: BlobId) -> Option<SimError> {
        let id = self.flights.iter().find_map(|(id, flight)| {
            let ours = flight.process == process && flight.waker.is_none();
            let failed = matches!(flight.outcome, Some(Err(_)));
            (ours && failed && flight.request.blobs().contains(&blob)).then_some(*id)
        })?;
        self.flights.remove(&id)?.outcome?.err()
    }

    fn land(&mut self, id: u64) -> Option<Waker> {
        let mut flight = self.flights.remove(&id)?;
        let outcome = self.finish(&flight);
        flight.outcome = Some(outcome);
        let waker = flight.waker.clone();
        self.flights.insert(id, flight);
        waker
    }

    fn stale(&self, flight: &Flight) -> Option<SimError> {
        let log = flight.request.log()?;
        (self.setup.claims == Claims::Epochs && flight.epoch < self.disk.epoch(log))
            .then_some(SimError::Fenced(log))
    }

    fn issue(&mut self, flight: &mut Flight) {
        flight.refused = self.stale(flight);
        match flight.request.clone() {
            Request::Append(blob, position, bytes) => {
                if flight.refused.is_none() {
                    flight.refused = self.refusal(blob, position, bytes.len());
                }
                // A fenced writer that looks for its fence only afterwards has
                // written all the same.
                let fenced = matches!(flight.refused, Some(SimError::Fenced(_)));
                let landed = match (flight.refused, flight.effect) {
                    (Some(SimError::Full), _) => Some(Landed::Half),
                    (Some(_), _) if fenced && self.random.one_in(2) => Some(Landed::Whole),
                    (Some(_), _) => Some(Landed::Nothing),
                    (None, Some(Effect::Fails(landed) | Effect::Full(landed))) => Some(landed),
                    (None, _) => None,
                };
                let len = match landed {
                    Some(Landed::Nothing) => 0,
                    Some(Landed::Half) => bytes.len() / 2,
                    Some(Landed::Whole) | None => bytes.len(),
                };
                if len == 0 {
                    return;
                }
                flight.seqs = self.disk.issue_write(blob, position, bytes);
                if landed == Some(Landed::Half) {
                    self.disk.reduce(blob, flight.seqs, len);
                }
                self.mark("append", Some(blob));
            }
            Request::Remove(blob) => {
                let exists = self.disk.visible(blob).is_some();
                if exists && flight.refused.is_none() && flight.effect.is_none() {
                    let seq = self.disk.issue_remove(blob);
                    flight.seqs = [seq, seq];
                    self.mark("remove", Some(blob));
                }
            }
            Request::Sync(blobs) => {
                flight.seqs = [self.disk.seq(); 2];
                self.mark("sync", blobs.first().copied());
            }
            _ => {}
        }
    }

    fn refusal(&self, blob: BlobId, position: u64, len: usize) -> Option<SimError> {
        let reserve = match blob.kind {
            BlobKind::Manifest | BlobKind::ManifestCopy => limits::MANIFEST_RESERVE,
            _ => 0,
        };
        let held = self.disk.held() + len as u64;
        let exists = self.disk.visible(blob).is_some();
        if position == 0 && exists {
            let end = self
                .disk
                .visible(blob)
                .map_or(0, |bytes| bytes.len() as u64);
            return Some(SimError::Conflict {
                blob,
                end,
                position,
            });
        }
        if held > self.setup.capacity.saturating_add(reserve) {
            return Some(SimError::Full);
        }
        None
    }

    /// Carries out what a flight is for.
    fn finish(&mut self, flight: &Flight) -> Outcome {
        let outcome = match (&flight.request, flight.effect) {
            (Request::Append(blob, ..), effect) => {
                if flight.seqs[1] > 0 {
                    self.disk.complete(*blob, &flight.seqs);
                    self.mark("append", Some(*blob));
                }
                match (flight.refused.or_else(|| self.stale(flight)), effect) {
                    (Some(error), _) => Err(error),
                    (None, Some(Effect::Fails(_))) => Err(SimError::Failed),
                    (None, Some(Effect::Full(_))) => Err(SimError::Full),
                    (None, _) => Ok(Reply::Done),
                }
            }
            (Request::Remove(blob), None) => {
                if flight.seqs[1] > 0 {
                    self.disk.complete(*blob, &flight.seqs[..1]);
                    self.mark("remove", Some(*blob));
                }
                flight
                    .refused
                    .or_else(|| self.stale(flight))
                    .map_or(Ok(Reply::Done), Err)
            }
            (Request::Sync(blobs), effect) => self.finish_sync(flight, blobs, effect),
            (Request::SyncRemovals(log), None) => {
                self.disk.sync_removals(*log);
                self.mark("sync-removals", None);
                self.stale(flight).map_or(Ok(Reply::Done), Err)
            }
            (Request::SyncRemovals(_), Some(Effect::SyncLies)) | (Request::Seal(_), None) => {
                Ok(Reply::Done)
            }
            (Request::List(log), None) => Ok(Reply::Blobs(self.list(*log))),
            (Request::Read(blob, position, len), effect) => {
                self.read(*blob, *position, *len, effect)
            }
            (Request::Settle(blob), None) => {
                let end = self
                    .disk
                    .visible(*blob)
                    .map_or(0, |bytes| bytes.len() as u64);
                Ok(Reply::Number(end))
            }
            (Request::Claim(log, at_least), None) => self.claim(flight.process, *log, *at_least),
            (_, Some(_)) => Err(SimError::Failed),
        };
        outcome
    }

    fn finish_sync(
        &mut self,
        flight: &Flight,
        blobs: &[BlobId],
        effect: Option<Effect>,
    ) -> Outcome {
        if let Some(missing) = blobs
            .iter()
            .find(|blob| self.disk.visible(**blob).is_none())
        {
            return Err(SimError::NotFound(*missing));
        }
        let before = flight.seqs[0];
        match effect {
            None => {
                for blob in blobs {
                    self.disk.sync(*blob, before);
                }
                self.mark("sync", blobs.first().copied());
                self.stale(flight).map_or(Ok(Reply::Done), Err)
            }
            Some(Effect::SyncLies) => Ok(Reply::Done),
            Some(effect) => {
                let mut odd = false;
                for blob in blobs {
                    match effect {
                        Effect::SyncFails(Window::Dropped) => {
                            self.disk.forsake(*blob, before, || true);
                        }
                        Effect::SyncFails(Window::HalfKept) => {
                            self.disk.forsake(*blob, before, || {
                                odd = !odd;
                                odd
                            });
                        }
                        _ => {}
                    }
                }
                Err(SimError::Failed)
            }
        }
    }

    fn claim(&mut self, process: u64, log: LogId, at_least: u64) -> Outcome {
        match self.setup.claims {
            Claims::Locks if self.claimed.contains_key(&log) => Err(SimError::Locked(log)),
            Claims::Locks => {
                self.claimed.insert(log, process);
                Ok(Reply::Number(at_least))
            }
            Claims::Epochs => {
                let epoch = at_least.max(self.disk.epoch(log) + 1);
                self.disk.set_epoch(log, epoch);
                self.mark("claim", None);
                Ok(Reply::Number(epoch))
            }
        }
    }

    pub fn release(&mut self, process: u64, log: LogId) {
        if self.claimed.get(&log) == Some(&process) {
            self.claimed.remove(&log);
        }
    }

    fn list(&mut self, log: LogId) -> Vec<BlobId> {
        let mut blobs: Vec<BlobId> = self
            .disk
            .contents()
            .map(|(id, _)| id)
            .filter(|id| id.log == log)
            .collect();
        match self.setup.listing {
            Listing::Honest => {}
            Listing::Backwards => blobs.reverse(),
            Listing::Doubled => blobs = blobs.iter().flat_map(|id| [*id, *id]).collect(),
            Listing::LastLost => {
                let newest: BTreeMap<BlobKind, BlobId> =
                    blobs.iter().map(|id| (id.kind, *id)).collect();
                let alone =
                    |id: &BlobId| blobs.iter().filter(|other| other.kind == id.kind).count() == 1;
                blobs = blobs
                    .iter()
                    .filter(|id| alone(id) || newest.get(&id.kind) != Some(id))
                    .copied()
                    .collect();
            }
            Listing::Ghosts => {
                for kind in BlobKind::ALL {
                    let last = blobs
                        .iter()
                        .filter(|id| id.kind == kind)
                        .map(|id| id.number);
                    let number = last.max().map_or(0, |last| last + 1);
                    blobs.push(BlobId { log, kind, number });
                }
            }
        }
        blobs
    }

    pub fn read(
        &mut self,
        blob: BlobId,
        position: u64,
        len: usize,
        effect: Option<Effect>,
    ) -> Outcome {
        let bytes = self.disk.visible(blob).ok_or(SimError::NotFound(blob))?;
        let rest = usize::try_from(position)
            .ok()
            .and_then(|at| bytes.get(at..))
            .unwrap_or(&[]);
        let past_end = |available| SimError::PastEnd { blob, available };
        let found = rest.get(..len).ok_or(past_end(rest.len() as u64))?;
        let mut found = found.to_vec();
        match effect {
            None => {}
            Some(Effect::ReadFlipped(bit)) => {
                let bit = bit as usize % (len * 8).max(1);
                if let Some(byte) = found.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Some(Effect::ReadZero) => found.fill(0),
            Some(Effect::ReadMisdirected) => {
                let other = self.disk.stale(blob);
                for (at, byte) in found.iter_mut().enumerate() {
                    *byte = *other
                        .get((position as usize + at) % other.len().max(1))
                        .unwrap_or(&0);
                }
            }
            Some(Effect::ReadShort) => return Err(past_end(len as u64 / 2)),
            Some(_) => return Err(SimError::Failed),
        }
        Ok(Reply::Bytes(found))
    }

    /// Keeps this moment, if moments are kept.
    pub fn mark(&mut self, event: &'static str, blob: Option<BlobId>) {
        if let Some(trace) = &mut self.trace {
            trace.push(&self.disk, event, blob.map(|blob| blob.kind));
        }
    }
}
