//! Owns the state of the simulated machine, and how its operations start, wait
//! and end. What they do is in `perform.rs`.

use std::collections::BTreeMap;
use std::task::Waker;

use tidelog_core::{BlobId, BlobKind, LogId, limits};

use super::disk::Disk;
use super::error::SimError;
use super::fault::{Effect, Landed, Operation};
use super::request::{Flight, Outcome, Request};
use super::setup::{Claims, Setup};
use super::store::ELSEWHERE;
use super::trace::Trace;
use crate::planted;
use crate::random::Random;

pub(super) struct State {
    pub disk: Disk,
    pub setup: Setup,
    pub trace: Option<Trace>,
    pub random: Random,
    pub now: u64,
    pub flights: BTreeMap<u64, Flight>,
    pub next_flight: u64,
    /// When the last operation on each blob will be done.
    pub busy: BTreeMap<BlobId, u64>,
    pub claimed: BTreeMap<LogId, u64>,
    pub counts: BTreeMap<Operation, u64>,
    pub processes: u64,
    pub dead: Vec<u64>,
    /// Appends that each blob has received.
    appends: BTreeMap<BlobId, u32>,
    /// A blob that was created twice, under a number that is never used again.
    pub reborn: Option<BlobId>,
    /// More operations were asked for than a run needs.
    pub ran_away: bool,
    /// When the first fault hit.
    pub struck: Option<Struck>,
    /// Operations that were refused before they started.
    refused: u64,
}

/// When the first fault hit a machine.
#[derive(Clone, Copy, Debug)]
pub struct Struck {
    /// Operations that were started before.
    pub operations: u64,
    /// Moments that were kept before.
    pub moments: usize,
}

impl State {
    pub const fn new(disk: Disk, setup: Setup, random: Random) -> Self {
        Self {
            disk,
            setup,
            trace: None,
            random,
            now: 0,
            flights: BTreeMap::new(),
            next_flight: 0,
            busy: BTreeMap::new(),
            claimed: BTreeMap::new(),
            counts: BTreeMap::new(),
            processes: 0,
            dead: Vec::new(),
            appends: BTreeMap::new(),
            reborn: None,
            ran_away: false,
            struck: None,
            refused: 0,
        }
    }

    /// Counts an operation that is refused before it starts. True if there were more
    /// than a run needs.
    pub fn refuse(&mut self) -> bool {
        self.refused += 1;
        self.ran_away |= self.refused > self.setup.operations_max;
        self.ran_away
    }

    /// Counts an operation, and says which fault it meets.
    pub fn strike(
        &mut self,
        process: u64,
        operation: Operation,
    ) -> Result<Option<Effect>, SimError> {
        let total: u64 = self.counts.values().sum();
        if self.setup.dies_at.is_some_and(|at| total >= at) {
            self.kill(process);
        }
        if self.dead.contains(&process) {
            return Err(SimError::Dead);
        }
        if total >= self.setup.operations_max {
            self.ran_away = true;
            return Err(SimError::Endless);
        }
        let number = self.counts.entry(operation).or_default();
        let at = *number;
        *number += 1;
        let faults = &self.setup.faults;
        let fault = faults.iter().find(|fault| fault.hits(operation, at));
        let effect = fault.map(|fault| fault.effect);
        if effect.is_some() && self.struck.is_none() {
            let moments = self.trace.as_ref().map_or(0, Trace::count);
            self.struck = Some(Struck {
                operations: total,
                moments,
            });
        }
        Ok(effect)
    }

