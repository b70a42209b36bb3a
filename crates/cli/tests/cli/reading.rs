//! `cat`, `get`, `stat`, `logs` and `tail`.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, end_of, program};

const NONE: [u64; 0] = [];

fn ten() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines: String = (0..10).map(|line| format!("{line}\n")).collect();
    sandbox.feed(["append", "log"], lines).succeeded();
    sandbox
}

fn offsets(sandbox: &Sandbox, arguments: &[&str]) -> Vec<u64> {
    let said = sandbox.run(arguments).succeeded();
    said.objects()
        .iter()
        .map(|record| record["offset"].as_u64().unwrap())
        .collect()
}

#[test]
fn cat_begins_and_ends_where_it_is_told() {
    let sandbox = ten();
    let cat = |more: &[&str]| offsets(&sandbox, &[&["cat", "log"], more].concat());
    assert_eq!(cat(&[]), (0..10).collect::<Vec<_>>());
    assert_eq!(cat(&["--from", "7"]), [7, 8, 9]);
    assert_eq!(cat(&["--from", "last"]), [9]);
    assert_eq!(cat(&["--from", "next"]), NONE);
    assert_eq!(cat(&["--from", "10"]), NONE);
    assert_eq!(cat(&["--from", "oldest", "--max", "2"]), [0, 1]);
    assert_eq!(cat(&["--max", "0"]), NONE);
    assert_eq!(cat(&["--reverse"]), (0..10).rev().collect::<Vec<_>>());
    assert_eq!(cat(&["--reverse", "--max", "3"]), [9, 8, 7]);
    assert_eq!(cat(&["--reverse", "--from", "2"]), [2, 1, 0]);
    assert_eq!(cat(&["--reverse", "--from", "oldest"]), [0]);
}

#[test]
fn more_records_than_one_read_returns_come_in_one_piece() {
    let sandbox = Sandbox::new();
    let lines: String = (0..5000).map(|line| format!("{line}\n")).collect();
    sandbox
        .feed(["append", "log", "--batch", "100"], lines)
        .succeeded();
    let forward = offsets(&sandbox, &["cat", "log"]);
    assert_eq!(forward, (0..5000).collect::<Vec<_>>());
    let reverse = offsets(&sandbox, &["cat", "log", "--reverse", "--max", "3000"]);
    assert_eq!(reverse, (2000..5000).rev().collect::<Vec<_>>());
}

#[test]
fn get_prints_one_record() {
    let sandbox = ten();
    for (place, value) in [("oldest", "0"), ("4", "4"), ("last", "9")] {
        let record = sandbox.run(["get", "log", place]).succeeded().object();
        assert_eq!(record["value"], value);
    }
}

#[test]
fn stat_prints_the_bounds_and_the_size() {
    let sandbox = ten();
    let mut stat = sandbox.run(["stat", "log"]).succeeded().object();
    let bytes = stat["bytes"].take();
    assert!(bytes.as_u64().unwrap() > 10, "{bytes}");
    let opening = stat["opening"].take();
    assert!(opening["seconds"].as_f64().unwrap() > 0.0, "{opening}");
    // At least the manifest of the catalog and that of the log.
    for count in ["lists", "reads", "bytes_read"] {
        assert!(opening[count].as_u64().unwrap() >= 2, "{opening}");
    }
    assert_eq!(
        stat,
        json!({"oldest": 0, "last": 9, "next": 10, "durable": 10, "records": 10, "deleted": 0,
               "indexes": {"keys": false, "times": false},
               "retention": {"age": null, "bytes": null, "records": null},
               "segments": 1, "bytes": null, "opening": null})
    );

    sandbox.feed(["append", "empty"], "").succeeded();
    let stat = sandbox.run(["stat", "empty"]).succeeded().object();
    assert_eq!(
        (&stat["last"], &stat["next"], &stat["records"]),
        (&Value::Null, &json!(0), &json!(0))
    );
}

#[test]
fn people_read_lines_with_tabs() {
    let sandbox = Sandbox::new();
    let line = r#"{"time":0,"key":"k","value":"\u001b[31mred"}"#;
    sandbox
        .feed(["append", "log", "--format", "ndjson"], line)
        .succeeded();
    let output = program()
        .arg("--dir")
        .arg(sandbox.data())
        .args(["cat", "log"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "0\t1970-01-01T00:00:00Z\tk\t\\u{1b}[31mred\n"
    );
}

#[test]
fn the_directory_may_come_from_the_environment() {
    let sandbox = ten();
    let output = program()
        .env("TIDELOG_DIR", sandbox.data())
        .arg("logs")
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"log\n");
}

#[test]
fn tail_prints_what_another_process_appends() {
    let sandbox = ten();
    let mut tail = sandbox
        .command(["tail", "log", "--from", "8"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || {
        let record: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        record["value"].as_str().unwrap().to_owned()
    };
    assert_eq!((next(), next()), ("8".to_owned(), "9".to_owned()));

    let mut append = sandbox
        .command(["append", "log"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = append.stdin.take().unwrap();
    for value in ["ten", "eleven"] {
        writeln!(stdin, "{value}").unwrap();
        assert_eq!(next(), value, "told while the writer still runs");
    }
    drop(stdin);
    end_of(append).succeeded();
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn nobody_reading_the_output_is_no_reason_to_complain() {
    let sandbox = Sandbox::new();
    let line = format!("{}\n", "x".repeat(1000));
    sandbox
        .feed(["append", "log", "--batch", "1000"], line.repeat(2000))
        .succeeded();
    let mut cat = sandbox.command(["cat", "log"]).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(cat.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.starts_with("{\"offset\":0,"), "{first}");
    let said = end_of(cat);
    assert_eq!((said.code, said.stderr.as_str()), (Some(141), ""));
}
