//! What one thread has begun and does not go on with holds up nobody else.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use tidelog_core::{At, Durability, Options, ReadLimits};

use crate::blocking::wait;
use crate::log::{BATCH, Setting, append, offsets};

/// Polls of a future before it is dropped, at most.
const POLLS: u32 = 12;

/// A reader that is in the middle of a read, for as long as it takes, holds nothing that
/// a writer needs to append, delete or rewrite.
pub(super) fn held_reads() {
    let setting = Setting::prepared();
    let (reader, device) = (setting.log.reader(), setting.device.clone());
    let reads = thread::spawn(move || {
        device.hold_reads();
        let batch = wait(reader.read(At::Oldest, ReadLimits::records(64)));
        let batch = batch.expect("what is in bounds can be read");
        assert!(batch.len() > 1, "it read what there was");
    });
    for batch in 0..2 {
        wait(append(&setting.log, 0, batch, Durability::Stored)).expect("nothing fails here");
    }
    wait(setting.log.delete(&[1])).expect("nothing fails here");
    wait(setting.log.maintain(u64::MAX)).expect("nothing fails here");
    wait(append(&setting.log, 0, 2, Durability::Synced)).expect("nothing fails here");
    while !setting.device.has_held() {
        thread::yield_now();
    }
    setting.device.let_go();
    reads.join().unwrap();
    setting.end();
}

/// An append that is given up while it makes the first segment: whoever changes the
/// manifest meanwhile makes nothing visible that a dying process takes with it.
pub(super) fn first_edit() {
    let setting = Setting::new(Durability::Stored);
    let log = setting.log.clone();
    let gives_up = thread::spawn(move || {
        let mut future = pin!(append(&log, 0, 0, Durability::Stored));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..thread_rng().gen_range(0..=POLLS) {
            if let Poll::Ready(outcome) = future.as_mut().poll(&mut context) {
                outcome.expect("nothing fails here");
                break;
            }
            thread::yield_now();
        }
    });
    let options = Options {
        segment_bytes: Some(4096),
        ..Options::default()
    };
    wait(setting.log.configure(&options)).expect("nothing fails here");
    gives_up.join().unwrap();
    wait(setting.log.configure(&options)).expect("nothing fails here");
    let seen = offsets(&setting.log.reader());
    assert!(seen.is_empty() || seen.len() as u64 == BATCH, "{seen:?}");
    let setting = setting.reopened();
    assert_eq!(
        offsets(&setting.log.reader()),
        seen,
        "what was visible is there"
    );
    setting.end();
}
