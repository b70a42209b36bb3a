//! Orders of a shop: keys, typed values, and a log that keeps what it needs.
//!
//! ```console
//! $ cargo run --example orders -- DIRECTORY
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidelog::blocking::{Logs, Patience, TypedLog};
use tidelog::codec::{Json, Text};
use tidelog::{
    AppendOptions, At, Compaction, Durability, Indexes, NewTyped, ReadLimits, Retention,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Order {
    Placed { item: String, count: u32 },
    Paid { cents: u64 },
    Shipped,
}

type Orders = TypedLog<Text, Json<Order>>;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args_os().nth(1) {
        Some(dir) => shop(Path::new(&dir)),
        None => Err("give a directory for the log".into()),
    }
}

fn shop(dir: &Path) -> Result<(), Box<dyn Error>> {
    let orders = open(dir)?;

    // One batch: all of it or nothing.
    let placed = Order::Placed {
        item: "tea".to_owned(),
        count: 2,
    };
    let two = [
        NewTyped::new(&placed).key("order-1"),
        NewTyped::new(&placed).key("order-2"),
    ];
    let appended = orders.append(&two, AppendOptions::default())?;

    // Money is synced: it survives a power cut.
    let paid = Order::Paid { cents: 1_200 };
    let record = NewTyped::new(&paid).key("order-1");
    orders.append(&[record], Durability::Synced.into())?;
    orders.append(
        &[NewTyped::new(&Order::Shipped).key("order-1")],
        AppendOptions::default(),
    )?;

    // Where an order stands is its newest record; what became of it is all of them.
    let newest = orders.get_by_key("order-1")?;
    println!("order-1 stands at {:?}", newest.record()?.value);
    let story = orders.read_by_key("order-1", At::Oldest, ReadLimits::default())?;
    for record in story.records() {
        let record = record?;
        println!("  {} {:?}", record.offset, record.value);
    }

    // Another part of the program follows along, and gives up after a while.
    let (limits, soon) = (ReadLimits::default(), Duration::from_millis(100));
    let mut at = appended.first;
    while let Some(batch) = orders.follow(At::Offset(at), limits, Patience::lasting(soon))? {
        println!("{} more records, up to {}", batch.len(), batch.next());
        at = batch.next();
    }

    // Order 2 is cancelled. Compaction drops everything before its tombstone.
    let cancelled = NewTyped::tombstone("order-2");
    orders.append(&[cancelled], AppendOptions::default())?;
    let dropped = orders
        .raw()
        .compact(Compaction::up_to(i64::MAX, i64::MIN))?;
    println!("{} superfluous records deleted", dropped.records);

    // Now and then: trims what retention does not keep, gives space back.
    let mut budget_spent = orders.raw().maintain(16 << 20)?;
    while budget_spent.more {
        budget_spent = orders.raw().maintain(16 << 20)?;
    }
    Ok(orders.raw().close()?)
}

/// The log keeps orders for a year, and a gigabyte at most.
fn open(dir: &Path) -> Result<Orders, Box<dyn Error>> {
    const YEAR_US: u64 = 365 * 24 * 60 * 60 * 1_000_000;
    let log = Logs::create(dir)?
        .log("orders")
        .create(true)
        .indexes(Indexes {
            keys: true,
            times: true,
        })
        .retention(Retention {
            age: Some(YEAR_US),
            bytes: Some(1 << 30),
            records: None,
        })
        .open()?;
    Ok(TypedLog::new(log, Text, Json::new()))
}

#[test]
fn the_shop_opens_again_tomorrow() {
    let home = tempfile::tempdir().unwrap();
    for day in 0..2_u64 {
        shop(home.path()).unwrap();
        let orders = open(home.path()).unwrap();
        let newest = orders.get_by_key("order-1").unwrap();
        let newest = newest.record().unwrap();
        assert_eq!(newest.value, Some(Order::Shipped));
        assert_eq!(newest.offset, day * 5 + 3);
        let cancelled = orders.get_by_key("order-2").unwrap();
        assert_eq!(cancelled.record().unwrap().value, None);
        assert_eq!(orders.raw().stat().records, 2, "the others are superfluous");
    }
}
