//! What happens when memory is refused: an allocator that fails the n-th request of a
//! size that stored bytes ask for, once and from then on, while logs are opened, read,
//! searched, checked and salvaged. Nothing may abort, nothing may be taken for damage,
//! and the same call must work once there is memory.
//!
//! Covered is every allocation of [`SMALL`] bytes or more that such a call makes in the
//! engine. Not covered, since Rust offers no way to refuse them, are the nodes of maps
//! (one for each segment, producer and page of a mask that was read), and requests below
//! that size, such as the chunks of an index; both take less than the bytes they were
//! made from. What is being appended is the caller's own, and is not refused either.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use tidelog_core::{
    Access, AppendOptions, At, Compression, ErrorKind, Host, Indexes, Log, LogId, MemoryStore,
    NewRecord, Options, Producer, ProducerId, ReadLimits, recover,
};
use tidelog_testkit::block_on::block_on;

/// Requests below this are granted.
const SMALL: usize = 4096;

thread_local! {
    /// Requests to grant before one is refused; none is while this is `None`.
    static GRANTED: Cell<Option<u64>> = const { Cell::new(None) };
    static FOR_EVER: Cell<bool> = const { Cell::new(false) };
    static REFUSED: Cell<u64> = const { Cell::new(0) };
}

struct Refusing;

fn is_refused(size: usize) -> bool {
    // A store copies its own bytes while it is not being tested.
    let Some(granted) = GRANTED.get().filter(|_| size >= SMALL) else {
        return false;
    };
    if granted > 0 {
        GRANTED.set(Some(granted - 1));
        return false;
    }
    REFUSED.set(REFUSED.get() + 1);
    if !FOR_EVER.get() {
        GRANTED.set(None);
    }
    true
}

// SAFETY: everything that is granted comes from the system's allocator, and goes back
// to it with the layout it was asked for.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's layout is passed on as it is.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` was given out by `System` for this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_refused(size) {
            return std::ptr::null_mut();
        }
        // SAFETY: `at` was given out by `System` for this layout.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static HEAP: Refusing = Refusing;

struct TestHost;

impl Host for TestHost {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        7
    }
}

type Store = MemoryStore;
type TestLog<'s> = Log<&'s Store>;

const LOG: LogId = LogId(3);
const RECORDS: u64 = 9_000;

fn open(store: &Store, access: Access) -> Result<TestLog<'_>, ErrorKind> {
    let options = Options {
        access,
        ..Options::default()
    };
    let log = Log::open(store, LOG, options, Arc::new(TestHost));
    block_on(log).map_err(|error| error.kind())
}

/// Segments with footers and one without, indexes, masks, producers, every codec, and
/// batches of thousands of records.
fn stored() -> Store {
    let store = MemoryStore::new();
    let mut written = 0;
    for compression in [Compression::None, Compression::Lz4, Compression::Deflate] {
        let options = Options {
            segment_bytes: Some(128 << 10),
            compression: Some(compression),
            indexes: Some(Indexes {
                keys: true,
                times: true,
            }),
            ..Options::default()
        };
        let log = block_on(Log::<_>::open(&store, LOG, options, Arc::new(TestHost)));
        let log = log.expect("the log opens");
        for sequence in 0..3 {
            let rows: Vec<(String, String)> = (written..written + RECORDS / 9)
                .map(|row| (format!("key {row}"), format!("value {}", row % 7)))
                .collect();
            let batch: Vec<NewRecord<'_>> = rows
                .iter()
                .map(|(key, value)| NewRecord::new(value.as_bytes()).key(key.as_bytes()).time(1))
                .collect();
            let producer = Producer {
                id: ProducerId([compression as u8; 16]),
                epoch: 0,
                sequence,
            };
            let options = AppendOptions {
                producer: Some(producer),
                ..AppendOptions::default()
            };
            block_on(log.append(&batch, options)).expect("there is space");
            written += RECORDS / 9;
        }
        block_on(log.sync()).expect("it syncs");
        let gone: Vec<u64> = (written - 2_000..written).step_by(3).collect();
        block_on(log.delete(&gone)).expect("they are deleted");
        if compression != Compression::Deflate {
            block_on(log.close()).expect("it closes");
        }
    }
    assert_eq!(written, RECORDS);
    store
}

