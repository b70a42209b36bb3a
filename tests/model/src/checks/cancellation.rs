//! Futures that are dropped at any of their awaits.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use tidelog_core::Durability;

use crate::blocking::wait;
use crate::log::{BATCH, Setting, append, are_whole, is_kept, read};

/// Polls of a future before it is dropped, at most.
const POLLS: u32 = 5;

/// A dropped append neither cancels nor poisons: whoever waits drives on.
pub(super) fn cancellation() {
    let setting = Setting::new(Durability::Stored);
    let dropping: Vec<_> = [(0, Durability::Stored), (1, Durability::Synced)]
        .into_iter()
        .map(|(name, level)| {
            let log = setting.log.clone();
            thread::spawn(move || {
                let mut future = pin!(append(&log, name, 0, level));
                let mut context = Context::from_waker(Waker::noop());
                for _ in 0..thread_rng().gen_range(0..=POLLS) {
                    if let Poll::Ready(outcome) = future.as_mut().poll(&mut context) {
                        outcome.expect("nothing fails here");
                        break;
                    }
                    thread::yield_now();
                }
            })
        })
        .collect();
    let staying: Vec<_> = [(2, Durability::Stored), (3, Durability::Synced)]
        .into_iter()
        .map(|(name, level)| {
            let (log, device) = (setting.log.clone(), setting.device.clone());
            thread::spawn(move || {
                wait(append(&log, name, 0, level)).expect("nothing fails here");
                is_kept(&device, name, 0, level);
            })
        })
        .collect();
    for thread in dropping.into_iter().chain(staying) {
        thread.join().unwrap();
    }
    wait(append(&setting.log, 4, 0, Durability::Synced)).expect("nothing fails here");
    is_kept(&setting.device, 4, 0, Durability::Synced);
    let next = setting.log.bounds().next;
    assert!((3 * BATCH..=5 * BATCH).contains(&next), "{next} records");
    are_whole(&read(&setting.log.reader(), next));
    wait(setting.log.close()).expect("nothing fails here");
    setting.end();
}
