//! Owns the model of one log: a list of batches with what became of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use tidelog_core::{Durability, Producer};

use super::removals::{RemovalId, Removals, View};
use crate::generate::{GeneratedBatch, GeneratedRecord};
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
pub(super) struct Entry {
    id: BatchId,
    pub(super) batch: Rc<GeneratedBatch>,
    producer: Option<Producer>,
    /// Who sent it last.
    writer: u64,
    pub(super) first: Option<u64>,
    fate: Fate,
}

impl Entry {
    pub(super) fn len(&self) -> u64 {
        self.batch.digests().len() as u64
    }

    /// Its records, were `first` the offset of the first.
    fn records(&self, first: u64) -> impl Iterator<Item = Seen> + Clone {
        let records = (first..).zip(self.batch.digests());
        records.map(|(offset, digest)| Seen {
            offset,
            digest: *digest,
        })
    }

    /// Whether `seen` starts with what removals have left of the batch, in order.
    fn find(&self, seen: &[Seen], view: &View) -> Found {
        let mut first = None;
        let mut taken = 0;
        for (index, digest) in (0..).zip(self.batch.digests()) {
            match seen.get(taken) {
                Some(record) if record.digest == *digest => {
                    let start = record.offset.checked_sub(index);
                    if start.is_none() || first.is_some() && first != start {
                        return Found::Missing;
                    }
                    first = start;
                    taken += 1;
                }
                _ if view.hides(*digest) => {}
                _ => return Found::Missing,
            }
        }
        first.map_or(Found::Hidden, |first| Found::There(first, taken))
    }

    /// Its offsets, if it is acknowledged.
    pub(super) fn range(&self) -> Option<(u64, u64)> {
        let first = self.first?;
        matches!(self.fate, Fate::Acked(_)).then(|| (first, first + self.len()))
    }

    /// What became of it.
    pub(super) const fn fate(&self) -> Fate {
        self.fate
    }

    fn reached(&self, least: Durability) -> bool {
        matches!(self.fate, Fate::Acked(level) if level >= least)
    }
}

/// What is found of a batch.
enum Found {
    /// What is left of it, so many records; its offset.
    There(u64, usize),
    /// Nothing, and removals can explain that.
    Hidden,
    /// Nothing, or not all that is left of it.
    Missing,
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

/// A batch of a producer, and its first offset if it is known to be there.
pub type Produced = (BatchId, Producer, Rc<GeneratedBatch>, Option<u64>);

/// What became of one log: its batches in the order in which they were sent.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub(super) entries: Vec<Entry>,
    sent: usize,
    /// For each level, the next offset of a log that holds all that reached it.
    floors: [u64; 3],
    /// Offsets of batches that were sent again, to be found at another place.
    vacant: u64,
    /// Acknowledgements count for nothing any more: the disk lied.
    forgiven: bool,
    /// Acknowledged batches that are gone because it did.
    lost_to_lies: u64,
    pub(super) removals: Removals,
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

