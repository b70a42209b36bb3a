//! Owns the judgement: what was sent to a victim, what it acknowledged, and what must
//! therefore be in the log.
//!
//! Every value follows from its number, and every number is sent once, so a log can
//! be read back as a list of numbers. What must hold: whole batches only, in the
//! order sent, each at the offsets it was acknowledged for; everything acknowledged
//! at a level that survives what happened; nothing refused, nothing that was lost
//! before, nothing that was never sent.

use std::fmt::Write as _;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use serde_json::{Value, json};

use super::LOG;
use super::removals::Removals;
use super::steps::{Level, Step};
use crate::tidelog::Tidelog;

/// Words of filler in a value, at most.
const FILLER_MAX: usize = 48;

/// Kinds of errors after which nothing of the batch may be in the log.
const REFUSALS: &[&str] = &["full", "closed", "too-large", "read-only"];

/// Kinds of errors after which nothing may be acknowledged until the log is opened
/// again. What was in flight with the first one may be in the log.
const POISONS: &[&str] = &["poisoned", "fenced"];

/// Everything known about one log from outside.
pub struct History {
    seed: u64,
    /// Numbers of values sent so far.
    sent: u64,
    batches: Vec<Batch>,
    /// The log was opened for writing at least once.
    opened: bool,
    /// Why nothing may be acknowledged before the next opening.
    poisoned: Option<String>,
    /// The offset up to which records survive the process.
    stored: u64,
    /// The offset up to which records survive loss of power.
    synced: u64,
    acknowledgements: u64,
    /// What every error said.
    refusals: Vec<String>,
    /// Chooses what is deleted.
    rng: Rng,
    removals: Removals,
}

struct Batch {
    values: Range<u64>,
    fate: Fate,
}

impl Batch {
    fn records(&self) -> u64 {
        self.values.end - self.values.start
    }

    /// Where it is, if that is known.
    fn offsets(&self) -> Option<Range<u64>> {
        match self.fate {
            Fate::At(first) => Some(first..first + self.records()),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nobody was told what became of it.
    Unknown,
    /// It was refused.
    Refused,
    /// It is gone, and may not come back.
    Lost,
    /// It begins at this offset.
    At(u64),
}

/// What was found in a log.
pub struct Verdict {
    /// Records.
    pub found: u64,
    /// Acknowledged records that had to be there and are not.
    pub lost: u64,
    /// Records that nobody was told about.
    pub unacknowledged: u64,
}

impl History {
    /// Of a log that does not exist yet.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            sent: 0,
            batches: Vec::new(),
            opened: false,
            poisoned: None,
            stored: 0,
            synced: 0,
            acknowledgements: 0,
            refusals: Vec::new(),
            rng: Rng::with_seed(seed),
            removals: Removals::default(),
        }
    }

    /// How many batches were acknowledged.
    pub fn acknowledgements(&self) -> u64 {
        self.acknowledgements
    }

    /// What every error said so far.
    pub fn refusals(&self) -> &[String] {
        &self.refusals
    }

    /// How many batches were sent.
    pub fn batches(&self) -> usize {
        self.batches.len()
    }

    /// Takes the answer to `step` that a writer gave after another one had opened the log
    /// with `opened` as its next offset, when `in_flight` batches had been sent.
    ///
    /// # Errors
    /// When it acknowledges what the other one has not seen.
    pub fn note_late(
        &mut self,
        step: &Step,
        in_flight: usize,
        answer: &Value,
        opened: u64,
    ) -> Result<()> {
        let Some(next) = answer["next"].as_u64() else {
            return Ok(());
        };
        ensure!(
            next <= opened,
            "the older writer acknowledged up to {next}, but the newer one began at {opened}"
        );
        let batch = in_flight.checked_sub(1);
        if let (Step::Append { .. }, Some(first), Some(batch)) = (
            step,
            answer["first"].as_u64(),
            batch.and_then(|at| self.batches.get_mut(at)),
        ) {
            batch.fate = Fate::At(first);
        }
        Ok(())
    }

