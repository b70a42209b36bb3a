//! Owns how sides are compared: every round runs each of them once, in an order
//! that changes, in a directory of its own, so that whatever else the machine does
//! hits all of them.

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

type Run<'a> = Box<dyn FnMut(&Path) -> Result<Duration> + 'a>;

/// Something that is measured.
pub struct Side<'a> {
    run: Run<'a>,
    messages: u64,
}

impl<'a> Side<'a> {
    /// `run` handles `messages` messages in the empty directory it is given, and
    /// returns how long the part that counts took.
    pub fn new(messages: u64, run: impl FnMut(&Path) -> Result<Duration> + 'a) -> Self {
        Self {
            run: Box::new(run),
            messages,
        }
    }
}

/// Runs all sides once per round, below `dir`.
///
/// # Errors
/// The first failure of a side, or of making its directory.
pub fn interleave(dir: &Path, rounds: usize, sides: &mut [Side<'_>]) -> Result<Vec<Figures>> {
    let mut figures = vec![Figures::default(); sides.len()];
    for round in 0..rounds {
        for step in 0..sides.len() {
            let turn = (round + step) % sides.len();
            let side = &mut sides[turn];
            let took = in_fresh_directory(dir, |fresh| (side.run)(fresh))?;
            figures[turn].add(took, side.messages);
        }
    }
    Ok(figures)
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

    #[test]
    fn every_side_gets_every_round_an_empty_directory() {
        let home = tempfile::tempdir().unwrap();
        let runs = std::cell::RefCell::new(Vec::new());
        let side = |name: u8| {
            let runs = &runs;
            Side::new(1, move |dir| {
                assert_eq!(fs::read_dir(dir)?.count(), 0);
                fs::write(dir.join("file"), "")?;
                runs.borrow_mut().push(name);
                Ok(Duration::ZERO)
            })
        };
        let figures = interleave(home.path(), 2, &mut [side(0), side(1)]).unwrap();
        assert_eq!(figures[1].rounds(), 2);
        assert_eq!(*runs.borrow(), [0, 1, 1, 0]);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
