//! Owns the idempotence check: which batch of which producer comes next, and what
//! a batch sent again was given.
//!
//! The table runs ahead of the store: it counts batches that are queued, and
//! takes back those of a group that was refused.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::format::{ProducerBatch, ProducerState};
use crate::limits::PRODUCER_WINDOW;
use crate::producer::{Producer, ProducerId};

/// Batches remembered while some of them are still queued: the window behind
/// them must survive their being taken back.
const KEPT: usize = 2 * PRODUCER_WINDOW;

/// What the table says of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the next one.
    New,
    /// It was accepted before and got these offsets.
    Duplicate(ProducerBatch),
    /// It was accepted before the batches whose offsets are remembered; they
    /// end below this offset.
    OldDuplicate(u64),
    /// A newer epoch is known.
    Fenced(u64),
    /// This sequence comes first.
    Gap(u64),
}

/// Undoes one accepted batch.
#[derive(Clone, Debug)]
pub(crate) struct Undo {
    pub(crate) id: ProducerId,
    /// What was known before, where taking back the newest batch is not enough.
    before: Option<Option<ProducerState>>,
    time: i64,
}

/// All producers of a log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Producers {
    known: BTreeMap<ProducerId, ProducerState>,
}

impl Producers {
    pub(crate) fn check(&self, batch: &Producer) -> Verdict {
        let Some(state) = self.known.get(&batch.id) else {
            return if batch.sequence == 0 {
                Verdict::New
            } else {
                Verdict::Gap(0)
            };
        };
        if batch.epoch < state.epoch {
            return Verdict::Fenced(state.epoch);
        }
        if batch.epoch > state.epoch {
            return if batch.sequence == 0 {
                Verdict::New
            } else {
                Verdict::Gap(0)
            };
        }
        let Some(back) = state.sequence.checked_sub(batch.sequence) else {
            let expected = state.sequence.saturating_add(1);
            return if batch.sequence == expected {
                Verdict::New
            } else {
                Verdict::Gap(expected)
            };
        };
        let window = state.batches.len().min(PRODUCER_WINDOW);
        let index = usize::try_from(back)
            .ok()
            .filter(|back| *back < window)
            .and_then(|back| state.batches.len().checked_sub(back + 1));
        match index.and_then(|index| state.batches.get(index)) {
            Some(batch) => Verdict::Duplicate(*batch),
            None => Verdict::OldDuplicate(state.batches.first().map_or(0, |batch| batch.first)),
        }
    }

    /// Takes in a batch that is [`Verdict::New`].
    pub(crate) fn accept(&mut self, batch: &Producer, given: ProducerBatch, time: i64) -> Undo {
        match self.known.get_mut(&batch.id) {
            Some(state) if state.epoch == batch.epoch => {
                let undo = Undo {
                    id: batch.id,
                    before: None,
                    time: state.time,
                };
                if state.batches.len() >= KEPT {
                    state.batches.drain(..KEPT - PRODUCER_WINDOW);
                }
                state.sequence = batch.sequence;
                state.time = time;
                state.batches.push(given);
                undo
            }
            known => {
                let before = known.map(|state| state.clone());
                let mut batches = Vec::with_capacity(KEPT);
                batches.push(given);
                let state = ProducerState {
                    epoch: batch.epoch,
                    sequence: batch.sequence,
                    time,
                    batches,
                };
                self.known.insert(batch.id, state);
                Undo {
                    id: batch.id,
                    before: Some(before),
                    time,
                }
            }
        }
    }

    /// Takes back the newest batch of a producer. Batches are taken back in the
    /// reverse of the order in which they were accepted.
    pub(crate) fn undo(&mut self, undo: Undo) {
        match undo.before {
            Some(Some(state)) => {
                self.known.insert(undo.id, state);
            }
            Some(None) => {
                self.known.remove(&undo.id);
            }
            None => {
                if let Some(state) = self.known.get_mut(&undo.id) {
                    state.batches.pop();
                    state.sequence = state.sequence.saturating_sub(1);
                    state.time = undo.time;
                }
            }
        }
    }

    /// Takes in what a footer remembers; footers come newest first.
    pub(crate) fn restore(&mut self, id: ProducerId, state: ProducerState) {
        self.known.entry(id).or_insert(state);
    }

    /// Takes in a state that the manifest carries, unless a newer one is known.
    pub(crate) fn carry(&mut self, id: ProducerId, state: &ProducerState) {
        let newer =
            |known: &ProducerState| (known.epoch, known.sequence) >= (state.epoch, state.sequence);
        if !self.known.get(&id).is_some_and(newer) {
            self.known.insert(id, state.clone());
        }
    }

