//! Threads that append at one time.

use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::thread;
use tidelog_core::{Appended, Durability, MemoryStore, Options};

use crate::blocking::wait;
use crate::log::{BATCH, Setting, append, are_consecutive, are_whole, is_kept, open, read};
use crate::sharing::Modelled;

/// Batches of each thread.
const BATCHES: u64 = 2;

/// Three threads, all at the same level.
pub(super) fn appends() {
    run(&[Durability::Stored; 3]);
}

/// Threads that ask for different levels share commits.
pub(super) fn mixed_levels() {
    run(&[Durability::Synced, Durability::Stored, Durability::Synced]);
}

/// So little that every schedule can be gone through: the store answers at once.
pub(super) fn two_appends() {
    let store = Arc::new(MemoryStore::<Modelled>::new());
    let log = open(store, Options::default());
    let first = block_on(append(&log, 0, 0, Durability::Stored)).expect("no error");
    let other = log.clone();
    // A parked thread may be woken for no reason, again and again, which makes the
    // schedules endless; one that the checker blocks may not.
    let other = thread::spawn(move || {
        block_on(append(&other, 1, 0, Durability::Stored)).expect("no error")
    });
    let here = block_on(append(&log, 0, 1, Durability::Stored)).expect("no error");
    are_consecutive(vec![first, here, other.join().expect("no panic")]);
    assert_eq!(log.reader().bounds().next, 3 * BATCH);
}

fn run(levels: &[Durability]) {
    let setting = Setting::new(Durability::Stored);
    let threads: Vec<_> = (0..)
        .zip(levels)
        .map(|(name, level)| {
            let (log, device, level) = (setting.log.clone(), setting.device.clone(), *level);
            thread::spawn(move || -> Vec<Appended> {
                let mut appended = Vec::new();
                for batch in 0..BATCHES {
                    let one = wait(append(&log, name, batch, level)).expect("nothing fails here");
                    is_kept(&device, name, batch, level);
                    assert!(
                        log.bounds().next >= one.next,
                        "a thread sees its own records"
                    );
                    appended.push(one);
                }
                appended
            })
        })
        .collect();
    let appended: Vec<Appended> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    let next = setting.log.bounds().next;
    let values = read(&setting.log.reader(), next);
    assert_eq!(values.len() as u64, 2 * BATCHES * levels.len() as u64);
    are_whole(&values);
    are_consecutive(appended);
    wait(setting.log.close()).expect("nothing fails here");
    assert!(!setting.device.is_claimed(), "closing gives the claim back");
    setting.end();
}
