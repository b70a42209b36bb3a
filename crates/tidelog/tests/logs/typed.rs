//! Typed logs: what is written comes back as it was, absent and empty stay
//! different, and what is no item says where it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidelog::blocking::{Logs, Patience, TypedLog};
use tidelog::codec::{Bytes, Codec, Json, OptionalText, Text, Varint};
use tidelog::{
    AppendOptions, At, ErrorKind, Field, Header, Indexes, MemoryStore, NewRecord, NewTyped,
    ReadLimits,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    item: String,
    count: u32,
}

fn order(count: u32) -> Order {
    Order {
        item: "tea".to_owned(),
        count,
    }
}

fn typed<K: Codec, V: Codec>(keys: K, values: V) -> TypedLog<K, V, MemoryStore> {
    let indexes = Indexes {
        keys: true,
        times: true,
    };
    let logs = Logs::memory();
    let log = logs.log("log").create(true).indexes(indexes).open();
    TypedLog::new(log.unwrap(), keys, values)
}

/// Writes one record of these parts, and reads its parts back.
fn back<K: Codec, V: Codec>(
    log: &TypedLog<K, V, MemoryStore>,
    key: Option<&K::Given>,
    value: Option<&V::Given>,
) -> (Option<K::Item>, Option<V::Item>) {
    let record = NewTyped {
        time: Some(7),
        key,
        value,
        headers: &[],
    };
    log.append(&[record], AppendOptions::default()).unwrap();
    let entry = log.get(At::Last).unwrap();
    let record = entry.record().unwrap();
    assert_eq!(record.time, 7);
    (record.key, record.value)
}

#[test]
fn absent_and_empty_stay_different() {
    let log = typed(Varint, Bytes);
    assert_eq!(back(&log, None, None), (None, None));
    assert_eq!(back(&log, Some(&0), Some(b"")), (Some(0), Some(vec![])));

    let log = typed(OptionalText, Json::<Option<u8>>::new());
    assert_eq!(
        back(&log, Some(""), Some(&None)),
        (Some(String::new()), Some(None))
    );
    assert_eq!(back(&log, None, None), (None, None));

    let log = typed(Text, Text);
    assert_eq!(back(&log, Some(""), Some("")), (None, None));
    assert_eq!(log.raw().get(At::Last).unwrap().record().key, None);
    let full = (Some("k".to_owned()), Some("v".to_owned()));
    assert_eq!(back(&log, Some("k"), Some("v")), full);
}

#[test]
fn every_read_gives_items() {
    let log = typed(Text, Json::<Order>::new());
    let orders = [order(0), order(1), order(2)];
    let header = [Header {
        name: b"from",
        value: b"shop",
    }];
    let records = [
        NewTyped::new(&orders[0]).key("a").time(10),
        NewTyped::new(&orders[1]).key("b").time(20).headers(&header),
        NewTyped::new(&orders[2]).key("a").time(30),
    ];
    let appended = log.append(&records, AppendOptions::default()).unwrap();
    assert_eq!((appended.first, appended.next), (0, 3));

    let limits = ReadLimits::default();
    let batch = log.read(At::Oldest, limits).unwrap();
    let found: Vec<_> = batch.records().map(Result::unwrap).collect();
    assert_eq!((found.len(), batch.len(), batch.next()), (3, 3, 3));
    for (record, order) in found.iter().zip(&orders) {
        assert_eq!(record.value.as_ref(), Some(order));
    }
    assert!(found[1].headers.eq(header));
    let counts = |batch: tidelog::TypedBatch<Text, Json<Order>>| -> Vec<u32> {
        let values = batch.records().map(|record| record.unwrap().value);
        values.map(|value| value.unwrap().count).collect()
    };
    assert_eq!(
        counts(log.read_reverse(At::Next, limits).unwrap()),
        [2, 1, 0]
    );
    assert_eq!(
        counts(log.read_by_key("a", At::Oldest, limits).unwrap()),
        [0, 2]
    );
    let now = Patience::lasting(std::time::Duration::ZERO);
    let followed = log.follow(At::Offset(1), limits, now).unwrap();
    assert_eq!(counts(followed.unwrap()), [1, 2]);
    let followed = log.follow_by_key("b", At::Oldest, limits, now).unwrap();
    assert_eq!(counts(followed.unwrap()), [1]);
    assert!(log.follow(At::Next, limits, now).unwrap().is_none());

    let newest = log.get_by_key("a").unwrap();
    assert_eq!(newest.record().unwrap().offset, 2);
    assert_eq!(log.get_by_time(11).unwrap().record().unwrap().offset, 1);
    log.append(&[NewTyped::tombstone("a")], AppendOptions::default())
        .unwrap();
    let gone = log.get_by_key("a").unwrap();
    assert_eq!(gone.record().unwrap().value, None);
    assert_eq!(
        log.get_by_key("c").err().unwrap().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn what_is_no_item_is_named_and_costs_no_other_record() {
    let log = typed(Varint, Json::<Order>::new());
    let first = order(1);
    log.append(&[NewTyped::new(&first).key(&1)], AppendOptions::default())
        .unwrap();
    let foreign = [
        NewRecord::new(b"{").key(b"\x04"),
        NewRecord::new(b"{\"item\":\"x\",\"count\":2}").key(b"\x80"),
        NewRecord::new(b"{\"item\":\"x\",\"count\":3}").key(b"\x06"),
    ];
    log.raw()
        .append(&foreign, AppendOptions::default())
        .unwrap();

    let batch = log.read(At::Oldest, ReadLimits::default()).unwrap();
    let found: Vec<_> = batch.records().collect();
    assert_eq!(found[0].as_ref().unwrap().value, Some(first));
    assert_eq!(found[3].as_ref().unwrap().key, Some(3));
    let wrong = found[1].as_ref().unwrap_err();
    assert_eq!((wrong.offset, wrong.field), (1, Field::Value));
    assert_eq!((wrong.codec, wrong.kind()), ("json", ErrorKind::Invalid));
    let said = wrong.to_string();
    assert!(
        said.starts_with("the value at offset 1 is no json: "),
        "{said}"
    );
    let wrong = found[2].as_ref().unwrap_err();
    assert_eq!(
        (wrong.offset, wrong.field, wrong.codec),
        (2, Field::Key, "varint")
    );

    let entry = log.get(At::Offset(1)).unwrap();
    assert!(entry.record().is_err());
    assert_eq!(entry.raw().record().value, Some(&b"{"[..]));
}

#[test]
fn what_cannot_be_written_is_refused_as_a_whole() {
    let log = typed(Text, Json::new());
    // JSON has no maps whose keys are lists.
    let (fine, odd) = (Vec::new(), vec![BTreeMap::from([(vec![1], 1)])]);
    let refused = log
        .append(
            &[NewTyped::new(&fine), NewTyped::new(&odd)],
            AppendOptions::default(),
        )
        .err()
        .unwrap();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert_eq!(log.raw().bounds().next, 0);

    let refused = log.get_by_key("").err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    let said = refused.to_string();
    assert!(
        said.contains("the key asked for") && said.contains("no key"),
        "{said}"
    );
}
