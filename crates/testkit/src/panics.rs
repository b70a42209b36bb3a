//! Owns how a panic of an engine becomes a failure like any other.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

static QUIET: Once = Once::new();

/// Runs `judge`; a panic in it is an error that names its place.
pub(crate) fn caught<T>(judge: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    QUIET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let inside = LAST.with_borrow_mut(|last| match last {
                Some(last) => {
                    *last = info.to_string();
                    true
                }
                None => false,
            });
            if !inside {
                before(info);
            }
        }));
    });
    LAST.set(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(judge));
    let message = LAST.take().unwrap_or_default();
    result.unwrap_or_else(|_| Err(message.replace('\n', " ")))
}
