//! A log is the same whatever store of the browser it is in, and goes on after an
//! operation that nobody waited for.
#![cfg(target_arch = "wasm32")]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use tidelog_core::{
    AppendOptions, At, BlockStore, Durability, Local, Log, LogId, MemoryStore, NewRecord, Options,
    ReadLimits, TrimTo,
};
use tidelog_web::host::WebHost;
use tidelog_web::stores::{IdbOptions, IdbStore, OpfsOptions, OpfsStore};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const LOG: LogId = LogId(3);

type Told = Vec<(u64, i64, Option<Vec<u8>>, Option<Vec<u8>>)>;

async fn idb(name: &str) -> IdbStore {
    IdbStore::destroy(name).await.unwrap();
    IdbStore::open(name, IdbOptions::default()).await.unwrap()
}

async fn opfs(name: &str) -> OpfsStore {
    OpfsStore::destroy(name).await.unwrap();
    OpfsStore::open(name, OpfsOptions::default()).await.unwrap()
}

async fn open<S: BlockStore>(store: &Rc<S>) -> Log<Rc<S>, Local> {
    let options = Options {
        segment_bytes: Some(64 << 10),
        ..Options::default()
    };
    let opened = Log::open(Rc::clone(store), LOG, options, Arc::new(WebHost)).await;
    opened.unwrap()
}

async fn told<S: BlockStore>(log: &Log<Rc<S>, Local>) -> Told {
    let (mut told, mut from) = (Told::new(), At::Oldest);
    loop {
        let batch = log.read(from, ReadLimits::default()).await.unwrap();
        for record in batch.records() {
            let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
            told.push((
                record.offset,
                record.time,
                owned(record.key),
                owned(record.value),
            ));
        }
        match told.last() {
            Some(last) if !batch.is_empty() => from = At::Offset(last.0 + 1),
            _ => return told,
        }
    }
}

/// One list of operations: batches of all sizes at all levels, deletions, a trim and
/// two reopenings. Returns what can be read in the end.
async fn lived<S: BlockStore>(store: S) -> Told {
    let store = Rc::new(store);
    let mut log = open(&store).await;
    for turn in 0..150_u32 {
        let key = [b'a' + (turn % 7) as u8];
        let value = vec![turn as u8; (turn * turn) as usize % 9_000];
        let record = NewRecord::new(&value).time(i64::from(turn) * 1_000);
        let batch = vec![record.key(&key); turn as usize % 5 + 1];
        let level = match turn % 10 {
            3 => Durability::Synced,
            5 => Durability::Buffered,
            _ => Durability::Stored,
        };
        let appended = log.append(&batch, AppendOptions::from(level)).await;
        appended.unwrap();
        match turn {
            60 => drop(log.delete(&[3, 4, 5, 77]).await.unwrap()),
            90 => drop(log.trim(TrimTo::Before(At::Offset(50))).await.unwrap()),
            40 | 110 => {
                log.close().await.unwrap();
                log = open(&store).await;
            }
            _ => {}
        }
    }
    let before = told(&log).await;
    log.close().await.unwrap();
    let log = open(&store).await;
    let after = told(&log).await;
    assert_eq!(before, after, "reopening changed the log");
    log.close().await.unwrap();
    after
}

#[wasm_bindgen_test]
async fn one_list_of_operations_gives_one_log() {
    let expected = lived(MemoryStore::<Local>::new()).await;
    assert_eq!(expected.len(), 450 - 50 - 1);
    assert_eq!(lived(idb("one-log").await).await, expected);
    assert_eq!(lived(opfs("one-log").await).await, expected);
}

/// Drops every other append at its first poll, and reads what became of them.
async fn interrupted<S: BlockStore>(store: S) {
    let store = Rc::new(store);
    let log = open(&store).await;
    let mut kept = Vec::new();
    for turn in 0..60_u8 {
        let value = [turn; 100];
        let batch = [NewRecord::new(&value)];
        let level = if turn % 3 == 0 {
            Durability::Synced
        } else {
            Durability::Stored
        };
        let mut append = pin!(log.append(&batch, AppendOptions::from(level)));
        if turn % 2 == 0 {
            let _ = poll_fn(|context| Poll::Ready(append.as_mut().poll(context))).await;
        } else {
            append.await.unwrap();
            kept.push(turn);
        }
    }
    drop(log);
    let log = open(&store).await;
    let found: Vec<u8> = told(&log)
        .await
        .into_iter()
        .map(|(_, _, _, value)| value.unwrap()[0])
        .collect();
    assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
    assert!(kept.iter().all(|turn| found.contains(turn)), "{found:?}");
}

#[wasm_bindgen_test]
async fn appends_that_nobody_waits_for_leave_a_whole_log() {
    interrupted(idb("interrupted").await).await;
    interrupted(opfs("interrupted").await).await;
}
