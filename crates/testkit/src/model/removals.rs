//! Owns what was removed from one log: records that were deleted, trimmed or compacted,
//! how far each removal got, and which missing records it explains.

use tidelog_core::Durability;

use super::history::Seen;
use crate::random::mix;

/// Names a removal of a [`History`](super::History).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RemovalId(usize);

/// Records that go together or not at all.
#[derive(Clone, Debug)]
struct Removal {
    id: RemovalId,
    /// Rising.
    records: Vec<Seen>,
    /// It is known to have taken place, and survives what this level survives.
    level: Option<Durability>,
    /// It was a trim: whatever else lies below this went with it.
    below: u64,
}

/// Every removal from one log.
#[derive(Clone, Debug, Default)]
pub(super) struct Removals {
    all: Vec<Removal>,
    begun: usize,
}

impl Removals {
    /// Records, rising, are about to be removed, and whatever else lies below `below`.
    pub(super) fn begin(&mut self, records: Vec<Seen>, below: u64) -> RemovalId {
        let id = RemovalId(self.begun);
        self.begun += 1;
        self.all.push(Removal {
            id,
            records,
            level: None,
            below,
        });
        id
    }

    /// These records, rising, turn out to have been there.
    pub(super) fn knew(&mut self, records: &(impl Iterator<Item = Seen> + Clone)) {
        for removal in &mut self.all {
            let below = records.clone();
            let below = below.take_while(|record| record.offset < removal.below);
            let unknown: Vec<Seen> = below.filter(|record| !removal.has(record)).collect();
            if !unknown.is_empty() {
                removal.records.extend(unknown);
                removal.records.sort_unstable_by_key(|record| record.offset);
            }
        }
    }

    /// The removal was acknowledged: it is durable, unless the disk lied.
    pub(super) fn ack(&mut self, id: RemovalId, lied: bool) {
        let mut all = self.all.iter_mut();
        if let Some(removal) = all.find(|removal| removal.id == id) {
            removal.level = Some(Durability::Synced);
        }
        if !lied {
            self.merge();
        }
    }

    /// Makes one removal of all that are durable: there is nothing more to be told about
    /// each of them, and every look has to go through them all.
    fn merge(&mut self) {
        let durable = |removal: &mut Removal| removal.level == Some(Durability::Synced);
        let mut durable = self.all.extract_if(.., durable);
        let Some(mut merged) = durable.next() else {
            return;
        };
        for other in durable {
            merged.records.extend(other.records);
            merged.below = merged.below.max(other.below);
        }
        merged.records.sort_by_key(|record| record.offset);
        merged.records.dedup();
        self.all.insert(0, merged);
    }

    /// Whether a removal of the record has begun, and may have taken place or not.
    pub(super) fn doubts(&self, record: &Seen) -> bool {
        let mut open = self.all.iter().filter(|removal| removal.level.is_none());
        open.any(|removal| removal.has(record) || record.offset < removal.below)
    }

    /// Whether the record is known to be removed.
    pub(super) fn removed(&self, record: &Seen) -> bool {
        let mut known = self.all.iter().filter(|removal| removal.level.is_some());
        known.any(|removal| removal.has(record))
    }

    /// The records with these digests are there again, at another place.
    pub(super) fn forget(&mut self, digests: &[u64]) {
        for removal in &mut self.all {
            let kept = |record: &Seen| !digests.contains(&record.digest);
            removal.records.retain(kept);
        }
        self.all.retain(|removal| !removal.records.is_empty());
    }

    /// The offset behind everything that may have been removed, given what is seen.
    pub(super) fn end(&self, seen: &[Seen]) -> u64 {
        let gone = self.all.iter().filter(|removal| !removal.is_in(seen));
        let last = gone.filter_map(|removal| removal.records.last());
        last.map(|last| last.offset + 1).max().unwrap_or(0)
    }

