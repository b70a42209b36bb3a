//! Owns performing what the writer asks for, and waiting for it.
//!
//! # Cancellation
//!
//! The commit in flight belongs to the log. One waiter at a time drives it; when
//! its future is dropped, the operation it had begun runs to its end, and the next
//! waiter settles it and goes on.

use alloc::sync::Arc;
use core::future::poll_fn;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Poll;

use super::cache::Cache;
use super::commit::Io;
use super::error::Failure;
use super::keys::KeyTables;
use super::snapshot::{Published, Snapshot};
use super::turn::Turns;
use super::waiters::Goal;
use super::writer::Writer;
use crate::LogId;
use crate::planted::{Bug, planted};
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

/// What all handles of one opened log share.
pub(crate) struct Inner<S: BlockStore, P: Sharing> {
    pub(crate) store: S,
    pub(crate) log: LogId,
    /// `None` in a handle that only reads.
    pub(crate) writer: Option<P::Cell<Writer<S::Error>>>,
    pub(crate) published: P::Cell<Published>,
    pub(crate) cache: Cache<P>,
    /// Where readers find keys that are in no footer yet.
    pub(crate) tables: P::Cell<KeyTables>,
    /// Who may change what is live, beside the writer.
    pub(crate) turns: P::Cell<Turns>,
    /// The writer holds records that are in no published picture.
    pub(crate) ahead: AtomicBool,
    /// Somebody waits for records that may be in no published picture. Set before they
    /// look into the writer, and looked at by whoever holds it.
    pub(crate) followed: AtomicBool,
}

/// A waiter's place in the slab, given up when it is dropped.
pub(crate) struct Waiting<'a, S: BlockStore, P: Sharing> {
    inner: &'a Inner<S, P>,
    key: usize,
}

impl<S: BlockStore, P: Sharing> Drop for Waiting<'_, S, P> {
    fn drop(&mut self) {
        if let Some(writer) = &self.inner.writer {
            writer.write(|writer| writer.waiters.remove(self.key));
        }
    }
}

/// The right to perform store operations, handed on when it is dropped.
struct Driving<'a, S: BlockStore, P: Sharing> {
    inner: &'a Inner<S, P>,
    /// It was handed on already.
    over: bool,
}

impl<S: BlockStore, P: Sharing> Drop for Driving<'_, S, P> {
    fn drop(&mut self) {
        if let Some(writer) = &self.inner.writer
            && !self.over
        {
            writer.write(Writer::stop_driving);
        }
    }
}

enum Turn<E> {
    Over(Result<(), Failure<E>>),
    Drive(Option<Io>),
    Wait,
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    /// Waits for `goal`, driving the log whenever nobody else does. The waiter is
    /// registered by `begin`, in the same critical section as what it waits for.
    pub(crate) async fn reach<T>(
        &self,
        begin: impl FnOnce(&mut Writer<S::Error>) -> Result<(Goal, T), Failure<S::Error>>,
    ) -> Result<T, Failure<S::Error>> {
        let Some(cell) = &self.writer else {
            return Err(Failure::Internal("a handle that only reads has no writer"));
        };
        let (key, value) = cell.write(|writer| {
            let (goal, value) = begin(writer)?;
            let key = writer.waiters.add(goal);
            writer.tell();
            Ok::<_, Failure<S::Error>>((key, value))
        })?;
        let waiting = Waiting { inner: self, key };
        self.wait(cell, &waiting).await.map(|()| value)
    }

