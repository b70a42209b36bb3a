//! Who may write to a log: across handles, across processes, and after another
//! writer.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tidelog_core::{BlobId, BlobKind, BlockStore, ErrorKind, LogId, StoreError};
use tidelog_fs::{FileOptions, FileStore, FsError, Locks};
use tidelog_testkit::block_on::block_on;

const LOG: LogId = LogId(1);
const HOLD: &str = "TIDELOG_TEST_HOLD";

const fn segment(number: u64) -> BlobId {
    BlobId {
        log: LOG,
        kind: BlobKind::Segment,
        number,
    }
}

fn append(store: &FileStore, blob: BlobId, position: u64, bytes: &[u8]) -> Result<(), FsError> {
    block_on(store.append(blob, position, bytes.to_vec().into()))
}

fn by_epochs(directory: &Path) -> FileStore {
    let options = FileOptions {
        create_if_missing: true,
        locks: Locks::EpochFiles,
        ..FileOptions::default()
    };
    FileStore::open_with(directory, options).unwrap()
}

#[test]
fn another_process_is_kept_out_until_it_dies() {
    if let Some(directory) = env::var_os(HOLD) {
        return hold(Path::new(&directory));
    }
    let scratch = tempfile::tempdir().unwrap();
    let store = FileStore::create(scratch.path()).unwrap();
    let mut holder = holder(scratch.path());
    let error = block_on(store.claim(LOG, 2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    // Readers need no lock, and other logs have locks of their own.
    let mut found = [0; 4];
    block_on(store.read(segment(1), 0, &mut found)).unwrap();
    assert_eq!(&found, b"held");
    block_on(store.claim(LogId(2), 1)).unwrap();

    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(block_on(store.claim(LOG, 2)).unwrap(), 2);
}

/// This test again in a process of its own, once it has claimed the log.
fn holder(directory: &Path) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "another_process_is_kept_out_until_it_dies"])
        .arg("--nocapture")
        .env(HOLD, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let claimed = output.lines().any(|line| line.unwrap().contains("claimed"));
    assert!(claimed, "the other process ended without a claim");
    child
}

fn hold(directory: &Path) {
    let store = FileStore::open(directory).unwrap();
    block_on(store.claim(LOG, 1)).unwrap();
    append(&store, segment(1), 0, b"held").unwrap();
    println!("claimed");
    // Until the parent is gone, should it not kill this process first.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn the_older_writer_is_fenced_at_its_next_append() {
    let scratch = tempfile::tempdir().unwrap();
    let (old, new) = (by_epochs(scratch.path()), by_epochs(scratch.path()));
    assert_eq!(block_on(old.claim(LOG, 1)).unwrap(), 1);
    append(&old, segment(1), 0, b"before").unwrap();
    assert_eq!(block_on(new.claim(LOG, 1)).unwrap(), 2);
    let error = append(&old, segment(1), 6, b"after").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    append(&new, segment(2), 0, b"newer").unwrap();
    block_on(new.sync(&[segment(1), segment(2)])).unwrap();
    // Fenced for good, whatever it tries.
    for error in [
        append(&old, segment(3), 0, b"more").unwrap_err(),
        block_on(old.sync(&[segment(1)])).unwrap_err(),
        block_on(old.remove(segment(2))).unwrap_err(),
        block_on(old.sync_removals(LOG)).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    }
    assert!(!scratch.path().join("log-1/segment-3").exists());
    assert!(scratch.path().join("log-1/segment-2").exists());
}

#[test]
fn the_older_writer_is_fenced_at_its_next_sync() {
    let scratch = tempfile::tempdir().unwrap();
    let (old, new) = (by_epochs(scratch.path()), by_epochs(scratch.path()));
    block_on(old.claim(LOG, 7)).unwrap();
    append(&old, segment(1), 0, b"before").unwrap();
    assert_eq!(block_on(new.claim(LOG, 2)).unwrap(), 2);
    block_on(old.sync(&[segment(1)])).unwrap();
    new.release(LOG);
    assert_eq!(block_on(new.claim(LOG, 7)).unwrap(), 8);
    let error = block_on(old.sync(&[segment(1)])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
}

#[test]
fn torn_bytes_of_an_earlier_writer_are_written_over() {
    let scratch = tempfile::tempdir().unwrap();
    let store = FileStore::create(scratch.path()).unwrap();
    block_on(store.claim(LOG, 1)).unwrap();
    append(&store, segment(1), 0, b"whole").unwrap();
    append(&store, segment(1), 5, b"torn bytes").unwrap();
    drop(store);

    let store = FileStore::open(scratch.path()).unwrap();
    block_on(store.claim(LOG, 2)).unwrap();
    append(&store, segment(1), 5, b" and new").unwrap();
    assert_eq!(block_on(store.settle(segment(1))).unwrap(), 13);
    let mut found = [0; 13];
    block_on(store.read(segment(1), 0, &mut found)).unwrap();
    assert_eq!(&found, b"whole and new");
}

#[test]
fn sealing_gives_unused_space_back() {
    let scratch = tempfile::tempdir().unwrap();
    let store = FileStore::create(scratch.path()).unwrap();
    let len = || {
        fs::metadata(scratch.path().join("log-1/segment-1"))
            .unwrap()
            .len()
    };
    block_on(store.claim(LOG, 1)).unwrap();
    append(&store, segment(1), 0, &[1; 100]).unwrap();
    assert_eq!(len(), 100, "a first append takes no space ahead");
    append(&store, segment(1), 100, &[2; 100]).unwrap();
    if cfg!(target_os = "linux") {
        assert!(len() > 200);
    }
    block_on(store.seal(segment(1))).unwrap();
    assert_eq!(len(), 200);
}
