//! kill -9 of the real program while it writes at full speed, over and over on one
//! directory.
//!
//! The value of a record follows from its offset alone, so the parent needs to remember
//! nothing else.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use crate::outcome::Outcome;
use crate::tidelog::Tidelog;

const LOG: &str = "killed";

/// The longest a process lives: every other one from its start, the others from their
/// first acknowledgement.
const LIFE_MS_MAX: u64 = 120;

/// How long to wait for a first acknowledgement.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of filler in a value, at most.
const FILLER_MAX: usize = 96;

/// `stored` is what a kill must keep, so most runs ask for that.
const LEVELS: &[&str] = &["stored", "stored", "synced", "buffered"];

/// Kills `runs` processes, and looks after each.
pub fn run(tidelog: &Tidelog, seed: u64, runs: usize) -> Outcome {
    let mut victim = Victim {
        tidelog,
        seed,
        rng: Rng::with_seed(seed),
        next: 0,
        acknowledgements: 0,
        unacknowledged: 0,
    };
    let mut outcome = Outcome::default();
    for run in 1..=runs {
        match victim.live_and_die(run % 2 == 0) {
            Ok(sentence) => {
                outcome.passed += 1;
                eprintln!("  kill {run}/{runs}: {sentence}");
            }
            Err(error) => {
                outcome
                    .failures
                    .push(format!("kill {run} of seed {seed}: {error:#}"));
                break;
            }
        }
    }
    if outcome.held() && victim.next > 0 {
        outcome.step(victim.verify_from(0).context("the whole log at the end"));
    }
    outcome.fact("kills", runs);
    outcome.fact("records", victim.next);
    outcome.fact("acknowledgements", victim.acknowledgements);
    outcome.fact(
        "kept_beyond_the_last_acknowledgement",
        victim.unacknowledged,
    );
    if outcome.held() && runs > 1 && victim.acknowledgements == 0 {
        outcome.failures.push(format!(
            "no process lived long enough to acknowledge anything, even in {PATIENCE:?}"
        ));
    }
    outcome
}

struct Victim<'a> {
    tidelog: &'a Tidelog,
    seed: u64,
    rng: Rng,
    /// Records known to be in the log.
    next: u64,
    acknowledgements: u64,
    unacknowledged: u64,
}

impl Victim<'_> {
    fn live_and_die(&mut self, acknowledges_first: bool) -> Result<String> {
        let level = LEVELS[self.rng.usize(..LEVELS.len())];
        let life = Duration::from_micros(self.rng.u64(..LIFE_MS_MAX * 1000));
        let sent = Arc::new(AtomicU64::new(self.next));

        let (acknowledging, acknowledged) = channel();
        let mut writing = self.tidelog.start(
            &["append", LOG, "--acks", "--durability", level],
            Box::new(move |_| {
                // Heard once, and not listened to after that.
                let _ = acknowledging.send(());
            }),
        )?;
        let stdin = writing.stdin().context("stdin was piped")?;
        let feeding = thread::spawn({
            let (seed, sent) = (self.seed, Arc::clone(&sent));
            move || feed(stdin, seed, &sent)
        });
        if acknowledges_first {
            // Without one in that time it dies anyway.
            let _ = acknowledged.recv_timeout(PATIENCE);
        }
        drop(acknowledged);
        thread::sleep(life);
        let (said, killed) = writing.kill()?;
        ensure!(killed, "the process ended before it was killed");
        // Its stdin is closed now, which ends the feeding.
        let _ = feeding.join();

        let before = self.next;
        let acknowledged = said.next.unwrap_or(before);
        ensure!(
            said.first.is_none_or(|first| first == before),
            "the log had {before} records, but the first acknowledged offset is {:?}",
            said.first
        );
        let must_keep = if level == "buffered" {
            before
        } else {
            acknowledged
        };
        let found = match self.tidelog.stat(LOG)? {
            Some(stat) => stat["next"].as_u64().context("stat without next")?,
            None => 0,
        };
        let sent = sent.load(Ordering::SeqCst);
        ensure!(
            found >= must_keep,
            "records up to {must_keep} were acknowledged as {level} or were there before, \
             but the log ends at {found}"
        );
        ensure!(
            found <= sent,
            "the log has {found} records, but only {sent} were ever sent"
        );
        self.next = found;
        self.acknowledgements += said.count;
        self.unacknowledged += found.saturating_sub(acknowledged);
        if found > 0 {
            self.verify_from(before.saturating_sub(1000))?;
            ensure!(self.tidelog.is_healthy(LOG)?, "check finds damage");
        }
        Ok(format!(
            "{level} after {:.1} ms, {} acknowledged, {} there, {found} in all",
            life.as_secs_f64() * 1000.0,
            acknowledged - before,
            found - before.min(found),
        ))
    }

    /// Reads every record from `from` on and compares its bytes.
    fn verify_from(&self, from: u64) -> Result<()> {
        let mut expected = from;
        self.tidelog.records(LOG, from, |record| {
            ensure!(
                record["offset"] == expected && record["value"] == *value(self.seed, expected),
                "expected offset {expected} with its own value, found {record}"
            );
            expected += 1;
            Ok(())
        })?;
        ensure!(
            expected == self.next,
            "stat says the log ends at {}, but reading it ends at {expected}",
            self.next
        );
        Ok(())
    }
}

/// Writes records as fast as the process takes them, until it is gone.
fn feed(stdin: ChildStdin, seed: u64, sent: &AtomicU64) {
    let mut stdin = BufWriter::with_capacity(64 << 10, stdin);
    loop {
        // Counted first: what is in the pipe may be read at once.
        let offset = sent.fetch_add(1, Ordering::SeqCst);
        if writeln!(stdin, "{}", value(seed, offset)).is_err() {
            return;
        }
    }
}

/// The value of the record at `offset`: one line of text.
fn value(seed: u64, offset: u64) -> String {
    let mut rng = Rng::with_seed(seed ^ offset.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut text = format!("record {offset} ");
    for _ in 0..rng.usize(..FILLER_MAX / 8) {
        // A String takes every write.
        let _ = write!(text, "{:08x}", rng.u32(..));
    }
    text
}
