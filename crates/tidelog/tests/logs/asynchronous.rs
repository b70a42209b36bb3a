//! The async twins: futures that travel between threads and ask for no executor.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tidelog::{
    AppendOptions, At, Durability, ErrorKind, FileStore, Log, Logs, NewRecord, ReadLimits,
};

/// Polls once: a synchronous store needs no more.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a synchronous store answers at the first poll"),
    }
}

#[test]
fn a_synchronous_store_is_done_at_the_first_poll() {
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    let log: Log = at_once(logs.log("log").create(true).open()).unwrap();
    let records = [NewRecord::new(b"one").key(b"k"), NewRecord::new(b"two")];
    let appended = at_once(log.append(&records, Durability::Synced.into())).unwrap();
    assert_eq!((appended.first, appended.next), (0, 2));
    let batch = at_once(log.read(At::Oldest, ReadLimits::default())).unwrap();
    assert_eq!(batch.len(), 2);
    let reader = log.reader();
    assert_eq!(
        at_once(reader.get(At::Last)).unwrap().record().value,
        Some(&b"two"[..])
    );
    at_once(log.close()).unwrap();
    assert_eq!(at_once(logs.names()).unwrap(), ["log"]);
    let refused = at_once(logs.log("none").open()).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
}

#[test]
fn an_append_future_that_is_dropped_disturbs_nobody() {
    let logs = Logs::memory();
    let log = at_once(logs.log("log").create(true).open()).unwrap();
    drop(log.append(&[NewRecord::new(b"never polled")], AppendOptions::default()));
    let appended =
        at_once(log.append(&[NewRecord::new(b"kept")], AppendOptions::default())).unwrap();
    assert_eq!(appended.first, 0);
}

#[test]
fn both_apis_are_one_log() {
    let logs = tidelog::blocking::Logs::memory();
    let log = logs.log("log").create(true).open().unwrap();
    at_once(
        log.as_async()
            .append(&[NewRecord::new(b"async")], AppendOptions::default()),
    )
    .unwrap();
    let mut waited = pin!(log.as_async().follow(At::Next, ReadLimits::default()));
    let mut poll = || {
        let mut context = Context::from_waker(Waker::noop());
        waited.as_mut().poll(&mut context)
    };
    assert!(poll().is_pending());
    log.append(&[NewRecord::new(b"blocking")], AppendOptions::default())
        .unwrap();
    let Poll::Ready(Ok(batch)) = poll() else {
        panic!("there is something to return");
    };
    assert_eq!(
        batch.records().next().unwrap().value,
        Some(&b"blocking"[..])
    );
}

/// Compiles only if the futures of logs over files may travel between threads.
#[test]
fn futures_over_files_are_send() {
    fn travels<T: Send>(what: T) -> T {
        what
    }
    async fn session(logs: Logs<FileStore>) -> u64 {
        let log = logs.log("log").create(true).open().await.unwrap();
        log.append(&[NewRecord::new(b"x")], AppendOptions::default())
            .await
            .unwrap();
        log.read(At::Oldest, ReadLimits::default()).await.unwrap();
        log.check().await.unwrap();
        log.sync().await.unwrap()
    }
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    let mut future = Box::pin(travels(session(logs)));
    let next =
        std::thread::spawn(move || at_once(poll_fn(move |context| future.as_mut().poll(context))));
    assert_eq!(next.join().unwrap(), 1);
}
