//! Owns the executor of a simulated machine: one thread, seeded order, futures
//! dropped at any await, and no rescue for a lost wake-up.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::machine::Machine;
use crate::random::Random;

/// Nothing goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// No future was woken and no operation is in flight.
    Asleep,
    /// Futures wake each other, or themselves, and none of them ends.
    Spinning,
}

impl std::fmt::Display for Stuck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Asleep => "no future was woken and no operation is in flight: a wake-up was lost",
            Self::Spinning => "futures are polled again and again, and none of them ends",
        })
    }
}

/// Polls of a crowd at most: more than any takes.
const POLLS_MAX: u64 = 1_000_000;

impl std::error::Error for Stuck {}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Flag {
    fn raised() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Runs one future to its end.
///
/// # Errors
/// [`Stuck`] if it waits for something that never comes.
pub fn run<F: Future>(machine: &Machine, future: F) -> Result<F::Output, Stuck> {
    let mut future = pin!(future);
    let flag = Flag::raised();
    let waker = Waker::from(Arc::clone(&flag));
    let mut context = Context::from_waker(&waker);
    loop {
        if flag.take()
            && let Poll::Ready(output) = future.as_mut().poll(&mut context)
        {
            return Ok(output);
        }
        if !machine.tick() && !flag.0.load(Ordering::Relaxed) {
            return Err(Stuck::Asleep);
        }
    }
}

/// Polls a future so many times at most, and drops it then. Its output, if it came
/// to that.
///
/// # Errors
/// [`Stuck`] if it waits for something that never comes.
pub fn run_for<F: Future>(
    machine: &Machine,
    future: F,
    polls: u32,
) -> Result<Option<F::Output>, Stuck> {
    let mut future = pin!(future);
    let flag = Flag::raised();
    let waker = Waker::from(Arc::clone(&flag));
    let mut context = Context::from_waker(&waker);
    let mut polled = 0;
    while polled < polls {
        if flag.take() {
            polled += 1;
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(Some(output));
            }
        }
        if !machine.tick() && !flag.0.load(Ordering::Relaxed) {
            return Err(Stuck::Asleep);
        }
    }
    Ok(None)
}

/// Futures on one thread, polled in an order that follows from a seed.
pub struct Crowd<'a, T> {
    members: Vec<Member<'a, T>>,
    random: Random,
    /// One poll in so many drops the future instead; 0 for never.
    drops: u64,
}

struct Member<'a, T> {
    name: usize,
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    flag: Arc<Flag>,
    polled: bool,
}

impl<'a, T> Crowd<'a, T> {
    /// Nobody yet. `drops`: one poll in so many drops its future instead of
    /// polling it, once it has been polled before; 0 for never.
    #[must_use]
    pub const fn new(seed: u64, drops: u64) -> Self {
        Self {
            members: Vec::new(),
            random: Random::new(seed),
            drops,
        }
    }

    /// Adds a future, known as `name`.
    pub fn add(&mut self, name: usize, future: impl Future<Output = T> + 'a) {
        self.members.push(Member {
            name,
            future: Box::pin(future),
            flag: Flag::raised(),
            polled: false,
        });
    }

    /// Runs all of them. The outputs in the order in which they came; a dropped
    /// one has none.
    ///
    /// # Errors
    /// [`Stuck`] if those that are left wait for something that never comes.
    pub fn run(mut self, machine: &Machine) -> Result<Vec<(usize, Option<T>)>, Stuck> {
        let mut outputs = Vec::new();
        let mut polls = 0;
        while !self.members.is_empty() {
            if polls == POLLS_MAX {
                return Err(Stuck::Spinning);
            }
            let ready: Vec<usize> = (0..self.members.len())
                .filter(|at| self.members[*at].flag.0.load(Ordering::Relaxed))
                .collect();
            if ready.is_empty() {
                if !machine.tick() && !self.woken() {
                    return Err(Stuck::Asleep);
                }
                continue;
            }
            let at = ready[self.random.index(ready.len())];
            if self.members[at].polled && self.random.one_in(self.drops) {
                outputs.push((self.members.swap_remove(at).name, None));
                continue;
            }
            let member = &mut self.members[at];
            member.flag.take();
            member.polled = true;
            polls += 1;
            let waker = Waker::from(Arc::clone(&member.flag));
            let polled = member
                .future
                .as_mut()
                .poll(&mut Context::from_waker(&waker));
            if let Poll::Ready(output) = polled {
                outputs.push((self.members.swap_remove(at).name, Some(output)));
            }
            if self.random.one_in(2) {
                machine.tick();
            }
        }
        Ok(outputs)
    }

    fn woken(&self) -> bool {
        self.members
            .iter()
            .any(|member| member.flag.0.load(Ordering::Relaxed))
    }
}
