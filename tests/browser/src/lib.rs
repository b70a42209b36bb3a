//! What `cargo xtask browser` loads into a worker: a log that is written to until the
//! browser dies, and the judge of what is left of it; and the conformance suite where
//! the quota is small. The pages around it are in `run.mjs`.

mod quota;
mod records;

use std::rc::Rc;
use std::sync::Arc;

use js_sys::Function;
use tidelog_core::{
    AppendOptions, At, BlockStore, Durability, Local, Log, LogId, NewRecord, Options, ReadLimits,
};
use tidelog_web::host::{WebHost, sleep};
use tidelog_web::stores::{IdbOptions, IdbStore, OpfsOptions, OpfsStore};
use wasm_bindgen::prelude::*;

use records::{STEPS, is_record, record};

/// The log that is written to.
const LOG: LogId = LogId(1);

/// One append in so many is synced.
const SYNCED_EACH: u64 = 8;

/// Appends between two looks at what else the worker has to do.
const APPENDS_EACH: u64 = 4;

/// Tells how much of the log in `store` (`idb` or `opfs`) is there: every record from
/// 0 to the returned offset is whole and in its place.
///
/// # Errors
/// A sentence, when something else is found or the log cannot be opened.
#[wasm_bindgen]
pub async fn judge(store: &str, name: &str) -> Result<f64, String> {
    let next = match store {
        "idb" => judged(idb(name).await?).await?,
        "opfs" => judged(opfs(name).await?).await?,
        other => return Err(format!("there is no store {other:?}")),
    };
    Ok(next as f64)
}

/// Appends to the log in `store` for ever, and calls `acknowledged` with the offset
/// behind the last record whenever an append was acknowledged.
///
/// # Errors
/// A sentence, when an append is refused.
#[wasm_bindgen]
pub async fn write(store: &str, name: &str, acknowledged: Function) -> Result<(), String> {
    match store {
        "idb" => written(idb(name).await?, &acknowledged).await,
        "opfs" => written(opfs(name).await?, &acknowledged).await,
        other => Err(format!("there is no store {other:?}")),
    }
}

/// Runs the conformance suite on `store`, whose origin has little room, and tells what
/// it found.
///
/// # Errors
/// The report, when a check failed or one was skipped that should not be.
#[wasm_bindgen]
pub async fn conform(store: &str) -> Result<String, String> {
    quota::conform(store).await
}

async fn idb(name: &str) -> Result<IdbStore, String> {
    let opened = IdbStore::open(name, IdbOptions::default()).await;
    opened.map_err(|error| error.to_string())
}

async fn opfs(name: &str) -> Result<OpfsStore, String> {
    let opened = OpfsStore::open(name, OpfsOptions::default()).await;
    opened.map_err(|error| error.to_string())
}

async fn open<S: BlockStore>(store: S) -> Result<Log<Rc<S>, Local>, String> {
    // Small segments, so that a kill also meets the ends of some.
    let options = Options {
        segment_bytes: Some(256 << 10),
        ..Options::default()
    };
    let opened = Log::open(Rc::new(store), LOG, options, Arc::new(WebHost)).await;
    opened.map_err(|error| format!("the log does not open: {error}"))
}

async fn judged<S: BlockStore>(store: S) -> Result<u64, String> {
    let log = open(store).await?;
    let mut next = 0;
    loop {
        let read = log.read(At::Offset(next), ReadLimits::default()).await;
        let batch = read.map_err(|error| format!("reading from {next} failed: {error}"))?;
        if batch.is_empty() {
            break;
        }
        for found in batch.records() {
            if found.offset != next {
                return Err(format!("{} follows {}", found.offset, next.wrapping_sub(1)));
            }
            if !is_record(next, found.value) {
                return Err(format!("the record at {next} holds something else"));
            }
            next += 1;
        }
    }
    log.close()
        .await
        .map_err(|error| format!("closing failed: {error}"))?;
    Ok(next)
}

async fn written<S: BlockStore>(store: S, acknowledged: &Function) -> Result<(), String> {
    let log = open(store).await?;
    let mut next = log.bounds().next;
    for turn in 0_u64.. {
        let step = STEPS[(turn % STEPS.len() as u64) as usize];
        let values: Vec<Vec<u8>> = (next..next + step).map(record).collect();
        let batch: Vec<NewRecord<'_>> = values.iter().map(|value| NewRecord::new(value)).collect();
        let level = match turn % SYNCED_EACH {
            0 => Durability::Synced,
            _ => Durability::Stored,
        };
        let appended = log.append(&batch, AppendOptions::from(level)).await;
        appended.map_err(|error| format!("appending at {next} failed: {error}"))?;
        next += step;
        let _ = acknowledged.call1(&JsValue::NULL, &JsValue::from(next as f64));
        if turn % APPENDS_EACH == 0 {
            sleep(0).await;
        }
    }
    Ok(())
}
