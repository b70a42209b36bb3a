//! Owns how long a thread waits for records: until when, and who may end it sooner.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{park, park_timeout};
use std::time::{Duration, Instant};

use super::wait::Parked;

/// Ends waits of other threads. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Mutex<Cancelling>>);

#[derive(Debug, Default)]
struct Cancelling {
    cancelled: bool,
    waiting: Vec<Weak<Parked>>,
}

impl Cancel {
    /// Ends every wait that it was given to, now and later.
    pub fn cancel(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.cancelled = true;
        for parked in state.waiting.drain(..).filter_map(|weak| weak.upgrade()) {
            parked.wake();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.cancelled
    }

    /// Wakes this thread when the time comes.
    fn wakes(&self, parked: &Arc<Parked>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.retain(|weak| weak.strong_count() > 0);
        state.waiting.push(Arc::downgrade(parked));
    }
}

/// How long to wait for records: for ever, unless it is told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience<'a> {
    deadline: Option<Instant>,
    cancel: Option<&'a Cancel>,
}

impl<'a> Patience<'a> {
    /// Until this moment.
    #[must_use]
    pub const fn until(deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            cancel: None,
        }
    }

    /// For this long from now on.
    #[must_use]
    pub fn lasting(span: Duration) -> Self {
        Self {
            // What lies beyond the clock is never.
            deadline: Instant::now().checked_add(span),
            cancel: None,
        }
    }

    /// At most until somebody cancels.
    #[must_use]
    pub const fn unless(self, cancel: &'a Cancel) -> Self {
        Self {
            cancel: Some(cancel),
            ..self
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(Cancel::is_cancelled)
    }

    /// Runs `future` to its end, or drops it when patience ends: `None`. What is there
    /// at once is there without patience too.
    pub(super) fn wait<F: Future>(self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let parked = Arc::new(Parked::here());
        if let Some(cancel) = self.cancel {
            cancel.wakes(&parked);
        }
        let waker = Waker::from(Arc::clone(&parked));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Some(output);
            }
            if self.is_cancelled() {
                return None;
            }
            while !parked.was_woken() {
                match self
                    .deadline
                    .map(|at| at.saturating_duration_since(Instant::now()))
                {
                    None => park(),
                    Some(Duration::ZERO) => return None,
                    Some(left) => park_timeout(left),
                }
            }
        }
    }
}
