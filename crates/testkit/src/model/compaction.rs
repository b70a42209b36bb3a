//! Owns which records compaction has to delete, found by looking at all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::history::Seen;
use crate::generate::GeneratedRecord;

/// Of these records, which are all there are, in order: those that a newer one with
/// their key makes superfluous, both up to the time `updates`; and tombstones up to the
/// time `tombstones` before which nothing of their key is left. Up to a time: before the
/// first record whose own time is later.
#[must_use]
pub fn superfluous(
    records: &[(Seen, &GeneratedRecord)],
    updates: i64,
    tombstones: i64,
) -> Vec<Seen> {
    let up_to = |time: i64| {
        let later = records.iter().position(|(_, record)| record.time > time);
        later.unwrap_or(records.len())
    };
    let (updates, tombstones) = (up_to(updates), up_to(tombstones));
    let mut newest = BTreeMap::new();
    for (at, (_, record)) in records.iter().enumerate().take(updates) {
        newest.extend(record.key.as_ref().map(|key| (key, at)));
    }
    let mut gone = Vec::new();
    let mut left = BTreeSet::new();
    for (at, (seen, record)) in records.iter().enumerate() {
        let Some(key) = &record.key else { continue };
        let updated = at < updates && newest.get(key).is_some_and(|newest| *newest > at);
        let ended = at < tombstones && record.value.is_none() && !left.contains(key);
        if updated || ended {
            gone.push(*seen);
        } else {
            left.insert(key);
        }
    }
    gone
}
