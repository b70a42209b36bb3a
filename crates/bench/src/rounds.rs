//! Owns what rounds of a measurement add up to, and the directories they happen in.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// What one side needed per message, in nanoseconds, round by round.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    rounds: Vec<f64>,
}

impl Figures {
    /// Adds a round of `messages` messages.
    pub fn add(&mut self, took: Duration, messages: u64) {
        self.rounds.push(took.as_secs_f64() * 1e9 / messages as f64);
    }

    /// The middle round.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(self.rounds.clone())
    }

    /// The best and the worst round.
    #[must_use]
    pub fn range(&self) -> [f64; 2] {
        range(&self.rounds)
    }

    /// How many rounds there were.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.rounds.len()
    }

    /// This side's cost divided by another's, round by round.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        let pairs = self.rounds.iter().zip(&other.rounds);
        Self {
            rounds: pairs.map(|(ours, theirs)| ours / theirs).collect(),
        }
    }

    /// The same the other way round: speed instead of cost.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            rounds: self.rounds.iter().map(|value| 1.0 / value).collect(),
        }
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

fn range(values: &[f64]) -> [f64; 2] {
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    [smallest, values.iter().copied().fold(0.0, f64::max)]
}

/// Calls `measure` with an empty directory below `dir`, and removes that again.
///
/// # Errors
/// The failure of `measure`, or of making the directory.
pub fn in_fresh_directory<T>(dir: &Path, measure: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    let fresh = tempfile::tempdir_in(dir)?;
    measure(fresh.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        let figures = |rounds: &[u64]| {
            let mut figures = Figures::default();
            for nanos in rounds {
                figures.add(Duration::from_nanos(*nanos), 1);
            }
            figures
        };
        // A machine that is twice as slow in the second round changes no ratio.
        let ratio = figures(&[30, 60, 33]).over(&figures(&[10, 20, 11]));
        assert!((ratio.median() - 3.0).abs() < 1e-9);
        assert!((ratio.inverse().range()[1] - 1.0 / 3.0).abs() < 1e-9);
        assert!((figures(&[4, 1, 3, 2]).median() - 2.5).abs() < 1e-9);
    }
}
