//! The simulated store passes the conformance suite, and every fault, tear and
//! loss it can be asked for happens.

use std::collections::BTreeSet;

use tidelog_core::{BlobId, BlobKind, BlockStore, Bytes, ErrorKind, LogId, StoreError};

use super::{
    Claims, Crashes, Cut, Disk, Effect, Fault, Landed, Listing, Machine, Operation, Setup,
    SimStore, Stuck, Window, run,
};
use crate::conformance::{Subject, conformance};

const BLOB: BlobId = segment(1);

const fn segment(number: u64) -> BlobId {
    BlobId {
        log: LogId(1),
        kind: BlobKind::Segment,
        number,
    }
}

struct Simulated {
    setup: Setup,
}

impl Subject for Simulated {
    type Store = SimStore;

    async fn fresh(&self) -> SimStore {
        Machine::new(self.setup.clone(), 1).process()
    }

    async fn reopen(&self, store: SimStore) -> SimStore {
        store.machine().process()
    }

    async fn beside(&self, store: &SimStore) -> Option<SimStore> {
        Some(store.machine().process())
    }

    async fn limited(&self) -> Option<SimStore> {
        let setup = Setup {
            capacity: 1 << 20,
            ..self.setup.clone()
        };
        Some(Machine::new(setup, 1).process())
    }
}

#[test]
fn passes_the_conformance_suite() {
    for claims in [Claims::Locks, Claims::Epochs] {
        let setup = Setup {
            claims,
            ..Setup::default()
        };
        let report = run(
            &Machine::new(Setup::default(), 0),
            conformance(&Simulated { setup }),
        );
        report.unwrap().expect(&[]);
    }
}

/// Plays `play` on a machine, at the pace given.
fn on<T>(setup: Setup, play: impl AsyncFnOnce(SimStore) -> T) -> (Machine, T) {
    let machine = Machine::new(setup, 1);
    let output = run(&machine, play(machine.process())).unwrap();
    (machine, output)
}

async fn write(store: &SimStore, position: u64, bytes: &[u8]) -> Result<(), ErrorKind> {
    let appended = store
        .append(BLOB, position, Bytes::from(bytes.to_vec()))
        .await;
    appended.map_err(|error| error.kind())
}

/// What each crash may leave of [`BLOB`].
fn left(disk: &Disk, cut: Cut, radius: u32) -> BTreeSet<Option<Vec<u8>>> {
    let crashes = Crashes::new(disk, cut, false, radius);
    (0..crashes.len())
        .map(|number| {
            let crashed = crashes.get(number);
            assert_eq!(crashed.digest, crashed.disk.digest(), "outcome {number}");
            crashed.disk.visible(BLOB).map(<[u8]>::to_vec)
        })
        .collect()
}

fn has(left: &BTreeSet<Option<Vec<u8>>>, bytes: &[u8]) -> bool {
    left.contains(&Some(bytes.to_vec()))
}

#[test]
fn a_power_cut_takes_any_part_of_what_was_not_synced() {
    let (machine, ()) = on(Setup::default(), async |store| {
        write(&store, 0, b"synced").await.unwrap();
        store.sync(&[BLOB]).await.unwrap();
        write(&store, 6, b"AB").await.unwrap();
        write(&store, 8, b"CD").await.unwrap();
    });
    let left = left(&machine.disk(), Cut::Power, 0);
    assert!(has(&left, b"syncedABCD"));
    assert!(has(&left, b"syncedAB"));
    assert!(has(&left, b"synced"));
    // The second without the first, torn ones, and lengths without content.
    assert!(has(&left, b"synced\0\0CD"));
    assert!(has(&left, b"syncedABC"));
    assert!(has(&left, b"syncedABC\xFF"));
    assert!(has(&left, b"syncedAB\0\0"));
    assert!(has(&left, b"syncedABCe"), "no stale bytes in {left:?}");
    assert!(
        left.iter()
            .flatten()
            .all(|bytes| bytes.starts_with(b"synced"))
    );
    assert_eq!(
        machine.disk().only_durable().visible(BLOB),
        Some(&b"synced"[..])
    );
}

#[test]
fn a_new_blob_may_be_missing_until_it_is_synced() {
    let (machine, ()) = on(Setup::default(), async |store| {
        write(&store, 0, b"new").await.unwrap();
    });
    let left = left(&machine.disk(), Cut::Power, 0);
    assert!(left.contains(&None));
    assert!(has(&left, b""));
    assert!(has(&left, b"new"));
}

