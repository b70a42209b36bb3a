//! Owns what a single look at a log may find: every answer about an offset, a key or a
//! time is held against what was sent, acknowledged and removed.

use std::ops::Range;

use super::history::{Entry, Fate, History, Seen};
use crate::generate::GeneratedRecord;

impl Entry {
    /// Its records with what was sent, were `first` the offset of the first.
    fn sent(&self, first: u64) -> impl DoubleEndedIterator<Item = (Seen, &GeneratedRecord)> {
        let digests = self.batch.digests().iter();
        let sent = digests.zip(self.batch.records()).enumerate();
        sent.map(move |(at, (digest, record))| {
            let offset = first + at as u64;
            let digest = *digest;
            (Seen { offset, digest }, record)
        })
    }
}

impl History {
    /// What must be there with offsets in this range, the newest first: acknowledged, and
    /// in no removal, whether that took place or may have.
    fn certain(&self, range: Range<u64>) -> impl Iterator<Item = (Seen, &GeneratedRecord)> {
        let entries = self.entries.iter().rev();
        let there = entries.filter_map(move |entry| {
            let (first, next) = entry.range()?;
            (first < range.end && range.start < next).then(|| (entry.sent(first), range.clone()))
        });
        there.flat_map(move |(sent, range)| {
            sent.rev().filter(move |(seen, _)| {
                let gone = self.removals.removed(seen) || self.removals.doubts(seen);
                range.contains(&seen.offset) && !gone
            })
        })
    }

    /// The time of one of the batches sent; `None` if there are fewer.
    #[must_use]
    pub fn time_of(&self, batch: usize) -> Option<i64> {
        let sent = self.entries.get(batch)?.batch.records().first()?;
        Some(sent.time)
    }

    /// How many batches were sent.
    #[must_use]
    pub fn batches_sent(&self) -> usize {
        self.entries.len()
    }

    /// What was sent as a record that is seen, which may be there.
    ///
    /// # Errors
    /// A sentence, if nobody sent it, if it was acknowledged with another offset, or if it
    /// was removed.
    pub fn sent(&self, seen: &Seen) -> Result<&GeneratedRecord, String> {
        let offset = seen.offset;
        if self.removals.removed(seen) {
            return Err(format!("(a) removed, but back: offset {offset}"));
        }
        let found = self.entries.iter().rev().find_map(|entry| {
            let digests = entry.batch.digests();
            let at = match entry.first {
                Some(first) => usize::try_from(offset.checked_sub(first)?).ok()?,
                None => digests.iter().position(|digest| *digest == seen.digest)?,
            };
            let same = digests.get(at) == Some(&seen.digest)
                && !matches!(entry.fate(), Fate::Lost | Fate::Refused);
            same.then(|| &entry.batch.records()[at])
        });
        found.ok_or_else(|| format!("(b) invented, or at another place: offset {offset}"))
    }

    /// Whether these records, rising, are all there is in a range of offsets.
    ///
    /// # Errors
    /// A sentence that names one that may not be there, or one that is missing.
    pub fn look(&self, seen: &[Seen], range: Range<u64>) -> Result<(), String> {
        for record in seen {
            self.sent(record)?;
        }
        let missing = self.certain(range.clone()).find(|(record, _)| {
            let at = seen.binary_search_by_key(&record.offset, |seen| seen.offset);
            at.is_err()
        });
        match missing {
            None => Ok(()),
            Some((record, _)) => {
                let offsets: Vec<u64> = seen.iter().map(|seen| seen.offset).collect();
                let offset = record.offset;
                Err(format!(
                    "(a) not found: offset {offset}, but {offsets:?} of {range:?}"
                ))
            }
        }
    }

    /// Whether these records, rising, are all with this key in a range of offsets.
    ///
    /// # Errors
    /// As for [`look`](Self::look), and if one of them has another key.
    pub fn look_for_key(&self, key: &[u8], seen: &[Seen], range: Range<u64>) -> Result<(), String> {
        for record in seen {
            if self.sent(record)?.key.as_deref() != Some(key) {
                let offset = record.offset;
                return Err(format!("offset {offset} was found by another key, {key:?}"));
            }
        }
        let mut certain = self.certain(range);
        let missing = certain.find(|(record, sent)| {
            let at = seen.binary_search_by_key(&record.offset, |seen| seen.offset);
            sent.key.as_deref() == Some(key) && at.is_err()
        });
        match missing {
            None => Ok(()),
            Some((record, _)) => Err(format!(
                "(a) not found by its key {key:?}: offset {}",
                record.offset
            )),
        }
    }

    /// Whether this may be the first record whose index time is `time` or later. Index
    /// time is at least the highest time of what is certainly there up to a record, and
    /// at most that of all that may ever have been there.
    ///
    /// # Errors
    /// A sentence, if it may not.
    pub fn look_for_time(&self, time: i64, found: Option<&Seen>) -> Result<(), String> {
        let end = match found {
            None => u64::MAX,
            Some(record) => {
                self.sent(record)?;
                record.offset
            }
        };
        let earlier = self.certain(0..end).find(|(_, sent)| sent.time >= time);
        if let Some((record, _)) = earlier {
            let found = found.map(|found| found.offset);
            let offset = record.offset;
            return Err(format!(
                "time {time} is reached at {offset}, not at {found:?}"
            ));
        }
        let ever = self.entries.iter().flat_map(|entry| {
            let first = entry.first.unwrap_or(0);
            entry.sent(first)
        });
        let mut ever = ever.filter(|(seen, _)| seen.offset <= end);
        match found {
            Some(record) if ever.all(|(_, sent)| sent.time < time) => Err(format!(
                "time {time} is not reached by offset {}",
                record.offset
            )),
            _ => Ok(()),
        }
    }
}
