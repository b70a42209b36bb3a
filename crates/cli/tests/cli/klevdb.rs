//! `import --format klevdb`: directories of klevdb, built here from the layout of its
//! files, and two that are checked in.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::sandbox::{Said, Sandbox};

const NEW_2023: i64 = 1_672_531_200_000_000;

/// A message: offset, time, key, value.
type Message<'a> = (u64, i64, &'a [u8], &'a [u8]);

#[derive(Clone, Copy)]
enum Layout {
    V1,
    V2,
}

fn encode(layout: Layout, (offset, time, key, value): Message<'_>) -> Vec<u8> {
    let facts = [
        &offset.to_be_bytes()[..],
        &time.to_be_bytes(),
        &(key.len() as u32).to_be_bytes(),
        &(value.len() as u32).to_be_bytes(),
    ]
    .concat();
    let body = [key, value].concat();
    match layout {
        Layout::V1 => {
            let checksum = crc32c::crc32c(&body).to_be_bytes();
            [&facts[..], &checksum, &body].concat()
        }
        Layout::V2 => {
            let covered = [&facts[..], &body, b"\xde\xad\xbe\xef\xfe\xed\xfa\xce"].concat();
            [&crc32c::crc32c(&covered).to_be_bytes()[..], &covered].concat()
        }
    }
}

/// A directory beside the logs, and its data files.
struct Directory(PathBuf);

impl Directory {
    fn new(sandbox: &Sandbox, name: &str) -> Self {
        let path = sandbox.path(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join(".lock"), "").unwrap();
        Self(path)
    }