    /// The batch sent last may not be in the log.
    pub fn refuse_last(&mut self) {
        if let Some(batch) = self.batches.last_mut() {
            batch.fate = Fate::Refused;
        }
    }

    /// The offset up to which records must survive at `level`.
    pub fn kept(&self, level: Level) -> u64 {
        match level {
            Level::Buffered => 0,
            Level::Stored => self.stored,
            Level::Synced => self.synced,
        }
    }

    /// Treats everything that the process was to keep as if it had been synced: the
    /// expectation of a control, which must be disappointed.
    pub fn take_stored_for_synced(&mut self) {
        self.synced = self.stored;
    }

    /// The command for a step. An append draws its values here, and its fate is
    /// unknown from now on.
    pub fn command(&mut self, step: &Step) -> Value {
        match step {
            Step::Open { segment_bytes } => {
                json!({ "do": "open", "segment_bytes": segment_bytes })
            }
            Step::Append { level, records } => {
                let values = self.sent..self.sent + *records as u64;
                self.sent = values.end;
                let texts: Vec<String> = values.clone().map(|v| value(self.seed, v)).collect();
                self.batches.push(Batch {
                    values,
                    fate: Fate::Unknown,
                });
                json!({ "do": "append", "level": level.as_str(), "values": texts })
            }
            Step::Flush => json!({ "do": "flush" }),
            Step::Sync => json!({ "do": "sync" }),
            Step::Maintain => json!({ "do": "maintain" }),
            Step::Delete { records } => {
                let offsets = self.choose(*records);
                self.removals.delete(&offsets);
                json!({ "do": "delete", "offsets": offsets })
            }
            Step::Trim => {
                let before = self.choose(1).first().copied().unwrap_or(0);
                self.removals.trim(before);
                json!({ "do": "trim", "before": before })
            }
            Step::Read => json!({ "do": "read" }),
            Step::Close => json!({ "do": "close" }),
            Step::Abandon => json!({ "do": "abandon" }),
        }
    }

    /// Takes the answer to a step.
    ///
    /// # Errors
    /// When the answer itself breaks a promise.
    pub fn note(&mut self, step: &Step, answer: &Value) -> Result<()> {
        if let Some(kind) = answer["error"].as_str() {
            self.refused(step, kind, answer);
            return Ok(());
        }
        let bound = |name: &str| {
            answer[name]
                .as_u64()
                .with_context(|| format!("{step:?} was answered without {name:?}: {answer}"))
        };
        match step {
            Step::Open { .. } => self.reopened(bound("next")?),
            Step::Append { level, .. } => {
                self.acknowledged(*level, bound("first")?, bound("next")?)
            }
            Step::Flush => self.reached(Level::Stored, bound("next")?),
            Step::Sync | Step::Close => self.reached(Level::Synced, bound("next")?),
            Step::Read => {
                let (next, records) = (bound("next")?, bound("records")?);
                ensure!(
                    records <= next && next >= self.stored,
                    "reading found {records} records up to {next}, but offsets up to {} are stored",
                    self.stored
                );
                Ok(())
            }
            Step::Delete { .. } | Step::Trim => {
                self.reached(Level::Buffered, 0)?;
                self.removals.done();
                Ok(())
            }
            Step::Maintain | Step::Abandon => Ok(()),
        }
    }

    /// Up to `records` offsets of records that were acknowledged.
    fn choose(&mut self, records: usize) -> Vec<u64> {
        let mut offsets = Vec::new();
        for _ in 0..records {
            // Mostly new ones: the log may have been trimmed.
            let from = self.batches.len().saturating_sub(40);
            if from < self.batches.len() {
                let at = self.rng.usize(from..self.batches.len());
                let within = self.rng.u64(..);
                if let Some(range) = self.batches[at].offsets() {
                    offsets.push(range.start + within % (range.end - range.start));
                }
            }
        }
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    }

