//! Whole stores: opening, reading every way there is, checking, and writing on. All ways of
//! reading must agree where nothing verifies but what the engine wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidelog_core::{
    Access, AppendOptions, At, Durability, ErrorKind, Log, LookupError, NewRecord, Options,
    ReadError, ReadLimits, Record, StoreError,
};
use tidelog_testkit::engine::LogEngine;
use tidelog_testkit::model::Seen;
use tidelog_testkit::sim::{self, Machine, SimHost, SimStore};

use crate::Fed;
use crate::image::{Image, LOG};
use crate::witness::Witnesses;

type Opened = Log<SimStore>;

/// Records read at once.
const STEP: usize = 3;

/// Keys and times that are looked up.
const LOOKUPS: usize = 6;

pub(crate) fn check(bytes: &[u8]) -> Fed {
    let image = Image::read(bytes);
    let machine = image.machine();
    let taken = sim::run(&machine, look(&image, &machine)).expect("nothing waits for ever");
    assert!(
        !machine.ran_away(),
        "it asks for one operation after the other"
    );
    Fed {
        taken,
        unpacks: image.unpacks(),
    }
}

async fn look(image: &Image, machine: &Machine) -> bool {
    let before = machine.disk().digest();
    let Some(log) = open(machine, Access::Read).await else {
        return false;
    };
    let read = everything(&log, &image.witnesses()).await;
    let agreed = otherwise(&log, &read).await;
    let found = lookups(&log, &read, &image.witnesses()).await;
    // Finding fault is as good as finding none.
    let _ = log.check().await.map_err(|error| error.to_string());
    assert_eq!(machine.disk().digest(), before, "reading has written");
    let kept = write_on(machine, &log, &read.seen).await;
    if image.is_honest() {
        assert_eq!(agreed, Ok(()), "in {read:?}");
        assert_eq!(found, Ok(()), "in {read:?}");
        assert_eq!(kept, Ok(()), "in {read:?}");
    }
    !read.seen.is_empty()
}

/// Opens the log, if that is possible. An error must be able to say what is wrong.
pub(super) async fn open(machine: &Machine, access: Access) -> Option<Opened> {
    let options = Options {
        access,
        cache_bytes: 1 << 20,
        ..Options::default()
    };
    let opened = Log::open(machine.process(), LOG, options, Arc::new(SimHost::new(1))).await;
    let refused = |error: tidelog_core::OpenError<_>| {
        assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
    };
    opened.map_err(refused).ok()
}

/// What can be read, and what cannot.
#[derive(Debug, Default)]
pub(super) struct Everything {
    pub(super) seen: Vec<Seen>,
    pub(super) lost: Vec<(u64, u64)>,
    /// The offsets of each key.
    keys: BTreeMap<Vec<u8>, Vec<u64>>,
    times: Vec<i64>,
}

