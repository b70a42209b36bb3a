//! `import`: rows of every format as records.

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

const NEW_2001: i64 = 978_307_200_000_000;

fn imported(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let said = sandbox.run(arguments).succeeded();
    let object = said.object();
    assert!(object["seconds"].as_f64().unwrap() > 0.0, "{object}");
    object
}

#[test]
fn lines_of_json_keep_their_digits_and_their_order() {
    let sandbox = Sandbox::new();
    let file = sandbox.file(
        "rows.ndjson",
        "{\"z\": 1.50, \"a\" : \"x y\"}\n\n{\"z\":123456789012345678901234567890}\n",
    );
    let object = imported(&sandbox, &["import", "log", file.to_str().unwrap()]);
    assert_eq!(
        (&object["records"], &object["next"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(object["bytes"], 56);
    assert_eq!(
        sandbox.values("log"),
        [
            "{\"z\":1.50,\"a\":\"x y\"}",
            "{\"z\":123456789012345678901234567890}"
        ]
    );
}

#[test]
fn an_array_of_flights_gets_hours_as_times_and_distances_as_keys() {
    let sandbox = Sandbox::new();
    let file = sandbox.file(
        "flights.json",
        r#"[{"delay":14,"distance":405,"time":0.016666666666666666},
            {"delay":-11,"distance":370,"time":5.5}]"#,
    );
    let arguments = [
        "import",
        "flights",
        file.to_str().unwrap(),
        "--key-field",
        "distance",
        "--time-field",
        "time",
        "--time-unit",
        "h",
        "--time-base",
        "2001-01-01",
    ];
    imported(&sandbox, &arguments);
    let said = sandbox.run(["cat", "flights"]).succeeded();
    assert_eq!(
        said.objects(),
        [
            json!({"offset": 0, "time": NEW_2001 + 60_000_000, "key": "405",
                   "value": r#"{"delay":14,"distance":405,"time":0.016666666666666666}"#}),
            json!({"offset": 1, "time": NEW_2001 + 19_800_000_000_i64, "key": "370",
                   "value": r#"{"delay":-11,"distance":370,"time":5.5}"#}),
        ]
    );
}

#[test]
fn rows_of_csv_become_objects_of_strings() {
    let sandbox = Sandbox::new();
    let file = sandbox.file(
        "birds.CSV",
        "Origin,Flight Date,Cost\nTexas,1990-01-08,007\n\"New\nYork\",1/9/90 4:30,\n",
    );
    let arguments = [
        "import",
        "birds",
        file.to_str().unwrap(),
        "--key-field",
        "Origin",
        "--time-field",
        "Flight Date",
    ];
    imported(&sandbox, &arguments);
    let said = sandbox.run(["cat", "birds"]).succeeded();
    assert_eq!(
        said.objects(),
        [
            json!({"offset": 0, "time": 631_756_800_000_000_i64, "key": "Texas",
                   "value": r#"{"Origin":"Texas","Flight Date":"1990-01-08","Cost":"007"}"#}),
            json!({"offset": 1, "time": 631_859_400_000_000_i64, "key": "New\nYork",
                   "value": r#"{"Origin":"New\nYork","Flight Date":"1/9/90 4:30","Cost":""}"#}),
        ]
    );
}

#[test]
fn the_standard_input_is_a_file_that_needs_a_format() {
    let sandbox = Sandbox::new();
    sandbox
        .feed(["import", "log", "-"], "{}\n")
        .refused(2, "invalid", &["--format"]);
    sandbox
        .feed(["import", "log", "-", "--format", "json"], "[1, [2]]")
        .succeeded();
    assert_eq!(sandbox.values("log"), ["1", "[2]"]);
}

#[test]
fn an_import_goes_on_where_an_earlier_one_ended() {
    let sandbox = Sandbox::new();
    let rows: String = (0..10).map(|row| format!("{{\"row\":{row}}}\n")).collect();
    let whole = sandbox.file("rows.ndjson", &rows);
    let part: String = rows.lines().take(4).map(|row| format!("{row}\n")).collect();
    let part = sandbox.file("part.ndjson", part);
    imported(&sandbox, &["import", "log", part.to_str().unwrap()]);
    let rest = imported(
        &sandbox,
        &["import", "log", whole.to_str().unwrap(), "--skip", "4"],
    );
    assert_eq!(
        (&rest["records"], &rest["first"], &rest["next"]),
        (&json!(6), &json!(4), &json!(10))
    );
    let expected: Vec<String> = rows.lines().map(str::to_owned).collect();
    assert_eq!(sandbox.values("log"), expected);
    let none = imported(
        &sandbox,
        &["import", "log", whole.to_str().unwrap(), "--skip", "10"],
    );
    assert_eq!(
        (&none["records"], &none["first"], &none["next"]),
        (&json!(0), &json!(10), &json!(10))
    );
}

#[test]
fn batches_end_at_a_count_and_at_a_megabyte() {
    let sandbox = Sandbox::new();
    let rows: String = (0..5)
        .map(|_| format!("\"{}\"\n", "x".repeat(400_000)))
        .collect();
    let file = sandbox.file("rows.ndjson", rows);
    let acks = |log: &str, batch: &str| {
        let arguments = [
            "import",
            log,
            file.to_str().unwrap(),
            "--acks",
            "--batch",
            batch,
        ];
        let mut said = sandbox.run(arguments).succeeded().objects();
        said.pop();
        said.iter()
            .map(|ack| ack["next"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(acks("by-count", "2"), [2, 4, 5]);
    assert_eq!(acks("by-bytes", "1000"), [3, 5]);
}

#[test]
fn times_that_run_backwards_are_kept_as_they_are() {
    let sandbox = Sandbox::new();
    let file = sandbox.file(
        "rows.ndjson",
        "{\"t\":3}\n{\"t\":1}\n{\"t\":-2}\n{\"t\":null}\n",
    );
    imported(
        &sandbox,
        &[
            "import",
            "log",
            file.to_str().unwrap(),
            "--time-field",
            "t",
            "--time-unit",
            "s",
        ],
    );
    let said = sandbox.run(["cat", "log"]).succeeded();
    let times: Vec<i64> = said
        .objects()
        .iter()
        .map(|record| record["time"].as_i64().unwrap())
        .collect();
    assert_eq!(times[..3], [3_000_000, 1_000_000, -2_000_000]);
    assert!(times[3] > NEW_2001, "null is the time of the append");
    assert!(sandbox.run(["check", "log"]).succeeded().object()["healthy"] == true);
}
