//! `retention` and `maintain`: what a log keeps, and giving the rest back.

use serde_json::json;

use crate::sandbox::{Sandbox, program};

const DAY: u64 = 86_400_000_000;

fn hundred(creation: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let lines: String = (0..100)
        .map(|number| format!("{number} {}\n", "x".repeat(200)))
        .collect();
    sandbox
        .feed([&["append", "log"], creation].concat(), lines)
        .succeeded();
    sandbox
}

#[test]
fn retention_is_given_at_creation_shown_and_changed() {
    let sandbox = hundred(&["--retain-age", "30d", "--retain-records", "1000"]);
    let kept = |arguments: &[&str]| {
        let said = sandbox.run([&["retention", "log"], arguments].concat());
        said.succeeded().object()
    };
    let first = json!({"age": 30 * DAY, "bytes": null, "records": 1000});
    assert_eq!(kept(&[]), json!({"retention": first}));
    let stat = sandbox.run(["stat", "log"]).succeeded().object();
    assert_eq!(stat["retention"], first);

    let changed = kept(&["--records", "none", "--bytes", "64MiB"]);
    let second = json!({"age": 30 * DAY, "bytes": 64 << 20, "records": null});
    assert_eq!(changed["retention"], second);
    assert_eq!(kept(&[])["retention"], second, "it is the log's own");

    for (arguments, word) in [
        (&["retention", "log", "--age=-1d"][..], "12h"),
        (&["retention", "log", "--age", "soon"], "12h"),
        (&["retention", "log", "--records", "many"], "none"),
        (&["append", "log", "--retain-age", "1"], "12h"),
    ] {
        sandbox.run(arguments).refused(2, "invalid", &[word]);
    }
}

#[test]
fn maintain_removes_what_is_not_kept() {
    let sandbox = hundred(&["--segment-bytes", "4KiB"]);
    let dry = ["retention", "log", "--records", "10", "--dry-run"];
    let planned = sandbox.run(dry).succeeded().object();
    assert_eq!(planned["removes"]["records"], 90);
    assert_eq!(planned["removes"]["oldest"], 90);
    let dry = [
        "retention",
        "log",
        "--bytes",
        "0",
        "--records",
        "1000",
        "--dry-run",
    ];
    let planned = sandbox.run(dry).succeeded().object();
    assert_eq!(
        planned["removes"]["records"], 100,
        "the strictest limit counts"
    );
    let idle = sandbox.run(["maintain", "log"]).succeeded().object();
    assert_eq!(idle["trimmed"], 0, "a dry run changes nothing");

    sandbox
        .run(["retention", "log", "--records", "10"])
        .succeeded();
    assert_eq!(sandbox.values("log").len(), 100, "maintain does the work");
    let planned = sandbox.run(["maintain", "log", "--dry-run"]).succeeded();
    let planned = planned.object();
    assert_eq!(
        (&planned["records"], &planned["dry_run"]),
        (&json!(90), &json!(true))
    );
    assert_eq!(sandbox.values("log").len(), 100);
    let before = sandbox.run(["stat", "log"]).succeeded().object();
    let done = sandbox.run(["gc", "log"]).succeeded().object();
    assert_eq!(
        (&done["trimmed"], &done["more"]),
        (&json!(90), &json!(false))
    );
    let after = sandbox.run(["stat", "log"]).succeeded().object();
    assert_eq!(after["records"], 10);
    assert!(
        after["bytes"].as_u64() < before["bytes"].as_u64(),
        "{after}"
    );
    assert!(sandbox.run(["check", "log"]).succeeded().object()["healthy"] == true);
}

#[test]
fn a_budget_leaves_work_for_another_call() {
    let sandbox = hundred(&["--segment-bytes", "4KiB"]);
    sandbox.run(["delete", "log", "0..90"]).succeeded();
    let some = ["maintain", "log", "--budget", "1"];
    let done = sandbox.run(some).succeeded().object();
    assert_eq!(done["more"], true, "{done}");
    let done = sandbox.run(["maintain", "log"]).succeeded().object();
    assert_eq!(done["more"], false, "{done}");
    assert_eq!(sandbox.values("log").len(), 10);
}

#[test]
fn people_are_told_in_words() {
    let sandbox = hundred(&[]);
    let said = |arguments: &[&str]| {
        let mut command = program();
        command.arg("--dir").arg(sandbox.data()).args(arguments);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(said(&["retention", "log"]), "keeps everything\n");
    assert_eq!(
        said(&["retention", "log", "--age", "36h", "--records", "7"]),
        "keeps 36h, 7 records\n"
    );
    let text = said(&["retention", "log", "--records", "none", "--dry-run"]);
    assert!(
        text.starts_with("keeps 36h; maintain would remove 0 records"),
        "{text}"
    );
    let text = said(&["stat", "log"]);
    assert!(text.contains("\nretention  36h, 7 records\n"), "{text}");
    assert!(text.contains("\nindexes    none\n"), "{text}");
}
