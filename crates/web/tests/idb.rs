//! The IndexedDB store passes the conformance suite, in windows and in workers.
#![cfg(target_arch = "wasm32")]

use std::cell::Cell;

use tidelog_testkit::conformance::{Subject, conformance};
use tidelog_web::stores::{IdbOptions, IdbStore};
use wasm_bindgen_test::wasm_bindgen_test;

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
