//! Owns one open log as JavaScript holds it. Records go in and come out as pages.

use futures_util::future::join_all;
use js_sys::{Array, Float64Array, Function, Object, Reflect, Uint8Array};
use tidelog_core::{
    AppendOptions, Batch, Indexes, Keep, Local, Log, LookupError, NewRecord, ReadError,
};
use tidelog_page::{Page, PageWriter};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::error::{refuse, refused};
use super::follows::Follows;
use super::options::{
    Appending, Compacting, IndexOptions, Place, Query, SettingOptions, Trimming, from,
};
use super::portable::Sink;
use super::reports::{self, to};
use super::storage::{Storage, StorageError};
use super::stores::WebStores;

/// The log of a store of these exports.
pub type StoredLog = Log<Storage, Local>;

type Answer = Result<JsValue, JsValue>;

/// An open log.
#[wasm_bindgen]
pub struct WebLog {
    log: StoredLog,
    follows: Follows,
}

impl WebLog {
    pub(super) fn new(log: StoredLog) -> Self {
        Self {
            log,
            follows: Follows::default(),
        }
    }

    async fn appended(&self, records: &[NewRecord<'_>], chosen: &JsValue) -> Answer {
        let options: Appending = from(chosen.clone())?;
        let appended = self.log.append(records, options.into()).await;
        to(&reports::Appended::from(&appended.map_err(refused)?))
    }
}

fn bytes_of(batch: &Batch) -> Result<Uint8Array, JsValue> {
    let page = PageWriter::batch(batch).map_err(refused)?;
    Ok(Uint8Array::from(&page[..]))
}

fn single(entry: &tidelog_core::Entry) -> Result<Uint8Array, JsValue> {
    let mut page = PageWriter::reading();
    let record = entry.record();
    page.push(&record).map_err(refused)?;
    let page = page.finish(record.offset + 1).map_err(refused)?;
    Ok(Uint8Array::from(&page[..]))
}

#[wasm_bindgen]
impl WebLog {
    /// Appends the records of a page as batches of these lengths, each all or nothing,
    /// in order. Answers with `{first, errors}`: the first offset of each batch, and
    /// pairs of a batch's number and why it was refused.
    ///
    /// # Errors
    /// When the page or the options are not what they must be.
    #[wasm_bindgen(js_name = appendBatches)]
    pub async fn append_batches(
        &self,
        page: Vec<u8>,
        lengths: Vec<u32>,
        options: JsValue,
    ) -> Answer {
        let page = Page::parse(&page).map_err(refused)?;
        let options: AppendOptions = from::<Appending>(options)?.into();
        let headers = page.headers();
        let records = page.new_records(&headers);
        let mut rest = &records[..];
        let mut batches = Vec::with_capacity(lengths.len());
        for length in lengths {
            let split = rest.split_at_checked(length as usize);
            let (batch, left) = split.ok_or_else(|| unequal(records.len()))?;
            batches.push(batch);
            rest = left;
        }
        if !rest.is_empty() {
            return Err(unequal(records.len()));
        }
        let outcomes = match batches[..] {
            [batch] => vec![self.log.append(batch, options).await],
            _ => join_all(batches.iter().map(|batch| self.log.append(batch, options))).await,
        };
        let (mut first, errors) = (Vec::with_capacity(outcomes.len()), Array::new());
        for (number, outcome) in outcomes.into_iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "offsets stay below 2^53")]
            first.push(match &outcome {
                Ok(appended) => appended.first as f64,
                Err(_) => f64::NAN,
            });
            if let Err(error) = outcome {
                errors.push(&Array::of2(&number.into(), &refused(error)));
            }
        }
        let answer = Object::new();
        let first = Float64Array::from(&first[..]);
        for (name, value) in [("first", first.into()), ("errors", errors.into())] {
            Reflect::set(&answer, &JsValue::from_str(name), &value)?;
        }
        Ok(answer.into())
    }

    /// Appends the records of a page as one batch, and says everything there is to say
    /// of it.
    ///
    /// # Errors
    /// As for appending.
    pub async fn append(&self, page: Vec<u8>, options: JsValue) -> Answer {
        let page = Page::parse(&page).map_err(refused)?;
        let headers = page.headers();
        self.appended(&page.new_records(&headers), &options).await
    }

    /// Reads a page of records.
    ///
    /// # Errors
    /// As for reading.
    pub async fn read(&self, query: JsValue) -> Result<Uint8Array, JsValue> {
        let query: Query = from(query)?;
        let limits = query.limits();
        let batch = match (&query.key, query.reverse) {
            (Some(_), true) => {
                return Err(refuse(
                    tidelog_core::ErrorKind::Unsupported,
                    "records of one key cannot be read in reverse order",
                ));
            }
            (Some(key), false) => self.log.read_by_key(key, query.at.0, limits).await,
            (None, true) => read(self.log.read_reverse(query.at.0, limits).await),
            (None, false) => read(self.log.read(query.at.0, limits).await),
        };
        bytes_of(&batch.map_err(refused)?)
    }

    /// Waits for records, and reads them. Undefined if the wait was given up.
    ///
    /// # Errors
    /// As for following.
    pub async fn follow(&self, number: u32, query: JsValue) -> Result<Option<Uint8Array>, JsValue> {
        let query: Query = from(query)?;
        let (at, limits) = (query.at.0, query.limits());
        let followed = match &query.key {
            Some(key) => {
                let reader = self.log.reader();
                let wait = async move { reader.follow_by_key(key, at, limits).await };
                self.follows.wait(number, wait).await
            }
            None => {
                let wait = self.log.follow(at, limits);
                self.follows.wait(number, wait).await.map(read)
            }
        };
        match followed {
            None => Ok(None),
            Some(batch) => bytes_of(&batch.map_err(refused)?).map(Some),
        }
    }

    /// Gives up the wait of this number, if it has not ended.
    pub fn cancel(&self, number: u32) {
        self.follows.cancel(number);
    }

    /// The record at a place, as a page.
    ///
    /// # Errors
    /// As for getting.
    pub async fn get(&self, at: JsValue) -> Result<Uint8Array, JsValue> {
        let at: Place = from(at)?;
        single(&self.log.get(at.0).await.map_err(refused)?)
    }

    /// The newest record with a key, as a page.
    ///
    /// # Errors
    /// As for getting by key.
    #[wasm_bindgen(js_name = getByKey)]
    pub async fn get_by_key(&self, key: Vec<u8>) -> Result<Uint8Array, JsValue> {
        single(&self.log.get_by_key(&key).await.map_err(refused)?)
    }

    /// The first record from a time on, as a page.
    ///
    /// # Errors
    /// As for getting by time.
    #[wasm_bindgen(js_name = getByTime)]
    pub async fn get_by_time(&self, time: JsValue) -> Result<Uint8Array, JsValue> {
        let time: i64 = from(time)?;
        single(&self.log.get_by_time(time).await.map_err(refused)?)
    }

    /// The offset of the newest record with a key.
    ///
    /// # Errors
    /// As for getting by key.
    #[wasm_bindgen(js_name = offsetByKey)]
    pub async fn offset_by_key(&self, key: Vec<u8>) -> Answer {
        let offset = self.log.offset_by_key(&key).await.map_err(refused)?;
        to(&reports::Found { offset, time: None })
    }

    /// The offset and the time of the first record from a time on.
    ///
    /// # Errors
    /// As for getting by time.
    #[wasm_bindgen(js_name = offsetByTime)]
    pub async fn offset_by_time(&self, time: JsValue) -> Answer {
        let time: i64 = from(time)?;
        let (offset, own) = self.log.offset_by_time(time).await.map_err(refused)?;
        let time = Some(own);
        to(&reports::Found { offset, time })
    }

    /// Hands everything to the store; the offset below which that is so.
    ///
    /// # Errors
    /// As for flushing.
    #[expect(clippy::cast_precision_loss, reason = "offsets stay below 2^53")]
    pub async fn flush(&self) -> Result<f64, JsValue> {
        Ok(self.log.flush().await.map_err(refused)? as f64)
    }

    /// Makes everything durable; the offset below which that is so.
    ///
    /// # Errors
    /// As for syncing.
    #[expect(clippy::cast_precision_loss, reason = "offsets stay below 2^53")]
    pub async fn sync(&self) -> Result<f64, JsValue> {
        Ok(self.log.sync().await.map_err(refused)? as f64)
    }

    /// Looks at the store again, in a handle that only reads.
    ///
    /// # Errors
    /// As for opening.
    pub async fn refresh(&self) -> Result<(), JsValue> {
        self.log.refresh().await.map_err(refused)
    }

    /// The bounds.
    ///
    /// # Errors
    /// None.
    pub fn bounds(&self) -> Answer {
        to(&reports::Bounds::from(&self.log.bounds()))
    }

    /// The totals.
    ///
    /// # Errors
    /// None.
    pub fn stat(&self) -> Answer {
        to(&reports::Stat::from(&self.log.stat()))
    }

    /// The settings in force.
    ///
    /// # Errors
    /// None.
    pub fn settings(&self) -> Answer {
        to(&reports::Settings::from(&self.log.settings()))
    }

    /// What opening found.
    ///
    /// # Errors
    /// None.
    pub fn recovery(&self) -> Answer {
        to(&reports::Recovery::from(self.log.recovery()))
    }

    /// Deletes records by offset, or says what that would do.
    ///
    /// # Errors
    /// As for deleting.
    pub async fn delete(&self, offsets: JsValue, plan: bool) -> Answer {
        let offsets: Vec<u64> = from(offsets)?;
        let deleted = match plan {
            true => self.log.plan_delete(&offsets).await,
            false => self.log.delete(&offsets).await,
        };
        to(&reports::Deleted::from(&deleted.map_err(refused)?))
    }

    /// Removes from the old end, or says what that would do.
    ///
    /// # Errors
    /// As for trimming.
    pub async fn trim(&self, options: JsValue, plan: bool) -> Answer {
        let upto = from::<Trimming>(options)?.into();
        let trimmed = match plan {
            true => self.log.plan_trim(upto).await,
            false => self.log.trim(upto).await,
        };
        to(&reports::Trimmed::from(&trimmed.map_err(refused)?))
    }

    /// Removes every record.
    ///
    /// # Errors
    /// As for trimming.
    pub async fn clear(&self) -> Answer {
        to(&reports::Trimmed::from(
            &self.log.clear().await.map_err(refused)?,
        ))
    }

    /// Deletes what newer records have made superfluous.
    ///
    /// # Errors
    /// As for compacting.
    pub async fn compact(&self, options: JsValue) -> Answer {
        let options = from::<Compacting>(options)?.into();
        let compacted = self.log.compact(options).await.map_err(refused)?;
        to(&reports::Compacted::from(&compacted))
    }

    /// What compacting would delete.
    ///
    /// # Errors
    /// As for compacting.
    #[wasm_bindgen(js_name = planCompact)]
    pub async fn plan_compact(&self, options: JsValue) -> Answer {
        let options = from::<Compacting>(options)?.into();
        let planned = self.log.plan_compact(options).await.map_err(refused)?;
        to(&reports::PlannedCompaction::from(&planned))
    }

    /// Changes settings.
    ///
    /// # Errors
    /// As for configuring.
    pub async fn configure(&self, settings: JsValue) -> Result<(), JsValue> {
        let options = from::<SettingOptions>(settings)?.options();
        self.log.configure(&options).await.map_err(refused)
    }

    /// Makes these the indexes of the log.
    ///
    /// # Errors
    /// As for reindexing.
    pub async fn reindex(&self, indexes: JsValue) -> Answer {
        let indexes: Indexes = from::<IndexOptions>(indexes)?.into();
        let done = self.log.reindex(indexes).await.map_err(refused)?;
        to(&reports::Maintained::from(&done))
    }

    /// Does what keeps the log small and quick to open.
    ///
    /// # Errors
    /// As for maintaining.
    pub async fn maintain(&self, budget: JsValue) -> Answer {
        let budget = from::<Option<u64>>(budget)?.unwrap_or(u64::MAX);
        let done = self.log.maintain(budget).await.map_err(refused)?;
        to(&reports::Maintained::from(&done))
    }

    /// Gives back memory that reading holds; how many bytes.
    #[must_use]
    pub fn gc(&self, bytes: Option<u32>) -> usize {
        let keep = bytes.map_or(Keep::Used, |bytes| Keep::Bytes(bytes as usize));
        self.log.gc(keep)
    }

    /// Reads everything, and reports what is damaged.
    ///
    /// # Errors
    /// As for checking.
    pub async fn check(&self) -> Answer {
        let report = self.log.check().await.map_err(refused)?;
        to(&reports::Report::from(&report))
    }

    /// Makes the log of this name in another catalog a backup of this one.
    ///
    /// # Errors
    /// As for backing up.
    pub async fn backup(&self, target: &WebStores, name: String) -> Answer {
        let done = target.back_up(&name, &self.log).await?;
        to(&reports::BackedUp::from(&done))
    }

    /// Writes the log, piece by piece, to a function that returns a promise.
    ///
    /// # Errors
    /// As for exporting.
    #[wasm_bindgen(js_name = exportTo)]
    pub async fn export_to(&self, write: Function) -> Answer {
        let mut sink = Sink(write);
        let done = self.log.export(&mut sink).await.map_err(refused)?;
        to(&reports::Exported::from(&done))
    }

    /// Stores and syncs everything, and gives the log up.
    ///
    /// # Errors
    /// As for closing.
    pub async fn close(&self) -> Result<(), JsValue> {
        self.log.close().await.map_err(refused)
    }
}

fn unequal(records: usize) -> JsValue {
    refuse(
        tidelog_core::ErrorKind::Invalid,
        &format!("the batches do not add up to the page's {records} records"),
    )
}

fn read(batch: Result<Batch, ReadError<StorageError>>) -> Result<Batch, LookupError<StorageError>> {
    batch.map_err(LookupError::Read)
}
