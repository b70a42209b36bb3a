//! Owns waiting for a future on the calling thread.
//!
//! A synchronous store answers an operation within its first poll, so most calls
//! never get beyond that. A second poll is needed only while another thread
//! leads the commit this one waits for: the thread then parks until it is woken,
//! and polls, which is also how it takes the lead when its turn comes.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Wake, Waker};

use super::parking::{AtomicBool, Thread, current, park};

/// Runs `future` to its end.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    // A wake-up that this waker swallows is made up for by the poll that follows.
    if let Poll::Ready(output) = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        return output;
    }
    let parked = Arc::new(Parked::here());
    let waker = Waker::from(Arc::clone(&parked));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        while !parked.was_woken() {
            park();
        }
    }
}

/// A thread that waits. The flag is needed because whatever the future calls may
/// park on its own account and use up the token of an `unpark`.
pub(super) struct Parked {
    thread: Thread,
    woken: AtomicBool,
}

impl Parked {
    /// The calling thread.
    pub(super) fn here() -> Self {
        Self {
            thread: current(),
            woken: AtomicBool::new(false),
        }
    }

    /// Whether somebody woke it since this was last asked.
    pub(super) fn was_woken(&self) -> bool {
        self.woken.swap(false, Ordering::Acquire)
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_ready_needs_no_waker() {
        let mut polls = 0;
        let ready = std::future::poll_fn(|context| {
            polls += 1;
            // The one that does nothing has nothing to point to.
            assert!(context.waker().data().is_null());
            Poll::Ready(polls)
        });
        assert_eq!(wait(ready), 1);
    }

    #[test]
    fn the_thread_parks_until_another_one_wakes_it() {
        let (hand_over, handed) = mpsc::channel::<Waker>();
        let other = thread::spawn(move || {
            let waker = handed.recv().unwrap();
            thread::sleep(Duration::from_millis(20));
            waker.wake();
        });
        let mut polls = 0;
        wait(std::future::poll_fn(|context| {
            polls += 1;
            match polls {
                1 => Poll::Pending,
                2 => {
                    hand_over.send(context.waker().clone()).unwrap();
                    // Uses up an unpark that came early, as a store might.
                    thread::park_timeout(Duration::from_millis(100));
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        }));
        assert_eq!(polls, 3);
        other.join().unwrap();
    }
}
