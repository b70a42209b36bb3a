//! Owns how an image comes about: a log is opened, appended to, left or closed, and
//! what must be read afterwards is kept beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidelog_core::{
    AppendOptions, At, BlobKind, Compaction, Durability, Header, Host, Indexes, Log, NewRecord,
    Options, Producer, ProducerId, TrimTo,
};

use super::store::{ImageStore, Nature};
use super::{Expected, ExpectedRecord, Image, LOG};
use crate::block_on::block_on;
use crate::random::{digest, mix};

/// The time of records that carry none.
pub(super) const NOW: i64 = 1_700_000_000_000_000;

/// A host without surprises: a clock that stands still, and salts in a row, which
/// differ from image to image.
struct StillHost {
    salts: u64,
    drawn: AtomicU64,
}

impl Host for StillHost {
    fn now(&self) -> i64 {
        NOW
    }

    fn random(&self) -> u64 {
        let count = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        mix(self.salts.wrapping_add(count))
    }
}

/// A record to append.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) time: Option<i64>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Row {
    pub(super) fn of(time: i64, key: &str, value: impl Into<Vec<u8>>) -> Self {
        Self {
            time: Some(time),
            key: Some(key.into()),
            value: Some(value.into()),
            headers: Vec::new(),
        }
    }
}

/// A log in the making.
pub(super) struct Story {
    name: &'static str,
    store: Rc<ImageStore>,
    host: Arc<StillHost>,
    log: Option<Log<Rc<ImageStore>>>,
    expected: Expected,
}

impl Story {
    pub(super) fn new(name: &'static str, nature: Nature) -> Self {
        let host = StillHost {
            salts: digest(0, name.as_bytes()),
            drawn: AtomicU64::new(0),
        };
        Self {
            name,
            store: Rc::new(ImageStore::new(nature)),
            host: Arc::new(host),
            log: None,
            expected: Expected::default(),
        }
    }

    /// Opens the log for writing. A handle that is open is dropped, as when its
    /// process ends.
    pub(super) fn open(&mut self, options: Options) {
        self.log = None;
        let host: Arc<dyn Host> = Arc::clone(&self.host) as _;
        let log = block_on(Log::open(Rc::clone(&self.store), LOG, options, host));
        self.log = Some(log.expect("the log opens"));
    }

    fn log(&self) -> &Log<Rc<ImageStore>> {
        self.log.as_ref().expect("the log is open")
    }

    pub(super) fn append(&mut self, rows: &[Row], level: Durability) {
        self.append_with(rows, level.into());
    }

    pub(super) fn append_from(&mut self, id: u8, epoch: u64, sequence: u64, rows: &[Row]) {
        let producer = Producer {
            id: ProducerId([id; 16]),
            epoch,
            sequence,
        };
        let options = AppendOptions {
            durability: Some(Durability::Stored),
            producer: Some(producer),
        };
        self.append_with(rows, options);
    }

    fn append_with(&mut self, rows: &[Row], options: AppendOptions) {
        let headers: Vec<Vec<Header<'_>>> = rows
            .iter()
            .map(|row| {
                let headers = row.headers.iter();
                headers
                    .map(|(name, value)| Header { name, value })
                    .collect()
            })
            .collect();
        let records: Vec<NewRecord<'_>> = rows
            .iter()
            .zip(&headers)
            .map(|(row, headers)| NewRecord {
                time: row.time,
                key: row.key.as_deref(),
                value: row.value.as_deref(),
                headers,
            })
            .collect();
        let appended = block_on(self.log().append(&records, options)).expect("the append works");
        assert_eq!(appended.first, self.expected.next, "offsets have no gaps");
        let taken = rows.iter().zip(appended.first..);
        self.expected
            .records
            .extend(taken.map(|(row, offset)| ExpectedRecord {
                offset,
                time: row.time.unwrap_or(NOW),
                key: row.key.clone(),
                value: row.value.clone(),
                headers: row.headers.clone(),
            }));
        self.expected.next = appended.next;
    }

    pub(super) fn sync(&self) {
        block_on(self.log().sync()).expect("the sync works");
    }

    /// Writes a mark, and merges what is small.
    pub(super) fn maintain(&self, budget: u64) {
        block_on(self.log().maintain(budget)).expect("maintenance works");
    }

    pub(super) fn reindex(&self, indexes: Indexes) {
        block_on(self.log().reindex(indexes)).expect("reindexing works");
    }

    pub(super) fn delete(&mut self, offsets: &[u64]) {
        let deleted = block_on(self.log().delete(offsets)).expect("deleting works");
        assert_eq!(deleted.missing, [0; 0], "every record to delete is there");
        self.expected
            .remove(|record| offsets.contains(&record.offset));
    }

    /// Trims below this offset.
    pub(super) fn trim(&mut self, before: u64) {
        block_on(self.log().trim(TrimTo::Before(At::Offset(before)))).expect("trimming works");
        self.expected.remove(|record| record.offset < before);
    }

