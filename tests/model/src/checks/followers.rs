//! Followers beside appends and a close.

use shuttle::thread;
use tidelog_core::{At, Durability, ReadError, ReadLimits};

use crate::blocking::wait;
use crate::log::{BATCH, Setting, append};

/// Batches that are appended.
const BATCHES: u64 = 3;

/// A follower sees every record once, in order, and ends when the log is closed.
pub(super) fn followers() {
    let setting = Setting::new(Durability::Stored);
    let followers: Vec<_> = (0..2)
        .map(|_| {
            let reader = setting.log.reader();
            thread::spawn(move || {
                let mut next = 0;
                loop {
                    match wait(reader.follow(At::Offset(next), ReadLimits::default())) {
                        Ok(batch) => {
                            for record in batch.records() {
                                assert_eq!(record.offset, next, "offsets are consecutive");
                                next += 1;
                            }
                        }
                        Err(ReadError::Closed) => return next,
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    let reader = setting.log.reader();
    let waits = thread::spawn(move || {
        // The first batch there ever is, or the end.
        match wait(reader.follow(At::Offset(0), ReadLimits::default())) {
            Ok(batch) => assert!(!batch.is_empty(), "woken for nothing"),
            Err(error) => assert!(matches!(error, ReadError::Closed), "{error}"),
        }
    });
    for batch in 0..BATCHES {
        wait(append(&setting.log, 0, batch, Durability::Stored)).expect("nothing fails here");
    }
    wait(setting.log.close()).expect("nothing fails here");
    for follower in followers {
        assert!(follower.join().unwrap() <= BATCH * BATCHES);
    }
    waits.join().unwrap();
    setting.end();
}