    pub(crate) fn waiting(&self, key: usize) -> Waiting<'_, S, P> {
        Waiting { inner: self, key }
    }

    pub(crate) async fn wait(
        &self,
        cell: &P::Cell<Writer<S::Error>>,
        waiting: &Waiting<'_, S, P>,
    ) -> Result<(), Failure<S::Error>> {
        let key = waiting.key;
        loop {
            let turn = cell.write(|writer| match writer.waiters.outcome(key) {
                Some(outcome) => Turn::Over(outcome),
                None if writer.driving && !planted(Bug::TwoLeaders) => Turn::Wait,
                None => {
                    writer.driving = true;
                    Turn::Drive(self.ask(writer))
                }
            });
            match turn {
                Turn::Over(outcome) => return outcome,
                Turn::Wait => {
                    poll_fn(|cx| {
                        cell.write(|writer| {
                            if writer.waiters.has_outcome(key) || !writer.driving {
                                return Poll::Ready(());
                            }
                            writer.waiters.sleep(key, cx.waker());
                            Poll::Pending
                        })
                    })
                    .await;
                }
                Turn::Drive(io) => {
                    let driving = Driving {
                        inner: self,
                        over: false,
                    };
                    let idle = self.drive(cell, key, io).await;
                    drop(driving);
                    if idle && !cell.write(|writer| writer.waiters.has_outcome(key)) {
                        return Err(Failure::Internal("a commit came to a halt"));
                    }
                }
            }
        }
    }

    /// Performs the operation that an append asked for which drives the log itself.
    /// Returns its key as a waiter, if it has to go on as one.
    pub(crate) async fn lead(
        &self,
        cell: &P::Cell<Writer<S::Error>>,
        goal: Goal,
        io: Io,
    ) -> Option<usize> {
        let mut driving = Driving {
            inner: self,
            over: false,
        };
        let result = perform(&self.store, self.log, io).await;
        cell.write(|writer| {
            writer.leader = None;
            // Who failed is told as a waiter.
            let failed = result.is_err().then(|| writer.waiters.add(goal));
            writer.done(result);
            let key = match failed {
                None if writer.reached(goal) => None,
                None => Some(writer.waiters.add(goal)),
                failed => failed,
            };
            writer.stop_driving();
            self.publish(writer);
            driving.over = true;
            key
        })
    }

    /// Performs operations until the waiter has its answer. Returns whether nothing
    /// was left to do before it had.
    async fn drive(&self, cell: &P::Cell<Writer<S::Error>>, key: usize, first: Option<Io>) -> bool {
        let mut next = first;
        while let Some(io) = next {
            let result = perform(&self.store, self.log, io).await;
            let answered;
            (next, answered) = cell.write(|writer| {
                writer.done(result);
                if writer.waiters.has_outcome(key) {
                    self.publish(writer);
                    return (None, true);
                }
                (self.ask(writer), false)
            });
            if answered {
                return false;
            }
        }
        true
    }

    pub(crate) fn ask(&self, writer: &mut Writer<S::Error>) -> Option<Io> {
        let next = writer.next();
        self.publish(writer);
        next
    }

    /// Wakes whoever follows records that are not stored yet.
    pub(crate) fn show_buffered(&self) {
        self.ahead.store(true, Ordering::Release);
        if self.followed.load(Ordering::Relaxed) {
            self.followed.store(false, Ordering::Relaxed);
            self.published.write(|published| published.followers.wake());
        }
    }

    /// Lets everyone see what has changed.
    pub(crate) fn publish(&self, writer: &mut Writer<S::Error>) {
        if !writer.changed {
            return;
        }
        writer.changed = false;
        if planted(Bug::ShowEarly) {
            self.ahead.store(false, Ordering::Release);
        }
        self.published.write(|published| {
            match Arc::get_mut(&mut published.snapshot) {
                Some(unseen) => writer.refresh(unseen),
                None => published.snapshot = Arc::new(writer.snapshot()),
            }
            published.followers.wake();
        });
        // Not before: whoever finds nothing ahead looks at the published picture.
        if writer.queue.is_empty() {
            self.ahead.store(false, Ordering::Release);
        }
    }

    /// What others see.
    pub(crate) fn shown(&self) -> Arc<Snapshot> {
        self.published
            .read(|published| Arc::clone(&published.snapshot))
    }
}

/// Performs an operation. Settling an append tells where its blob ends.
pub(crate) async fn perform<S: BlockStore>(
    store: &S,
    log: LogId,
    io: Io,
) -> Result<Option<u64>, S::Error> {
    match io {
        Io::Append {
            blob,
            position,
            bytes,
        } => store.append(blob, position, bytes).await.map(|()| None),
        Io::Sync(_) if planted(Bug::SkipSync) => Ok(None),
        Io::Sync(blobs) => store.sync(&blobs).await.map(|()| None),
        Io::Seal(blob) => store.seal(blob).await.map(|()| None),
        Io::Remove(blob) => store.remove(blob).await.map(|()| None),
        Io::SyncRemovals => store.sync_removals(log).await.map(|()| None),
        Io::Settle(blobs) => {
            let mut end = None;
            for blob in blobs {
                end = Some(store.settle(blob).await?);
            }
            Ok(end)
        }
    }
}
