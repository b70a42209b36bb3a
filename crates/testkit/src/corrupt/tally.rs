//! Owns what a run has counted and found.

use std::collections::BTreeMap;

use super::subject::Verdict;

/// Failures kept of each sort: the first ones tell enough.
const FAILURES_KEPT: usize = 2;

/// A hit that the engine did not take as it must.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The image.
    pub image: String,
    /// The number of the mutation.
    pub number: u64,
    /// The mutation in words.
    pub mutation: String,
    /// The promise broken.
    pub sentence: String,
}

impl Broken {
    /// The sentence without its numbers: failures of one sort differ in them.
    fn sort(&self) -> (&str, String) {
        let digits = |character: &char| !character.is_ascii_digit();
        (&self.image, self.sentence.chars().filter(digits).collect())
    }

    /// The command that repeats it.
    #[must_use]
    pub fn command(&self) -> String {
        format!(
            "cargo xtask corrupt --image {} --mutation {}",
            self.image, self.number
        )
    }
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Images that differ from the undamaged one, by what they were hit with and what
    /// came of it.
    pub counts: BTreeMap<(&'static str, Verdict), u64>,
    /// Hits that broke a promise.
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<Broken>,
}

impl Tally {
    /// Counts one hit.
    pub fn count(&mut self, kind: &'static str, verdict: Verdict) {
        *self.counts.entry((kind, verdict)).or_default() += 1;
    }

    /// Counts one that broke a promise.
    pub fn fail(&mut self, broken: Broken) {
        self.failed += 1;
        let known = self.failures.iter();
        if known.filter(|one| one.sort() == broken.sort()).count() < FAILURES_KEPT {
            self.failures.push(broken);
        }
    }

    /// Takes over what another one has.
    pub fn add(&mut self, other: Self) {
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        let kept = other.failures.len() as u64;
        self.failed += other.failed - kept;
        other.failures.into_iter().for_each(|one| self.fail(one));
    }

    /// How many hits changed a byte.
    #[must_use]
    pub fn mutations(&self) -> u64 {
        let changed = |((_, verdict), count): (&(_, Verdict), &u64)| match verdict {
            Verdict::Nothing => 0,
            _ => *count,
        };
        self.counts.iter().map(changed).sum::<u64>() + self.failed
    }

    /// How many hits came to this.
    #[must_use]
    pub fn verdicts(&self, wanted: Verdict) -> u64 {
        let of = self
            .counts
            .iter()
            .filter(|((_, found), _)| *found == wanted);
        of.map(|(_, count)| count).sum()
    }
}
