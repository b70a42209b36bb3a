//! `delete`, `trim`, `clear` and `compact`, with the dry runs of each.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, program};

/// Values 0 to 9, keys a, b, c, a, ..., times in seconds since 1970.
fn ten() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines: String = (0..10)
        .map(|number| {
            let (time, key) = (number * 1_000_000, ["a", "b", "c"][number % 3]);
            let record = json!({"time": time, "key": key, "value": number.to_string()});
            format!("{record}\n")
        })
        .collect();
    sandbox
        .feed(["append", "log", "--format", "ndjson"], lines)
        .succeeded();
    sandbox
}

/// Runs a verb dry and then in earnest. The answers must agree, and the dry run must
/// change nothing.
fn both(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let before = sandbox.values("log");
    let dry = [arguments, &["--dry-run"]].concat();
    let mut planned = sandbox.run(dry).succeeded().object();
    assert_eq!(planned["dry_run"].take(), true);
    assert_eq!(sandbox.values("log"), before, "a dry run changes nothing");
    let mut done = sandbox.run(arguments).succeeded().object();
    assert_eq!(done["dry_run"].take(), false);
    // What ending a segment adds to its bytes is shared out among its records.
    planned["bytes"].take();
    done["bytes"].take();
    assert_eq!(planned, done);
    done
}

#[test]
fn delete_takes_offsets_ranges_and_lines() {
    let sandbox = ten();
    let done = both(&sandbox, &["delete", "log", "9", "3", "99", "3"]);
    assert_eq!(
        (&done["records"], &done["missing"]),
        (&json!(2), &json!([99]))
    );
    assert_eq!(
        sandbox.values("log"),
        ["0", "1", "2", "4", "5", "6", "7", "8"]
    );
    let done = both(
        &sandbox,
        &["delete", "log", "2..5", "8..18446744073709551615"],
    );
    assert_eq!(
        (&done["records"], &done["missing"]),
        (&json!(3), &json!([3, 9])),
        "a range means what there is in it"
    );
    let said = sandbox.feed(["delete", "log", "-"], "0\n\n 1..3 \n");
    assert_eq!(said.succeeded().object()["records"], 2);
    assert_eq!(sandbox.values("log"), ["5", "6", "7"]);
    sandbox.feed(["append", "log"], "next\n").succeeded();
    let last = sandbox.run(["get", "log", "last"]).succeeded().object();
    assert_eq!(last["offset"], 10, "no offset is given again");
    let stat = sandbox.run(["stat", "log"]).succeeded().object();
    assert_eq!((&stat["records"], &stat["deleted"]), (&json!(4), &json!(7)));
    assert_eq!(stat["oldest"], 5);
}

#[test]
fn delete_refuses_what_is_no_offset() {
    let sandbox = ten();
    for arguments in [
        &["delete", "log"][..],
        &["delete", "log", "x"],
        &["delete", "log", "1.."],
        &["delete", "log", "1", "--", "-1"],
    ] {
        sandbox.run(arguments).refused(2, "invalid", &[]);
    }
    sandbox
        .feed(["delete", "log", "-"], "1\ntwo\n")
        .refused(7, "invalid", &["line 2", "\"two\""]);
    assert_eq!(sandbox.values("log").len(), 10, "all of it or nothing");
}

#[test]
fn trim_knows_five_ways_to_end() {
    let left = |arguments: &[&str]| {
        let sandbox = ten();
        let done = both(&sandbox, &[&["trim", "log"], arguments].concat());
        let values = sandbox.values("log");
        assert_eq!(done["records"], 10 - values.len());
        let stat = sandbox.run(["stat", "log"]).succeeded().object();
        assert_eq!(stat["oldest"], done["oldest"]);
        values.len()
    };
    assert_eq!(left(&["--before", "4"]), 6);
    assert_eq!(left(&["--before", "last"]), 1);
    assert_eq!(left(&["--before", "next"]), 0);
    assert_eq!(left(&["--before", "99"]), 0);
    assert_eq!(left(&["--before", "oldest"]), 10);
    assert_eq!(left(&["--records", "3"]), 3);
    assert_eq!(left(&["--bytes", "1GiB"]), 10);
    assert_eq!(left(&["--bytes", "0"]), 0);
    assert_eq!(left(&["--time", "4000000"]), 5);
    assert_eq!(left(&["--time", "1970-01-01T00:00:02Z"]), 7);
    assert_eq!(left(&["--time", "-1"]), 10);
    assert_eq!(left(&["--age", "1d"]), 0);
    assert_eq!(left(&["--age", "36500d"]), 10);
}

