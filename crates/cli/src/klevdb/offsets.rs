//! Owns which offset of klevdb became which of the log.

use std::fmt;

use serde::Serialize;

/// Runs that are told one by one to people.
const TOLD: usize = 20;

/// Records that follow each other in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Run {
    /// The first one's offset in klevdb.
    klevdb: u64,
    /// Its offset in the log.
    log: u64,
    /// How many they are.
    records: u64,
}

/// All runs, in order. A new one begins where klevdb has a gap: a tidelog gives offsets
/// without gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Offsets(Vec<Run>);

impl Offsets {
    /// The record at `klevdb` became the one at `log`. Both rise.
    pub fn add(&mut self, klevdb: u64, log: u64) {
        match self.0.last_mut() {
            Some(run) if (run.klevdb + run.records, run.log + run.records) == (klevdb, log) => {
                run.records += 1;
            }
            _ => self.0.push(Run {
                klevdb,
                log,
                records: 1,
            }),
        }
    }

    /// Forgets records of the log from `next` on: they were not appended.
    pub fn end_at(&mut self, next: u64) {
        self.0.retain_mut(|run| {
            run.records = run.records.min(next.saturating_sub(run.log));
            run.records > 0
        });
    }
}

impl fmt::Display for Offsets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moved = self.0.iter().any(|run| run.klevdb != run.log);
        if !moved {
            return f.write_str("offsets are those of klevdb");
        }
        f.write_str("offsets of klevdb, and what they became:")?;
        for run in self.0.iter().take(TOLD) {
            let (first, last) = (run.klevdb, run.klevdb + run.records - 1);
            write!(
                f,
                "\n  {first} to {last}: {} to {}",
                run.log,
                run.log + run.records - 1
            )?;
        }
        match self.0.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more runs, which --json lists"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(u64, u64)]) -> Offsets {
        let mut offsets = Offsets::default();
        pairs
            .iter()
            .for_each(|(klevdb, log)| offsets.add(*klevdb, *log));
        offsets
    }

    #[test]
    fn a_gap_begins_a_run() {
        let mut offsets = of(&[(3, 0), (4, 1), (7, 2), (8, 3), (9, 4)]);
        let run = |klevdb, log, records| Run {
            klevdb,
            log,
            records,
        };
        assert_eq!(offsets.0, [run(3, 0, 2), run(7, 2, 3)]);
        assert_eq!(
            offsets.to_string(),
            "offsets of klevdb, and what they became:\n  3 to 4: 0 to 1\n  7 to 9: 2 to 4"
        );
        offsets.end_at(3);
        assert_eq!(offsets.0, [run(3, 0, 2), run(7, 2, 1)]);
        offsets.end_at(2);
        assert_eq!(offsets.0, [run(3, 0, 2)]);
    }

    #[test]
    fn what_stayed_and_what_is_long_is_said_shortly() {
        assert_eq!(
            of(&[(0, 0), (1, 1)]).to_string(),
            "offsets are those of klevdb"
        );
        let gaps: Vec<_> = (0..30).map(|log| (log * 2, log)).collect();
        let text = of(&gaps).to_string();
        assert!(
            text.ends_with("and 10 more runs, which --json lists"),
            "{text}"
        );
    }
}