    /// Compacts everything: of each key the newest record is left, if it has a value.
    pub(super) fn compact(&mut self) {
        let everything = Compaction::up_to(i64::MAX, i64::MAX);
        block_on(self.log().compact(everything)).expect("compacting works");
        let newest: BTreeMap<_, _> = self.expected.records.iter().cloned().map(keyed).collect();
        self.expected.remove(|record| {
            let newest = newest.get(&record.key).copied();
            record.key.is_some() && (newest != Some(record.offset) || record.value.is_none())
        });
    }

    /// Changes the log's settings.
    pub(super) fn configure(&self, options: &Options) {
        block_on(self.log().configure(options)).expect("the settings change");
    }

    pub(super) fn close(&mut self) {
        block_on(self.log().close()).expect("closing works");
        self.log = None;
    }

    /// The image of what is there now.
    pub(super) fn image(&self) -> Image {
        Image {
            name: self.name,
            files: self.store.files(LOG),
            expected: self.expected.clone(),
        }
    }
}

fn keyed(record: ExpectedRecord) -> (Option<Vec<u8>>, u64) {
    (record.key, record.offset)
}

impl Expected {
    /// What a caller removed must not be read any more.
    fn remove(&mut self, removed: impl Fn(&ExpectedRecord) -> bool) {
        let (gone, kept) = std::mem::take(&mut self.records)
            .into_iter()
            .partition(removed);
        self.records = kept;
        self.gone.extend::<Vec<_>>(gone);
        self.gone.sort_by_key(|record| record.offset);
    }
}

/// Changes to an image, as accidents make them.
impl Image {
    /// Flips a bit in the byte where `value` begins, which stands in one place, and
    /// says that the offsets from `first` up to `next` are lost with it.
    pub(super) fn flip(mut self, value: &[u8], first: u64, next: u64) -> Self {
        let (path, at) = self.find(value);
        if let Some(byte) = self
            .files
            .get_mut(&path)
            .and_then(|bytes| bytes.get_mut(at))
        {
            *byte ^= 0x10;
        }
        self.lose(first, next);
        self.expected.lost.push((first, next));
        self
    }

    /// Cuts the blob in the middle of `value`: what was appended from `first` on
    /// never happened.
    pub(super) fn tear(mut self, value: &[u8], first: u64) -> Self {
        let (path, at) = self.find(value);
        if let Some(bytes) = self.files.get_mut(&path) {
            bytes.truncate(at + value.len() / 2);
        }
        self.lose(first, self.expected.next);
        self.expected.next = first;
        self
    }

    /// Adds zeros to the newest blob of this kind, as preallocation leaves them.
    pub(super) fn preallocate(mut self, kind: BlobKind, zeros: usize) -> Self {
        let bytes = self.newest(kind);
        bytes.resize(bytes.len() + zeros, 0);
        self
    }

    /// Flips a bit of the newest blob of this kind, which nothing is lost with.
    pub(super) fn flip_at(mut self, kind: BlobKind, position: usize) -> Self {
        self.newest(kind)[position] ^= 1;
        self
    }

    /// Cuts the newest manifest behind its first frame: a power cut took the edits that
    /// followed, and with them what was appended from `first` on.
    pub(super) fn interrupt(mut self, first: u64) -> Self {
        for kind in [BlobKind::Manifest, BlobKind::ManifestCopy] {
            let bytes = self.newest(kind);
            // The blob's header, the frame's header and its body, whose length is in
            // the frame's header.
            let length = [bytes[72], bytes[73], bytes[74], bytes[75]];
            let end = 64 + 56 + u32::from_le_bytes(length) as usize;
            bytes.truncate(end.next_multiple_of(8));
        }
        self.lose(first, self.expected.next);
        self.expected.next = first;
        self
    }

    fn newest(&mut self, kind: BlobKind) -> &mut Vec<u8> {
        let prefix = format!("log-{LOG}/{}-", kind.as_str());
        let number =
            |path: &Path| -> Option<u64> { path.to_str()?.strip_prefix(&prefix)?.parse().ok() };
        let newest = self
            .files
            .iter_mut()
            .filter_map(|(path, bytes)| Some((number(path)?, bytes)))
            .max_by_key(|(number, _)| *number);
        newest.expect("there is a blob of the kind").1
    }

    fn lose(&mut self, first: u64, next: u64) {
        self.expected
            .remove(|record| (first..next).contains(&record.offset));
    }

    fn find(&self, value: &[u8]) -> (PathBuf, usize) {
        let mut places = Vec::new();
        for (path, bytes) in &self.files {
            let here = bytes.windows(value.len()).enumerate();
            let here = here.filter(|(_, window)| *window == value);
            places.extend(here.map(|(at, _)| (path.clone(), at)));
        }
        assert_eq!(places.len(), 1, "the value stands in one place");
        places.remove(0)
    }
}