    fn segment(&self, layout: Layout, base: u64, messages: &[Message<'_>]) -> PathBuf {
        let mut bytes = match layout {
            Layout::V1 => Vec::new(),
            Layout::V2 => b"\xffklevs\x01\x00".to_vec(),
        };
        for message in messages {
            bytes.extend(encode(layout, *message));
        }
        let path = self.0.join(format!("{base:020}.log"));
        fs::write(&path, bytes).unwrap();
        fs::write(self.0.join(format!("{base:020}.index")), "any").unwrap();
        path
    }
}

fn import(sandbox: &Sandbox, directory: &Path, more: &[&str]) -> Said {
    let directory = directory.to_str().unwrap();
    let import = ["import", "--format", "klevdb", directory, "--log", "log"];
    sandbox.run([&import, more].concat())
}

fn records(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.run(["cat", "log"]).succeeded().objects()
}

/// The answer of an import, from before what went wrong.
fn first_object(said: &Said) -> Value {
    serde_json::from_str(said.stdout.lines().next().unwrap()).unwrap()
}

#[test]
fn both_layouts_keep_order_times_keys_and_values() {
    let sandbox = Sandbox::new();
    let directory = Directory::new(&sandbox, "klevdb");
    // Written by an old version, then by a new one; the last file is still empty.
    directory.segment(
        Layout::V1,
        0,
        &[(0, NEW_2023, b"a", b"zero"), (1, -5, b"", b"\xff")],
    );
    directory.segment(Layout::V2, 2, &[(2, NEW_2023, b"a", b""), (3, 7, b"", b"")]);
    directory.segment(Layout::V2, 4, &[]);
    let answer = import(&sandbox, &directory.0, &["--index", "keys"]).succeeded();
    let answer = answer.object();
    assert_eq!(
        (&answer["records"], &answer["next"], &answer["damage"]),
        (&json!(4), &json!(4), &Value::Null)
    );
    assert_eq!(
        answer["offsets"],
        json!([{"klevdb": 0, "log": 0, "records": 4}])
    );
    assert_eq!(
        records(&sandbox),
        [
            json!({"offset": 0, "time": NEW_2023, "key": "a", "value": "zero"}),
            json!({"offset": 1, "time": -5, "key": null, "value_base64": "/w=="}),
            json!({"offset": 2, "time": NEW_2023, "key": "a", "value": null}),
            json!({"offset": 3, "time": 7, "key": null, "value": null}),
        ]
    );
    let newest = sandbox.run(["get", "log", "--key", "a"]).succeeded();
    assert_eq!(newest.object()["offset"], 2);
}

#[test]
fn gaps_are_closed_and_the_answer_says_how() {
    let sandbox = Sandbox::new();
    let directory = Directory::new(&sandbox, "klevdb");
    directory.segment(Layout::V2, 10, &[(10, 1, b"", b"a"), (12, 2, b"", b"b")]);
    directory.segment(Layout::V2, 20, &[]);
    directory.segment(Layout::V1, 30, &[(30, 3, b"", b"c"), (31, 4, b"", b"d")]);
    sandbox.feed(["append", "log"], "before\n").succeeded();
    let answer = import(&sandbox, &directory.0, &[]).succeeded().object();
    assert_eq!(
        answer["offsets"],
        json!([
            {"klevdb": 10, "log": 1, "records": 1},
            {"klevdb": 12, "log": 2, "records": 1},
            {"klevdb": 30, "log": 3, "records": 2},
        ])
    );
    assert_eq!(sandbox.values("log"), ["before", "a", "b", "c", "d"]);
    let rest = import(&sandbox, &directory.0, &["--skip", "3"]).succeeded();
    assert_eq!(
        rest.object()["offsets"],
        json!([{"klevdb": 31, "log": 5, "records": 1}])
    );
}

#[test]
fn a_file_cut_short_anywhere_gives_its_valid_prefix() {
    for layout in [Layout::V1, Layout::V2] {
        let sandbox = Sandbox::new();
        let directory = Directory::new(&sandbox, "klevdb");
        let messages: [Message<'_>; 2] = [(0, 1, b"k", b"first"), (1, 2, b"k", b"second")];
        let path = directory.segment(layout, 0, &messages);
        let whole = fs::read(&path).unwrap();
        let last = whole.len() - encode(layout, messages[1]).len();
        for cut in [last + 1, last + 20, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            sandbox.feed(["append", "log"], "").succeeded();
            sandbox.run(["clear", "log"]).succeeded();
            let said = import(&sandbox, &directory.0, &[]);
            let answer = first_object(&said);
            assert_eq!(answer["records"], 1, "cut at {cut}");
            let place = format!("byte {last}");
            let words = [
                "00000000000000000000.log",
                &place,
                "ends within",
                "1 record",
            ];
            let message = said.refused(7, "invalid", &words);
            let damage = answer["damage"].as_str().unwrap();
            assert!(message.starts_with(damage), "{damage:?} {message:?}");
            assert_eq!(sandbox.values("log"), ["first"]);
        }
        fs::write(&path, &whole[..last]).unwrap();
        import(&sandbox, &directory.0, &[]).succeeded();
    }
}

#[test]
fn damage_ends_the_import_and_later_files_are_not_taken() {
    let sandbox = Sandbox::new();
    let directory = Directory::new(&sandbox, "klevdb");
    directory.segment(Layout::V2, 0, &[(0, 1, b"", b"a")]);
    let path = directory.segment(Layout::V2, 1, &[(1, 1, b"", b"b"), (2, 1, b"", b"c")]);
    directory.segment(Layout::V2, 3, &[(3, 1, b"", b"d")]);
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.len() - 9;
    bytes[place] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let said = import(&sandbox, &directory.0, &[]);
    assert_eq!(first_object(&said)["records"], 2);
    said.refused(
        7,
        "invalid",
        &[
            "00000000000000000001.log",
            "byte 45",
            "checksum",
            "2 records",
        ],
    );
    assert_eq!(sandbox.values("log"), ["a", "b"]);

    // A length that would take more than there is memory.
    bytes[45 + 20..45 + 24].copy_from_slice(&[0x7f; 4]);
    fs::write(&path, &bytes).unwrap();
    let said = import(&sandbox, &directory.0, &["--skip", "2"]);
    said.refused(7, "invalid", &["byte 45", "beyond 64 MiB", "no records"]);

    // Files that overlap.
    directory.segment(Layout::V2, 1, &[(1, 1, b"", b"b"), (5, 1, b"", b"c")]);
    let said = import(&sandbox, &directory.0, &[]);
    said.refused(
        7,
        "invalid",
        &["00000000000000000003.log", "up to offset 5"],
    );
}

#[test]
fn what_is_no_directory_of_klevdb_creates_no_log() {
    let sandbox = Sandbox::new();
    let missing = sandbox.path("missing");
    import(&sandbox, &missing, &[]).refused(3, "not-found", &["missing"]);
    let letters = sandbox.path("letters");
    fs::create_dir(&letters).unwrap();
    fs::write(letters.join("letter.txt"), "dear").unwrap();
    import(&sandbox, &letters, &[]).refused(2, "invalid", &["no directory of klevdb"]);
    fs::write(letters.join("diary.log"), "dear").unwrap();
    import(&sandbox, &letters, &[]).refused(2, "invalid", &["diary.log"]);
    let directory = Directory::new(&sandbox, "klevdb");
    import(&sandbox, &directory.0, &["--key-field", "k"]).refused(2, "invalid", &["--key-field"]);
    assert!(!sandbox.data().exists());
}

#[test]
fn a_message_too_large_for_a_record_can_be_left_out() {
    let sandbox = Sandbox::new();
    let directory = Directory::new(&sandbox, "klevdb");
    let large = vec![b'x'; (16 << 20) + 1];
    let messages: [Message<'_>; 3] = [(0, 1, b"", b"a"), (1, 1, b"", &large), (2, 1, b"", b"c")];
    directory.segment(Layout::V2, 0, &messages);
    import(&sandbox, &directory.0, &[]).refused(7, "invalid", &["byte 45", "--skip-bad"]);
    assert_eq!(sandbox.values("log"), ["a"]);
    let rest = import(&sandbox, &directory.0, &["--skip-bad", "--skip", "1"]);
    let rest = rest.succeeded().object();
    assert_eq!(rest["skipped"], 1);
    assert_eq!(
        rest["offsets"],
        json!([{"klevdb": 2, "log": 1, "records": 1}])
    );
}

/// Written by another program than the one above, from the same layout: messages 0 to 5
/// without 2 and 3, time 2023-01-01 and a second each, key padded to ten, three spaces.
#[test]
fn directories_that_are_checked_in() {
    for layout in ["v1", "v2"] {
        let sandbox = Sandbox::new();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/klevdb");
        let answer = import(&sandbox, &fixtures.join(layout), &[]).succeeded();
        assert_eq!(
            answer.object()["offsets"],
            json!([
                {"klevdb": 0, "log": 0, "records": 2},
                {"klevdb": 4, "log": 2, "records": 2},
            ])
        );
        let found = records(&sandbox);
        for (record, number) in found.iter().zip([0, 1, 4, 5]) {
            assert_eq!(record["time"], NEW_2023 + number * 1_000_000);
            assert_eq!(record["key"], format!("{number:>10}"));
            assert_eq!(record["value"], "   ");
        }
        assert_eq!(found.len(), 4);
    }
}
