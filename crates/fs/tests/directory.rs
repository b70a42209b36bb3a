//! What becomes a tidelog directory, what is refused as one, and what a directory
//! opened for reading does.

mod mount;

use std::fs;
use std::path::{Path, PathBuf};

use mount::Mount;
use tidelog_core::{BlobId, BlobKind, BlockStore, ErrorKind, LogId, StoreError};
use tidelog_fs::{DirectoryError, FileOptions, FileStore};
use tidelog_testkit::block_on::block_on;

const BLOB: BlobId = BlobId {
    log: LogId(1),
    kind: BlobKind::Segment,
    number: 0,
};

fn written(directory: &Path) {
    let store = FileStore::create(directory).unwrap();
    block_on(async {
        store.claim(BLOB.log, 1).await.unwrap();
        store
            .append(BLOB, 0, b"bytes".to_vec().into())
            .await
            .unwrap();
        store.sync(&[BLOB]).await.unwrap();
    });
}

fn files(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push((entry.path(), entry.metadata().unwrap().len()));
        }
    }
    found.sort();
    found
}

#[track_caller]
fn refused(directory: &Path, expected: ErrorKind) -> DirectoryError {
    let error = FileStore::create(directory).unwrap_err();
    assert_eq!(error.kind(), expected, "{error}");
    assert!(error.to_string().contains(&*directory.to_string_lossy()));
    error
}

#[test]
fn missing_directories_are_created_only_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("a/b/c");
    let error = FileStore::open(&directory).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(FileStore::open_read_only(&directory).is_err());
    assert!(!scratch.path().join("a").exists());

    FileStore::create(&directory).unwrap();
    FileStore::create(&directory).unwrap();
    FileStore::open(&directory).unwrap();
    assert_eq!(
        fs::read_to_string(directory.join("tidelog")).unwrap(),
        "tidelog directory, format 1\n"
    );
}

#[test]
fn an_empty_directory_becomes_one_only_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let error = FileStore::open(scratch.path()).unwrap_err();
    assert!(matches!(error, DirectoryError::NotTidelog(_)), "{error}");
    assert!(files(scratch.path()).is_empty());
    FileStore::create(scratch.path()).unwrap();
    FileStore::open(scratch.path()).unwrap();
}

#[test]
fn other_directories_are_refused_and_left_alone() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("letter.txt"), "dear").unwrap();
    let before = files(scratch.path());
    let error = refused(scratch.path(), ErrorKind::Invalid);
    assert!(error.to_string().contains("is not a tidelog directory"));
    assert_eq!(files(scratch.path()), before);

    refused(&scratch.path().join("letter.txt"), ErrorKind::Invalid);

    fs::write(scratch.path().join("tidelog"), "a binary of that name").unwrap();
    refused(scratch.path(), ErrorKind::Invalid);
}

#[test]
fn a_newer_format_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let marker = scratch.path().join("tidelog");
    fs::write(marker, "tidelog directory, format 2\n").unwrap();
    let error = refused(scratch.path(), ErrorKind::Unsupported);
    assert!(matches!(error, DirectoryError::Newer { version: 2, .. }));
}

#[test]
fn a_creation_cut_short_is_finished() {
    for cut in [0, 1, 20] {
        let scratch = tempfile::tempdir().unwrap();
        let marker = scratch.path().join("tidelog");
        fs::write(&marker, &"tidelog directory, format 1\n"[..cut]).unwrap();
        assert!(FileStore::open(scratch.path()).is_err());
        FileStore::create(scratch.path()).unwrap();
        FileStore::open(scratch.path()).unwrap();
    }
}

#[test]
fn reading_writes_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    written(scratch.path());
    let before = files(scratch.path());
    let store = FileStore::open_read_only(scratch.path()).unwrap();
    block_on(reads_but_does_not_write(&store));
    assert_eq!(files(scratch.path()), before);
}

#[test]
fn read_only_storage_can_be_read() {
    let mount = match Mount::tmpfs("size=1m") {
        Ok(mount) => mount,
        Err(reason) => return println!("skipped: fs_read_only_storage: {reason}"),
    };
    let directory = mount.path().join("store");
    written(&directory);
    mount.make_read_only();
    block_on(reads_but_does_not_write(
        &FileStore::open_read_only(&directory).unwrap(),
    ));
    // Opened for writing, it is the storage that refuses.
    block_on(reads_but_does_not_write(
        &FileStore::open(&directory).unwrap(),
    ));
    let error = FileStore::create(mount.path().join("new")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
}

async fn reads_but_does_not_write(store: &FileStore) {
    let mut found = [0; 5];
    store.read(BLOB, 0, &mut found).await.unwrap();
    assert_eq!(&found, b"bytes");
    assert_eq!(store.list(BLOB.log).await.unwrap(), [BLOB]);
    let new = BlobId { number: 1, ..BLOB };
    for error in [
        store.claim(BLOB.log, 2).await.unwrap_err(),
        store
            .append(new, 0, b"x".to_vec().into())
            .await
            .unwrap_err(),
        store
            .append(BLOB, 5, b"x".to_vec().into())
            .await
            .unwrap_err(),
        store.remove(BLOB).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    }
}

#[test]
fn creating_is_not_for_readers() {
    let scratch = tempfile::tempdir().unwrap();
    let options = FileOptions {
        read_only: true,
        create_if_missing: true,
        ..FileOptions::default()
    };
    FileStore::open_with(scratch.path(), options).unwrap_err();
    assert!(files(scratch.path()).is_empty());
}