/// Reads from the oldest to the last, and over what is damaged.
pub(super) async fn everything(log: &Opened, witnesses: &Witnesses<'_>) -> Everything {
    let mut read = Everything::default();
    let bounds = log.bounds();
    assert!(bounds.oldest <= bounds.next && bounds.durable <= bounds.next);
    let mut at = bounds.oldest;
    loop {
        let from = at;
        match log.read(At::Offset(from), ReadLimits::records(STEP)).await {
            Ok(batch) => {
                for record in batch.records() {
                    assert!(
                        (at..bounds.next).contains(&record.offset),
                        "{record:?} after {at}"
                    );
                    assert!(witnesses.have(&record), "{record:?} does not verify");
                    at = record.offset + 1;
                    read.take(&record);
                }
                assert!(batch.next() >= at);
                if batch.next() == from {
                    assert_eq!(from, bounds.next, "reading ends before the log does");
                    return read;
                }
                at = batch.next();
            }
            Err(ReadError::Corrupt { offset, next, .. }) => {
                assert!(at <= offset && offset < next && next <= bounds.next);
                read.lost.push((offset, next));
                at = next;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

impl Everything {
    fn take(&mut self, record: &Record<'_>) {
        self.seen.push(seen(record));
        self.times.push(record.time);
        if let Some(key) = record.key {
            let offsets = self.keys.entry(key.to_vec()).or_default();
            offsets.push(record.offset);
        }
    }
}

fn seen(record: &Record<'_>) -> Seen {
    Seen {
        offset: record.offset,
        digest: LogEngine::digest(record),
    }
}

/// One by one and backwards there is the same to be read.
async fn otherwise(log: &Opened, read: &Everything) -> Result<(), String> {
    for expected in &read.seen {
        same(log, *expected).await?;
    }
    let mut before = log.bounds().next;
    let mut left = read.seen.as_slice();
    while before > log.bounds().oldest {
        let limits = ReadLimits::records(STEP);
        let batch = match log.read_reverse(At::Offset(before), limits).await {
            Ok(batch) if batch.is_empty() => break,
            Ok(batch) => batch,
            Err(ReadError::Corrupt { offset, next, .. }) => {
                assert!(log.bounds().oldest <= offset && offset < next && next <= before);
                before = offset;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        for record in batch.records() {
            assert!(record.offset < before, "{record:?} below {before}");
            before = record.offset;
            match left.split_last() {
                Some((last, rest)) if *last == seen(&record) => left = rest,
                _ => return Err(format!("{before} is found backwards only")),
            }
        }
    }
    match left.last() {
        None => Ok(()),
        Some(last) => Err(format!("{last:?} is not found backwards")),
    }
}

/// By key there is the same to be found as by reading everything, and by time nothing else.
async fn lookups(log: &Opened, read: &Everything, witnesses: &Witnesses<'_>) -> Result<(), String> {
    let mut agreed = Ok(());
    for (key, offsets) in read.keys.iter().take(LOOKUPS) {
        agreed = agreed.and(by_key(log, key, offsets, read.lost.is_empty(), witnesses).await);
    }
    let own = read.times.iter().take(LOOKUPS).copied();
    for time in own.chain([i64::MIN, i64::MAX]) {
        if let Ok(Some(entry)) = found(log, log.get_by_time(time).await) {
            let record = entry.record();
            assert!(witnesses.have(&record), "{record:?} does not verify");
        }
    }
    agreed
}

async fn by_key(
    log: &Opened,
    key: &[u8],
    offsets: &[u64],
    whole: bool,
    witnesses: &Witnesses<'_>,
) -> Result<(), String> {
    let newest = match found(log, log.get_by_key(key).await) {
        Err(ErrorKind::NoIndex) => return Ok(()),
        newest => newest.map_err(|_| format!("{key:?} is not found"))?,
    };
    let unread = || match whole {
        true => Err(format!("{key:?} cannot be read")),
        false => Ok(()),
    };
    let Some(newest) = newest else {
        return unread();
    };
    let newest = newest.record();
    assert!(newest.key == Some(key) && witnesses.have(&newest));
    if offsets.last() != Some(&newest.offset) {
        return Err(format!("{newest:?} is not the newest of {offsets:?}"));
    }
    let (mut from, mut left) = (At::Oldest, offsets);
    loop {
        let batch = log.read_by_key(key, from, ReadLimits::records(STEP)).await;
        let batch = found(log, batch).map_err(|kind| format!("{key:?}: {}", kind.as_str()))?;
        let Some(batch) = batch else {
            return unread();
        };
        for record in batch.records() {
            assert!(record.key == Some(key) && witnesses.have(&record));
            match left.split_first() {
                Some((next, rest)) if *next == record.offset => left = rest,
                _ => return Err(format!("{record:?} instead of the next of {left:?}")),
            }
        }
        if batch.is_empty() {
            break;
        }
        from = At::Offset(batch.next());
    }
    match left {
        [] => Ok(()),
        left => Err(format!("{left:?} are not found by {key:?}")),
    }
}

/// What a lookup came to: `None` if what is looked for may be damaged.
fn found<T, E: StoreError>(
    log: &Opened,
    answer: Result<T, LookupError<E>>,
) -> Result<Option<T>, ErrorKind> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(LookupError::Read(ReadError::Corrupt { offset, next, .. })) => {
            let bounds = log.bounds();
            assert!(bounds.oldest <= offset && offset < next && next <= bounds.next);
            Ok(None)
        }
        Err(error) => match error.kind() {
            kind @ (ErrorKind::NoIndex | ErrorKind::NotFound) => Err(kind),
            _ => panic!("{error}"),
        },
    }
}

pub(super) async fn same(log: &Opened, expected: Seen) -> Result<(), String> {
    let entry = log.get(At::Offset(expected.offset)).await;
    let entry = entry.map_err(|error| format!("{expected:?} was read: {error}"))?;
    let found = seen(&entry.record());
    if found == expected {
        return Ok(());
    }
    Err(format!("{found:?} is there by itself, not {expected:?}"))
}

/// Whoever writes on changes nothing of what could be read.
async fn write_on(machine: &Machine, reader: &Opened, before: &[Seen]) -> Result<(), String> {
    let next = reader.bounds().next;
    let Some(log) = open(machine, Access::Write).await else {
        return Ok(());
    };
    let options = AppendOptions::from(Durability::Synced);
    let appended = log.append(&[NewRecord::new(b"one more")], options).await;
    let closed = log.close().await;
    let (Ok(given), Ok(())) = (&appended, &closed) else {
        return Ok(());
    };
    assert!(given.first >= next, "{} was given again", given.first);
    let again = open(machine, Access::Read)
        .await
        .ok_or("what was closed does not open")?;
    for expected in before {
        same(&again, *expected).await?;
    }
    let last = again.get(At::Last).await;
    let last = last.map_err(|error| format!("what was appended: {error}"))?;
    match last.record().offset == given.first {
        true => Ok(()),
        false => Err(format!("{given:?} is not the last")),
    }
}