    /// Starts an operation. `Ok` if it is over at once, else its flight.
    pub fn start(&mut self, process: u64, epoch: u64, request: Request) -> Result<Outcome, u64> {
        let effect = match self.strike(process, request.operation()) {
            Ok(effect) => effect,
            Err(error) => return Ok(Err(error)),
        };
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

    pub fn kill(&mut self, process: u64) {
        if self.dead.contains(&process) {
            return;
        }
        self.dead.push(process);
        self.claimed.retain(|_, holder| *holder != process);
        let flying: Vec<u64> = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.process == process && flight.outcome.is_none())
            .map(|(id, _)| *id)
            .collect();
        for id in flying {
            if self.random.one_in(2) {
                self.land(id);
            } else if let Some(flight) = self.flights.remove(&id) {
                match flight.request {
                    Request::Append(blob, position, _) => {
                        self.disk.reduce(blob, flight.seqs, 0);
                        if position == 0 {
                            self.appends.remove(&blob);
                        }
                    }
                    Request::Remove(blob) => self.disk.reduce(blob, flight.seqs, 0),
                    _ => {}
                }
            }
        }
        self.flights.retain(|_, flight| flight.process != process);
        self.mark("kill", None);
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

    pub fn land(&mut self, id: u64) -> Option<Waker> {
        let mut flight = self.flights.remove(&id)?;
        let outcome = self.finish(&flight);
        flight.outcome = Some(outcome);
        let waker = flight.waker.clone();
        self.flights.insert(id, flight);
        waker
    }

    pub fn stale(&self, flight: &Flight) -> Option<SimError> {
        let log = flight.request.log()?;
        let replaced = flight.epoch < self.disk.epoch(log) && !planted::drops_epoch_check();
        (self.setup.claims == Claims::Epochs && replaced).then_some(SimError::Fenced(log))
    }

    fn issue(&mut self, flight: &mut Flight) {
        flight.refused = self.stale(flight);
        match flight.request.clone() {
            Request::Append(blob, position, bytes) => {
                if flight.refused.is_none() {
                    flight.refused = self.refusal(blob, bytes.len());
                }
                // A fenced writer that looks for its fence only afterwards has
                // written all the same.
                let fenced = matches!(flight.refused, Some(SimError::Fenced(_)));
                let landed = match (flight.refused, flight.effect) {
                    (Some(SimError::Full), _) => Some(Landed::Half),
                    (Some(_), _) if fenced && self.random.one_in(2) => Some(Landed::Whole),
                    (Some(_), _) => Some(Landed::Nothing),
                    (None, effect) => effect.and_then(Effect::landed),
                };
                let len = match landed {
                    Some(Landed::Nothing) => 0,
                    Some(Landed::Half) if self.setup.geometry.atomic_append => 0,
                    Some(Landed::Half) => bytes.len() / 2,
                    Some(Landed::Whole) | None => bytes.len(),
                };
                if len == 0 {
                    return;
                }
                let appends = self.appends.entry(blob).or_default();
                // A backup has the numbers of its log: what one that was cut short has
                // left makes room for them.
                if position == 0 && *appends > 0 && blob.log.0 < ELSEWHERE {
                    self.reborn = Some(blob);
                }
                *appends += 1;
                flight.seqs = self.disk.issue_write(blob, position, bytes);
                if landed == Some(Landed::Half) {
                    self.disk.reduce(blob, flight.seqs, len);
                }
                self.mark("append", Some(blob));
            }
            Request::Remove(blob) => {
                let exists = self.disk.visible(blob).is_some();
                let landed = flight.effect.and_then(Effect::landed);
                let done = flight.effect.is_none() || landed == Some(Landed::Whole);
                if exists && flight.refused.is_none() && done {
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

    fn refusal(&self, blob: BlobId, len: usize) -> Option<SimError> {
        let reserve = match blob.kind {
            BlobKind::Manifest | BlobKind::ManifestCopy => limits::MANIFEST_RESERVE,
            _ => 0,
        };
        let held = self.disk.held() + len as u64;
        if held > self.setup.capacity.saturating_add(reserve) {
            return Some(SimError::Full);
        }
        let geometry = self.setup.geometry;
        let end = self.disk.visible(blob).map_or(0, <[u8]>::len) + len;
        let appends = self.appends.get(&blob).copied().unwrap_or(0);
        let many = geometry.appends_max > 0 && appends >= geometry.appends_max;
        (many || end as u64 > geometry.longest_blob).then_some(SimError::TooLong(blob))
    }
}