    fn refused(&mut self, step: &Step, kind: &str, answer: &Value) {
        let said = answer["said"].as_str().unwrap_or_default();
        self.refusals.push(said.to_owned());
        if REFUSALS.contains(&kind) || self.poisoned.is_some() {
            match step {
                Step::Append { .. } => self.refuse_last(),
                Step::Delete { .. } | Step::Trim => self.removals.refused(),
                _ => {}
            }
        }
        if POISONS.contains(&kind) && self.poisoned.is_none() {
            self.poisoned = Some(said.to_owned());
        }
    }

    fn acknowledged(&mut self, level: Level, first: u64, next: u64) -> Result<()> {
        self.reached(level, next)?;
        let end = self.end();
        let batch = self.batches.last_mut().context("nothing was sent")?;
        let records = batch.records();
        ensure!(
            first + records == next && first >= end,
            "{records} records were acknowledged as offsets {first} up to {next}, \
             but the log ended at {end}"
        );
        batch.fate = Fate::At(first);
        self.acknowledgements += 1;
        Ok(())
    }

    /// The offset after everything acknowledged.
    fn end(&self) -> u64 {
        let last = self.batches.iter().rev().find_map(Batch::offsets);
        last.map_or(0, |offsets| offsets.end)
    }

    fn reached(&mut self, level: Level, next: u64) -> Result<()> {
        if let Some(said) = &self.poisoned {
            bail!("something was acknowledged up to {next} after this: {said}");
        }
        if level >= Level::Stored {
            self.stored = self.stored.max(next);
        }
        if level >= Level::Synced {
            self.synced = self.synced.max(next);
        }
        Ok(())
    }

    fn reopened(&mut self, next: u64) -> Result<()> {
        ensure!(
            next >= self.stored,
            "records up to {} were stored, but the log was opened with {next}",
            self.stored
        );
        self.opened = true;
        self.poisoned = None;
        for batch in &mut self.batches {
            let Some(offsets) = batch.offsets() else {
                continue;
            };
            ensure!(
                next <= offsets.start || next >= offsets.end,
                "the batch at {offsets:?} was opened as half a batch, up to {next}"
            );
            if next <= offsets.start {
                batch.fate = Fate::Lost;
            }
        }
        self.removals.forget_from(next);
        // What an opening has shown must not vanish with the process.
        self.stored = next;
        Ok(())
    }

    /// Opens the log with the real program and compares. `level` is what everything
    /// acknowledged had to reach in order to survive what happened. What is found is
    /// expected from now on.
    ///
    /// # Errors
    /// When the log breaks any promise but that nothing is lost: that is counted.
    pub fn judge(&mut self, tidelog: &Tidelog, level: Level) -> Result<Verdict> {
        let found = self.read(tidelog)?;
        self.compare(&found, level)
    }

    /// `found` is every record there is: its offset, and the number of its value.
    fn compare(&mut self, found: &[(u64, u64)], level: Level) -> Result<Verdict> {
        let kept = self.kept(level);
        let mut verdict = Verdict {
            found: found.len() as u64,
            lost: 0,
            unacknowledged: 0,
        };
        let end = found.last().map_or(0, |(offset, _)| offset + 1);
        if let Some(pair) = found.windows(2).find(|pair| pair[0].1 >= pair[1].1) {
            bail!("the log has {pair:?} in this order, which is not the order sent");
        }
        self.removals.settle(found)?;
        for batch in &mut self.batches {
            let from = found.partition_point(|(_, v)| *v < batch.values.start);
            let to = found.partition_point(|(_, v)| *v < batch.values.end);
            let here = &found[from..to];
            let Some((offset, number)) = here.first() else {
                let acknowledged = batch.offsets().unwrap_or(0..0);
                let is_missing = |offset: &u64| !self.removals.took(*offset);
                let missing: Vec<u64> = acknowledged.clone().filter(is_missing).collect();
                if let Some(first) = missing.first() {
                    ensure!(
                        acknowledged.start >= end,
                        "offset {first} of the batch acknowledged at {acknowledged:?} is not \
                         there, but the log goes on to {end}"
                    );
                    verdict.lost += missing.iter().filter(|offset| **offset < kept).count() as u64;
                }
                if !missing.is_empty() || batch.fate == Fate::Unknown {
                    batch.fate = Fate::Lost;
                }
                continue;
            };
            let first = offset + batch.values.start - number;
            match batch.fate {
                Fate::Unknown => verdict.unacknowledged += here.len() as u64,
                Fate::At(told) => ensure!(
                    told == first,
                    "the batch acknowledged at {told} is found at {first}"
                ),
                Fate::Refused => bail!("the batch at {first} was refused, and is there"),
                Fate::Lost => bail!("the batch at {first} was lost before, and came back"),
            }
            for (offset, value) in (first..).zip(batch.values.clone()) {
                let is_there = here.contains(&(offset, value));
                ensure!(
                    is_there != self.removals.took(offset),
                    "the batch of {} records at {first} is not as it must be: the record at \
                     {offset} is {}",
                    batch.records(),
                    if is_there {
                        "there, but was deleted"
                    } else {
                        "missing"
                    }
                );
            }
            batch.fate = Fate::At(first);
        }
        self.poisoned = None;
        self.stored = end;
        self.synced = self.synced.min(end);
        Ok(verdict)
    }

