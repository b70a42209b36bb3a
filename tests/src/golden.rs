//! Reads the golden images of every format version through the public interface,
//! and shows that the images of today's version are what is written today.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tidelog_core::{At, Host, Log, LogId, Options, ReadError, ReadLimits, Record};
use tidelog_fs::FileStore;
use tidelog_testkit::block_on::block_on;
use tidelog_testkit::golden;

struct NoHost;

impl Host for NoHost {
    fn now(&self) -> i64 {
        unreachable!("reading needs no clock")
    }

    fn random(&self) -> u64 {
        unreachable!("reading needs no randomness")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The images of every version: each directory that has a JSON file beside it.
fn images() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for version in fs::read_dir(root().join("golden")).unwrap() {
        let version = version.unwrap().path();
        if !version.is_dir() {
            continue;
        }
        for file in fs::read_dir(version).unwrap() {
            let file = file.unwrap().path();
            if file
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                found.push(file.with_extension(""));
            }
        }
    }
    found.sort();
    found
}

fn open(image: &Path, id: LogId) -> Log<Arc<FileStore>> {
    let store = Arc::new(FileStore::open_read_only(image).unwrap());
    let options = Options::read_only();
    block_on(Log::open(store, id, options, Arc::new(NoHost))).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shown(record: &Record<'_>) -> Value {
    let headers: Vec<_> = record
        .headers
        .map(|header| [hex(header.name), hex(header.value)])
        .collect();
    json!({
        "offset": record.offset,
        "time": record.time,
        "key": record.key.map(hex),
        "value": record.value.map(hex),
        "headers": headers,
    })
}

/// Everything that can be read, a few records at a time, and what cannot.
fn read(log: &Log<Arc<FileStore>>, step: usize) -> (Vec<Value>, Vec<Value>) {
    let (mut records, mut lost) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < log.bounds().next {
        match block_on(log.read(At::Offset(at), ReadLimits::records(step))) {
            Ok(batch) => {
                records.extend(batch.records().map(|record| shown(&record)));
                at = batch.next();
            }
            Err(ReadError::Corrupt { offset, next, .. }) => {
                lost.push(json!([offset, next]));
                at = next;
            }
            Err(error) => panic!("{error}"),
        }
    }
    (records, lost)
}

#[test]
fn every_image_reads_as_expected() {
    let images = images();
    assert!(images.len() > 10);
    for image in images {
        let text = fs::read_to_string(image.with_extension("json")).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let log = open(&image, LogId(expected["log"].as_u64().unwrap()));
        assert_eq!(log.bounds().next, expected["next"], "{}", image.display());
        for step in [1, 4, 1000] {
            let (records, lost) = read(&log, step);
            assert_eq!(json!(lost), expected["lost"], "{}", image.display());
            assert_eq!(json!(records), expected["records"], "{}", image.display());
        }
        let report = block_on(log.check()).unwrap();
        let mut hit: Vec<_> = report.findings.iter().filter_map(|f| f.offsets).collect();
        hit.sort_unstable();
        assert_eq!(json!(hit), expected["lost"], "{}", image.display());
    }
}

#[test]
fn the_images_are_what_is_written_today() {
    let folder = root().parent().unwrap().join(golden::FOLDER);
    let differences = golden::differences(&folder).unwrap();
    assert!(
        differences.is_empty(),
        "the format changed: describe it in docs/FORMAT.md and CHANGELOG.md, then run \
         `cargo xtask golden`:\n{}",
        differences.join("\n")
    );
}

#[test]
fn a_changed_byte_and_a_stray_file_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("images");
    golden::write(&root).unwrap();
    assert_eq!(golden::differences(&root).unwrap(), Vec::<String>::new());
    let files: BTreeMap<_, _> = golden::all_files();
    let (path, bytes) = files.into_iter().next().unwrap();
    let changed: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
    fs::write(root.join(path), changed).unwrap();
    fs::write(root.join("stray"), "").unwrap();
    let found = golden::differences(&root).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("differs from byte 0 on"), "{found:?}");
}
