//! Owns holding what a log answers by key and by time against what reading all of it
//! does.

use std::collections::BTreeMap;

use tidelog_core::{
    At, Batch, BlockStore, ErrorKind, Indexes, Log, LookupError, ReadLimits, StoreError,
};

use super::{Refusal, refusal};

/// Records whose times are looked for at most: more than any script of the simulator has.
const TIMES: usize = 80;

/// A record, as far as lookups are concerned.
struct Known {
    offset: u64,
    time: i64,
    key: Option<Vec<u8>>,
}

/// The records of a log, as far as lookups are concerned, while they are read in order.
pub(super) struct Knowing {
    indexes: Indexes,
    known: Vec<Known>,
    next: u64,
}

impl Knowing {
    /// None yet of this log.
    pub(super) fn of<S: BlockStore>(log: &Log<S>) -> Self {
        Self {
            indexes: log.settings().indexes,
            known: Vec::new(),
            next: log.bounds().next,
        }
    }

    /// These records follow.
    pub(super) fn learn(&mut self, batch: &Batch) {
        if self.indexes.keys || self.indexes.times {
            self.known.extend(batch.records().map(|record| Known {
                offset: record.offset,
                time: record.time,
                key: record.key.map(<[u8]>::to_vec),
            }));
        }
    }

    /// Whether lookups answer what looking at every record, which was done, does: of all
    /// keys, and of as many times as [`TIMES`], spread evenly.
    ///
    /// # Errors
    /// The first one that does not, or that fails.
    pub(super) async fn agree<S: BlockStore>(&self, log: &Log<S>) -> Result<(), Refusal> {
        if self.indexes.keys {
            by_key(log, &self.known, self.next).await?;
        }
        if self.indexes.times {
            by_time(log, &self.known).await?;
        }
        Ok(())
    }
}

async fn by_key<S: BlockStore>(log: &Log<S>, known: &[Known], next: u64) -> Result<(), Refusal> {
    let mut keys: BTreeMap<&[u8], Vec<u64>> = BTreeMap::new();
    keys.insert(b"no such key", Vec::new());
    for record in known {
        if let Some(key) = &record.key {
            keys.entry(key).or_default().push(record.offset);
        }
    }
    for (key, offsets) in keys {
        let newest = found(log.offset_by_key(key).await)?;
        same(
            "the newest record of",
            key,
            &newest,
            &offsets.last().copied(),
        )?;
        let limits = ReadLimits {
            records: usize::MAX,
            bytes: usize::MAX,
            ..ReadLimits::default()
        };
        let (mut read, mut from) = (Vec::new(), At::Oldest);
        let end = offsets.last().map_or(next, |last| last + 1);
        loop {
            let batch = log.read_by_key(key, from, limits).await;
            let batch = batch.map_err(|error| refusal(error.kind(), &error))?;
            let before = read.len();
            read.extend(batch.records().map(|record| record.offset));
            if read.len() >= offsets.len() || read.len() == before {
                same("where to go on with", key, &batch.next(), &end)?;
                break;
            }
            // What cannot be read ends a batch; the next one says why.
            from = At::Offset(batch.next());
        }
        same("the records of", key, &read, &offsets)?;
    }
    Ok(())
}

/// Looks for the own time of every record, and for the next later one. What was removed
/// from between the others may have moved index time, so that it is reached earlier.
async fn by_time<S: BlockStore>(log: &Log<S>, known: &[Known]) -> Result<(), Refusal> {
    let mut clock = i64::MIN;
    let clocks: Vec<i64> = known
        .iter()
        .map(|record| {
            clock = clock.max(record.time);
            clock
        })
        .collect();
    let all = known.len() as u64 == log.bounds().next;
    let own = known
        .iter()
        .step_by(known.len().div_ceil(TIMES).max(1))
        .flat_map(|record| [record.time, record.time + 1]);
    for time in own.chain([i64::MIN, i64::MAX]) {
        let first = clocks.partition_point(|clock| *clock < time);
        let expected = known.get(first).map(|record| (record.offset, record.time));
        let answer = found(log.offset_by_time(time).await)?;
        let earlier = known.iter().take(first);
        let mut earlier = earlier.map(|record| (record.offset, record.time));
        if !all && earlier.any(|record| answer == Some(record)) {
            continue;
        }
        same("the first record from time", time, &answer, &expected)?;
    }
    Ok(())
}

/// Looks for each of these index times, which belong to these offsets, and for the next
/// later one.
///
/// # Errors
/// The first lookup that finds another record, or that fails.
pub(super) async fn by_index_time<S: BlockStore>(
    log: &Log<S>,
    times: &[(u64, i64)],
) -> Result<(), Refusal> {
    if !log.settings().indexes.times {
        return Ok(());
    }
    for time in times.iter().flat_map(|(_, time)| [*time, time + 1]) {
        let first = times.iter().find(|(_, reached)| *reached >= time);
        let expected = first.map(|(offset, _)| *offset);
        let answer = found(log.offset_by_time(time).await)?;
        let answer = answer.map(|(offset, _)| offset);
        same("the first record from index time", time, &answer, &expected)?;
    }
    Ok(())
}

fn found<T, E: StoreError>(answer: Result<T, LookupError<E>>) -> Result<Option<T>, Refusal> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refusal(error.kind(), &error)),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    of: impl std::fmt::Debug,
    answer: &T,
    expected: &T,
) -> Result<(), Refusal> {
    if answer == expected {
        return Ok(());
    }
    let sentence = format!("{what} {of:?}: {answer:?} instead of {expected:?}");
    Err(refusal(ErrorKind::Internal, &sentence))
}
