//! What a full disk refuses, and what it does not.

mod mount;

use std::fs;

use mount::Mount;
use tidelog_core::limits::MANIFEST_RESERVE;
use tidelog_core::{BlobId, BlobKind, BlockStore, ErrorKind, LogId, StoreError};
use tidelog_fs::{FileStore, FsError};
use tidelog_testkit::block_on::block_on;

const LOG: LogId = LogId(1);
const SIZE: u64 = 2 << 20;

const fn blob(kind: BlobKind, number: u64) -> BlobId {
    BlobId {
        log: LOG,
        kind,
        number,
    }
}

fn append(store: &FileStore, blob: BlobId, position: u64, len: u64) -> Result<(), FsError> {
    let bytes = vec![7; usize::try_from(len).unwrap()];
    block_on(store.append(blob, position, bytes.into()))
}

fn fill(store: &FileStore) -> u64 {
    let segment = blob(BlobKind::Segment, 1);
    let mut end = 0;
    loop {
        match append(store, segment, end, 1_000) {
            Ok(()) => end += 1_000,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Full, "{error}");
                return end;
            }
        }
    }
}

#[test]
fn manifests_go_on_for_the_reserve_even_after_reopening() {
    let mount = match Mount::tmpfs("size=2m") {
        Ok(mount) => mount,
        Err(reason) => return println!("skipped: fs_full_disk: {reason}"),
    };
    let directory = mount.path().join("store");
    let manifest = blob(BlobKind::Manifest, 1);
    let store = FileStore::create(&directory).unwrap();
    block_on(store.claim(LOG, 1)).unwrap();
    append(&store, manifest, 0, 300).unwrap();
    block_on(store.sync(&[manifest])).unwrap();

    let end = fill(&store);
    // Taking space ahead must not make the disk look full before it is.
    assert!(end > SIZE - 4 * MANIFEST_RESERVE, "full after {end} bytes");
    append(&store, blob(BlobKind::Mask, 1), 0, 5_000).unwrap_err();
    let half = MANIFEST_RESERVE / 2;
    append(&store, manifest, 300, half).unwrap();
    block_on(store.sync(&[manifest])).unwrap();
    drop(store);

    let store = FileStore::open(&directory).unwrap();
    block_on(store.claim(LOG, 2)).unwrap();
    append(&store, manifest, 300 + half, half).unwrap();
    block_on(store.sync(&[manifest])).unwrap();

    block_on(store.remove(blob(BlobKind::Segment, 1))).unwrap();
    append(&store, blob(BlobKind::Segment, 2), 0, 100_000).unwrap();
}

#[test]
fn a_blob_refused_as_full_keeps_what_it_held() {
    let mount = match Mount::tmpfs("size=2m") {
        Ok(mount) => mount,
        Err(reason) => return println!("skipped: fs_full_disk: {reason}"),
    };
    let store = FileStore::create(mount.path().join("store")).unwrap();
    block_on(store.claim(LOG, 1)).unwrap();
    let end = fill(&store);
    let segment = blob(BlobKind::Segment, 1);
    assert_eq!(block_on(store.settle(segment)).unwrap(), end);
    block_on(store.sync(&[segment])).unwrap();
    block_on(store.seal(segment)).unwrap();
    let held = fs::read(mount.path().join("store/log-1/segment-1")).unwrap();
    assert!(
        held[..usize::try_from(end).unwrap()]
            .iter()
            .all(|byte| *byte == 7)
    );
}
