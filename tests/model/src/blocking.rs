//! Owns waiting as the blocking API does it: the same file, with threads that the
//! checker parks.

mod parking {
    pub(super) use shuttle::sync::atomic::AtomicBool;
    pub(super) use shuttle::thread::{Thread, current, park};
}

#[path = "../../../crates/tidelog/src/blocking/wait.rs"]
mod real;

pub(crate) use real::wait;