    /// Every record of the log: its offset, and the number of its value.
    fn read(&self, tidelog: &Tidelog) -> Result<Vec<(u64, u64)>> {
        let mut found: Vec<(u64, u64)> = Vec::new();
        let stat = if self.opened {
            tidelog.stat(LOG)?
        } else {
            None
        };
        let Some(stat) = stat else {
            return Ok(found);
        };
        tidelog.records(LOG, 0, |record| {
            let text = record["value"].as_str().unwrap_or_default();
            let number = text.split(' ').nth(1).and_then(|word| word.parse().ok());
            let known = number.filter(|v| *v < self.sent && value(self.seed, *v) == text);
            let (Some(number), Some(offset)) = (known, record["offset"].as_u64()) else {
                bail!("found {record}, which was never sent");
            };
            ensure!(
                found.last().is_none_or(|(last, _)| *last < offset),
                "offset {offset} follows {:?}",
                found.last()
            );
            found.push((offset, number));
            Ok(())
        })?;
        let end = found.last().map_or(0, |(offset, _)| offset + 1);
        let next = stat["next"].as_u64().context("stat without next")?;
        // Offsets that a power cut took may be left out, but never given twice.
        ensure!(
            stat["records"] == found.len() as u64 && end <= next,
            "{} records can be read, up to offset {end}, but stat says {stat}",
            found.len(),
        );
        ensure!(tidelog.is_healthy(LOG)?, "check finds damage");
        Ok(found)
    }
}

