//! Owns waits that can be given up: a future and the number by which JavaScript
//! names it.

use core::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::future::{AbortHandle, abortable};

/// The waits of one log that have not ended.
#[derive(Default)]
pub struct Follows {
    waiting: RefCell<BTreeMap<u32, AbortHandle>>,
}

impl Follows {
    /// Waits for `wait`, under this number. `None` if it was given up.
    pub async fn wait<F: Future>(&self, number: u32, wait: F) -> Option<F::Output> {
        let (wait, handle) = abortable(wait);
        self.waiting.borrow_mut().insert(number, handle);
        let outcome = wait.await;
        self.waiting.borrow_mut().remove(&number);
        outcome.ok()
    }

    /// Gives up the wait of this number, if it has not ended.
    pub fn cancel(&self, number: u32) {
        if let Some(handle) = self.waiting.borrow().get(&number) {
            handle.abort();
        }
    }
}
