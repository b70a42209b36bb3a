//! Owns the operations in flight: each runs to its end whoever waits for it, those on
//! one blob one after the other in the order in which they were called. May not know
//! what they do.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tidelog_core::{BlobId, LogId};
use wasm_bindgen_futures::spawn_local;

use super::error::WebError;

/// Every operation of one store that has not ended.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    queues: RefCell<BTreeMap<BlobId, Queue>>,
}

/// The operations on one blob.
#[derive(Debug, Default)]
struct Queue {
    /// How many were called, and how many of them ended.
    called: u64,
    ended: u64,
    /// The failure of one that nobody waited for any more.
    abandoned: Option<WebError>,
    waiting: Vec<Waker>,
}

/// How an operation ended, until somebody takes it.
#[derive(Debug)]
struct Landing<T> {
    outcome: Option<Result<T, WebError>>,
    waiting: Option<Waker>,
    /// The one who waited has gone.
    left: bool,
}

/// Waits for an operation that runs by itself.
struct Passenger<T> {
    flights: Rc<Flights>,
    blobs: Vec<BlobId>,
    landing: Rc<RefCell<Landing<T>>>,
}

impl Flights {
    /// Runs `work` once everything called before it on `blobs` has ended. It runs to
    /// its end even if the future is dropped; [`settle`](Self::settle) then tells of
    /// its failure.
    pub(crate) async fn run<T: 'static>(
        self: &Rc<Self>,
        blobs: &[BlobId],
        work: impl Future<Output = Result<T, WebError>> + 'static,
    ) -> Result<T, WebError> {
        let places = self.enter(blobs);
        let landing = Rc::new(RefCell::new(Landing {
            outcome: None,
            waiting: None,
            left: false,
        }));
        let passenger = Passenger {
            flights: Rc::clone(self),
            blobs: places.iter().map(|(blob, _)| *blob).collect(),
            landing: Rc::clone(&landing),
        };
        let flights = Rc::clone(self);
        spawn_local(async move {
            for (blob, place) in &places {
                flights.turn(*blob, *place).await;
            }
            let outcome = work.await;
            let mut landing = landing.borrow_mut();
            match outcome {
                Err(error) if landing.left => flights.abandon(&places, &error),
                outcome => landing.outcome = Some(outcome),
            }
            flights.leave(&places);
            if let Some(waker) = landing.waiting.take() {
                waker.wake();
            }
        });
        passenger.await
    }

    /// Waits until nothing called so far on `blob` is in flight.
    pub(crate) async fn landed(&self, blob: BlobId) {
        let called = self.queues.borrow().get(&blob).map(|queue| queue.called);
        if let Some(called) = called {
            self.turn(blob, called).await;
        }
    }

    /// Waits as [`landed`](Self::landed) does, and tells of an abandoned failure, once.
    pub(crate) async fn settle(&self, blob: BlobId) -> Result<(), WebError> {
        self.landed(blob).await;
        let mut queues = self.queues.borrow_mut();
        match queues
            .get_mut(&blob)
            .and_then(|queue| queue.abandoned.take())
        {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Waits until nothing is in flight at all.
    pub(crate) async fn all_landed(&self) {
        let blobs: Vec<BlobId> = self.queues.borrow().keys().copied().collect();
        for blob in blobs {
            self.landed(blob).await;
        }
    }

    /// Forgets the quiet queues of `log`.
    pub(crate) fn forget(&self, log: LogId) {
        let mut queues = self.queues.borrow_mut();
        queues.retain(|blob, queue| blob.log != log || queue.called != queue.ended);
    }

    fn enter(&self, blobs: &[BlobId]) -> Vec<(BlobId, u64)> {
        let mut blobs = blobs.to_vec();
        blobs.sort_unstable();
        blobs.dedup();
        let mut queues = self.queues.borrow_mut();
        blobs
            .into_iter()
            .map(|blob| {
                let queue = queues.entry(blob).or_default();
                queue.called += 1;
                (blob, queue.called - 1)
            })
            .collect()
    }

    fn turn(&self, blob: BlobId, place: u64) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            let mut queues = self.queues.borrow_mut();
            match queues.get_mut(&blob) {
                Some(queue) if queue.ended < place => {
                    queue.waiting.push(context.waker().clone());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        })
    }

    fn leave(&self, places: &[(BlobId, u64)]) {
        let mut woken = Vec::new();
        for (blob, _) in places {
            if let Some(queue) = self.queues.borrow_mut().get_mut(blob) {
                queue.ended += 1;
                woken.append(&mut queue.waiting);
            }
        }
        for waker in woken {
            waker.wake();
        }
    }

    fn abandon(&self, places: &[(BlobId, u64)], error: &WebError) {
        let mut queues = self.queues.borrow_mut();
        for (blob, _) in places {
            if let Some(queue) = queues.get_mut(blob) {
                queue.abandoned = Some(error.clone());
            }
        }
    }
}

impl<T> Future for Passenger<T> {
    type Output = Result<T, WebError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut landing = self.landing.borrow_mut();
        match landing.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                landing.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Passenger<T> {
    fn drop(&mut self) {
        let mut landing = self.landing.borrow_mut();
        landing.left = true;
        // It ended, and nobody has heard of it yet.
        if let Some(Err(error)) = landing.outcome.take() {
            let places: Vec<_> = self.blobs.iter().map(|blob| (*blob, 0)).collect();
            self.flights.abandon(&places, &error);
        }
    }
}
