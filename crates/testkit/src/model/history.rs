//! Owns the model of one log: a list of batches with what became of each.

use std::fmt;
use std::rc::Rc;

use tidelog_core::{Durability, Producer};

use crate::generate::GeneratedBatch;
use crate::random::mix;
use crate::sim::Cut;

/// Names a batch of a [`History`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(usize);

/// What is known of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Sent, not answered yet.
    Waiting,
    /// Sent, and nobody waits for the answer any more, or it left open whether
    /// the batch is there.
    Abandoned,
    /// Refused: it must not be there.
    Refused,
    /// Acknowledged at this level.
    Acked(Durability),
    /// A power cut took it: it must never come back.
    Lost,
}

#[derive(Clone, Debug)]
struct Entry {
    id: BatchId,
    batch: Rc<GeneratedBatch>,
    producer: Option<Producer>,
    /// Who sent it last.
    writer: u64,
    first: Option<u64>,
    fate: Fate,
}

impl Entry {
    fn len(&self) -> u64 {
        self.batch.digests().len() as u64
    }

    /// The offset of the batch, if `seen` starts with it, all of it and in order.
    fn found(&self, seen: &[Seen]) -> Option<u64> {
        let digests = self.batch.digests();
        let part = seen.get(..digests.len())?;
        let first = part.first()?.offset;
        let records = part.iter().zip(digests).zip(first..);
        let mut equal = records
            .map(|((record, digest), offset)| record.digest == *digest && record.offset == offset);
        equal.all(|equal| equal).then_some(first)
    }

    fn range(&self) -> Option<(u64, u64)> {
        let first = self.first?;
        matches!(self.fate, Fate::Acked(_)).then(|| (first, first + self.len()))
    }

    fn reached(&self, least: Durability) -> bool {
        matches!(self.fate, Fate::Acked(level) if level >= least)
    }
}

/// The lowest level that outlives a crash of this sort.
#[must_use]
pub const fn kept(cut: Cut) -> Durability {
    match cut {
        Cut::Kill => Durability::Stored,
        Cut::Power => Durability::Synced,
    }
}

/// A record as a reader saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its offset.
    pub offset: u64,
    /// Its [`record_digest`](crate::generate::record_digest).
    pub digest: u64,
}

/// What became of one log: its batches in the order in which they were sent.
#[derive(Clone, Debug, Default)]
pub struct History {
    entries: Vec<Entry>,
    sent: usize,
    /// For each level, the next offset of a log that holds all that reached it.
    floors: [u64; 3],
    /// Offsets of batches that were sent again, to be found at another place.
    vacant: u64,
    /// Acknowledgements count for nothing any more: the disk lied.
    forgiven: bool,
}

impl History {
    /// A batch is being sent, by this writer: a number no other process has.
    pub fn send(
        &mut self,
        batch: Rc<GeneratedBatch>,
        producer: Option<Producer>,
        writer: u64,
    ) -> BatchId {
        let id = BatchId(self.sent);
        self.sent += 1;
        self.entries.push(Entry {
            id,
            batch,
            producer,
            writer,
            first: None,
            fate: Fate::Waiting,
        });
        id
    }

    /// A batch is being sent once more by its producer. One that is known not to
    /// be there takes its place at the end.
    pub fn resend(&mut self, id: BatchId, writer: u64) {
        let Some(at) = self.position(id) else { return };
        let gone = match self.entries[at].fate {
            Fate::Lost | Fate::Refused => true,
            Fate::Abandoned => self.entries[at].writer != writer,
            Fate::Waiting | Fate::Acked(_) => false,
        };
        if gone {
            let mut entry = self.entries.remove(at);
            self.vacant += entry.len();
            entry.fate = Fate::Waiting;
            entry.writer = writer;
            entry.first = None;
            self.entries.push(entry);
        }
    }

    /// The batch was acknowledged at `level`, with `first` as its first offset.
    ///
    /// # Errors
    /// A sentence, if it had been acknowledged with another offset before.
    pub fn ack(&mut self, id: BatchId, first: u64, level: Durability) -> Result<(), String> {
        let Some(at) = self.position(id) else {
            return Err(format!("{id:?} was never sent"));
        };
        let entry = &mut self.entries[at];
        if let Some(known) = entry.first
            && known != first
        {
            return Err(format!("{id:?} has offset {known}, then {first}"));
        }
        entry.first = Some(first);
        entry.fate = match entry.fate {
            Fate::Acked(before) => Fate::Acked(before.max(level)),
            _ => Fate::Acked(level),
        };
        Ok(())
    }