    /// Whether a newer state than this one is known, of which every batch lies below
    /// `durable`.
    pub(crate) fn supersedes(&self, id: &ProducerId, state: &ProducerState, durable: u64) -> bool {
        self.known.get(id).is_some_and(|known| {
            (known.epoch, known.sequence) > (state.epoch, state.sequence)
                && known
                    .batches
                    .last()
                    .is_none_or(|batch| batch.next <= durable)
        })
    }

    /// Forgets producers whose newest record is older than this time.
    pub(crate) fn expire(&mut self, before: i64) {
        self.known.retain(|_, state| state.time >= before);
    }

    /// Forgets this producer, if its newest record is older than this time.
    pub(crate) fn expire_one(&mut self, id: &ProducerId, before: i64) {
        if self.known.get(id).is_some_and(|state| state.time < before) {
            self.known.remove(id);
        }
    }

    /// Takes in a batch found in the log, in the order of the log. What was
    /// written was checked then, so a batch that does not follow the one known
    /// only means that the ones between cannot be read any more.
    pub(crate) fn replay(&mut self, batch: &Producer, given: ProducerBatch, time: i64) {
        match self.check(batch) {
            Verdict::Duplicate(_) | Verdict::OldDuplicate(_) | Verdict::Fenced(_) => return,
            Verdict::New => {}
            Verdict::Gap(_) => {
                self.known.remove(&batch.id);
            }
        }
        self.accept(batch, given, time);
    }

    /// The table of these producers alone.
    pub(crate) fn subset(&self, ids: &BTreeSet<ProducerId>) -> Self {
        let known = ids
            .iter()
            .filter_map(|id| self.known.get(id).map(|state| (*id, state.clone())));
        Self {
            known: known.collect(),
        }
    }

    pub(crate) fn into_states(self) -> Vec<(ProducerId, ProducerState)> {
        self.known.into_iter().collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ProducerId, &ProducerState)> {
        self.known.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ProducerId = ProducerId([1; 16]);

    fn batch(epoch: u64, sequence: u64) -> Producer {
        Producer {
            id: ID,
            epoch,
            sequence,
        }
    }

    fn given(first: u64) -> ProducerBatch {
        ProducerBatch {
            first,
            next: first + 1,
        }
    }

    #[test]
    fn sequences_count_from_zero_in_each_epoch() {
        let mut table = Producers::default();
        assert_eq!(table.check(&batch(5, 1)), Verdict::Gap(0));
        for sequence in 0..20 {
            assert_eq!(table.check(&batch(5, sequence)), Verdict::New);
            table.accept(&batch(5, sequence), given(sequence), 0);
            assert_eq!(
                table.check(&batch(5, sequence + 2)),
                Verdict::Gap(sequence + 1)
            );
        }
        assert_eq!(table.check(&batch(4, 0)), Verdict::Fenced(5));
        assert_eq!(table.check(&batch(6, 3)), Verdict::Gap(0));
        assert_eq!(table.check(&batch(6, 0)), Verdict::New);
        for back in 0..20 {
            let verdict = table.check(&batch(5, 19 - back));
            match verdict {
                Verdict::Duplicate(batch) => {
                    assert!(back < PRODUCER_WINDOW as u64);
                    assert_eq!(batch, given(19 - back));
                }
                Verdict::OldDuplicate(_) => assert!(back >= PRODUCER_WINDOW as u64),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn taking_back_restores_every_verdict() {
        let mut table = Producers::default();
        let mut undo = Vec::new();
        let mut before = Vec::new();
        let sent = (0..12)
            .map(|sequence| batch(1, sequence))
            .chain((0..5).map(|s| batch(2, s)));
        for (first, batch) in sent.enumerate() {
            before.push(verdicts(&table));
            undo.push(table.accept(&batch, given(first as u64), 0));
        }
        // No more than the window may be queued per epoch for a full restore.
        for expected in before.into_iter().rev().take(PRODUCER_WINDOW) {
            table.undo(undo.pop().unwrap());
            assert_eq!(verdicts(&table), expected);
        }
    }

    fn verdicts(table: &Producers) -> Vec<Verdict> {
        (1..4)
            .flat_map(|epoch| (0..16).map(move |s| table.check(&batch(epoch, s))))
            .collect()
    }
}
