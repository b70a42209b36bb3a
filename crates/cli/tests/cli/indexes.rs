//! Indexes: chosen at creation, added, dropped, and asked by `get` and `cat`.

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

const LINES: &str = r#"{"time":1000000,"key":"a","value":"0"}
{"time":2000000,"key":"b","value":"1"}
{"time":2000000,"key":"a","value":"2"}
{"time":-5,"key_base64":"gA==","value":"3"}
{"time":4000000,"key":"","value":"4"}
"#;

fn with(creation: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let append = ["append", "log", "--format", "ndjson"];
    sandbox
        .feed([&append, creation].concat(), LINES)
        .succeeded();
    sandbox
}

fn get(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let arguments = [&["get", "log"], arguments].concat();
    sandbox.run(arguments).succeeded().object()["offset"].take()
}

fn indexes(sandbox: &Sandbox) -> Value {
    let stat = sandbox.run(["stat", "log"]).succeeded().object();
    let shown = sandbox.run(["index", "log"]).succeeded().object();
    assert_eq!(stat["indexes"], shown["indexes"]);
    shown["indexes"].clone()
}

#[test]
fn a_log_created_with_indexes_answers_by_key_and_time() {
    let sandbox = with(&["--index", "keys,times"]);
    assert_eq!(indexes(&sandbox), json!({"keys": true, "times": true}));
    assert_eq!(get(&sandbox, &["--key", "a"]), 2);
    assert_eq!(get(&sandbox, &["--key", ""]), 4);
    assert_eq!(get(&sandbox, &["--key-base64", "gA=="]), 3);
    assert_eq!(get(&sandbox, &["--time", "1000001"]), 1);
    assert_eq!(get(&sandbox, &["--time", "-9"]), 0);
    assert_eq!(get(&sandbox, &["--time", "1970-01-01T00:00:03Z"]), 4);

    let cat = |more: &[&str]| {
        let said = sandbox.run([&["cat", "log"], more].concat()).succeeded();
        let offsets = said
            .objects()
            .into_iter()
            .map(|record| record["offset"].clone());
        offsets.collect::<Vec<_>>()
    };
    assert_eq!(cat(&["--key", "a"]), [0, 2]);
    assert_eq!(cat(&["--key", "a", "--from", "1"]), [2]);
    assert_eq!(cat(&["--key", "a", "--max", "1"]), [0]);
    assert_eq!(cat(&["--key", "a", "--max", "0"]), [0; 0]);
    assert_eq!(cat(&["--key", "c"]), [0; 0]);
    assert_eq!(cat(&["--key-base64", "gA=="]), [3]);

    for (arguments, word) in [
        (&["get", "log", "--key", "c"][..], "no record has this key"),
        (&["get", "log", "--time", "4000001"], "earlier than 4000001"),
    ] {
        sandbox.run(arguments).refused(3, "not-found", &[word]);
    }
}

#[test]
fn more_matches_than_one_read_returns_come_in_one_piece() {
    let sandbox = Sandbox::new();
    let lines = "x\n".repeat(3000);
    let append = [
        "append", "log", "--key", "k", "--index", "keys", "--batch", "100",
    ];
    sandbox.feed(append, lines).succeeded();
    let all = sandbox.run(["cat", "log", "--key", "k"]).succeeded();
    assert_eq!(all.objects().len(), 3000);
    let some = sandbox.run(["cat", "log", "--key", "k", "--max", "2500"]);
    assert_eq!(some.succeeded().objects().len(), 2500);
}

#[test]
fn an_index_that_is_not_there_is_asked_for_in_vain() {
    let sandbox = with(&["--index", "times"]);
    for arguments in [
        &["get", "log", "--key", "a"][..],
        &["cat", "log", "--key", "a"],
    ] {
        sandbox.run(arguments).refused(
            1,
            "no-index",
            &["no index by key", "an index by time alone"],
        );
    }
    let refused = sandbox.feed(["append", "log", "--index", "keys"], "x\n");
    refused.refused(2, "invalid", &["an index by time alone", "reindex"]);
    sandbox
        .feed(["append", "log", "--index", "times"], "x\n")
        .succeeded();
    assert_eq!(sandbox.values("log").len(), 6);
}

#[test]
fn indexes_are_added_and_dropped() {
    let sandbox = with(&[]);
    assert_eq!(indexes(&sandbox), json!({"keys": false, "times": false}));
    let add = ["index", "log", "add", "keys,times"];
    let dry = sandbox.run([&add[..], &["--dry-run"]].concat()).succeeded();
    assert_eq!(
        dry.object()["indexes"],
        json!({"keys": true, "times": true})
    );
    assert_eq!(indexes(&sandbox), json!({"keys": false, "times": false}));

    let added = sandbox.run(add).succeeded().object();
    assert_eq!(added["indexes"], json!({"keys": true, "times": true}));
    assert!(added["indexed"].as_u64().unwrap() > 0, "{added}");
    assert_eq!(get(&sandbox, &["--key", "a"]), 2);
    assert_eq!(get(&sandbox, &["--time", "1000001"]), 1);

    let again = sandbox.run(add).succeeded().object();
    assert_eq!(again["indexed"], 0);
    let drop = ["index", "log", "drop", "keys"];
    sandbox
        .run([&drop[..], &["--dry-run"]].concat())
        .succeeded();
    assert_eq!(
        get(&sandbox, &["--key", "a"]),
        2,
        "a dry run changes nothing"
    );
    sandbox.run(drop).succeeded();
    assert_eq!(indexes(&sandbox), json!({"keys": false, "times": true}));
    sandbox
        .run(["get", "log", "--key", "a"])
        .refused(1, "no-index", &[]);
    assert!(sandbox.run(["check", "log"]).succeeded().object()["healthy"] == true);
}

#[test]
fn questions_that_contradict_themselves() {
    let sandbox = with(&["--index", "keys"]);
    for arguments in [
        &["get", "log"][..],
        &["get", "log", "1", "--key", "a"],
        &["get", "log", "1", "--time", "1"],
        &["get", "log", "--key", "a", "--key-base64", "gA=="],
        &["get", "log", "--key", "a", "--time", "1"],
        &["get", "log", "--key-base64", "?"],
        &["get", "log", "--time", "soon"],
        &["cat", "log", "--key", "a", "--reverse"],
        &["index", "log", "add"],
        &["index", "log", "show", "keys"],
        &["index", "log", "add", "values"],
        &["append", "log", "--index", "values"],
    ] {
        sandbox.run(arguments).refused(2, "invalid", &[]);
    }
}

#[test]
fn an_import_creates_with_indexes_too() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("rows.ndjson", "{\"k\":\"x\"}\n{\"k\":\"y\"}\n");
    let file = file.to_str().unwrap();
    let import = ["import", "log", file, "--key-field", "k", "--index", "keys"];
    sandbox.run(import).succeeded();
    assert_eq!(get(&sandbox, &["--key", "x"]), 0);
    let import = ["import", "--log", "other", file, "--index", "times"];
    sandbox.run(import).succeeded();
    assert_eq!(sandbox.values("other").len(), 2);
    for arguments in [
        &["import", "log"][..],
        &["import", "--log", "log", "log", file],
        &["import", "--log", "log"],
    ] {
        sandbox.run(arguments).refused(2, "invalid", &["FILE"]);
    }
}
