//! Owns taking turns: deleting, trimming and rewriting look at what is live, write
//! blobs, and then change what is live. One of them does so at a time, in the order in
//! which they asked.

use alloc::collections::VecDeque;
use core::future::poll_fn;
use core::task::{Poll, Waker};

use super::drive::Inner;
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

/// Who has a turn, and who waits for one.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Numbers, rising: the first has its turn. Wakers of those who wait.
    queue: VecDeque<(u64, Option<Waker>)>,
    next: u64,
}

impl Turns {
    fn join(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.queue.push_back((number, None));
        number
    }

    fn poll(&mut self, number: u64, waker: &Waker) -> Poll<()> {
        for (place, (own, waiting)) in self.queue.iter_mut().enumerate() {
            if *own == number && place > 0 {
                *waiting = Some(waker.clone());
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    fn leave(&mut self, number: u64) {
        self.queue.retain(|(own, _)| *own != number);
        if let Some(waker) = self
            .queue
            .front_mut()
            .and_then(|(_, waiting)| waiting.take())
        {
            waker.wake();
        }
    }
}

/// The right to change what is live, until it is dropped; or, before that, a place among
/// those who wait for it.
pub(crate) struct Turn<'a, S: BlockStore, P: Sharing> {
    inner: &'a Inner<S, P>,
    number: u64,
}

impl<'a, S: BlockStore, P: Sharing> Turn<'a, S, P> {
    /// Whose turn it is.
    pub(crate) const fn inner(&self) -> &'a Inner<S, P> {
        self.inner
    }
}

impl<S: BlockStore, P: Sharing> Drop for Turn<'_, S, P> {
    fn drop(&mut self) {
        self.inner.turns.write(|turns| turns.leave(self.number));
    }
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    /// Waits until nobody who asked before has a turn.
    pub(crate) async fn turn(&self) -> Turn<'_, S, P> {
        let turn = Turn {
            inner: self,
            number: self.turns.write(Turns::join),
        };
        poll_fn(|cx| {
            self.turns
                .write(|turns| turns.poll(turn.number, cx.waker()))
        })
        .await;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_by_the_order_of_asking_and_places_can_be_given_up() {
        let mut turns = Turns::default();
        let [a, b, c] = [turns.join(), turns.join(), turns.join()];
        let is_due = |number, turns: &mut Turns| turns.poll(number, Waker::noop()).is_ready();
        assert!(is_due(a, &mut turns));
        assert!(!is_due(c, &mut turns) && !is_due(b, &mut turns));
        turns.leave(b);
        assert!(!is_due(c, &mut turns));
        turns.leave(a);
        let d = turns.join();
        assert!(!is_due(d, &mut turns) && is_due(c, &mut turns));
        turns.leave(c);
        assert!(is_due(d, &mut turns));
    }
}
