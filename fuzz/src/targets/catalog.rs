//! Catalogs: single entries, and whole catalogs of records that nobody has checked.

use std::rc::Rc;
use std::sync::Arc;

use arbitrary::Unstructured;
use tidelog_core::fuzzing::catalog_entry;
use tidelog_core::{
    Access, AppendOptions, Catalog, Durability, ErrorKind, Log, LogId, MemoryStore, NewRecord,
    Options, check_name,
};
use tidelog_testkit::block_on::block_on;
use tidelog_testkit::sim::SimHost;

use crate::Fed;

type Store = Rc<MemoryStore>;

/// A name that a catalog under test may well have already.
const NAME: &str = "a";

pub(crate) fn check(bytes: &[u8]) -> Fed {
    let entry = catalog_entry(bytes).is_ok();
    let store = Rc::new(MemoryStore::new());
    let host = Arc::new(SimHost::new(1));
    let written = block_on(write(bytes, &store, &host));
    let Ok(names) = open(&store, Access::Read, &host).map(|catalog| names(&catalog)) else {
        // Some record is no entry: whoever writes must see it, too.
        assert!(open(&store, Access::Write, &host).is_err());
        return entry.into();
    };
    assert!(names.len() <= written);
    create(&store, &host, &names);
    (!names.is_empty()).into()
}

/// Appends records to the log that holds the catalog: length and bytes of a name, length
/// and bytes of an entry.
async fn write(bytes: &[u8], store: &Store, host: &Arc<SimHost>) -> usize {
    let mut rest = Unstructured::new(bytes);
    let log = Log::<_>::open(
        store.clone(),
        LogId::CATALOG,
        Options::default(),
        host.clone(),
    );
    let log = log.await.expect("an empty store opens");
    let mut records = 0;
    while let (Some(name), Some(entry)) = (part(&mut rest), part(&mut rest)) {
        let record = NewRecord::new(entry).key(name);
        let appended = log.append(&[record], AppendOptions::default()).await;
        appended.expect("a record this small is taken");
        records += 1;
    }
    log.close().await.expect("the log closes");
    records
}

fn part<'a>(bytes: &mut Unstructured<'a>) -> Option<&'a [u8]> {
    let length: u8 = bytes.arbitrary().ok()?;
    if bytes.is_empty() {
        return None;
    }
    let length = usize::from(length).min(bytes.len());
    bytes.bytes(length).ok()
}

fn open(store: &Store, access: Access, host: &Arc<SimHost>) -> Result<Catalog<Store>, ErrorKind> {
    let opened = block_on(Catalog::open(store.clone(), access, host.clone()));
    opened.map_err(|error| error.kind())
}

fn names(catalog: &Catalog<Store>) -> Vec<(String, LogId)> {
    let names = catalog.names();
    assert!(names.is_sorted());
    names
        .into_iter()
        .map(|name| {
            let id = catalog.get(&name).expect("a name that is listed is there");
            (name, id)
        })
        .collect()
}

/// A name that is added is there from then on, and changes no other.
fn create(store: &Store, host: &Arc<SimHost>, before: &[(String, LogId)]) {
    let catalog = open(store, Access::Write, host).expect("it opened for reading");
    assert_eq!(names(&catalog), before);
    assert!(check_name(NAME).is_ok());
    let created = block_on(catalog.create(NAME, &Options::default())).map_err(|error| error.kind());
    block_on(catalog.close()).expect("the catalog closes");
    let mut expected = before.to_vec();
    match created {
        Ok(id) => {
            expected.retain(|(name, _)| name != NAME);
            expected.push((NAME.to_owned(), id));
            expected.sort();
            let log = Log::<_>::open(store.clone(), id, Options::read_only(), host.clone());
            let log = block_on(log).expect("a log that was created is there");
            assert_eq!(log.bounds().next, 0);
            assert_eq!(log.settings().durability, Durability::Stored);
        }
        Err(ErrorKind::Exists) => assert!(before.iter().any(|(name, _)| name == NAME)),
        // An entry in the making that names a log which cannot be one.
        Err(_) => {}
    }
    let after = open(store, Access::Read, host).expect("it opened before");
    assert_eq!(names(&after), expected);
}
