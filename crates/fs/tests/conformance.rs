//! The file store passes the conformance suite, with file locks and with epoch
//! files, with many and with two files open.

mod mount;

use std::cell::RefCell;

use mount::Mount;
use tempfile::TempDir;
use tidelog_fs::{FileOptions, FileStore, Locks};
use tidelog_testkit::block_on::block_on;
use tidelog_testkit::conformance::{Subject, conformance};

#[derive(Default)]
struct Directories {
    options: FileOptions,
    kept: RefCell<Vec<TempDir>>,
    mounts: RefCell<Vec<Mount>>,
}

impl Directories {
    fn with(options: FileOptions) -> Self {
        Self {
            options: FileOptions {
                create_if_missing: true,
                ..options
            },
            ..Self::default()
        }
    }

    fn check(&self) {
        // Without the right to mount there is no full disk to be had.
        let skipped: &[&str] = match Mount::tmpfs("size=2m") {
            Ok(_) => &[],
            Err(reason) => {
                println!("skipped: fs_full_disk: {reason}");
                &["what_does_not_fit_is_full", "manifests_have_a_reserve"]
            }
        };
        block_on(conformance(self)).expect(skipped);
    }
}

impl Subject for Directories {
    type Store = FileStore;

    async fn fresh(&self) -> FileStore {
        let directory = tempfile::tempdir().unwrap();
        let store = FileStore::open_with(directory.path().join("store"), self.options).unwrap();
        self.kept.borrow_mut().push(directory);
        store
    }

    async fn reopen(&self, store: FileStore) -> FileStore {
        let directory = store.directory().to_owned();
        drop(store);
        FileStore::open_with(directory, self.options).unwrap()
    }

    async fn beside(&self, store: &FileStore) -> Option<FileStore> {
        Some(FileStore::open_with(store.directory(), self.options).unwrap())
    }

    async fn limited(&self) -> Option<FileStore> {
        let mount = Mount::tmpfs("size=2m").ok()?;
        let store = FileStore::open_with(mount.path().join("store"), self.options).unwrap();
        self.mounts.borrow_mut().push(mount);
        Some(store)
    }
}

#[test]
fn with_file_locks() {
    Directories::with(FileOptions::default()).check();
}

#[test]
fn with_epoch_files() {
    let locks = Locks::EpochFiles;
    Directories::with(FileOptions {
        locks,
        ..FileOptions::default()
    })
    .check();
}

#[test]
fn with_two_open_files() {
    let open_files = 2;
    Directories::with(FileOptions {
        open_files,
        ..FileOptions::default()
    })
    .check();
}