#[test]
fn a_removed_blob_may_reappear_until_removals_are_synced() {
    let (machine, ()) = on(Setup::default(), async |store| {
        write(&store, 0, b"old").await.unwrap();
        store.sync(&[BLOB]).await.unwrap();
        store.remove(BLOB).await.unwrap();
    });
    assert_eq!(machine.disk().visible(BLOB), None);
    let before = left(&machine.disk(), Cut::Power, 0);
    assert!(before.contains(&None) && has(&before, b"old"));
    run(&machine, machine.process().sync_removals(LogId(1)))
        .unwrap()
        .unwrap();
    let after = left(&machine.disk(), Cut::Power, 0);
    assert_eq!(after, BTreeSet::from([None]));
}

#[test]
fn a_kill_takes_only_what_is_in_flight() {
    let setup = Setup {
        pace: 4,
        ..Setup::default()
    };
    let machine = Machine::new(setup, 3);
    let store = machine.process();
    run(&machine, write(&store, 0, b"done")).unwrap().unwrap();
    // Polled once, and never again.
    let mut seen = BTreeSet::new();
    for position in [4, 6, 8] {
        let flying = std::pin::pin!(write(&store, position, b"!?"));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = flying.poll(&mut context);
        seen = left(&machine.disk(), Cut::Kill, 0);
    }
    assert!(seen.len() > 3, "{seen:?}");
    assert!(
        seen.iter()
            .flatten()
            .all(|bytes| bytes.starts_with(b"done"))
    );
}

#[test]
fn damage_reaches_as_far_as_the_radius() {
    let (machine, ()) = on(Setup::default(), async |store| {
        write(&store, 0, &[b's'; 600]).await.unwrap();
        store.sync(&[BLOB]).await.unwrap();
        write(&store, 600, b"new").await.unwrap();
    });
    let left = left(&machine.disk(), Cut::Power, 512);
    let damaged = |at: usize| left.iter().flatten().any(|bytes| bytes[at] != b's');
    assert!(damaged(512) && damaged(599));
    assert!(!damaged(511));
}

#[test]
fn a_failed_sync_may_give_up_what_it_was_to_cover() {
    for (window, survives) in [(Window::Kept, true), (Window::Dropped, false)] {
        let setup = Setup {
            faults: vec![Fault::once(Operation::Sync, 0, Effect::SyncFails(window))],
            ..Setup::default()
        };
        let (machine, ()) = on(setup, async |store| {
            write(&store, 0, b"bytes").await.unwrap();
            let failed = store.sync(&[BLOB]).await.unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::Unavailable);
            store.sync(&[BLOB]).await.unwrap();
        });
        assert_eq!(machine.disk().visible(BLOB), Some(&b"bytes"[..]));
        let durable = machine.disk().only_durable();
        assert_eq!(durable.visible(BLOB).is_some(), survives, "{window:?}");
    }
}

#[test]
fn a_lying_sync_changes_nothing() {
    let setup = Setup {
        faults: vec![Fault::for_ever(Operation::Sync, 0, Effect::SyncLies)],
        ..Setup::default()
    };
    let (machine, ()) = on(setup, async |store| {
        write(&store, 0, b"bytes").await.unwrap();
        store.sync(&[BLOB]).await.unwrap();
    });
    assert_eq!(machine.disk().only_durable().visible(BLOB), None);
}

#[test]
fn failed_appends_land_as_told() {
    let outcomes = [
        (Effect::Fails(Landed::Nothing), ErrorKind::Unavailable, None),
        (
            Effect::Fails(Landed::Half),
            ErrorKind::Unavailable,
            Some(&b"by"[..]),
        ),
        (
            Effect::Full(Landed::Whole),
            ErrorKind::Full,
            Some(&b"byte"[..]),
        ),
    ];
    for (effect, kind, landed) in outcomes {
        let setup = Setup {
            faults: vec![Fault::once(Operation::Append, 0, effect)],
            ..Setup::default()
        };
        let (machine, outcome) = on(setup, async |store| write(&store, 0, b"byte").await);
        assert_eq!(outcome, Err(kind));
        assert_eq!(machine.disk().visible(BLOB), landed);
    }
}

#[test]
fn a_blob_takes_no_more_than_the_geometry_allows() {
    let mut setup = Setup::default();
    setup.geometry.appends_max = 2;
    setup.geometry.longest_blob = 6;
    let (_, outcomes) = on(setup, async |store| {
        let long = write(&store, 0, b"1234567").await;
        let first = write(&store, 0, b"12").await;
        let second = write(&store, 2, b"34").await;
        (long, first, second, write(&store, 4, b"56").await)
    });
    let refused = Err(ErrorKind::TooLarge);
    assert_eq!(outcomes, (refused, Ok(()), Ok(()), refused));
}

