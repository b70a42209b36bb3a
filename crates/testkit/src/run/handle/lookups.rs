//! Owns the calls of an open log that look for single records, and those that look at
//! all of it in another way: what they answer is held against what was sent.

use std::rc::Rc;

use tidelog_core::{
    At, Batch, Entry, ErrorKind, ExportSink, FindingKind, Import, ImportSource, Local, LookupError,
    MemoryError, MemoryStore, Options, ReadError, ReadLimits, StoreError,
};

use super::{Failure, Handle};
use crate::engine::{Engine as _, LogEngine, Medium, refusal};
use crate::generate::Generator;
use crate::model::{History, Seen};
use crate::sim::{Machine, Setup};

/// A record, as far as the model is concerned.
fn of(entry: &Entry) -> Seen {
    let record = entry.record();
    Seen {
        offset: record.offset,
        digest: LogEngine::digest(&record),
    }
}

/// Records, as far as the model is concerned.
fn all_of(batch: &Batch) -> Vec<Seen> {
    let records = batch.records().map(|record| Seen {
        offset: record.offset,
        digest: LogEngine::digest(&record),
    });
    records.collect()
}

impl<S: Medium> Handle<'_, LogEngine<S>> {
    /// The record with this offset, if there is one. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn get(&self, offset: u64) -> Result<Option<Seen>, Failure> {
        let got = self.engine.log().get(At::Offset(offset)).await;
        let seen = read(got.map(|entry| of(&entry)))?;
        let found: Vec<Seen> = seen.into_iter().collect();
        self.judge(|history| history.look(&found, offset..offset + 1))?;
        Ok(seen)
    }

    /// Records from this offset on. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn read(&self, from: u64, limits: ReadLimits) -> Result<Vec<Seen>, Failure> {
        let batch = self.engine.log().read(At::Offset(from), limits).await;
        let batch = batch.map_err(|error| refusal(error.kind(), &error))?;
        let seen = all_of(&batch);
        self.judge(|history| history.look(&seen, from..batch.next()))?;
        Ok(seen)
    }

    /// Records below this offset, rising. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn read_reverse(
        &self,
        before: u64,
        limits: ReadLimits,
    ) -> Result<Vec<Seen>, Failure> {
        let log = self.engine.log();
        let batch = log.read_reverse(At::Offset(before), limits).await;
        let batch = batch.map_err(|error| refusal(error.kind(), &error))?;
        let mut seen = all_of(&batch);
        seen.reverse();
        self.judge(|history| history.look(&seen, batch.next()..before))?;
        Ok(seen)
    }

    /// What a reader finds from this offset on, at which there is something, or behind
    /// which.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn follow(&self, from: u64, limits: ReadLimits) -> Result<Vec<Seen>, Failure> {
        let reader = self.engine.log().reader();
        let batch = reader.follow(At::Offset(from), limits).await;
        let batch = batch.map_err(|error| refusal(error.kind(), &error))?;
        let seen = all_of(&batch);
        if seen.is_empty() {
            let sentence = format!("following from {from} ended with nothing");
            return Err(Failure::Broken(sentence));
        }
        // What is not acknowledged at the log's level may be missing.
        self.judge(|history| history.look(&seen, 0..0))?;
        Ok(seen)
    }

    /// The newest record with some key. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn find_key(&self) -> Result<Option<Seen>, Failure> {
        let key = self.run.generate(Generator::key);
        let log = self.engine.log();
        if !log.settings().indexes.keys {
            no_index(log.offset_by_key(key).await)?;
            return Ok(None);
        }
        let newest = looked(log.get_by_key(key).await)?.map(|entry| of(&entry));
        let offset = looked(log.offset_by_key(key).await)?;
        same("key", newest, offset)?;
        let (first, found): (_, Vec<Seen>) = (offset.unwrap_or(0), newest.into_iter().collect());
        self.judge(|history| history.look_for_key(key, &found, first..u64::MAX))?;
        Ok(newest)
    }

    /// Records with some key from this offset on. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn read_key(&self, from: u64, limits: ReadLimits) -> Result<Vec<Seen>, Failure> {
        let key = self.run.generate(Generator::key);
        let log = self.engine.log();
        let batch = log.read_by_key(key, At::Offset(from), limits).await;
        if !log.settings().indexes.keys {
            no_index(batch)?;
            return Ok(Vec::new());
        }
        let batch = batch.map_err(|error| refusal(error.kind(), &error))?;
        let seen = all_of(&batch);
        self.judge(|history| history.look_for_key(key, &seen, from..batch.next()))?;
        Ok(seen)
    }

    /// The first record from some time on. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn find_time(&self) -> Result<Option<Seen>, Failure> {
        let log = self.engine.log();
        let model = self.run.model();
        let history = model.get(self.log);
        let time = history.and_then(|history| history.time_of(self.drawn(history.batches_sent())));
        let time = time.unwrap_or_default() + self.drawn(2) as i64;
        if !log.settings().indexes.times {
            no_index(log.offset_by_time(time).await)?;
            return Ok(None);
        }
        let first = looked(log.get_by_time(time).await)?.map(|entry| of(&entry));
        let offset = looked(log.offset_by_time(time).await)?;
        same("time", first, offset.map(|(offset, _)| offset))?;
        self.judge(|history| history.look_for_time(time, first.as_ref()))?;
        Ok(first)
    }

    /// Reads everything there is, and finds nothing wrong but, perhaps, one copy of a
    /// manifest: a power cut may have left anything where an edit was being written to it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn check(&self) -> Result<(), Failure> {
        let checked = self.engine.log().check().await;
        let report = checked.map_err(|error| refusal(error.kind(), &error))?;
        let mut findings = report.findings.iter();
        match findings.find(|found| found.kind != FindingKind::ManifestCopy) {
            None => Ok(()),
            Some(found) => Err(Failure::Broken(format!("check found {found:?}"))),
        }
    }

    /// Exports the log and imports it into an empty store: what is there has to be there,
    /// too, and nothing else. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn export(&self) -> Result<(), Failure> {
        let seen = self.picture().await?;
        let mut bytes = Bytes::default();
        let exported = self.engine.log().export(&mut bytes).await;
        exported.map_err(|error| refusal(error.kind(), &error))?;
        let store = Rc::new(MemoryStore::new());
        let mut source = Source(&bytes.0);
        let import = Import::begin::<MemoryError>(&mut source).await;
        let import = import.map_err(|error| refusal(error.kind(), &error))?;
        let host = self.run.shared_host();
        let imported = import.fill::<_, Local>(&store, self.log, host).await;
        imported.map_err(|error| refusal(error.kind(), &error))?;
        let machine = Machine::new(Setup::holding([Rc::clone(&store), store]), 0);
        let options = Options::read_only();
        let host = self.run.shared_host();
        let copy = LogEngine::<Rc<MemoryStore>>::open(machine.process(), self.log, options, host);
        if copy.await?.seen().await? == seen {
            return Ok(());
        }
        Err(Failure::Broken(format!(
            "of {} records that were exported, others were imported",
            seen.len()
        )))
    }

    fn judge(&self, look: impl FnOnce(&History) -> Result<(), String>) -> Result<(), Failure> {
        let model = self.run.model();
        Ok(model.get(self.log).map_or(Ok(()), look)?)
    }
}

