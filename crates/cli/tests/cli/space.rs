//! Disks that are full, and disks that may not be written.

use crate::mount::Mount;
use crate::sandbox::Sandbox;

#[test]
fn a_full_disk_refuses_and_keeps_what_was_acknowledged() {
    let sandbox = Sandbox::new();
    let disk = match Mount::new(&sandbox.path("disk"), "2m") {
        Ok(disk) => disk,
        Err(reason) => {
            println!("skipped: cli_full_disk: {reason}");
            return;
        }
    };
    let data = sandbox.path("disk").join("data");
    let sandbox = sandbox.with_data(data);
    let row = format!("\"{}\"\n", "x".repeat(1000));
    let file = sandbox.file("rows.ndjson", row.repeat(5000));
    let path = file.to_str().unwrap();

    let said = sandbox.run(["import", "log", path, "--batch", "10", "--acks"]);
    let acknowledged = said.objects().last().unwrap()["next"].as_u64().unwrap();
    assert!((10..5000).contains(&acknowledged), "{acknowledged}");
    let rest = format!("--skip {acknowledged}");
    said.refused(5, "full", &["no space", &rest]);

    let count = sandbox.values("log").len() as u64;
    assert_eq!(
        count, acknowledged,
        "all that was acknowledged, and nothing else"
    );
    sandbox.run(["check", "log"]).succeeded();
    sandbox
        .feed(["append", "log"], row.repeat(2000))
        .refused(5, "full", &["no space"]);
    drop(disk);
}

#[test]
fn a_disk_that_may_not_be_written_can_be_read() {
    let sandbox = Sandbox::new();
    let disk = match Mount::new(&sandbox.path("disk"), "4m") {
        Ok(disk) => disk,
        Err(reason) => {
            println!("skipped: cli_read_only_directory: {reason}");
            return;
        }
    };
    let data = sandbox.path("disk").join("data");
    let sandbox = sandbox.with_data(data);
    sandbox.feed(["append", "log"], "a\nb\n").succeeded();
    disk.read_only().unwrap();

    assert_eq!(sandbox.values("log"), ["a", "b"]);
    sandbox.run(["check", "log"]).succeeded();
    sandbox.run(["stat", "log"]).succeeded();
    for log in ["log", "new"] {
        sandbox
            .feed(["append", log], "c\n")
            .refused(8, "read-only", &["data"]);
    }
    assert_eq!(sandbox.values("log"), ["a", "b"]);
    let elsewhere = sandbox.path("disk").join("other");
    let sandbox = sandbox.with_data(elsewhere);
    sandbox
        .feed(["append", "log"], "c\n")
        .refused(8, "read-only", &["other"]);
    drop(disk);
}
