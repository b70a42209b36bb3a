//! Owns the corruption of stored bytes: every golden image is hit in every byte, cut
//! at every length, and mixed up, and the engine must say so, lose no more than was
//! hit, and hand out nothing that was not written.

mod cost;
mod layout;
mod mutation;
mod sample;
mod shelf;
mod subject;
mod tally;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};

pub use mutation::{Mutation, Mutations};
pub use sample::{Sample, samples};
pub use shelf::{Blobs, Shelf};
pub use subject::{Subject, Verdict};
pub use tally::{Broken, Tally};

use crate::panics;

/// Mutations that a thread takes at once.
const STRETCH: u64 = 256;

/// Hits every image with what is listed for it, every `stride`-th of them, and then
/// with pairs of hits until there are `wanted` mutations in all.
#[must_use]
pub fn explore(subjects: &[Subject], wanted: u64, stride: u64) -> Tally {
    let listed = |subject: &Subject| subject.mutations().listed();
    let mut tally = play(subjects, stride, |subject| 0..listed(subject));
    let mut pairs = 0;
    while tally.mutations() < wanted {
        let missing = wanted - tally.mutations();
        let more = missing / subjects.len() as u64 + 1;
        tally.add(play(subjects, 1, |subject| {
            listed(subject) + pairs..listed(subject) + pairs + more
        }));
        pairs += more;
    }
    tally
}

/// Judges every `stride`-th mutation of the given range of each subject.
fn play(
    subjects: &[Subject],
    stride: u64,
    range: impl Fn(&Subject) -> std::ops::Range<u64>,
) -> Tally {
    let stretches: Vec<(&Subject, u64, u64)> = subjects
        .iter()
        .flat_map(|subject| {
            let all = range(subject);
            let starts = all.clone().step_by((STRETCH * stride) as usize);
            starts.map(move |start| (subject, start, all.end.min(start + STRETCH * stride)))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut tally = Tally::default();
        while let Some((subject, start, end)) = stretches.get(next.fetch_add(1, Ordering::Relaxed))
        {
            for number in (*start..*end).step_by(stride as usize) {
                judge(subject, number, &mut tally);
            }
        }
        tally
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut total = Tally::default();
        for worker in workers {
            match worker.join() {
                Ok(tally) => total.add(tally),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        total
    })
}

fn judge(subject: &Subject, number: u64, tally: &mut Tally) {
    let mutation = subject.mutations().get(number);
    match panics::caught(|| subject.judge(number, &mutation)) {
        Ok(verdict) => tally.count(mutation.kind(), verdict),
        Err(sentence) => tally.fail(Broken {
            image: subject.name.clone(),
            number,
            mutation: mutation.to_string(),
            sentence,
        }),
    }
}
