//! `cargo xtask demo`: real events go into a tidelog on disk, survive a kill -9,
//! and come back. Every sentence it prints is checked.

mod dataset;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use self::dataset::Dataset;
use crate::outcome::{Outcome, rounded};
use crate::tidelog::Tidelog;
use crate::tools::npm;
use crate::workspace::{PROFILE, Workspace};

/// The import is killed once this share of the rows is acknowledged.
const KILL_AT_PERCENT: u64 = 30;

/// Rows per batch of the import that is killed: small, so that there is a
/// part-way.
const BATCH: &str = "64";

/// How to show it.
#[derive(Args, Default)]
pub struct Options {
    /// Only check every claim; leave nothing to look at.
    #[arg(long)]
    pub check: bool,
    /// Build with the release profile, for the speed of a real build.
    #[arg(long)]
    pub release: bool,
}

impl Options {
    /// As CI runs it.
    pub fn check() -> Self {
        Self {
            check: true,
            release: false,
        }
    }
}

/// Runs it. `quick` leaves out the two smaller data sets.
///
/// # Errors
/// When the data cannot be installed, or the program does not build.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let data = npm::data(workspace);
    npm::install(&data)?;
    let profile = if options.release { "release" } else { PROFILE };
    let folder = workspace.scratch("demo")?;
    let tidelog = Tidelog::build(workspace, profile, folder.clone())?;
    let mut outcome = Outcome::default();
    outcome.fact("profile", profile);

    let flights = Dataset::flights_200k(&data)?;
    interrupted(&tidelog, &flights, &mut outcome)?;
    verify(&tidelog, &flights, &mut outcome)?;
    if !quick {
        for set in [Dataset::flights_20k(&data)?, Dataset::birdstrikes(&data)?] {
            import(&tidelog, &set, &mut outcome)?;
            verify(&tidelog, &set, &mut outcome)?;
        }
    }
    reopen(&tidelog, &flights, &mut outcome)?;

    if options.check {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    } else {
        let shown = tidelog.shown(&workspace.root);
        eprintln!("\nLook around:");
        eprintln!("  {shown} logs");
        eprintln!("  {shown} cat {} --max 3", flights.log);
        eprintln!("  {shown} check {}", flights.log);
    }
    Ok(outcome)
}

/// Imports, kills the importing process part-way, looks, and finishes.
fn interrupted(tidelog: &Tidelog, set: &Dataset, outcome: &mut Outcome) -> Result<()> {
    let rows = set.rows.len() as u64;
    let target = rows * KILL_AT_PERCENT / 100;
    let reached = Arc::new(AtomicU64::new(0));
    let writing = tidelog.start(
        &set.import(&["--acks", "--batch", BATCH, "--durability", "stored"]),
        Box::new({
            let reached = Arc::clone(&reached);
            move |next| reached.store(next, Ordering::SeqCst)
        }),
    )?;
    let patience = Instant::now() + Duration::from_secs(60);
    while reached.load(Ordering::SeqCst) < target {
        ensure!(
            Instant::now() < patience,
            "the import acknowledged only {} of {rows} rows in a minute",
            reached.load(Ordering::SeqCst)
        );
        thread::sleep(Duration::from_micros(200));
    }
    let (said, killed) = writing.kill()?;
    let acknowledged = said.next.unwrap_or(0);
    outcome.claim(
        killed && acknowledged < rows,
        format!(
            "the import of {} was killed with SIGKILL after {acknowledged} of {rows} rows \
             had been acknowledged as stored",
            set.file
        ),
    );

    let there = match tidelog.stat(set.log)? {
        Some(stat) => number(&stat, "next")?,
        None => 0,
    };
    let equal = set.compare(tidelog, 0)?;
    outcome.claim(
        there >= acknowledged && equal.is_ok_and(|found| found == there),
        format!("after it, {there} rows are there, among them every one acknowledged"),
    );
    outcome.claim(
        tidelog.is_healthy(set.log)?,
        "check finds no damage in what the kill left",
    );

    let said = tidelog
        .start(
            &set.import(&["--skip", &there.to_string()]),
            Box::new(|_| {}),
        )?
        .wait()?;
    let summary = said.summary.context("the import printed no summary")?;
    outcome.claim(
        summary["first"] == there && summary["next"] == rows,
        format!("the import went on with row {there} and ended with row {rows}"),
    );
    speed(set, &summary, outcome)
}

/// Imports without being disturbed.
fn import(tidelog: &Tidelog, set: &Dataset, outcome: &mut Outcome) -> Result<()> {
    let summary = tidelog.ask(&set.import(&[]))?;
    let rows = set.rows.len();
    outcome.claim(
        summary["records"] == rows,
        format!("all {rows} rows of {} were imported", set.file),
    );
    speed(set, &summary, outcome)
}

fn speed(set: &Dataset, summary: &Value, outcome: &mut Outcome) -> Result<()> {
    let records = number(summary, "records")?;
    let seconds = summary["seconds"]
        .as_f64()
        .with_context(|| format!("no seconds in {summary}"))?;
    outcome.fact(
        &format!("{}_records_per_second", set.log),
        (records as f64 / seconds.max(1e-6)) as u64,
    );
    Ok(())
}

/// Every row is there once, in order, with its own key, time and value.
fn verify(tidelog: &Tidelog, set: &Dataset, outcome: &mut Outcome) -> Result<()> {
    let stat = tidelog
        .stat(set.log)?
        .with_context(|| format!("there is no log {}", set.log))?;
    let rows = set.rows.len() as u64;
    let compared = set.compare(tidelog, 0)?;
    let verdict = match &compared {
        Ok(found) => format!("{found} read back"),
        Err(difference) => difference.clone(),
    };
    outcome.claim(
        number(&stat, "records")? == rows && compared == Ok(rows),
        format!(
            "{}: {rows} rows went in, {verdict}, each as it was",
            set.log
        ),
    );
    outcome.claim(
        tidelog.is_healthy(set.log)?,
        format!("{}: check finds it healthy", set.log),
    );
    let bytes = number(&stat, "bytes")? as f64 / rows as f64;
    outcome.fact(
        &format!("{}_bytes_per_record", set.log),
        (bytes * 10.0).round() / 10.0,
    );
    Ok(())
}

/// What opening the largest log again costs.
fn reopen(tidelog: &Tidelog, set: &Dataset, outcome: &mut Outcome) -> Result<()> {
    let start = Instant::now();
    let stat = tidelog
        .stat(set.log)?
        .with_context(|| format!("there is no log {}", set.log))?;
    outcome.fact("reopen_seconds", rounded(start.elapsed().as_secs_f64()));
    outcome.fact("reopen", stat["opening"].clone());
    Ok(())
}

fn number(object: &Value, field: &str) -> Result<u64> {
    object[field]
        .as_u64()
        .with_context(|| format!("no number {field:?} in {object}"))
}
