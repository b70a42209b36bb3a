//! Owns reading what Rust's test harness prints: counts, failed tests and skips.
//!
//! The harness knows `ignored` but no skip at run time. A test that finds it
//! cannot run here prints `skipped: NAME: REASON` and returns; with
//! `--show-output` that line is seen here and counted as a skip.

use crate::outcome::{Outcome, Skip};

/// Where in the harness's output a line stands.
#[derive(Default, PartialEq)]
enum Part {
    #[default]
    Running,
    /// The output of tests that passed: read for skips, not shown.
    Successes,
    /// The output of tests that failed.
    Failures,
}

/// Reads the output of any number of test programs run one after the other.
#[derive(Default)]
pub struct Reader {
    part: Part,
    outcome: Outcome,
    /// Tests that said they cannot run here; the harness counts them as passed.
    said: u64,
}

impl Reader {
    /// Takes the next line. Returns whether it is worth showing.
    pub fn line(&mut self, line: &str) -> bool {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.part = Part::Running;
            self.outcome.passed += count(counts, "passed");
            return true;
        }
        match line {
            "successes:" => self.part = Part::Successes,
            "failures:" => self.part = Part::Failures,
            _ => {}
        }
        match self.part {
            Part::Running => self.running(line),
            Part::Successes => {
                if let Some(skip) = skip(line) {
                    self.said += 1;
                    self.outcome.skips.push(skip);
                }
                false
            }
            Part::Failures => true,
        }
    }

    /// What all of them came to.
    pub fn finish(mut self) -> Outcome {
        self.outcome.passed = self.outcome.passed.saturating_sub(self.said);
        self.outcome
    }

    fn running(&mut self, line: &str) -> bool {
        let Some((name, verdict)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        else {
            return !line.is_empty();
        };
        if verdict.starts_with("FAILED") {
            self.outcome.failures.push(format!("test {name}"));
        } else if let Some(reason) = verdict.strip_prefix("ignored") {
            self.outcome.skips.push(Skip {
                name: name.to_owned(),
                reason: reason.trim_start_matches(", ").to_owned(),
            });
        }
        !verdict.starts_with("ok")
    }
}

/// The number before `word` in `ok. 5 passed; 0 failed; ...`.
fn count(counts: &str, word: &str) -> u64 {
    counts
        .split([';', '.'])
        .filter_map(|part| part.trim().strip_suffix(word))
        .find_map(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

fn skip(line: &str) -> Option<Skip> {
    let (name, reason) = line.strip_prefix("skipped: ")?.split_once(": ")?;
    Some(Skip {
        name: name.to_owned(),
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str) -> Outcome {
        let mut reader = Reader::default();
        for line in output.lines() {
            reader.line(line);
        }
        reader.finish()
    }

    #[test]
    fn counts_two_programs_and_names_what_failed() {
        let outcome = read(
            "\nrunning 2 tests\ntest log::appends ... ok\ntest log::reads ... FAILED\n\nfailures:\n\n\
             ---- log::reads stdout ----\ntest result: not this one\n\nfailures:\n    log::reads\n\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
             running 1 test\ntest src/lib.rs - open (line 3) ... ok\n\
             test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n",
        );
        assert_eq!(outcome.passed, 2);
        assert_eq!(outcome.failures, ["test log::reads"]);
    }

    #[test]
    fn an_ignored_test_and_one_that_says_so_are_skips() {
        let outcome = read(
            "running 3 tests\ntest a ... ignored, slow\ntest b ... ok\ntest c ... ok\n\nsuccesses:\n\n\
             ---- b stdout ----\nskipped: full_disk: needs root\n\n\nsuccesses:\n    b\n    c\n\n\
             test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        );
        assert_eq!(outcome.passed, 1);
        assert_eq!(outcome.skips.len(), 2);
        assert_eq!(outcome.skips[1].name, "full_disk");
        assert_eq!(outcome.skips[1].reason, "needs root");
    }
}
