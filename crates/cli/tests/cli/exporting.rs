//! `export`: all records in a file.

use std::fs;

use serde_json::Value;

use crate::sandbox::Sandbox;

fn three() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines = concat!(
        r#"{"time":1,"key":"k","value":"a,\"b\""}"#,
        "\n",
        r#"{"time":2,"value_base64":"/w=="}"#,
        "\n",
        r#"{"time":3,"key":"k","value":null}"#,
        "\n"
    );
    sandbox
        .feed(["append", "log", "--format", "ndjson"], lines)
        .succeeded();
    sandbox
}

#[test]
fn lines_are_those_of_cat() {
    let sandbox = three();
    let printed = sandbox.run(["cat", "log"]).succeeded().stdout;
    assert_eq!(sandbox.run(["export", "log"]).succeeded().stdout, printed);
    let file = sandbox.path("out.ndjson");
    let said = sandbox
        .run(["export", "log", file.to_str().unwrap()])
        .succeeded();
    assert_eq!(said.stdout, "");
    assert_eq!(fs::read_to_string(file).unwrap(), printed);
}

#[test]
fn an_array_holds_the_same_objects() {
    let sandbox = three();
    let printed = sandbox.run(["cat", "log"]).succeeded().objects();
    let exported = sandbox
        .run(["export", "log", "--format", "json"])
        .succeeded()
        .object();
    assert_eq!(exported, Value::Array(printed));
    sandbox.feed(["append", "empty"], "").succeeded();
    let nothing = sandbox
        .run(["export", "empty", "--format", "json"])
        .succeeded()
        .object();
    assert_eq!(nothing, Value::Array(Vec::new()));
}

#[test]
fn csv_has_a_column_for_bytes_that_are_no_text() {
    let sandbox = three();
    let file = sandbox.path("out.csv");
    sandbox
        .run(["export", "log", file.to_str().unwrap()])
        .succeeded();
    assert_eq!(
        fs::read_to_string(file).unwrap(),
        "offset,time,key,value,key_base64,value_base64\n\
         0,1,k,\"a,\"\"b\"\"\",,\n1,2,,,,/w==\n2,3,k,,,\n"
    );
}

#[test]
fn a_file_that_exists_is_left_alone() {
    let sandbox = three();
    let file = sandbox.file("out.ndjson", "precious");
    sandbox
        .run(["export", "log", file.to_str().unwrap()])
        .refused(1, "exists", &["out.ndjson", "remove it, or name another"]);
    assert_eq!(fs::read_to_string(file).unwrap(), "precious");
}
