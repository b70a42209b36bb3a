//! What lies in a directory beside the store's own files is never listed, read
//! through or touched.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;
use tidelog_core::{BlobId, BlobKind, BlockStore, ErrorKind, LogId, StoreError};
use tidelog_fs::FileStore;
use tidelog_testkit::block_on::block_on;

const LOG: LogId = LogId(1);

const fn segment(number: u64) -> BlobId {
    BlobId {
        log: LOG,
        kind: BlobKind::Segment,
        number,
    }
}

fn store_with_segment_0() -> (TempDir, FileStore, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let store = FileStore::create(scratch.path().join("store")).unwrap();
    block_on(async {
        store.claim(LOG, 1).await.unwrap();
        let bytes = b"ours".to_vec().into();
        store.append(segment(0), 0, bytes).await.unwrap();
        store.sync(&[segment(0)]).await.unwrap();
    });
    let folder = store.directory().join("log-1");
    (scratch, store, folder)
}

#[test]
fn unknown_names_are_not_listed() {
    let (_scratch, store, folder) = store_with_segment_0();
    let foreign = [
        OsStr::new("notes.txt"),
        OsStr::new("segment-01"),
        OsStr::new("segment-1~"),
        OsStr::from_bytes(b"segment-\xFF"),
        OsStr::from_bytes(b"\xC3\x28"),
    ];
    for name in foreign {
        fs::write(folder.join(name), "theirs").unwrap();
    }
    fs::create_dir(folder.join("old")).unwrap();
    assert_eq!(block_on(store.list(LOG)).unwrap(), [segment(0)]);
    block_on(store.remove(segment(0))).unwrap();
    block_on(store.sync_removals(LOG)).unwrap();
    for name in foreign {
        assert_eq!(fs::read(folder.join(name)).unwrap(), b"theirs");
    }
}

#[test]
fn linked_blobs_are_refused() {
    let (scratch, store, folder) = store_with_segment_0();
    let target = scratch.path().join("target");
    fs::write(&target, "elsewhere").unwrap();
    symlink(&target, folder.join("segment-1")).unwrap();
    symlink(scratch.path().join("nowhere"), folder.join("segment-2")).unwrap();
    block_on(async {
        for number in [1, 2] {
            let linked = segment(number);
            let error = store.read(linked, 0, &mut [0; 4]).await.unwrap_err();
            assert!(error.to_string().contains("it is a link"), "{error}");
            store.sync(&[linked]).await.unwrap_err();
            let bytes = || b"over".to_vec().into();
            store.append(linked, 4, bytes()).await.unwrap_err();
            let error = store.append(linked, 0, bytes()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        }
    });
    assert_eq!(fs::read(&target).unwrap(), b"elsewhere");
    assert!(!scratch.path().join("nowhere").exists());
}

#[test]
fn pipes_and_folders_are_refused_without_waiting() {
    let (_scratch, store, folder) = store_with_segment_0();
    let pipe = std::process::Command::new("mkfifo")
        .arg(folder.join("segment-1"))
        .status();
    assert!(pipe.unwrap().success());
    fs::create_dir(folder.join("segment-2")).unwrap();
    for number in [1, 2] {
        let error = block_on(store.read(segment(number), 0, &mut [0; 4])).unwrap_err();
        assert!(error.to_string().contains("no regular file"), "{error}");
    }
}