    /// The batch met another end than an acknowledgement.
    pub fn end(&mut self, id: BatchId, fate: Fate) {
        if let Some(at) = self.position(id)
            && matches!(self.entries[at].fate, Fate::Waiting | Fate::Abandoned)
        {
            self.entries[at].fate = fate;
        }
    }

    /// Everything below `next` is now at this level.
    pub fn reached(&mut self, next: u64, level: Durability) {
        for floor in &mut self.floors[..=level as usize] {
            *floor = next.max(*floor);
        }
    }

    /// Whether the disk lies: a crash may take anything then, but invent nothing.
    pub const fn forgive(&mut self, lies: bool) {
        self.forgiven = lies;
    }

    /// Whether the disk lies.
    #[must_use]
    pub const fn is_forgiven(&self) -> bool {
        self.forgiven
    }

    /// The next offset of a log that holds no more than what reached `level`.
    #[must_use]
    pub fn floor(&self, level: Durability) -> u64 {
        if self.forgiven {
            return 0;
        }
        let kept = self.entries.iter().filter(|entry| entry.reached(level));
        let acked = kept.filter_map(|entry| Some(entry.first? + entry.len()));
        acked.max().unwrap_or(0).max(self.floors[level as usize])
    }

    /// The batches of producers, in the order in which they were sent first.
    pub fn produced(&self) -> Vec<(BatchId, Producer, Rc<GeneratedBatch>, Option<u64>)> {
        let mut found: Vec<_> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let there = entry.first.filter(|_| matches!(entry.fate, Fate::Acked(_)));
                Some((entry.id, entry.producer?, Rc::clone(&entry.batch), there))
            })
            .collect();
        found.sort_by_key(|(id, ..)| *id);
        found
    }

    /// Where the acknowledged batches are: their first offset, and the next.
    #[must_use]
    pub fn batches(&self) -> Vec<(u64, u64)> {
        let there = self.entries.iter().filter_map(Entry::range);
        there.collect()
    }

    /// The records of all acknowledged batches.
    #[must_use]
    pub fn records(&self) -> Vec<Seen> {
        let there = self.entries.iter().filter(|entry| entry.range().is_some());
        there
            .flat_map(|entry| (entry.first.unwrap_or(0)..).zip(entry.batch.digests()))
            .map(|(offset, digest)| Seen {
                offset,
                digest: *digest,
            })
            .collect()
    }

    /// What is known of a batch.
    #[must_use]
    pub fn fate(&self, id: BatchId) -> Option<Fate> {
        self.position(id).map(|at| self.entries[at].fate)
    }

    /// A hash of all acknowledgements given.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let [_, stored, synced] = self.floors;
        let start = mix(stored).wrapping_add(synced);
        self.entries.iter().fold(start, |digest, entry| {
            let level = match entry.fate {
                Fate::Acked(level) => level as u64 + 1,
                _ => 0,
            };
            mix(digest ^ (level << 56) ^ entry.first.map_or(0, |first| first + 1))
        })
    }

    /// Whether a reader may see `seen` where everything that reached `level` has
    /// to be there: the promises (a) to (d) of the oracle.
    ///
    /// # Errors
    /// A sentence that names the promise broken, and where.
    pub fn check(&self, seen: &[Seen], level: Durability) -> Result<(), String> {
        self.walk(seen, Some(level), |_, _| {})
    }

    /// As [`check`](Self::check) for a reader that need not see everything yet:
    /// what it sees is there, whole and in order.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn check_part(&self, seen: &[Seen]) -> Result<(), String> {
        self.walk(seen, None, |_, _| {})
    }

    /// As [`check`](Self::check) after a crash of this sort; then takes what was
    /// seen for the truth: what is missing is lost for good, what is there is as
    /// safe as the crash has proved it.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn reopen(&mut self, seen: &[Seen], cut: Cut) -> Result<(), String> {
        let mut found = Vec::with_capacity(self.entries.len());
        self.walk(seen, Some(kept(cut)), |id, first| found.push((id, first)))?;
        let mut found = found.into_iter().peekable();
        for entry in &mut self.entries {
            match found.next_if(|(id, _)| *id == entry.id) {
                Some((_, first)) => {
                    let before = match entry.fate {
                        Fate::Acked(level) => level,
                        _ => Durability::Buffered,
                    };
                    entry.first = Some(first);
                    entry.fate = Fate::Acked(before.max(kept(cut)));
                }
                None => {
                    entry.first = None;
                    // Its bytes may wait behind those of others that a power cut
                    // can still take; and a disk that lied may yet tell the truth.
                    entry.fate = if self.forgiven || cut == Cut::Kill {
                        Fate::Abandoned
                    } else {
                        Fate::Lost
                    };
                }
            }
        }
        let next = seen.last().map_or(0, |record| record.offset + 1);
        for floor in &mut self.floors {
            *floor = next.min(*floor);
        }
        Ok(())
    }

    fn walk(
        &self,
        seen: &[Seen],
        level: Option<Durability>,
        mut found: impl FnMut(BatchId, u64),
    ) -> Result<(), String> {
        let mut at = 0;
        let mut next = 0;
        // Offsets given to batches that are not there. They may stay empty.
        let mut empty = self.vacant;
        // What is missing. A writer's later batches must be missing, too.
        let mut gaps: Vec<&Entry> = Vec::new();
        for entry in &self.entries {
            let Some(first) = entry.found(&seen[at..]) else {
                if level.is_some_and(|level| entry.reached(level)) && !self.forgiven {
                    return Err(format!("(a) lost: {}", Shown(entry)));
                }
                match entry.fate {
                    Fate::Waiting | Fate::Acked(_) => gaps.push(entry),
                    Fate::Abandoned | Fate::Refused | Fate::Lost => empty += entry.len(),
                }
                continue;
            };
            // The bytes of a refused batch may be on the disk, so that a crash
            // may bring it back; whoever was refused must not see it.
            let refused = entry.fate == Fate::Refused && level == Some(Durability::Buffered);
            let shown = Shown(entry);
            if refused || entry.fate == Fate::Lost {
                return Err(format!("(b) came back: {shown}"));
            }
            if let Some(gap) = gaps.iter().find(|gap| gap.writer == entry.writer) {
                return Err(format!(
                    "(d) {shown} is there, but not before it {}",
                    Shown(gap)
                ));
            }
            if first < next || first - next > empty {
                return Err(format!("(d) at offset {first}, not at {next}: {shown}"));
            }
            if entry.first.is_some_and(|known| known != first) {
                return Err(format!("(a) at offset {first} instead: {shown}"));
            }
            found(entry.id, first);
            empty -= first - next;
            next = first + entry.len();
            at += entry.batch.digests().len();
        }
        if at < seen.len() {
            return Err(self.explain(seen, at));
        }
        let floor = level.map_or(0, |level| self.floor(level));
        if next + empty < floor {
            return Err(format!("(a) the log ends at {next}, below {floor}"));
        }
        Ok(())
    }

    /// What the record at `at`, which belongs to no batch expected there, is.
    fn explain(&self, seen: &[Seen], at: usize) -> String {
        let digest = seen[at].digest;
        let known = self
            .entries
            .iter()
            .find(|entry| entry.batch.digests().contains(&digest));
        let before = seen[..at].iter().any(|record| record.digest == digest);
        let at = seen[at].offset;
        match known {
            Some(entry) if before => format!("(c) twice, now at offset {at}: {}", Shown(entry)),
            Some(entry) => format!("(b) in part or out of order at {at}: {}", Shown(entry)),
            None => format!("(b) invented: nobody sent the record at offset {at}"),
        }
    }

    fn position(&self, id: BatchId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id == id)
    }
}

struct Shown<'a>(&'a Entry);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry {
            id, first, fate, ..
        } = self.0;
        write!(f, "{id:?} of {} records, {fate:?}", self.0.len())?;
        if let Some(first) = first {
            write!(f, " with offset {first}")?;
        }
        if let Some(producer) = self.0.producer {
            let (epoch, sequence) = (producer.epoch, producer.sequence);
            write!(f, ", of a producer: epoch {epoch}, sequence {sequence}")?;
        }
        Ok(())
    }
}