#[test]
fn trim_wants_to_know_exactly_one_end() {
    let sandbox = ten();
    for (arguments, word) in [
        (&["trim", "log"][..], "--before"),
        (
            &["trim", "log", "--records", "1", "--bytes", "1"],
            "--bytes",
        ),
        (&["trim", "log", "--age", "soon"], "12h"),
        (&["trim", "log", "--bytes", "1 MB"], "64KiB"),
        (&["trim", "log", "--records", "-1"], "-1"),
    ] {
        sandbox.run(arguments).refused(2, "invalid", &[word]);
    }
    assert_eq!(sandbox.values("log").len(), 10);
}

#[test]
fn clear_leaves_nothing_but_the_offsets() {
    let sandbox = ten();
    let done = both(&sandbox, &["clear", "log"]);
    assert_eq!(
        (&done["records"], &done["oldest"]),
        (&json!(10), &json!(10))
    );
    assert!(sandbox.values("log").is_empty());
    let said = sandbox.feed(["append", "log"], "x\n").succeeded();
    assert_eq!(said.object()["first"], 10);
    assert!(sandbox.run(["check", "log"]).succeeded().object()["healthy"] == true);
}

#[test]
fn compact_keeps_the_newest_of_each_key() {
    let sandbox = ten();
    let tombstone = r#"{"time":10000000,"key":"b"}"#;
    sandbox
        .feed(["append", "log", "--format", "ndjson"], tombstone)
        .succeeded();
    sandbox.feed(["append", "log"], "keyless\n").succeeded();
    sandbox.feed(["append", "log"], "keyless too\n").succeeded();
    let done = both(&sandbox, &["compact", "log", "--age", "36500d"]);
    assert_eq!(done["records"], 0);
    let done = both(&sandbox, &["compact", "log", "--tombstone-age", "36500d"]);
    assert_eq!(
        (&done["records"], &done["tombstones"]),
        (&json!(8), &json!(0))
    );
    assert_eq!(
        sandbox.values("log"),
        [
            json!("8"),
            json!("9"),
            Value::Null,
            json!("keyless"),
            json!("keyless too")
        ]
    );
    let done = both(&sandbox, &["compact", "log", "--keyless"]);
    assert_eq!(
        (&done["records"], &done["tombstones"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(sandbox.values("log"), ["8", "9", "keyless too"]);
}

#[test]
fn a_dry_run_stands_beside_a_writer_and_the_deed_does_not() {
    let sandbox = ten();
    let mut writer = sandbox.command(["append", "log", "--acks"]);
    let mut writer = writer.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdin = writer.stdin.take().unwrap();
    let mut first = String::new();
    let mut acks = std::io::BufReader::new(writer.stdout.take().unwrap());
    std::io::Write::write_all(&mut stdin, b"ten\n").unwrap();
    std::io::BufRead::read_line(&mut acks, &mut first).unwrap();
    for arguments in [
        &["delete", "log", "1"][..],
        &["trim", "log", "--records", "1"],
        &["clear", "log"],
        &["compact", "log"],
        &["maintain", "log"],
        &["retention", "log", "--records", "1"],
        &["index", "log", "add", "keys"],
    ] {
        let dry = [arguments, &["--dry-run"]].concat();
        sandbox.run(dry).succeeded();
        sandbox.run(arguments).refused(4, "locked", &["\"log\""]);
    }
    drop(stdin);
    assert!(writer.wait().unwrap().success());
    assert_eq!(sandbox.values("log").len(), 11);
}

#[test]
fn nothing_is_removed_from_a_log_that_is_not_there() {
    let sandbox = ten();
    for arguments in [
        &["delete", "none", "1"][..],
        &["trim", "none", "--records", "1"],
        &["clear", "none"],
        &["compact", "none"],
        &["maintain", "none"],
        &["retention", "none", "--records", "1"],
        &["index", "none", "add", "keys"],
    ] {
        sandbox
            .run(arguments)
            .refused(3, "not-found", &["there is no log \"none\""]);
    }
    assert_eq!(sandbox.run(["logs"]).succeeded().objects().len(), 1);
}

#[test]
fn people_are_told_in_sentences() {
    let sandbox = ten();
    let said = |arguments: &[&str]| {
        let mut command = program();
        command.arg("--dir").arg(sandbox.data()).args(arguments);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let text = said(&["delete", "log", "1", "77", "--dry-run"]);
    assert!(text.starts_with("would delete 1 records, about "), "{text}");
    assert!(text.ends_with("; without a record: 77\n"), "{text}");
    let text = said(&["trim", "log", "--records", "4"]);
    assert!(text.starts_with("removed 6 records, about "), "{text}");
    assert!(text.ends_with("; the log begins at offset 6\n"), "{text}");
    let text = said(&["compact", "log"]);
    assert!(
        text.starts_with("deleted 1 records, 0 of them tombstones"),
        "{text}"
    );
}
