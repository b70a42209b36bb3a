//! A file store may be shared between threads, and its futures may travel.

use std::sync::Arc;
use std::thread;

use tidelog_core::{BlobId, BlobKind, BlockStore, Bytes, LogId};
use tidelog_fs::FileStore;
use tidelog_testkit::block_on::block_on;

fn send<T: Send>(value: T) -> T {
    value
}

fn send_and_sync<T: Send + Sync>() {}

async fn every_future_is_send(store: &FileStore, blob: BlobId) {
    let _ = send(store.claim(blob.log, 1)).await;
    let _ = send(store.append(blob, 0, Bytes::default())).await;
    let _ = send(store.read(blob, 0, &mut [])).await;
    let _ = send(store.list(blob.log)).await;
    let _ = send(store.sync(&[blob])).await;
    let _ = send(store.seal(blob)).await;
    let _ = send(store.settle(blob)).await;
    let _ = send(store.remove(blob)).await;
    let _ = send(store.sync_removals(blob.log)).await;
}

#[test]
fn writers_of_several_logs_and_readers_run_side_by_side() {
    send_and_sync::<FileStore>();
    send_and_sync::<&FileStore>();
    send_and_sync::<Arc<FileStore>>();

    let scratch = tempfile::tempdir().unwrap();
    let store = FileStore::create(scratch.path()).unwrap();
    thread::scope(|scope| {
        for log in 0..4 {
            let store = &store;
            let blob = BlobId {
                log: LogId(log),
                kind: BlobKind::Segment,
                number: 0,
            };
            scope.spawn(move || block_on(send(write_and_read(store, blob))));
        }
    });
    let blob = BlobId {
        log: LogId(9),
        kind: BlobKind::Mask,
        number: 0,
    };
    block_on(send(every_future_is_send(&store, blob)));
}

async fn write_and_read(store: &FileStore, blob: BlobId) {
    store.claim(blob.log, 1).await.unwrap();
    for round in 0..500_u64 {
        let bytes = (round ^ blob.log.0).to_le_bytes();
        store
            .append(blob, round * 8, bytes.to_vec().into())
            .await
            .unwrap();
        let mut found = [0; 8];
        store.read(blob, round * 8, &mut found).await.unwrap();
        assert_eq!(found, bytes);
    }
    store.sync(&[blob]).await.unwrap();
}
