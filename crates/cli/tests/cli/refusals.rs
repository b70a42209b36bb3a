//! What is refused because of what is there already: each refusal says what,
//! where, and what to do.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::sandbox::{Sandbox, end_of};

fn three() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.feed(["append", "log"], "a\nb\nc\n").succeeded();
    sandbox
}

#[test]
fn offsets_beyond_the_log() {
    let sandbox = three();
    for arguments in [
        &["get", "log", "3"][..],
        &["get", "log", "18446744073709551615"],
        &["cat", "log", "--from", "4"],
        &["cat", "log", "--from", "99", "--reverse"],
        &["tail", "log", "--from", "99"],
    ] {
        sandbox
            .run(arguments)
            .refused(3, "out-of-range", &["from 0 up to 3"]);
    }
}

#[test]
fn logs_and_directories_that_are_not_there() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["stat", "log"][..],
        &["logs"],
        &["cat", "log"],
        &["recover", "log"],
    ] {
        sandbox
            .run(arguments)
            .refused(3, "not-found", &["data", "does not exist"]);
    }
    assert!(!sandbox.data().exists(), "reading creates nothing");
    let sandbox = three();
    for verb in ["stat", "cat", "tail", "export", "recover"] {
        sandbox
            .run([verb, "Log"])
            .refused(3, "not-found", &["there is no log \"Log\""]);
    }
    assert_eq!(sandbox.run(["logs"]).succeeded().objects().len(), 1);
}

#[test]
fn a_directory_that_is_not_a_tidelog() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.data()).unwrap();
    fs::write(sandbox.data().join("letter.txt"), "dear").unwrap();
    for arguments in [
        &["append", "log"][..],
        &["stat", "log"],
        &["logs"],
        &["check", "log"],
    ] {
        sandbox
            .run(arguments)
            .refused(2, "invalid", &["data is not a tidelog directory"]);
    }
    let left: Vec<_> = fs::read_dir(sandbox.data()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_missing_file_creates_no_log() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("missing.csv");
    sandbox
        .run(["import", "log", file.to_str().unwrap()])
        .refused(3, "not-found", &["missing.csv"]);
    assert!(!sandbox.data().exists());
}

#[test]
fn a_second_writer() {
    let sandbox = three();
    let mut first = sandbox
        .command(["append", "log", "--acks"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = first.stdin.take().unwrap();
    let mut acks = BufReader::new(first.stdout.take().unwrap()).lines();
    writeln!(stdin, "d").unwrap();
    assert_eq!(acks.next().unwrap().unwrap(), r#"{"first":3,"next":4}"#);

    sandbox
        .feed(["append", "log"], "e\n")
        .refused(4, "locked", &["another writer"]);
    sandbox.feed(["append", "other"], "e\n").succeeded();
    assert_eq!(
        sandbox.values("log"),
        ["a", "b", "c", "d"],
        "readers are let in"
    );

    writeln!(stdin, "f").unwrap();
    assert_eq!(acks.next().unwrap().unwrap(), r#"{"first":4,"next":5}"#);
    drop(stdin);
    end_of(first).succeeded();
    sandbox.feed(["append", "log"], "g\n").succeeded();
    assert_eq!(sandbox.values("log"), ["a", "b", "c", "d", "f", "g"]);
}

#[test]
fn a_format_that_is_not_known() {
    let sandbox = three();
    let before = sandbox.run(["cat", "log"]).succeeded().stdout;
    let marker = sandbox.data().join("tidelog");
    let known = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, known.replace("format 1", "format 9")).unwrap();
    for arguments in [&["append", "log"][..], &["cat", "log"]] {
        sandbox
            .run(arguments)
            .refused(1, "unsupported", &["format 9", "update tidelog"]);
    }
    sandbox
        .run(["check", "log"])
        .refused(2, "unsupported", &["format 9"]);
    fs::write(&marker, known).unwrap();

    let blobs = blobs(&sandbox);
    for blob in &blobs {
        let bytes = fs::read(blob).unwrap();
        fs::write(blob, of_version(2, &bytes)).unwrap();
    }
    for arguments in [&["append", "log"][..], &["cat", "log"], &["stat", "log"]] {
        sandbox
            .feed(arguments, "x\n")
            .refused(1, "unsupported", &["newer tidelog"]);
    }
    sandbox
        .run(["check", "log"])
        .refused(2, "unsupported", &["newer tidelog"]);
    for blob in &blobs {
        let bytes = fs::read(blob).unwrap();
        fs::write(blob, of_version(1, &bytes)).unwrap();
    }
    assert_eq!(sandbox.run(["cat", "log"]).succeeded().stdout, before);
}

/// The files that hold blobs of the first log.
fn blobs(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let folder = sandbox.data().join("log-1");
    let blobs: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::read(path).unwrap().starts_with(b"tidelog\n"))
        .collect();
    assert!(blobs.len() >= 2, "a segment and a manifest: {blobs:?}");
    blobs
}

/// The same blob with another version in its header, whose checksum holds.
fn of_version(version: u16, blob: &[u8]) -> Vec<u8> {
    let mut bytes = blob.to_vec();
    bytes[8..10].copy_from_slice(&version.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..20]);
    hasher.update(&bytes[24..64]);
    bytes[20..24].copy_from_slice(&hasher.finalize().to_le_bytes());
    bytes
}

#[test]
fn arguments_that_make_no_sense() {
    let sandbox = Sandbox::new();
    for (arguments, word) in [
        (&["frobnicate"][..], "frobnicate"),
        (
            &["cat", "log", "--from", "yesterday"],
            "oldest, last, next or an offset",
        ),
        (&["append", "log", "--batch", "0"], "from 1 to"),
        (
            &["import", "log", "x.csv", "--time-base", "soon"],
            "YYYY-MM-DD",
        ),
        (&["import", "log", "x.txt"], "--format"),
    ] {
        sandbox.run(arguments).refused(2, "invalid", &[word]);
    }
    let help = sandbox.run(["--help"]).succeeded();
    assert!(help.stdout.contains("Exit codes:"), "{help:?}");
}
