//! A device that fails while several threads wait for it.

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use tidelog_core::{AppendError, Durability, ErrorKind};

use crate::blocking::wait;
use crate::log::{Setting, append, are_whole, is_kept, read};

/// Threads that append.
const THREADS: u64 = 3;

/// Everybody is told, nobody is told that a lost batch is kept, and nothing more is
/// accepted.
pub(super) fn unknown_outcome() {
    let setting = Setting::new(Durability::Stored);
    setting
        .device
        .fail(thread_rng().gen_range(1..=3), ErrorKind::Unavailable);
    let refused = appended(&setting, |error| matches!(error, AppendError::Poisoned(_)));
    if refused > 0 {
        let after = wait(append(&setting.log, 9, 0, Durability::Stored));
        assert!(matches!(after, Err(AppendError::Poisoned(_))), "{after:?}");
        assert!(
            wait(setting.log.close()).is_err(),
            "what is poisoned cannot be closed well"
        );
        assert!(!setting.device.is_claimed(), "it is given up all the same");
    }
    setting.end();
}

/// A group that has no space is refused, and only that.
pub(super) fn full() {
    let setting = Setting::new(Durability::Stored);
    setting
        .device
        .fail(thread_rng().gen_range(1..=3), ErrorKind::Full);
    appended(&setting, |error| matches!(error, AppendError::Full(_)));
    setting.device.mend();
    wait(append(&setting.log, 9, 0, Durability::Synced)).expect("there is space again");
    let next = setting.log.bounds().next;
    are_whole(&read(&setting.log.reader(), next));
    wait(setting.log.close()).expect("nothing fails any more");
    setting.end();
}

/// How many appends of some threads were refused, each with an error that fits.
fn appended(
    setting: &Setting,
    fits: fn(&AppendError<crate::device::DeviceError>) -> bool,
) -> usize {
    let threads: Vec<_> = (0..THREADS)
        .map(|name| {
            let (log, device) = (setting.log.clone(), setting.device.clone());
            thread::spawn(move || {
                let mut refused = 0;
                for (batch, level) in [(0, Durability::Stored), (1, Durability::Synced)] {
                    match wait(append(&log, name, batch, level)) {
                        Ok(_) => is_kept(&device, name, batch, level),
                        Err(error) => {
                            assert!(fits(&error), "{error}");
                            refused += 1;
                        }
                    }
                }
                refused
            })
        })
        .collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum()
}