    /// A batch that was sent again turned out to be gone: of an append that nobody
    /// waited for any more, a full disk may have taken it. Its place is at the end.
    pub fn appended_anew(&mut self, id: BatchId) {
        let Some(at) = self.position(id) else { return };
        self.removals.forget(self.entries[at].batch.digests());
        if at + 1 < self.entries.len() {
            let entry = self.entries.remove(at);
            self.vacant += entry.len();
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
        if entry.first.is_none() {
            self.removals.knew(&entry.records(first));
        }
        entry.first = Some(first);
        entry.fate = match entry.fate {
            Fate::Acked(before) => Fate::Acked(before.max(level)),
            _ => Fate::Acked(level),
        };
        Ok(())
    }

    /// The records of acknowledged batches that are not known to be removed, rising.
    #[must_use]
    pub fn removable(&self) -> Vec<Seen> {
        let mut records = self.records();
        records.retain(|record| !self.removals.removed(record));
        records.sort_by_key(|record| record.offset);
        records
    }

    /// These records, rising, are about to be removed, together with whatever else lies
    /// below `below`, or not at all.
    pub fn remove(&mut self, records: Vec<Seen>, below: u64) -> RemovalId {
        self.removals.begin(records, below)
    }

    /// Whether a removal has begun, of which it is not known whether it took place, that
    /// would remove this record.
    #[must_use]
    pub fn is_doubtful(&self, record: &Seen) -> bool {
        self.removals.doubts(record)
    }

    /// The removal was acknowledged: it is durable.
    pub fn removed(&mut self, id: RemovalId) {
        self.removals.ack(id, self.forgiven);
    }

    /// The offset behind the last of what is seen, or of what was removed behind it.
    #[must_use]
    pub fn end_of(&self, seen: &[Seen]) -> u64 {
        let last = seen.last().map_or(0, |record| record.offset + 1);
        last.max(self.removals.end(seen))
    }

    /// What was sent as the records that are seen.
    #[must_use]
    pub fn known(&self, seen: &[Seen]) -> Vec<(Seen, &GeneratedRecord)> {
        let sent = self.entries.iter().flat_map(|entry| {
            let digests = entry.batch.digests().iter().copied();
            digests.zip(entry.batch.records())
        });
        let sent: BTreeMap<u64, &GeneratedRecord> = sent.collect();
        let known = seen.iter();
        known
            .filter_map(|record| Some((*record, *sent.get(&record.digest)?)))
            .collect()
    }

    /// The offsets of what is seen with their index times, which follow from all that was
    /// ever there; `None` if it is not known whether something was.
    #[must_use]
    pub fn times(&self, seen: &[Seen]) -> Option<Vec<(u64, i64)>> {
        let there: BTreeSet<u64> = seen.iter().map(|record| record.digest).collect();
        let there = |digest: &u64| there.contains(digest);
        let unknown = |entry: &Entry| {
            let acked = matches!(entry.fate, Fate::Acked(_));
            !acked && !entry.batch.digests().iter().any(there)
        };
        if self.entries.iter().any(unknown) {
            return None;
        }
        let mut all = self.records();
        all.extend(seen);
        all.sort_unstable_by_key(|record| record.offset);
        all.dedup();
        let mut clock = i64::MIN;
        let all = self.known(&all);
        let times = all.into_iter().map(|(record, sent)| {
            clock = clock.max(sent.time);
            (record, clock)
        });
        let left = times.filter(|(record, _)| there(&record.digest));
        Some(left.map(|(record, clock)| (record.offset, clock)).collect())
    }

    /// Whether the outcome of any batch is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let open = |entry: &Entry| matches!(entry.fate, Fate::Waiting | Fate::Abandoned);
        self.entries.iter().any(open)
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

    /// How many acknowledged batches are gone because the disk lied.
    #[must_use]
    pub const fn lost_to_lies(&self) -> u64 {
        self.lost_to_lies
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
    pub fn produced(&self) -> Vec<Produced> {
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
            .flat_map(|entry| entry.records(entry.first.unwrap_or(0)))
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
        let start = mix(stored).wrapping_add(synced) ^ self.removals.digest();
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
        self.walk(seen, Some(level), |_, _| {}).map(drop)
    }

    /// As [`check`](Self::check) for a reader that need not see everything yet:
    /// what it sees is there, whole and in order.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn check_part(&self, seen: &[Seen]) -> Result<(), String> {
        self.walk(seen, None, |_, _| {}).map(drop)
    }

    /// As [`check`](Self::check) after a crash of this sort; then takes what was
    /// seen for the truth: what is missing is lost for good, what is there is as
    /// safe as the crash has proved it.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn reopen(&mut self, seen: &[Seen], cut: Cut) -> Result<(), String> {
        let mut found = Vec::with_capacity(self.entries.len());
        let view = self.walk(seen, Some(kept(cut)), |id, first| found.push((id, first)))?;
        self.removals.settle(&view, kept(cut), self.forgiven);
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
                    let hidden = entry.batch.digests().iter();
                    let hidden = hidden.copied().all(|digest| view.hides(digest));
                    let lied = self.forgiven && entry.reached(kept(cut)) && !hidden;
                    self.lost_to_lies += u64::from(lied);
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
    ) -> Result<View, String> {
        let mut view = self.removals.view(seen, level, self.forgiven)?;
        let mut at = 0;
        let mut next = 0;
        // Offsets given to batches that are not there. They may stay empty.
        let mut empty = self.vacant;
        // What is missing. A writer's later batches must be missing, too.
        let mut gaps: Vec<&Entry> = Vec::new();
        for entry in &self.entries {
            let due = level.is_some_and(|level| entry.reached(level)) && !self.forgiven;
            let digests = entry.batch.digests();
            let (first, taken) = match entry.find(&seen[at..], &view) {
                Found::There(first, taken) => (first, taken),
                Found::Hidden
                    if let Some(first) = entry.first
                        && (due || view.surely_hides(digests)) =>
                {
                    digests.iter().for_each(|digest| view.explain(*digest));
                    no_gap(&gaps, entry)?;
                    found(entry.id, first);
                    // One that was sent again is where it was, not at the end.
                    empty -= empty.min(first.saturating_sub(next));
                    next = next.max(first + entry.len());
                    continue;
                }
                // Removed, or lost.
                Found::Hidden => {
                    empty += entry.len();
                    continue;
                }
                Found::Missing => {
                    if due {
                        return Err(format!("(a) lost: {}", Shown(entry)));
                    }
                    match entry.fate {
                        Fate::Waiting | Fate::Acked(_) => gaps.push(entry),
                        Fate::Abandoned | Fate::Refused | Fate::Lost => empty += entry.len(),
                    }
                    continue;
                }
            };
            let part = &seen[at..at + taken];
            if taken < digests.len() {
                let gone = |digest: &&u64| part.iter().all(|record| record.digest != **digest);
                let gone = digests.iter().filter(gone);
                gone.for_each(|digest| view.explain(*digest));
            }
            // The bytes of a refused batch may be on the disk, so that a crash
            // may bring it back; whoever was refused must not see it.
            let refused = entry.fate == Fate::Refused && level == Some(Durability::Buffered);
            let shown = Shown(entry);
            if refused || entry.fate == Fate::Lost {
                return Err(format!("(b) came back: {shown}"));
            }
            no_gap(&gaps, entry)?;
            if first < next || first - next > empty {
                return Err(format!("(d) at offset {first}, not at {next}: {shown}"));
            }
            if entry.first.is_some_and(|known| known != first) {
                return Err(format!("(a) at offset {first} instead: {shown}"));
            }
            found(entry.id, first);
            empty -= first - next;
            next = first + entry.len();
            at += taken;
        }
        if at < seen.len() {
            return Err(self.explain(seen, at));
        }
        let floor = level.map_or(0, |level| self.floor(level));
        if next + empty < floor {
            return Err(format!("(a) the log ends at {next}, below {floor}"));
        }
        // What a removal has left was safe before it took place.
        let left = gaps.iter().find(|gap| view.reached(gap.batch.digests()));
        if let Some(gap) = left.filter(|_| !self.forgiven) {
            return Err(format!("(a) gone with what was removed: {}", Shown(gap)));
        }
        Ok(view)
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

/// Whether a batch is there while an earlier one of the same writer is not.
fn no_gap(gaps: &[&Entry], entry: &Entry) -> Result<(), String> {
    match gaps.iter().find(|gap| gap.writer == entry.writer) {
        Some(gap) => {
            let (shown, gap) = (Shown(entry), Shown(gap));
            Err(format!("(d) {shown} is there, but not before it {gap}"))
        }
        None => Ok(()),
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
