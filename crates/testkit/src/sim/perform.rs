//! Owns what each operation of the simulated store does when it ends, faults
//! included.

use std::collections::BTreeMap;

use tidelog_core::{BlobId, BlobKind, LogId};

use super::error::SimError;
use super::fault::{Effect, Listing, PAGE, Window};
use super::request::{Flight, Outcome, Reply, Request};
use super::setup::Claims;
use super::state::State;

/// How far off a misdirected read is, in bytes.
const MISDIRECTED: usize = 512;

impl State {
    /// Carries out what a flight is for.
    pub fn finish(&mut self, flight: &Flight) -> Outcome {
        let outcome = self.perform(flight);
        if let Some(notes) = &self.setup.notes {
            let (process, request) = (flight.process, &flight.request);
            let answer = match &outcome {
                Ok(reply) => reply.to_string(),
                Err(error) => error.to_string(),
            };
            let line = format!("process {process}: {request}: {answer}");
            notes.borrow_mut().push(line);
        }
        outcome
    }

    fn perform(&mut self, flight: &Flight) -> Outcome {
        match (&flight.request, flight.effect) {
            (Request::Append(blob, ..), effect) => {
                if flight.seqs[1] > 0 {
                    self.disk.complete(*blob, &flight.seqs);
                    self.mark("append", Some(*blob));
                }
                match (flight.refused.or_else(|| self.stale(flight)), effect) {
                    (Some(error), _) => Err(error),
                    (None, Some(effect)) => Err(effect.error()),
                    (None, None) => Ok(Reply::Done),
                }
            }
            (Request::Remove(blob), effect) => {
                if flight.seqs[1] > 0 {
                    self.disk.complete(*blob, &flight.seqs[..1]);
                    self.mark("remove", Some(*blob));
                }
                if let Some(effect) = effect {
                    return Err(effect.error());
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
            (_, Some(effect)) => Err(effect.error()),
        }
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
                let atomic = self.setup.geometry.atomic_append;
                for blob in blobs {
                    match effect {
                        Effect::SyncFails(Window::Dropped) => {
                            self.disk.forsake(*blob, before, || true);
                        }
                        // What has a hole is no longer there as a whole or not at all.
                        Effect::SyncFails(Window::HalfKept) if !atomic => {
                            self.disk.forsake(*blob, before, || {
                                odd = !odd;
                                odd
                            });
                        }
                        _ => {}
                    }
                }
                Err(effect.error())
            }
        }
    }

    fn claim(&mut self, process: u64, log: LogId, at_least: u64) -> Outcome {
        let held = match self.setup.claims {
            Claims::Locks => self.claimed.contains_key(&log),
            Claims::Epochs => self.claimed.get(&log) == Some(&process),
        };
        if held {
            return Err(SimError::Locked(log));
        }
        self.claimed.insert(log, process);
        match self.setup.claims {
            Claims::Locks => Ok(Reply::Number(at_least)),
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

    pub fn list(&mut self, log: LogId) -> Vec<BlobId> {
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
            Listing::OnePage => {
                let mut shown = [0; BlobKind::ALL.len()];
                blobs.retain(|id| {
                    shown[id.kind as usize] += 1;
                    shown[id.kind as usize] <= PAGE
                });
            }
            Listing::Removed => {
                let lowest: BTreeMap<BlobKind, u64> =
                    blobs.iter().rev().map(|id| (id.kind, id.number)).collect();
                for (kind, number) in lowest.into_iter().filter(|(_, number)| *number > 1) {
                    let number = number - 1;
                    blobs.insert(0, BlobId { log, kind, number });
                }
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
                let bit = (bit % (len as u64 * 8).max(1)) as usize;
                if let Some(byte) = found.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Some(Effect::ReadZero) => found.fill(0),
            Some(Effect::ReadMisdirected) => {
                let elsewhere = position as usize + MISDIRECTED;
                for (at, byte) in found.iter_mut().enumerate() {
                    *byte = bytes[(elsewhere + at) % bytes.len()];
                }
            }
            Some(Effect::ReadStale) => {
                let other = self.disk.stale(blob);
                for (at, byte) in found.iter_mut().enumerate() {
                    *byte = *other
                        .get((position as usize + at) % other.len().max(1))
                        .unwrap_or(&0);
                }
            }
            Some(Effect::ReadShort) => return Err(past_end(len as u64 / 2)),
            Some(effect) => return Err(effect.error()),
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