/// The value with this number: one line of text.
fn value(seed: u64, number: u64) -> String {
    let mut rng = Rng::with_seed(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut text = format!("value {number} ");
    for _ in 0..rng.usize(..FILLER_MAX) {
        // A String takes every write.
        let _ = write!(text, "{:08x}", rng.u32(..));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Step = Step::Open {
        segment_bytes: 4096,
    };

    fn append(level: Level, records: usize) -> Step {
        Step::Append { level, records }
    }

    /// A synced batch of two, a stored one of two, one that nobody was told about.
    fn three_batches() -> History {
        let mut history = History::new(1);
        history.note(&OPEN, &json!({ "next": 0 })).unwrap();
        for (level, first) in [(Level::Synced, 0), (Level::Stored, 2)] {
            let step = append(level, 2);
            history.command(&step);
            let answer = json!({ "first": first, "next": first + 2 });
            history.note(&step, &answer).unwrap();
        }
        history.command(&append(Level::Stored, 2));
        history
    }

    fn there(numbers: Range<u64>) -> Vec<(u64, u64)> {
        numbers.map(|number| (number, number)).collect()
    }

    #[test]
    fn what_was_acknowledged_is_missed_at_its_level() {
        let lost = |end, level| three_batches().compare(&there(0..end), level).unwrap().lost;
        assert_eq!((lost(4, Level::Stored), lost(2, Level::Stored)), (0, 2));
        assert_eq!((lost(2, Level::Synced), lost(0, Level::Synced)), (0, 2));
        let all = three_batches()
            .compare(&there(0..6), Level::Stored)
            .unwrap();
        assert_eq!((all.lost, all.unacknowledged), (0, 2));
    }

    #[test]
    fn half_a_batch_a_gap_and_a_wrong_order_are_told() {
        for found in [
            there(0..1),
            there(0..5),
            vec![(0, 0), (1, 1), (2, 4), (3, 5)],
            vec![(0, 2), (1, 3), (2, 0), (3, 1)],
            vec![(0, 0), (1, 1), (7, 2), (8, 3)],
            vec![(0, 0), (1, 1), (2, 2), (3, 3), (4, 2), (5, 3)],
        ] {
            let said = three_batches().compare(&found, Level::Synced);
            assert!(said.is_err(), "{found:?}");
        }
    }

    #[test]
    fn what_was_refused_or_lost_must_stay_away() {
        let mut history = three_batches();
        let full = json!({ "error": "full", "said": "no space" });
        history.note(&append(Level::Stored, 2), &full).unwrap();
        assert!(history.compare(&there(0..6), Level::Stored).is_err());

        let mut history = three_batches();
        history.compare(&there(0..2), Level::Synced).unwrap();
        assert!(history.compare(&there(0..4), Level::Synced).is_err());
    }

    #[test]
    fn nothing_is_acknowledged_after_a_failed_sync() {
        let mut history = three_batches();
        let poisoned = json!({ "error": "poisoned", "said": "a sync failed" });
        history.note(&Step::Sync, &poisoned).unwrap();
        assert!(history.note(&Step::Sync, &json!({ "next": 4 })).is_err());
        // What is refused after that was never tried.
        history.command(&append(Level::Stored, 1));
        history.note(&append(Level::Stored, 1), &poisoned).unwrap();
        assert!(history.compare(&there(0..7), Level::Stored).is_err());
    }

    #[test]
    fn what_was_deleted_must_stay_away_and_nothing_else_may() {
        let deleted = |told: bool, found: &[u64]| {
            let mut history = three_batches();
            let step = Step::Delete { records: 3 };
            let command = history.command(&step);
            let offsets: Vec<u64> = serde_json::from_value(command["offsets"].clone()).unwrap();
            if told {
                history
                    .note(&step, &json!({ "records": offsets.len() }))
                    .unwrap();
            }
            let there = |deleted: &dyn Fn(&u64) -> bool| -> Vec<(u64, u64)> {
                (0..4).filter(deleted).map(|v| (v, v)).collect()
            };
            let is_left = |v: &u64| !offsets.contains(v);
            let result = match found {
                [] => history.compare(&there(&is_left), Level::Stored),
                [keep] => history.compare(
                    &there(&|v| is_left(v) || offsets[*keep as usize] == *v),
                    Level::Stored,
                ),
                _ => history.compare(&there(&|_| true), Level::Stored),
            };
            assert!(offsets.len() > 1);
            result.is_ok()
        };
        assert!(deleted(true, &[]) && deleted(false, &[]) && deleted(false, &[0, 1]));
        assert!(!deleted(true, &[0, 1]) && !deleted(true, &[0]) && !deleted(false, &[0]));
    }

    #[test]
    fn a_trim_cut_short_is_not_taken_for_half_of_a_refused_deletion() {
        let mut history = three_batches();
        history.removals.trim(1);
        history.poisoned = Some("the trim failed".to_owned());
        history.removals.delete(&[0, 2]);
        let poisoned = json!({ "error": "poisoned", "said": "reopen it" });
        history
            .note(&Step::Delete { records: 2 }, &poisoned)
            .unwrap();
        assert!(history.compare(&there(1..4), Level::Stored).is_ok());
    }

    #[test]
    fn an_opening_may_not_show_less_than_was_stored() {
        assert!(three_batches().note(&OPEN, &json!({ "next": 2 })).is_err());
        assert!(three_batches().note(&OPEN, &json!({ "next": 4 })).is_ok());
    }
}
