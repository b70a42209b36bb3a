//! Input that is not what it should be: told with its place, and left out if
//! that is asked for.

use serde_json::json;

use crate::sandbox::Sandbox;

#[test]
fn a_malformed_line_ends_an_import_and_says_how_to_go_on() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("rows.ndjson", "{\"a\":1}\n{\"a\":2}\n{\"a\":\n{\"a\":4}\n");
    let path = file.to_str().unwrap();
    sandbox.run(["import", "log", path]).refused(
        7,
        "invalid",
        &[
            "rows.ndjson: line 3",
            "not valid JSON",
            "2 records appended",
            "--skip 2",
            "--skip-bad",
        ],
    );
    assert_eq!(sandbox.values("log"), ["{\"a\":1}", "{\"a\":2}"]);
    let said = sandbox
        .run(["import", "log", path, "--skip", "2", "--skip-bad"])
        .succeeded();
    assert!(said.stderr.contains("left out line 3"), "{}", said.stderr);
    assert_eq!(said.object()["skipped"], 1);
    assert_eq!(
        sandbox.values("log"),
        ["{\"a\":1}", "{\"a\":2}", "{\"a\":4}"]
    );
}

#[test]
fn malformed_lines_of_csv_are_counted() {
    let sandbox = Sandbox::new();
    let mut text = b"k,t\na,1\nb\nc,1,2\nd,soon\n\xff,5\ne,6\n".to_vec();
    text.extend_from_slice(&b"f\n".repeat(30));
    let file = sandbox.file("rows.csv", text);
    let arguments = ["import", "log", file.to_str().unwrap(), "--time-field", "t"];
    sandbox.run(arguments).refused(
        7,
        "invalid",
        &["rows.csv: line 3", "1 fields where the header names 2"],
    );
    let said = sandbox
        .run([
            "import",
            "again",
            file.to_str().unwrap(),
            "--time-field",
            "t",
            "--skip-bad",
        ])
        .succeeded();
    let object = said.object();
    assert_eq!(
        (&object["records"], &object["skipped"]),
        (&json!(2), &json!(34))
    );
    for told in [
        "line 4: 3 fields",
        "line 5: \"soon\" is no time",
        "line 6: field 1 is not UTF-8",
    ] {
        assert!(said.stderr.contains(told), "{told}: {}", said.stderr);
    }
    assert!(said.stderr.contains("only counted"), "{}", said.stderr);
    assert!(said.stderr.lines().count() < 25, "{}", said.stderr);
}

#[test]
fn a_broken_array_is_told_by_its_element() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("rows.json", "[{\"a\":1},{\"a\":2},{\"a\":}]");
    sandbox
        .run(["import", "log", file.to_str().unwrap()])
        .refused(
            7,
            "invalid",
            &["rows.json: element 3", "2 records appended", "--skip 2"],
        );
    let lines = sandbox.file("lines.json", "{\"a\":1}\n");
    sandbox
        .run(["import", "log", lines.to_str().unwrap()])
        .refused(2, "invalid", &["no JSON array", "--format ndjson"]);
}

#[test]
fn fields_that_are_not_there_are_told() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("rows.ndjson", "{\"k\":1}\n{\"K\":1}\n");
    sandbox
        .run(["import", "log", file.to_str().unwrap(), "--key-field", "k"])
        .refused(7, "invalid", &["line 2", "no field \"k\""]);
    let file = sandbox.file("rows.csv", "a,b\n1,2\n");
    sandbox
        .run(["import", "log", file.to_str().unwrap(), "--key-field", "k"])
        .refused(2, "invalid", &["no column \"k\"", "a, b"]);
}

#[test]
fn a_record_that_is_too_large_is_refused_and_nothing_of_it_written() {
    let sandbox = Sandbox::new();
    let large = "x".repeat((16 << 20) + 1);
    sandbox
        .feed(["append", "log"], format!("small\n{large}\nafter\n"))
        .refused(
            7,
            "invalid",
            &["line 2", "16777217 bytes", "16777216", "1 record appended"],
        );
    assert_eq!(sandbox.values("log"), ["small"]);

    let file = sandbox.file("rows.ndjson", format!("1\n\"{large}\"\n3\n"));
    let path = file.to_str().unwrap();
    sandbox
        .run(["import", "log", path])
        .refused(7, "invalid", &["line 2", "16777216"]);
    let said = sandbox
        .run(["import", "log", path, "--skip", "1", "--skip-bad"])
        .succeeded();
    assert_eq!(said.object()["skipped"], 1);
    assert_eq!(sandbox.values("log"), ["small", "1", "3"]);
}

#[test]
fn the_largest_record_there_may_be_is_appended() {
    let sandbox = Sandbox::new();
    let largest = "x".repeat(16 << 20);
    let line = format!("{largest}\n").repeat(2);
    sandbox
        .feed(["append", "log", "--batch", "2"], line)
        .succeeded();
    let values = sandbox.values("log");
    assert_eq!(values.len(), 2);
    assert!(values.iter().all(|value| value.as_str() == Some(&largest)));
}

#[test]
fn lines_of_records_are_told_by_their_number() {
    let sandbox = Sandbox::new();
    let lines = "{\"value\":\"a\"}\n\n{\"vaule\":\"b\"}\n";
    sandbox
        .feed(["append", "log", "--format", "ndjson"], lines)
        .refused(
            7,
            "invalid",
            &["line 3", "unknown field `vaule`", "1 record appended"],
        );
    assert_eq!(sandbox.values("log"), ["a"]);
}
