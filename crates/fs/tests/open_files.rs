//! Ten thousand blobs do not exhaust the files a process may open. Alone in its
//! process, because it counts them.
#![cfg(target_os = "linux")]

use std::fs;

use tidelog_core::{BlobId, BlobKind, BlockStore, LogId};
use tidelog_fs::{FileOptions, FileStore};
use tidelog_testkit::block_on::block_on;

const LOG: LogId = LogId(1);
const BLOBS: u64 = 10_000;
const OPEN_FILES: usize = 20;

fn mask(number: u64) -> BlobId {
    BlobId {
        log: LOG,
        kind: BlobKind::Mask,
        number,
    }
}

fn open_now() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn ten_thousand_blobs_share_a_few_open_files() {
    // In memory where that can be had: an eviction syncs what is unsynced.
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let scratch = scratch.unwrap();
    let options = FileOptions {
        create_if_missing: true,
        open_files: OPEN_FILES,
        ..FileOptions::default()
    };
    let store = FileStore::open_with(scratch.path(), options).unwrap();
    let before = open_now();
    let all: Vec<BlobId> = (0..BLOBS).map(mask).collect();
    let mut most = 0;
    block_on(async {
        store.claim(LOG, 1).await.unwrap();
        for blob in &all {
            let bytes = blob.number.to_le_bytes().to_vec();
            store.append(*blob, 0, bytes.into()).await.unwrap();
            most = most.max(open_now());
        }
        store.sync(&all).await.unwrap();
        for blob in &all {
            store
                .append(*blob, 8, b"more".to_vec().into())
                .await
                .unwrap();
        }
        store.sync(&all).await.unwrap();
        let mut found = [0; 12];
        for blob in &all {
            store.read(*blob, 0, &mut found).await.unwrap();
            assert_eq!(found[..8], blob.number.to_le_bytes());
            assert_eq!(&found[8..], b"more");
        }
    });
    most = most.max(open_now());
    // Both kinds of open files, the lock, and what listing /proc opens.
    assert!(
        most <= before + 2 * OPEN_FILES + 2,
        "{most} files were open, {before} before"
    );
}
