//! A whole log in one file: `export --format tidelog` and `import` of it.

use std::fs;

use serde_json::json;

use crate::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines: String = (0..100).map(|number| format!("line {number}\n")).collect();
    let settings = [
        "append",
        "log",
        "--index",
        "keys",
        "--retain-records",
        "1000",
    ];
    sandbox.feed(settings, lines).succeeded();
    sandbox.run(["delete", "log", "5..8", "99"]).succeeded();
    sandbox
}

#[test]
fn a_log_travels_in_a_file() {
    let sandbox = sandbox();
    let file = sandbox.path("log.tidelog");
    let path = file.to_str().unwrap();
    let said = sandbox.run(["export", "log", path]).succeeded().object();
    let length = fs::metadata(&file).unwrap().len();
    assert_eq!(said, json!({"next": 100, "records": 96, "bytes": length}));
    let again = sandbox.run(["export", "log", path]);
    again.refused(1, "exists", &["never writes over"]);
    let said = sandbox.run(["import", "copy", path]).succeeded().object();
    assert_eq!((&said["next"], &said["records"]), (&json!(100), &json!(96)));
    let cat = |log: &str| sandbox.run(["cat", log]).succeeded().stdout;
    assert_eq!(cat("copy"), cat("log"));
    let stat = |log: &str| {
        let stat = sandbox.run(["stat", log]).succeeded().object();
        ["oldest", "last", "next", "records", "retention", "indexes"].map(|name| stat[name].clone())
    };
    assert_eq!(stat("copy"), stat("log"));
    let said = sandbox.run(["import", "copy", path]);
    said.refused(1, "exists", &["\"copy\""]);
    // Through a pipe, into another directory.
    let mut command = sandbox.command(["export", "log", "--format", "tidelog"]);
    let piped = command.output().unwrap();
    assert!(piped.status.success(), "{piped:?}");
    let there = Sandbox::new();
    let import = ["import", "log", "-", "--format", "tidelog"];
    there.feed(import, &piped.stdout).succeeded();
    assert_eq!(there.run(["cat", "log"]).succeeded().stdout, cat("log"));
}

#[test]
fn what_is_damaged_or_something_else_changes_nothing() {
    let sandbox = sandbox();
    let whole = sandbox.path("log.tidelog");
    sandbox
        .run(["export", "log", whole.to_str().unwrap()])
        .succeeded();
    let bytes = fs::read(&whole).unwrap();
    let there = Sandbox::new();
    let refused = |bytes: &[u8], code, kind, words: &[&str]| {
        let file = there.file("some.tidelog", bytes);
        let said = there.run(["import", "log", file.to_str().unwrap()]);
        said.refused(code, kind, words);
        assert_eq!(there.run(["logs"]).stdout, "");
        there.run(["stat", "log"]).refused(3, "not-found", &[]);
    };
    let mut hit = bytes.clone();
    hit[700] ^= 1;
    refused(&hit, 6, "corrupt", &["at position", "checksum"]);
    let short = &bytes[..bytes.len() - 8];
    refused(short, 6, "corrupt", &["at position", "too early"]);
    refused(
        b"{\"not\": \"ours\"}",
        6,
        "corrupt",
        &["nothing was imported"],
    );
    refused(&[b'x'; 500], 6, "corrupt", &["not an exported log"]);
    let mut newer = bytes.clone();
    newer[8] = 9;
    refused(&newer, 6, "corrupt", &[]);
    let file = whole.to_str().unwrap();
    there.run(["import", "log", file]).succeeded();
    let missing = there.run(["import", "other", "nowhere.tidelog"]);
    missing.refused(3, "not-found", &["nowhere"]);
}
