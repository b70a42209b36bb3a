//! `backup`: a log in another directory, and what is refused there.

use serde_json::json;

use crate::sandbox::Sandbox;

fn lines(from: u32, to: u32) -> String {
    (from..to)
        .map(|number| format!("line {number}\n"))
        .collect()
}

#[test]
fn a_backup_is_made_brought_up_to_date_and_read() {
    let sandbox = Sandbox::new();
    let small = ["append", "log", "--segment-bytes", "4KiB", "--batch", "10"];
    sandbox.feed(small, lines(0, 1000)).succeeded();
    sandbox.feed(["append", "other"], lines(0, 3)).succeeded();
    let dest = sandbox.path("dest");
    let backup = |log: &str| sandbox.run(["backup", log, dest.to_str().unwrap()]);
    let first = backup("log").succeeded().object();
    assert_eq!((&first["next"], &first["kept"]), (&json!(1000), &json!(0)));
    assert!(first["copied"].as_u64() > Some(3), "{first}");
    sandbox
        .feed(["append", "log"], lines(1000, 1010))
        .succeeded();
    sandbox.run(["delete", "log", "5..8"]).succeeded();
    let second = backup("log").succeeded().object();
    assert_eq!(
        (&second["next"], &second["copied"], &second["kept"]),
        (&json!(1010), &json!(1), &first["copied"])
    );
    backup("other").succeeded();
    let values = sandbox.values("log");
    let there = sandbox.with_data(&dest);
    assert_eq!(there.values("log"), values);
    assert_eq!(there.values("other").len(), 3);
    let names = there.run(["logs"]).succeeded().objects();
    assert_eq!(names, [json!({"name": "log"}), json!({"name": "other"})]);
    assert_eq!(
        there.run(["check", "log"]).succeeded().object()["healthy"],
        true
    );
    // New logs there do not meet the numbers that backups brought along.
    there.feed(["append", "third"], lines(0, 2)).succeeded();
    assert_eq!(there.values("third").len(), 2);
    assert_eq!(there.values("log"), values);
}

#[test]
fn a_check_goes_on_where_another_stopped() {
    let sandbox = Sandbox::new();
    let small = ["append", "log", "--segment-bytes", "4KiB", "--batch", "10"];
    sandbox.feed(small, lines(0, 1000)).succeeded();
    let (mut from, mut steps) = (0, 0);
    loop {
        let at = from.to_string();
        let check = ["check", "log", "--budget", "8KiB", "--from", &at];
        let said = sandbox.run(check).succeeded().object();
        assert_eq!(said["healthy"], true);
        steps += 1;
        match said["next"].as_u64() {
            Some(next) => {
                assert!(next > from, "{said}");
                from = next;
            }
            None => break,
        }
    }
    assert!(steps > 2, "{steps}");
    assert!(sandbox.run(["check", "log"]).succeeded().object()["next"].is_null());
}

#[test]
fn what_is_no_backup_is_not_touched() {
    let sandbox = Sandbox::new();
    sandbox.feed(["append", "log"], lines(0, 10)).succeeded();
    let dest = sandbox.path("dest");
    let to = dest.to_str().unwrap();
    let there = Sandbox::new().with_data(&dest);
    there.feed(["append", "theirs"], lines(0, 2)).succeeded();
    let said = sandbox.run(["backup", "log", to]);
    said.refused(1, "exists", &["number 1", "\"theirs\""]);
    assert_eq!(there.values("theirs").len(), 2);
    sandbox.feed(["append", "two"], lines(0, 10)).succeeded();
    sandbox
        .run(["backup", "two", to, "--as", "theirs"])
        .refused(1, "exists", &["theirs"]);
    sandbox
        .run(["backup", "two", to, "--as", "mine"])
        .succeeded();
    assert_eq!(there.values("mine").len(), 10);
    // It was written to since, so it is a log of its own.
    there.feed(["append", "mine"], lines(0, 1)).succeeded();
    sandbox.run(["backup", "two", to, "--as", "mine"]).refused(
        1,
        "exists",
        &["written to", "another place"],
    );
    assert_eq!(there.values("mine").len(), 11);
    sandbox
        .run(["backup", "none", to])
        .refused(3, "not-found", &["none"]);
    let file = sandbox.file("file", "not a directory");
    let said = sandbox.run(["backup", "log", file.to_str().unwrap()]);
    assert_ne!(said.code, Some(0), "{said:?}");
}
