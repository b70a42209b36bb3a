//! Threads that append into memory, while others hand it to the store.

use shuttle::thread;
use tidelog_core::Durability;

use crate::blocking::wait;
use crate::log::{Setting, append, are_whole, is_kept, read};

/// What a handle shows of its own log never goes back, whoever flushes meanwhile.
pub(super) fn buffered() {
    let setting = Setting::new(Durability::Buffered);
    let log = setting.log.clone();
    let appends = thread::spawn(move || {
        let mut seen = 0;
        for batch in 0..3 {
            let level = Durability::Buffered;
            let appended = wait(append(&log, 0, batch, level)).expect("nothing fails here");
            seen = appended.next.max(seen);
            for _ in 0..2 {
                thread::yield_now();
                let next = log.bounds().next;
                assert!(
                    next >= seen,
                    "{next} is below {seen}, which was seen before"
                );
                seen = next;
            }
        }
    });
    let (log, device) = (setting.log.clone(), setting.device.clone());
    let syncs = thread::spawn(move || {
        for _ in 0..2 {
            let durable = wait(log.sync()).expect("nothing fails here");
            assert!(
                log.bounds().durable >= durable,
                "what was synced is durable"
            );
        }
        wait(append(&log, 1, 0, Durability::Synced)).expect("nothing fails here");
        is_kept(&device, 1, 0, Durability::Synced);
    });
    let log = setting.log.clone();
    let flushes = thread::spawn(move || {
        wait(log.flush()).expect("nothing fails here");
    });
    for thread in [appends, syncs, flushes] {
        thread.join().unwrap();
    }
    let next = setting.log.bounds().next;
    assert_eq!(next, 2 * 4);
    are_whole(&read(&setting.log.reader(), next));
    setting.end();
}
