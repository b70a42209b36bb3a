//! Appends beside a close.

use shuttle::thread;
use tidelog_core::{AppendError, Durability};

use crate::blocking::wait;
use crate::log::{Setting, append, is_kept};

/// Each append is refused, or is kept as well as everything before a close.
pub(super) fn closing() {
    let setting = Setting::new(Durability::Stored);
    let appends: Vec<_> = (0..2)
        .map(|name| {
            let (log, device) = (setting.log.clone(), setting.device.clone());
            thread::spawn(move || {
                let mut kept = Vec::new();
                for batch in 0..2 {
                    match wait(append(&log, name, batch, Durability::Stored)) {
                        Ok(_) => {
                            is_kept(&device, name, batch, Durability::Stored);
                            kept.push((name, batch));
                        }
                        Err(AppendError::Closed) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                kept
            })
        })
        .collect();
    let log = setting.log.clone();
    let closes = thread::spawn(move || wait(log.close()).expect("closing twice is no error"));
    wait(setting.log.close()).expect("nothing fails here");
    assert!(!setting.device.is_claimed(), "closing gives the claim back");
    closes.join().unwrap();
    for thread in appends {
        for (name, batch) in thread.join().unwrap() {
            is_kept(&setting.device, name, batch, Durability::Synced);
        }
    }
    setting.end();
}