#[test]
fn reads_fail_and_lie_as_told() {
    let read = |effect| {
        let setup = Setup {
            faults: vec![Fault::once(Operation::Read, 0, effect)],
            ..Setup::default()
        };
        let (_, outcome) = on(setup, async |store| {
            write(&store, 0, b"0123").await.unwrap();
            let mut bytes = [0; 2];
            let read = store.read(BLOB, 1, &mut bytes).await;
            read.map(|()| bytes)
                .map_err(|error| (error.kind(), error.available()))
        });
        outcome
    };
    assert_eq!(read(Effect::ReadFlipped(9)), Ok([b'1', b'2' ^ 2]));
    assert_eq!(read(Effect::ReadZero), Ok([0, 0]));
    assert_eq!(
        read(Effect::ReadShort),
        Err((ErrorKind::OutOfRange, Some(1)))
    );
    assert_eq!(
        read(Effect::Fails(Landed::Nothing)),
        Err((ErrorKind::Unavailable, None))
    );
}

#[test]
fn listings_are_hints() {
    let list = |listing| {
        let disk = Disk::holding([(segment(1), vec![1]), (segment(2), vec![2])]);
        let setup = Setup {
            listing,
            ..Setup::default()
        };
        let machine = Machine::with_disk(disk, setup, 1);
        let store = machine.process();
        let listed = run(&machine, store.list(LogId(1))).unwrap().unwrap();
        let numbers: Vec<u64> = listed.iter().map(|id| id.number).collect();
        numbers
    };
    assert_eq!(list(Listing::Honest), [1, 2]);
    assert_eq!(list(Listing::Backwards), [2, 1]);
    assert_eq!(list(Listing::Doubled), [1, 1, 2, 2]);
    assert_eq!(list(Listing::LastLost), [1]);
    assert!(list(Listing::Ghosts).contains(&3));
}

#[test]
fn the_newest_claim_fences_older_writers() {
    let setup = Setup {
        claims: Claims::Epochs,
        ..Setup::default()
    };
    let machine = Machine::new(setup, 1);
    let (old, new) = (machine.process(), machine.process());
    let fenced = run(&machine, async {
        let first = old.claim(LogId(1), 1).await.unwrap();
        write(&old, 0, b"old").await.unwrap();
        let second = new.claim(LogId(1), 1).await.unwrap();
        assert!(second > first);
        let append = write(&old, 3, b"more").await.unwrap_err();
        let sync = old.sync(&[BLOB]).await.unwrap_err().kind();
        let remove = old.remove(BLOB).await.unwrap_err().kind();
        [append, sync, remove]
    });
    assert_eq!(fenced.unwrap(), [ErrorKind::Fenced; 3]);
    assert!(machine.disk().visible(BLOB).is_some());
}

#[test]
fn nothing_of_a_killed_process_reaches_the_disk() {
    let machine = Machine::new(Setup::default(), 1);
    let store = machine.process();
    machine.kill(&store);
    let outcome = run(&machine, write(&store, 0, b"late")).unwrap();
    assert_eq!(outcome, Err(ErrorKind::Unavailable));
    assert_eq!(machine.disk().visible(BLOB), None);
}

#[test]
fn a_number_that_is_used_twice_is_noticed() {
    let (machine, ()) = on(Setup::default(), async |store| {
        write(&store, 0, b"first").await.unwrap();
        store.remove(BLOB).await.unwrap();
    });
    assert_eq!(machine.behaved(), Ok(()));
    let again = run(&machine, write(&machine.process(), 0, b"second"));
    again.unwrap().unwrap();
    assert!(machine.behaved().unwrap_err().contains("created twice"));
}

#[test]
fn an_engine_that_comes_to_no_end_is_noticed() {
    let setup = Setup {
        operations_max: 3,
        ..Setup::default()
    };
    let (machine, reads) = on(setup, async |store| {
        let mut reads = 0;
        while store.list(LogId(1)).await.is_ok() {
            reads += 1;
        }
        reads
    });
    assert_eq!(reads, 3);
    assert!(machine.behaved().unwrap_err().contains("after the other"));
}

#[test]
fn a_lost_wake_up_is_noticed() {
    let machine = Machine::new(Setup::default(), 1);
    let forgetful = std::future::poll_fn::<(), _>(|_| std::task::Poll::Pending);
    assert_eq!(run(&machine, forgetful), Err(Stuck::Asleep));
}

#[test]
fn a_seed_repeats_a_run() {
    let digest = |seed| {
        let setup = Setup {
            pace: 3,
            ..Setup::default()
        };
        let machine = Machine::new(setup, seed);
        let store = machine.process();
        let killed = run(&machine, async {
            write(&store, 0, &[1; 64]).await.unwrap();
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            for step in 1..8 {
                let bytes = [step as u8; 64];
                let flying = std::pin::pin!(write(&store, step * 64, &bytes));
                let _ = flying.poll(&mut context);
            }
            machine.kill(&store);
        });
        killed.unwrap();
        machine.disk().digest()
    };
    assert_eq!(digest(5), digest(5));
    assert!((0..8).any(|seed| digest(seed) != digest(5)));
}
