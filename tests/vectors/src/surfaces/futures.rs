//! Owns driving futures from a script: those that end at once, and those that wait.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::process::Wait;
use crate::answer::Batch;
use crate::surface::Outcome;

/// What a future came to that must end at its first poll: the stores here never wait,
/// and a script does one thing at a time.
///
/// # Panics
/// When it waits all the same.
pub fn now<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an operation waits although nothing else goes on"),
    }
}

/// A future that a script began and did not wait for.
pub struct Polled<T> {
    future: Pin<Box<dyn Future<Output = Outcome<T>>>>,
    woken: Arc<Woken>,
    ended: Option<Outcome<T>>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl<T> Polled<T> {
    /// Begins it.
    pub fn begin(future: impl Future<Output = Outcome<T>> + 'static) -> Self {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let mut wait = Self {
            future: Box::pin(future),
            woken,
            ended: None,
        };
        wait.turn();
        wait
    }

    /// Polls it if it was woken: a waker that is forgotten must not go unseen.
    fn turn(&mut self) {
        while self.ended.is_none() && self.woken.0.swap(false, Ordering::Acquire) {
            let waker = Waker::from(Arc::clone(&self.woken));
            let mut context = Context::from_waker(&waker);
            if let Poll::Ready(outcome) = self.future.as_mut().poll(&mut context) {
                self.ended = Some(outcome);
            }
        }
    }
}

impl Wait for Polled<Batch> {
    fn is_pending(&mut self) -> bool {
        self.turn();
        self.ended.is_none()
    }

    fn outcome(mut self) -> Option<Outcome<Batch>> {
        self.turn();
        self.ended
    }
}
