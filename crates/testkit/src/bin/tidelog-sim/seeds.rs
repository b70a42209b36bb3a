//! Owns running many random lives: each seed twice, on every core.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::json;
use tidelog_testkit::seeds::{self, GENERATIONS, STEPS};
use tidelog_testkit::sim::Notes;

use super::pool;

/// Failures that are printed.
const FAILURES_KEPT: usize = 8;

#[derive(Default)]
struct Found {
    hash: u64,
    failed: Vec<(u64, String)>,
}

/// Lives `count` seeds from `first` on, and prints one object about them.
pub fn run(first: u64, count: u64, pretty: bool) -> ExitCode {
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let found = pool::on_every_core(|| {
        let mut found = Found::default();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return found;
            }
            let seed = first.wrapping_add(at);
            match seeds::judge(seed) {
                Ok(hash) => found.hash = seeds::combine(found.hash, seed, hash),
                Err(sentence) => found.failed.push((at, sentence)),
            }
        }
    });
    let hash = found
        .iter()
        .map(|found| found.hash)
        .fold(0, u64::wrapping_add);
    let mut failed: Vec<(u64, String)> = found.into_iter().flat_map(|found| found.failed).collect();
    failed.sort();
    let failures: Vec<_> = failed
        .iter()
        .take(FAILURES_KEPT)
        .map(|(at, sentence)| {
            let seed = first.wrapping_add(*at);
            let command = format!("tidelog-sim --seeds 1 --seed {seed}");
            eprintln!("{command}\n    {sentence}");
            json!({ "seed": seed, "broken": sentence, "command": command })
        })
        .collect();
    let object = json!({
        "seeds": count,
        "seed": first,
        "generations": GENERATIONS,
        "steps": STEPS,
        "hash": format!("{hash:016x}"),
        "failed": failed.len(),
        "failures": failures,
        "seconds": begun.elapsed().as_secs_f64(),
    });
    pool::print(&object, pretty);
    if count == 1 && pretty && !failed.is_empty() {
        let notes = Notes::default();
        let again = seeds::run_noted(first, &notes);
        notes.borrow().iter().for_each(|line| println!("{line}"));
        println!("seed {first}: {again:?}");
    }
    ExitCode::from(u8::from(!failed.is_empty()))
}
