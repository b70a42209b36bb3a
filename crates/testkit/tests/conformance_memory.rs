//! The memory store passes the conformance suite in both lock families, and the
//! suite quotes the contract as it is written.

use std::rc::Rc;
use std::sync::Arc;

use tidelog_core::{Local, MemoryStore, Threads};
use tidelog_testkit::block_on::block_on;
use tidelog_testkit::conformance::{Subject, conformance};

macro_rules! memory {
    ($subject:ident, $pointer:ident, $sharing:ty) => {
        struct $subject;

        impl Subject for $subject {
            type Store = $pointer<MemoryStore<$sharing>>;

            async fn fresh(&self) -> Self::Store {
                $pointer::default()
            }

            async fn reopen(&self, store: Self::Store) -> Self::Store {
                store
            }

            async fn beside(&self, store: &Self::Store) -> Option<Self::Store> {
                Some($pointer::clone(store))
            }

            async fn limited(&self) -> Option<Self::Store> {
                Some($pointer::new(MemoryStore::with_capacity(1 << 20)))
            }
        }
    };
}

memory!(OneThread, Rc, Local);
memory!(ManyThreads, Arc, Threads);

#[test]
fn memory_of_one_thread_conforms() {
    block_on(conformance(&OneThread)).expect(&[]);
}

#[test]
fn memory_of_many_threads_conforms() {
    block_on(conformance(&ManyThreads)).expect(&[]);
}

#[test]
fn every_check_quotes_the_contract() {
    let written = include_str!("../../core/src/store/mod.rs");
    let contract = written
        .split_whitespace()
        .filter(|word| *word != "///")
        .collect::<Vec<_>>()
        .join(" ");
    for sentence in block_on(conformance(&OneThread)).sentences() {
        assert!(
            contract.contains(sentence),
            "the contract does not say \"{sentence}\""
        );
    }
}
