//! What `recover` leaves of a log of which one copy of the manifest is damaged: two whole
//! ones, and every record.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tidelog_core::{
    FindingKind, Host, Local, Log, LogId, NewRecord, Options, Report, Settings, recover,
};
use tidelog_fs::FileStore;
use tidelog_testkit::block_on::block_on;

struct TestHost;

impl Host for TestHost {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        7
    }
}

const LOG: LogId = LogId(1);
const RECORDS: u64 = 30;

fn open(store: &FileStore, options: Options) -> Log<&FileStore, Local> {
    let opened = Log::open(store, LOG, options, Arc::new(TestHost));
    block_on(opened).expect("the log opens")
}

fn check(store: &FileStore) -> (Report, Settings, u64) {
    let log = open(store, Options::read_only());
    let report = block_on(log.check()).expect("it can be checked");
    (report, log.settings(), log.stat().records)
}

#[test]
fn recover_makes_the_copies_of_a_manifest_whole() {
    for kind in ["manifest", "manifest-copy"] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = FileStore::create(dir.path()).expect("a store");
        let options = Options {
            segment_bytes: Some(64 << 10),
            ..Options::default()
        };
        let log = open(&store, options);
        for _ in 0..RECORDS {
            block_on(log.append(&[NewRecord::new(b"value")], Default::default()))
                .expect("there is space");
        }
        block_on(log.close()).expect("it closes");
        drop(log);
        let whole = check(&store);
        assert!(whole.0.is_healthy(), "{:?}", whole.0);

        let number = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?.to_owned();
            name.strip_prefix(kind)?
                .strip_prefix('-')?
                .parse::<u64>()
                .ok()
        };
        let files = fs::read_dir(dir.path().join("log-1")).expect("the folder of the log");
        let paths = files.map(|file| file.expect("it is listed").path());
        let newest = paths.max_by_key(number).expect("there is a manifest");
        let mut bytes = fs::read(&newest).expect("it is readable");
        bytes[100] ^= 1;
        fs::write(&newest, bytes).expect("it is writable");
        let (report, ..) = check(&store);
        let kinds: Vec<FindingKind> = report.findings.iter().map(|one| one.kind).collect();
        assert_eq!(kinds, [FindingKind::ManifestCopy], "{kind}");

        let host = Arc::new(TestHost);
        let salvage = block_on(recover::<_, Local>(&&store, LOG, host)).expect("it is salvaged");
        assert_eq!((salvage.records, salvage.manifest), (RECORDS, None));
        assert_eq!(check(&store), whole, "{kind}");
    }
}
