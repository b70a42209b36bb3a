//! The smallest WebAssembly module that holds the whole engine: what `cargo xtask
//! reproducible` builds twice. It imports nothing.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tidelog_core::{
    AppendOptions, At, Compression, Host, Local, Log, LogId, MemoryStore, NewRecord, Options,
    ReadLimits, recover,
};

struct Still;

impl Host for Still {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        0
    }
}

/// Appends, reads, maintains, closes and recovers a log in memory. Returns how many
/// records were read, or 0 when something failed.
#[unsafe(no_mangle)]
pub extern "C" fn live() -> u64 {
    let lived = pin!(lived());
    match lived.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(records) => records.unwrap_or(0),
        Poll::Pending => 0,
    }
}

async fn lived() -> Option<u64> {
    let store = Rc::new(MemoryStore::<Local>::default());
    let host = Arc::new(Still);
    let mut records = 0;
    for compression in [Compression::Lz4, Compression::Deflate] {
        let options = Options {
            compression: Some(compression),
            ..Options::default()
        };
        let log: Log<_, Local> = Log::open(Rc::clone(&store), LogId(1), options, host.clone())
            .await
            .ok()?;
        let batch = [NewRecord::new(&[7; 1000])];
        log.append(&batch, AppendOptions::default()).await.ok()?;
        let read = log.read(At::Oldest, ReadLimits::default()).await.ok()?;
        records = read.len() as u64;
        log.close().await.ok()?;
    }
    recover::<_, Local>(&store, LogId(1), host).await.ok()?;
    Some(records)
}
