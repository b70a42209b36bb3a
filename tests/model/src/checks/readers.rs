//! Readers beside appends.

use shuttle::thread;
use tidelog_core::Durability;

use crate::blocking::wait;
use crate::device::Device;
use crate::log::{BATCH, ModelledReader, Setting, append, are_whole, batch_of, read};

/// Looks of each reader at the log.
const LOOKS: usize = 4;

/// What a reader sees is whole, is with the store, and never goes back.
pub(super) fn readers() {
    let setting = Setting::new(Durability::Stored);
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (reader, device) = (setting.log.reader(), setting.device.clone());
            thread::spawn(move || look(&reader, &device))
        })
        .collect();
    let log = setting.log.clone();
    let syncs = thread::spawn(move || {
        wait(append(&log, 1, 0, Durability::Synced)).expect("nothing fails here");
    });
    for batch in 0..2 {
        wait(append(&setting.log, 0, batch, Durability::Stored)).expect("nothing fails here");
    }
    for thread in readers.into_iter().chain([syncs]) {
        thread.join().unwrap();
    }
    setting.end();
}

fn look(reader: &ModelledReader, device: &Device) {
    let (mut next, mut durable) = (0, 0);
    for _ in 0..LOOKS {
        let bounds = reader.bounds();
        assert!(
            bounds.next >= next && bounds.durable >= durable,
            "bounds went back: {bounds:?}"
        );
        assert!(bounds.durable <= bounds.next, "{bounds:?}");
        assert_eq!(bounds.oldest, 0, "nothing is removed");
        assert_eq!(bounds.next % BATCH, 0, "a batch in one piece");
        (next, durable) = (bounds.next, bounds.durable);
        let values = read(reader, next);
        assert_eq!(values.len() as u64, next, "what is in bounds can be read");
        are_whole(&values);
        for (offset, value) in (0..).zip(&values) {
            let kept = device.has(value);
            let enough = if offset < durable {
                kept == Some(Durability::Synced)
            } else {
                kept.is_some()
            };
            let batch = batch_of(value);
            assert!(
                enough,
                "{batch:?} at {offset} is visible, the device has {kept:?}, {bounds:?}"
            );
        }
        thread::yield_now();
    }
}
