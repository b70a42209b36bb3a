//! Owns the conformance suite where the origin has little room: only whoever drives
//! the browser can limit it.

use std::cell::Cell;

use tidelog_testkit::conformance::{Subject, conformance};
use tidelog_web::stores::{IdbOptions, IdbStore, OpfsOptions, OpfsStore};

/// How one kind of store is made and unmade.
#[allow(async_fn_in_trait, reason = "nothing here travels between threads")]
pub(crate) trait Kind {
    type Store: tidelog_core::BlockStore;

    async fn open(name: &str) -> Self::Store;
    async fn close(store: Self::Store) -> String;
    async fn destroy(name: &str);
}

/// Stores of one kind, of which one exists at a time, so that each has all the room.
struct Starved<K> {
    made: Cell<u32>,
    kind: std::marker::PhantomData<K>,
}

impl<K: Kind> Subject for Starved<K> {
    type Store = K::Store;

    async fn fresh(&self) -> K::Store {
        let name = |number: u32| format!("starved-{number}");
        K::destroy(&name(self.made.get())).await;
        self.made.set(self.made.get() + 1);
        K::open(&name(self.made.get())).await
    }

    async fn reopen(&self, store: K::Store) -> K::Store {
        let name = K::close(store).await;
        K::open(&name).await
    }

    async fn limited(&self) -> Option<K::Store> {
        Some(self.fresh().await)
    }
}

struct Idb;

impl Kind for Idb {
    type Store = IdbStore;

    async fn open(name: &str) -> IdbStore {
        let opened = IdbStore::open(name, IdbOptions::default()).await;
        opened.expect("a database opens where the quota is small")
    }

    async fn close(store: IdbStore) -> String {
        let name = store.name().to_owned();
        store.close().await;
        name
    }

    async fn destroy(name: &str) {
        let destroyed = IdbStore::destroy(name).await;
        destroyed.expect("a database can be deleted");
    }
}

struct Opfs;

impl Kind for Opfs {
    type Store = OpfsStore;

    async fn open(name: &str) -> OpfsStore {
        let opened = OpfsStore::open(name, OpfsOptions::default()).await;
        opened.expect("a directory opens where the quota is small")
    }

    async fn close(store: OpfsStore) -> String {
        let path = store.path().to_owned();
        store.close().await;
        path
    }

    async fn destroy(name: &str) {
        let destroyed = OpfsStore::destroy(name).await;
        destroyed.expect("a directory can be removed");
    }
}

/// The report, as an error if a check failed or others were skipped than the one that
/// needs a second handle.
pub(crate) async fn conform(store: &str) -> Result<String, String> {
    match store {
        "idb" => starved::<Idb>().await,
        "opfs" => starved::<Opfs>().await,
        other => Err(format!("there is no store {other:?}")),
    }
}

async fn starved<K: Kind>() -> Result<String, String> {
    let subject = Starved::<K> {
        made: Cell::new(0),
        kind: std::marker::PhantomData,
    };
    let report = conformance(&subject).await;
    let skipped: Vec<&str> = report.skipped.iter().map(|skip| skip.check).collect();
    let text = report.to_string();
    if report.failed.is_empty() && skipped == ["a_second_handle_is_refused_or_fences"] {
        Ok(text)
    } else {
        Err(text)
    }
}
