//! The IndexedDB store passes the conformance suite, in windows and in workers.
#![cfg(target_arch = "wasm32")]

use std::cell::Cell;

use tidelog_core::{BlobId, BlobKind, BlockStore, ErrorKind, LogId, StoreError};
use tidelog_testkit::conformance::{Subject, conformance};
use tidelog_web::stores::{IdbOptions, IdbStore};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

const BLOB: BlobId = BlobId {
    log: LogId(7),
    kind: BlobKind::Segment,
    number: 1,
};

/// Databases of one test, numbered.
struct Databases {
    test: &'static str,
    made: Cell<u32>,
}

impl Databases {
    fn of(test: &'static str) -> Self {
        Self {
            test,
            made: Cell::new(0),
        }
    }
}

async fn open(name: &str) -> IdbStore {
    let options = IdbOptions {
        lock_wait: 100,
        ..IdbOptions::default()
    };
    IdbStore::open(name, options).await.unwrap()
}

impl Subject for Databases {
    type Store = IdbStore;

    async fn fresh(&self) -> IdbStore {
        self.made.set(self.made.get() + 1);
        let name = format!("{}-{}", self.test, self.made.get());
        IdbStore::destroy(&name).await.unwrap();
        open(&name).await
    }

    async fn reopen(&self, store: IdbStore) -> IdbStore {
        let name = store.name().to_owned();
        store.close().await;
        open(&name).await
    }

    async fn beside(&self, store: &IdbStore) -> Option<IdbStore> {
        Some(open(store.name()).await)
    }
}

#[wasm_bindgen_test]
async fn conforms() {
    conformance(&Databases::of("conformance"))
        .await
        .expect(&["what_does_not_fit_is_full", "manifests_have_a_reserve"]);
}

async fn written(name: &str) -> IdbStore {
    IdbStore::destroy(name).await.unwrap();
    let store = open(name).await;
    store.claim(BLOB.log, 1).await.unwrap();
    store
        .append(BLOB, 0, b"bytes".to_vec().into())
        .await
        .unwrap();
    store
}

#[wasm_bindgen_test]
async fn a_deleted_database_is_lost_and_not_made_anew() {
    let store = written("deleted").await;
    IdbStore::destroy("deleted").await.unwrap();
    let append = store.append(BLOB, 5, b"more".to_vec().into()).await;
    assert_eq!(append.unwrap_err().kind(), ErrorKind::Lost);
    let read = store.read(BLOB, 0, &mut [0; 5]).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Lost);
    let options = IdbOptions {
        create: false,
        ..IdbOptions::default()
    };
    let opened = IdbStore::open("deleted", options).await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::NotFound);
}

#[wasm_bindgen_test]
async fn a_writer_whose_lock_was_stolen_is_fenced() {
    let old = written("stolen").await;
    let steal = "navigator.locks.request('tidelog/stolen/7', { steal: true }, () => {})";
    let stolen: js_sys::Promise = js_sys::eval(steal).unwrap().unchecked_into();
    JsFuture::from(stolen).await.unwrap();
    let new = open("stolen").await;
    assert_eq!(new.claim(BLOB.log, 1).await.unwrap(), 2);
    let late = old.append(BLOB, 5, b"late".to_vec().into()).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Fenced);
    let synced = old.sync(&[BLOB]).await;
    assert_eq!(synced.unwrap_err().kind(), ErrorKind::Fenced);
    new.append(BLOB, 5, b"newer".to_vec().into()).await.unwrap();
}

#[wasm_bindgen_test]
async fn other_databases_are_refused() {
    for (name, version) in [("newer", 2), ("foreign", 1)] {
        IdbStore::destroy(name).await.unwrap();
        let make = format!(
            "new Promise((made, failed) => {{
                const request = indexedDB.open('{name}', {version});
                request.onerror = failed;
                request.onsuccess = () => made(request.result.close());
            }})"
        );
        let made: js_sys::Promise = js_sys::eval(&make).unwrap().unchecked_into();
        JsFuture::from(made).await.unwrap();
        let opened = IdbStore::open(name, IdbOptions::default()).await;
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[wasm_bindgen_test]
async fn a_missing_piece_is_an_error_and_not_other_bytes() {
    let store = written("missing").await;
    store
        .append(BLOB, 5, b"more".to_vec().into())
        .await
        .unwrap();
    store.append(BLOB, 9, b"end".to_vec().into()).await.unwrap();
    let remove = "new Promise((removed, failed) => {
        const request = indexedDB.open('missing');
        request.onerror = failed;
        request.onsuccess = () => {
            const database = request.result;
            const transaction = database.transaction('pieces', 'readwrite');
            const pieces = transaction.objectStore('pieces');
            pieces.getAllKeys().onsuccess = (found) => pieces.delete(found.target.result[1]);
            transaction.oncomplete = () => removed(database.close());
        };
    })";
    let removed: js_sys::Promise = js_sys::eval(remove).unwrap().unchecked_into();
    JsFuture::from(removed).await.unwrap();
    let mut bytes = [0; 5];
    store.read(BLOB, 0, &mut bytes).await.unwrap();
    assert_eq!(&bytes, b"bytes");
    let across = store.read(BLOB, 0, &mut [0; 12]).await.unwrap_err();
    assert_eq!(across.kind(), ErrorKind::OutOfRange);
    let inside = store.read(BLOB, 6, &mut [0; 2]).await.unwrap_err();
    assert_eq!(inside.kind(), ErrorKind::OutOfRange);
    let mut bytes = [0; 3];
    store.read(BLOB, 9, &mut bytes).await.unwrap();
    assert_eq!(&bytes, b"end");
}
