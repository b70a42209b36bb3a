//! `append`: what becomes a record, and what is said about it.

use serde_json::json;

use crate::sandbox::Sandbox;

#[test]
fn each_line_is_a_record_and_the_sum_is_told() {
    let sandbox = Sandbox::new();
    let said = sandbox
        .feed(["append", "log", "--key", "k"], "one\ntwo\r\n\nlast")
        .succeeded();
    assert_eq!(
        said.object(),
        json!({"records": 4, "first": 0, "next": 4, "bytes": 14})
    );
    assert_eq!(sandbox.values("log"), ["one", "two", "", "last"]);
    let record = sandbox.run(["get", "log", "1"]).succeeded().object();
    assert_eq!(record["key"], "k");
}

#[test]
fn acknowledgements_are_told_batch_by_batch() {
    let sandbox = Sandbox::new();
    let arguments = [
        "append",
        "log",
        "--batch",
        "2",
        "--acks",
        "--durability",
        "synced",
    ];
    let said = sandbox.feed(arguments, "a\nb\nc\nd\ne\n").succeeded();
    assert_eq!(
        said.objects(),
        [
            json!({"first": 0, "next": 2}),
            json!({"first": 2, "next": 4}),
            json!({"first": 4, "next": 5}),
            json!({"records": 5, "first": 0, "next": 5, "bytes": 5}),
        ]
    );
    let stat = sandbox.run(["stat", "log"]).succeeded().object();
    assert_eq!(stat["durable"], 5);
}

#[test]
fn what_cat_prints_can_be_appended_again() {
    let sandbox = Sandbox::new();
    let lines = concat!(
        r#"{"time":5,"key":"k","value":"v\n\u0000"}"#,
        "\n\n",
        r#"{"time":-7,"key_base64":"gP8=","value_base64":"/w=="}"#,
        "\n",
        r#"{"time":5,"key":"","value":null}"#,
        "\n",
        r#"{"time":0,"value":""}"#,
        "\n"
    );
    let arguments = ["append", "first", "--format", "ndjson", "--batch", "9"];
    sandbox.feed(arguments, lines).succeeded();
    let printed = sandbox.run(["cat", "first"]).succeeded();
    assert_eq!(
        printed.objects(),
        [
            json!({"offset": 0, "time": 5, "key": "k", "value": "v\n\u{0}"}),
            json!({"offset": 1, "time": -7, "key_base64": "gP8=", "value_base64": "/w=="}),
            json!({"offset": 2, "time": 5, "key": "", "value": null}),
            json!({"offset": 3, "time": 0, "key": null, "value": ""}),
        ]
    );
    let arguments = ["append", "second", "--format", "ndjson"];
    sandbox.feed(arguments, &printed.stdout).succeeded();
    let again = sandbox.run(["cat", "second"]).succeeded();
    assert_eq!(again.stdout, printed.stdout);
}

#[test]
fn records_without_a_time_get_the_clock_s() {
    let sandbox = Sandbox::new();
    sandbox.feed(["append", "log"], "now\n").succeeded();
    let record = sandbox.run(["get", "log", "last"]).succeeded().object();
    let new_2026 = 1_767_225_600_000_000;
    assert!(record["time"].as_i64().unwrap() > new_2026, "{record}");
}

#[test]
fn people_are_told_in_words() {
    let sandbox = Sandbox::new();
    let mut command = crate::sandbox::program();
    command
        .args(["append", "log", "--acks", "--dir"])
        .arg(sandbox.data());
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"");
    assert_eq!(output.stderr, b"no records appended\n");
}
