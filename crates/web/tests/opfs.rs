//! The OPFS store passes the conformance suite, with many and with two files open.
#![cfg(target_arch = "wasm32")]

use std::cell::Cell;

use tidelog_testkit::conformance::{Subject, conformance};
use tidelog_web::stores::{OpfsOptions, OpfsStore};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Directories of one test, numbered.
struct Directories {
    test: &'static str,
    options: OpfsOptions,
    made: Cell<u32>,
}

impl Directories {
    fn of(test: &'static str, open_files: usize) -> Self {
        Self {
            test,
            options: OpfsOptions {
                open_files,
                lock_wait: 100,
                ..OpfsOptions::default()
            },
            made: Cell::new(0),
        }
    }

    async fn open(&self, path: &str) -> OpfsStore {
        OpfsStore::open(path, self.options).await.unwrap()
    }
}

impl Subject for Directories {
    type Store = OpfsStore;

    async fn fresh(&self) -> OpfsStore {
        self.made.set(self.made.get() + 1);
        let path = format!("{}/store-{}", self.test, self.made.get());
        OpfsStore::destroy(&path).await.unwrap();
        self.open(&path).await
    }

    async fn reopen(&self, store: OpfsStore) -> OpfsStore {
        let path = store.path().to_owned();
        store.close().await;
        self.open(&path).await
    }

    async fn beside(&self, store: &OpfsStore) -> Option<OpfsStore> {
        Some(self.open(store.path()).await)
    }
}

const NO_LIMIT: [&str; 2] = ["what_does_not_fit_is_full", "manifests_have_a_reserve"];

#[wasm_bindgen_test]
async fn conforms() {
    let subject = Directories::of("conformance", OpfsOptions::default().open_files);
    conformance(&subject).await.expect(&NO_LIMIT);
}

#[wasm_bindgen_test]
async fn conforms_with_two_open_files() {
    let subject = Directories::of("two-open-files", 2);
    conformance(&subject).await.expect(&NO_LIMIT);
}
