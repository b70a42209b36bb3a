//! Owns what the suite tells: which checks passed, failed and were skipped.

use std::fmt;

use super::{Outcome, Verdict};

/// A check that the store did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The check.
    pub check: &'static str,
    /// The sentence of the contract it stands for.
    pub sentence: &'static str,
    /// What was seen instead.
    pub seen: String,
}

/// A check that could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The check.
    pub check: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// The outcome of the whole suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Checks that passed.
    pub passed: Vec<&'static str>,
    /// Checks that failed.
    pub failed: Vec<Failure>,
    /// Checks that could not be made.
    pub skipped: Vec<Skip>,
    sentences: Vec<&'static str>,
}

impl Report {
    /// The sentences of the contract that were looked at, in order, repeated
    /// where several checks stand for one.
    #[must_use]
    pub fn sentences(&self) -> &[&'static str] {
        &self.sentences
    }

    /// Fails the calling test unless every check passed and exactly those named
    /// in `skipped` were skipped.
    ///
    /// # Panics
    /// If a check failed, or another set of checks was skipped.
    pub fn expect(&self, skipped: &[&str]) {
        assert!(self.failed.is_empty(), "{self}");
        let seen: Vec<&str> = self.skipped.iter().map(|skip| skip.check).collect();
        assert_eq!(seen, skipped, "other checks were skipped than expected");
    }

    pub(super) fn add(&mut self, check: &'static str, sentence: &'static str, outcome: Outcome) {
        self.sentences.push(sentence);
        match outcome {
            Ok(Verdict::Passed) => self.passed.push(check),
            Ok(Verdict::Skipped(reason)) => self.skipped.push(Skip { check, reason }),
            Err(seen) => self.failed.push(Failure {
                check,
                sentence,
                seen,
            }),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} checks passed, {} failed, {} skipped",
            self.passed.len(),
            self.failed.len(),
            self.skipped.len()
        )?;
        for failure in &self.failed {
            writeln!(
                f,
                "{}: the contract says \"{}\", but {}",
                failure.check, failure.sentence, failure.seen
            )?;
        }
        for skip in &self.skipped {
            writeln!(f, "{} was skipped: {}", skip.check, skip.reason)?;
        }
        Ok(())
    }
}