    /// What the removals mean to whoever sees `seen`, where everything that reached
    /// `level` has to be there; nothing has to be where a disk lied.
    ///
    /// # Errors
    /// A sentence, if something is seen that was removed.
    pub(super) fn view(
        &self,
        seen: &[Seen],
        level: Option<Durability>,
        lied: bool,
    ) -> Result<View, String> {
        let mut view = View::default();
        for (at, removal) in self.all.iter().enumerate() {
            let least = level.unwrap_or_default();
            let due = !lied && removal.level.is_some_and(|reached| reached >= least);
            let back = removal.is_in(seen);
            if due && back {
                let first = removal.records.first().map_or(0, |first| first.offset);
                return Err(format!("(a) removed, but back: from offset {first} on"));
            }
            if !back {
                let digests = removal.records.iter().map(|record| record.digest);
                view.hidden.extend(digests.map(|digest| (digest, at)));
            }
            view.found.push(Found {
                due,
                back,
                took_place: due,
            });
        }
        view.hidden.sort_unstable();
        Ok(view)
    }

    /// A new process found what `view` says, which survives what `kept` survives: a
    /// removal of which something is there never took place and never will.
    pub(super) fn settle(&mut self, view: &View, kept: Durability, lied: bool) {
        let mut found = view.found.iter();
        self.all.retain_mut(|removal| {
            let Some(found) = found.next() else {
                return true;
            };
            if found.took_place {
                removal.level = removal.level.max(Some(kept));
            } else if lied {
                removal.level = None;
            }
            !found.back
        });
        if !lied {
            self.merge();
        }
    }

    /// A hash of what was acknowledged.
    pub(super) fn digest(&self) -> u64 {
        self.all.iter().fold(0, |digest, removal| {
            let first = removal.records.first().map_or(0, |record| record.offset);
            let count = removal.records.len() as u64;
            let level = removal.level.map_or(0, |level| level as u64 + 1);
            mix(digest ^ first ^ (count << 32) ^ (level << 60))
        })
    }
}

impl Removal {
    fn has(&self, record: &Seen) -> bool {
        let at = self
            .records
            .binary_search_by_key(&record.offset, |known| known.offset);
        at.is_ok_and(|at| self.records[at] == *record)
    }

    /// Whether any of its records is among these, which rise.
    fn is_in(&self, seen: &[Seen]) -> bool {
        self.records.iter().any(|record| {
            let at = seen.binary_search_by_key(&record.offset, |seen| seen.offset);
            at.is_ok_and(|at| seen[at] == *record)
        })
    }
}

/// What is known of one removal at one look.
#[derive(Debug)]
struct Found {
    /// It must have taken place.
    due: bool,
    /// Something of it is there: it did not take place.
    back: bool,
    /// What is missing is explained by nothing else.
    took_place: bool,
}

/// The removals, as one look at the log sees them.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Digests of records that may be gone, with the removal, rising.
    hidden: Vec<(u64, usize)>,
    found: Vec<Found>,
}

impl View {
    /// Whether a removal may be why the record is not there.
    pub(super) fn hides(&self, digest: u64) -> bool {
        !self.by(digest).is_empty()
    }

    /// Whether all these records are gone for certain.
    pub(super) fn surely_hides(&self, digests: &[u64]) -> bool {
        let surely = |digest: &u64| self.by(*digest).iter().any(|(_, at)| self.found[*at].due);
        digests.iter().all(surely)
    }

    /// The record is gone, and a removal must be why.
    pub(super) fn explain(&mut self, digest: u64) {
        if let [(_, at)] = *self.by(digest) {
            self.found[at].took_place = true;
        }
    }

    /// Whether a removal of one of these records took place for certain.
    pub(super) fn reached(&self, digests: &[u64]) -> bool {
        let mut by = digests.iter().flat_map(|digest| self.by(*digest));
        by.any(|(_, at)| self.found[*at].took_place)
    }

    fn by(&self, digest: u64) -> &[(u64, usize)] {
        let from = self.hidden.partition_point(|(known, _)| *known < digest);
        let rest = &self.hidden[from..];
        let end = rest.partition_point(|(known, _)| *known == digest);
        &rest[..end]
    }
}