/// An export in memory.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl ExportSink for Bytes {
    type Error = MemoryError;

    async fn write(&mut self, bytes: &[u8]) -> Result<(), MemoryError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// What is left of an export in memory.
struct Source<'a>(&'a [u8]);

impl ImportSource for Source<'_> {
    type Error = MemoryError;

    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, MemoryError> {
        let len = buf.len().min(self.0.len());
        let (now, later) = self.0.split_at(len);
        buf[..len].copy_from_slice(now);
        self.0 = later;
        Ok(len)
    }
}

fn same(what: &str, record: Option<Seen>, offset: Option<u64>) -> Result<(), Failure> {
    let found = record.map(|record| record.offset);
    if found == offset {
        return Ok(());
    }
    Err(Failure::Broken(format!(
        "by its {what} the record at {found:?} is found, and the offset {offset:?}"
    )))
}

fn read<T, E: StoreError>(answer: Result<T, ReadError<E>>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refusal(error.kind(), &error).into()),
    }
}

fn looked<T, E: StoreError>(answer: Result<T, LookupError<E>>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refusal(error.kind(), &error).into()),
    }
}

/// A log without the index says so.
fn no_index<T, E: StoreError>(answer: Result<T, LookupError<E>>) -> Result<(), Failure> {
    match answer {
        Err(error) if error.kind() == ErrorKind::NoIndex => Ok(()),
        Err(error) => Err(refusal(error.kind(), &error).into()),
        Ok(_) => Err(Failure::Broken(
            "something was found by an index that the log does not have".into(),
        )),
    }
}
