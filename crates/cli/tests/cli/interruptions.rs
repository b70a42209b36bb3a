//! Imports that are killed: everything acknowledged is there, and the import can
//! be finished.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command};

use serde_json::Value;

use crate::sandbox::Sandbox;

const ROWS: u64 = 200_000;

/// A row that no other one equals.
fn row(number: u64) -> String {
    format!("{{\"row\":{number},\"square\":{}}}", number * number)
}

fn rows() -> String {
    let mut rows = String::new();
    for number in 0..ROWS {
        writeln!(rows, "{}", row(number)).unwrap();
    }
    rows
}

/// Starts an import of `file` and waits until it has acknowledged `least` rows.
fn begin(
    sandbox: &Sandbox,
    file: &str,
    skip: u64,
    least: u64,
) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut import = sandbox
        .command([
            "import",
            "log",
            file,
            "--acks",
            "--batch",
            "10",
            "--skip",
            &skip.to_string(),
        ])
        .spawn()
        .unwrap();
    let mut acks = BufReader::new(import.stdout.take().unwrap()).lines();
    while next(&acks.next().unwrap().unwrap()).unwrap() < least {}
    (import, acks)
}

fn next(ack: &str) -> Option<u64> {
    let ack: Value = serde_json::from_str(ack).ok()?;
    assert!(
        ack.get("records").is_none(),
        "the import ended before it was killed"
    );
    ack["next"].as_u64()
}

/// Reads what was still acknowledged before the end. A line cut short was never
/// said.
fn last(acks: Lines<BufReader<ChildStdout>>, least: u64) -> u64 {
    acks.map_while(Result::ok)
        .filter_map(|ack| next(&ack))
        .last()
        .unwrap_or(least)
}

/// Demands that the log holds exactly the first rows, at least `least` of them.
fn verify(sandbox: &Sandbox, least: u64) -> u64 {
    assert_eq!(
        sandbox.run(["check", "log"]).succeeded().object()["healthy"],
        true
    );
    let values = sandbox.values("log");
    let count = values.len() as u64;
    assert!(
        count >= least,
        "{least} rows were acknowledged, {count} are there"
    );
    for (number, value) in (0..).zip(&values) {
        assert_eq!(value, &row(number));
    }
    count
}

fn finish(sandbox: &Sandbox, file: &str, there: u64) {
    let said = sandbox
        .run(["import", "log", file, "--skip", &there.to_string()])
        .succeeded();
    assert_eq!(said.object()["first"], there);
    assert_eq!(verify(sandbox, ROWS), ROWS);
}

#[test]
fn kill_minus_nine() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("rows.ndjson", rows());
    let file = file.to_str().unwrap();
    let mut there = 0;
    for least in [10, 2000, 9000] {
        let (mut import, acks) = begin(&sandbox, file, there, least.max(there + 10));
        import.kill().unwrap();
        assert!(!import.wait().unwrap().success());
        there = verify(&sandbox, last(acks, least));
    }
    finish(&sandbox, file, there);
}

/// As Ctrl-C does: the program handles neither. But a process started in the
/// background inherits that Ctrl-C is ignored, and these tests may be.
#[cfg(unix)]
#[test]
fn asked_to_end() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("rows.ndjson", rows());
    let file = file.to_str().unwrap();
    let (mut import, acks) = begin(&sandbox, file, 0, 1000);
    let interrupted = Command::new("kill")
        .args(["-TERM", &import.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    assert!(!import.wait().unwrap().success());
    let there = verify(&sandbox, last(acks, 1000));
    finish(&sandbox, file, there);
}