/// How many requests of a call can be refused; each is, once and from then on.
///
/// `call` answers what it has found, or the kind of its error, which must be the one that
/// says that there was no memory.
fn refuse_each<T: PartialEq + std::fmt::Debug>(
    what: &str,
    call: impl Fn() -> Result<T, ErrorKind>,
) -> u64 {
    let whole = call().unwrap_or_else(|kind| panic!("{what} fails as {kind} with memory"));
    let mut refusals = 0;
    for for_ever in [false, true] {
        for granted in 0.. {
            FOR_EVER.set(for_ever);
            REFUSED.set(0);
            GRANTED.set(Some(granted));
            let found = call();
            GRANTED.set(None);
            match found {
                Ok(found) => assert_eq!(found, whole, "{what}, request {granted} refused"),
                Err(kind) => assert_eq!(kind, ErrorKind::Unavailable, "{what}, request {granted}"),
            }
            if REFUSED.get() == 0 {
                break;
            }
            refusals += 1;
        }
    }
    assert_eq!(call().as_ref(), Ok(&whole), "{what}, with memory again");
    println!("{what}: {refusals} requests refused");
    refusals
}

fn read_all(log: &TestLog<'_>) -> Result<u64, ErrorKind> {
    let (mut at, mut count) = (0, 0);
    while at < log.bounds().next {
        let batch = block_on(log.read(At::Offset(at), ReadLimits::default()));
        let batch = batch.map_err(|error| error.kind())?;
        count += batch.len() as u64;
        at = batch.next();
    }
    Ok(count)
}

#[test]
fn refused_memory_is_a_named_error_and_nothing_else() {
    let store = stored();
    let mut refusals = 0;
    for access in [Access::Read, Access::Write] {
        refusals += refuse_each(&format!("opening to {access:?}"), || {
            open(&store, access).map(|log| (log.bounds(), log.recovery().clone()))
        });
    }
    // A log opened anew each time: what is in the cache needs no memory.
    let reader = || {
        let granted = GRANTED.replace(None);
        let log = open(&store, Access::Read).expect("there is memory");
        GRANTED.set(granted);
        log
    };
    refusals += refuse_each("reading", || read_all(&reader()));
    refusals += refuse_each("getting", || {
        let log = reader();
        let entry = block_on(log.get(At::Offset(8_999))).map_err(|error| error.kind())?;
        Ok(entry.record().offset)
    });
    refusals += refuse_each("getting by key", || {
        let log = reader();
        let entry = block_on(log.get_by_key(b"key 4001")).map_err(|error| error.kind())?;
        Ok(entry.record().offset)
    });
    refusals += refuse_each("getting by time", || {
        let log = reader();
        let entry = block_on(log.get_by_time(1)).map_err(|error| error.kind())?;
        Ok(entry.record().offset)
    });
    refusals += refuse_each("checking", || {
        let log = reader();
        let report = block_on(log.check()).map_err(|error| error.kind())?;
        Ok((report.records, report.is_healthy()))
    });
    println!("{refusals} requests refused in all");
    assert!(refusals > 200, "{refusals}");
}

#[test]
fn salvage_without_memory_loses_nothing() {
    for granted in [0, 1, 3, 7, 20] {
        let store = stored();
        GRANTED.set(Some(granted));
        FOR_EVER.set(true);
        let host = Arc::new(TestHost);
        let outcome = block_on(recover::<_, tidelog_core::Local>(&store, LOG, host));
        GRANTED.set(None);
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
        let log = open(&store, Access::Read).expect("there is memory");
        assert_eq!(read_all(&log), Ok(RECORDS - 3 * 667));
    }
}
