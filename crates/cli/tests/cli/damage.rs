//! Damaged bytes: `check` finds them, reading around them goes on, `recover`
//! salvages.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::sandbox::Sandbox;

/// A log of ten batches, and the file of its only segment.
fn ten() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let lines: String = (0..10)
        .map(|line| format!("value {line} {}\n", "x".repeat(100)))
        .collect();
    sandbox.feed(["append", "log"], lines).succeeded();
    let mut segments: Vec<PathBuf> = fs::read_dir(sandbox.data().join("log-1"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("segment-")
        })
        .collect();
    assert_eq!(segments.len(), 1, "{segments:?}");
    (sandbox, segments.remove(0))
}

/// Flips a bit of the record that holds `text`. Returns where.
fn damage(segment: &PathBuf, text: &str) -> u64 {
    let mut bytes = fs::read(segment).unwrap();
    let position = bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap();
    bytes[position] ^= 1;
    fs::write(segment, bytes).unwrap();
    position as u64
}

/// Flips a bit in both copies of a log's manifest.
fn damage_manifest(sandbox: &Sandbox, folder: &str) {
    for entry in fs::read_dir(sandbox.data().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("manifest") {
            let mut bytes = fs::read(&path).unwrap();
            bytes[70] ^= 1;
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn a_healthy_log_is_called_healthy() {
    let (sandbox, _) = ten();
    let said = sandbox.run(["check", "log"]).succeeded();
    assert_eq!(said.stdout, "{\"healthy\":true,\"findings\":[]}\n");
}

#[test]
fn what_cannot_be_looked_at_is_not_called_damaged() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["check", "log"])
        .refused(2, "not-found", &["does not exist"]);
    let (sandbox, _) = ten();
    sandbox
        .run(["check", "other"])
        .refused(2, "not-found", &["no log \"other\""]);
}

#[test]
fn damage_is_told_with_its_place_and_read_around() {
    let (sandbox, segment) = ten();
    let position = damage(&segment, "value 4");
    let said = sandbox.run(["check", "log"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let report = said.object();
    assert_eq!(report["healthy"], false);
    let finding = &report["findings"][0];
    assert_eq!(finding["offset"], 4, "{report}");
    let told = finding["position"].as_u64().unwrap();
    assert!(told <= position && position < told + 300, "{report}");
    assert_eq!(finding["kind"], "records", "{report}");
    assert_eq!(finding["what"], "body checksum", "{report}");
    let (expected, actual) = (&finding["expected"], &finding["actual"]);
    assert!(
        expected.is_u64() && actual.is_u64() && expected != actual,
        "{report}"
    );

    let said = sandbox.run(["cat", "log"]);
    assert_eq!(
        said.objects().len(),
        4,
        "what comes before the damage is printed"
    );
    said.refused(6, "corrupt", &["offsets 4 up to 5"]);
    assert_eq!(
        sandbox
            .run(["cat", "log", "--from", "5"])
            .succeeded()
            .objects()
            .len(),
        5
    );

    let salvage = sandbox.run(["recover", "log"]).succeeded().object();
    assert_eq!(salvage["records"], 9);
    assert_eq!(salvage["lost"], json!([{"first": 4, "next": 5}]));
    sandbox.run(["check", "log"]).succeeded();
    let said = sandbox.run(["cat", "log"]).succeeded();
    let offsets: Vec<_> = said
        .objects()
        .iter()
        .map(|record| record["offset"].clone())
        .collect();
    assert_eq!(offsets, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    let said = sandbox.feed(["append", "log"], "next\n").succeeded();
    assert_eq!(said.object()["first"], 10);
}

#[test]
fn a_log_without_its_manifest_is_rebuilt_from_its_segments() {
    let (sandbox, _) = ten();
    let before = sandbox.run(["cat", "log"]).succeeded().stdout;
    damage_manifest(&sandbox, "log-1");
    sandbox
        .run(["cat", "log"])
        .refused(6, "corrupt", &["manifest", "recover"]);
    sandbox
        .feed(["append", "log"], "x\n")
        .refused(6, "corrupt", &["manifest", "recover"]);
    let said = sandbox.run(["check", "log"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.object()["findings"][0]["kind"], "manifest");

    let salvage = sandbox.run(["recover", "log"]).succeeded().object();
    assert_eq!(
        (&salvage["records"], &salvage["lost"]),
        (&json!(10), &json!([]))
    );
    assert!(salvage["manifest"].is_string(), "{salvage}");
    assert_eq!(sandbox.run(["cat", "log"]).succeeded().stdout, before);
    sandbox.run(["check", "log"]).succeeded();
}

#[test]
fn recovering_a_healthy_log_changes_nothing() {
    let (sandbox, segment) = ten();
    let before = fs::read(&segment).unwrap();
    let salvage = sandbox.run(["recover", "log"]).succeeded().object();
    assert_eq!(
        salvage,
        json!({"records": 10, "lost": [], "rewritten": 0, "manifest": null})
    );
    assert_eq!(fs::read(&segment).unwrap(), before);
}

#[test]
fn a_damaged_catalog_is_told_and_recovered() {
    let (sandbox, _) = ten();
    sandbox.run(["check"]).succeeded();
    let before = sandbox.run(["cat", "log"]).succeeded().stdout;
    damage_manifest(&sandbox, "log-0");
    sandbox
        .run(["cat", "log"])
        .refused(6, "corrupt", &["catalog", "recover"]);
    sandbox
        .run(["check", "log"])
        .refused(2, "corrupt", &["catalog"]);
    let said = sandbox.run(["check"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.object()["healthy"], false);
    sandbox.run(["recover"]).succeeded();
    assert_eq!(sandbox.run(["cat", "log"]).succeeded().stdout, before);
    sandbox.run(["check"]).succeeded();
}
