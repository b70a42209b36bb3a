//! The codec against itself, and against bytes that mean harm.

use alloc::vec;
use alloc::vec::Vec;

use tidelog_core::{Header, NewRecord};

use crate::layout::HEADER;
use crate::{Page, PageError, PageWriter};

const HEADERS: &[Header<'static>] = &[
    Header {
        name: b"trace",
        value: b"7",
    },
    Header {
        name: b"",
        value: b"",
    },
];

fn samples() -> Vec<NewRecord<'static>> {
    vec![
        NewRecord::new(b"tea").key(b"order-1").time(-1),
        NewRecord::default(),
        NewRecord::new(b"").key(b""),
        NewRecord {
            key: Some(b"order-1"),
            headers: HEADERS,
            ..NewRecord::default()
        },
        NewRecord::new(b"cup").time(i64::MAX),
    ]
}

fn page(records: &[NewRecord<'_>]) -> Vec<u8> {
    let mut writer = PageWriter::appending();
    for record in records {
        writer.push_new(record).unwrap();
    }
    writer.finish(0).unwrap()
}

fn malformed(what: &'static str, record: Option<usize>) -> PageError {
    PageError::Malformed { what, record }
}

fn refusal(bytes: &[u8]) -> PageError {
    Page::parse(bytes).unwrap_err()
}

#[test]
fn records_come_back_as_they_went_in() {
    let bytes = page(&samples());
    let read = Page::parse(&bytes).unwrap();
    assert_eq!((read.len(), read.next(), read.has_offsets()), (5, 0, false));
    let headers = read.headers();
    assert_eq!(read.new_records(&headers), samples());
    assert_eq!(read.records().nth(3).unwrap().headers.len(), 2);
}

#[test]
fn a_page_may_be_empty() {
    let bytes = page(&[]);
    assert_eq!(bytes.len(), HEADER);
    let read = Page::parse(&bytes).unwrap();
    assert!(read.is_empty() && read.headers().is_empty());
}

#[test]
fn the_bytes_are_those_of_the_description() {
    let bytes = page(&[NewRecord::new(b"v").key(b"k").time(0x0102)]);
    let mut expected = Vec::from(*b"TLPG\x01\0\0\0");
    expected.extend_from_slice(b"\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    expected.extend_from_slice(b"\x02\x01\0\0\0\0\0\0");
    expected.extend_from_slice(b"\x01\0\0\0\x02\0\0\0");
    expected.extend_from_slice(b"\x07kv");
    assert_eq!(bytes, expected);
}

#[test]
fn every_cut_is_refused() {
    let bytes = page(&samples());
    for end in 0..bytes.len() {
        let error = refusal(&bytes[..end]);
        assert!(
            matches!(error, PageError::Magic | PageError::Length { .. }),
            "{end}: {error}"
        );
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(matches!(refusal(&longer), PageError::Length { .. }));
}

#[test]
fn each_field_of_the_header_is_looked_at() {
    let bytes = page(&samples());
    let with = |at: usize, byte: u8| {
        let mut changed = bytes.clone();
        changed[at] = byte;
        refusal(&changed)
    };
    assert_eq!(with(0, 0), PageError::Magic);
    assert_eq!(with(4, 2), PageError::Version(2));
    assert_eq!(with(5, 2), malformed("flag", None));
    for reserved in [6, 7, 20, 21, 22, 23] {
        assert_eq!(with(reserved, 1), malformed("reserved byte", None));
    }
    for length in 8..20 {
        assert!(matches!(with(length, 0xff), PageError::Length { .. }));
    }
    assert_eq!(with(31, 1), malformed("next offset", None));
}

#[test]
fn columns_that_contradict_each_other_are_refused() {
    let (times, ends, kinds) = (HEADER, HEADER + 8, HEADER + 16);
    let bytes = page(&[NewRecord::new(b"v").key(b"k").time(1)]);
    let with = |changes: &[(usize, u8)]| {
        let mut changed = bytes.clone();
        for (at, byte) in changes {
            changed[*at] = *byte;
        }
        refusal(&changed)
    };
    assert_eq!(with(&[(kinds, 8)]), malformed("kind", Some(0)));
    assert_eq!(with(&[(kinds, 6)]), malformed("absent time", Some(0)));
    assert_eq!(
        with(&[(times, 0), (kinds, 4)]),
        malformed("absent key or value", Some(0))
    );
    assert_eq!(
        with(&[(ends, 3)]),
        malformed("end of a key or value", Some(0))
    );
    assert_eq!(
        with(&[(ends + 4, 0)]),
        malformed("end of a key or value", Some(0))
    );
    assert_eq!(with(&[(ends + 4, 1)]), malformed("length of data", None));
}

#[test]
fn offsets_rise_or_fall() {
    let record = |offset| tidelog_core::Record {
        offset,
        time: 0,
        key: None,
        value: None,
        headers: tidelog_core::Headers::default(),
    };
    let written = |offsets: &[u64]| {
        let mut writer = PageWriter::reading();
        for offset in offsets {
            writer.push(&record(*offset))?;
        }
        writer.finish(9)
    };
    for offsets in [&[][..], &[3], &[3, 4, 9], &[9, 4, 3]] {
        let bytes = written(offsets).unwrap();
        let read = Page::parse(&bytes).unwrap();
        let found: Vec<u64> = read.records().map(|r| r.offset.unwrap()).collect();
        assert_eq!((found.as_slice(), read.next()), (offsets, 9));
    }
    for (offsets, at) in [
        (&[3, 3][..], 1),
        (&[3, 4, 4], 2),
        (&[3, 4, 2], 2),
        (&[1 << 53], 0),
    ] {
        assert_eq!(written(offsets), Err(malformed("offset", Some(at))));
    }
    let mut bytes = written(&[3, 4, 9]).unwrap();
    bytes[HEADER + 16] = 2;
    assert_eq!(refusal(&bytes), malformed("offset", Some(2)));
    bytes[HEADER + 16 + 7] = 1;
    assert_eq!(refusal(&bytes), malformed("offset", Some(2)));
}

#[test]
fn a_page_is_of_one_kind() {
    let mut writer = PageWriter::reading();
    assert_eq!(
        writer.push_new(&NewRecord::default()),
        Err(malformed("missing offset", Some(0)))
    );
}

/// Whatever is changed, parsing gives records that lie inside the page, or an error.
#[test]
fn changed_bytes_are_refused_or_read() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let whole = page(&samples());
    let (mut read, mut refused) = (0, 0);
    for _ in 0..200_000 {
        let mut bytes = whole.clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len());
            bytes[at] = match random.bool() {
                true => random.u8(..),
                false => bytes[at] ^ (1 << random.u8(..8)),
            };
        }
        match Page::parse(&bytes) {
            Err(_) => refused += 1,
            Ok(page) => {
                read += 1;
                let headers = page.headers();
                let records = page.new_records(&headers);
                assert_eq!(records.len(), page.len(), "seed {seed}");
                let bytes_of = |record: &NewRecord<'_>| {
                    let own =
                        record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
                    let header = |header: &Header<'_>| header.name.len() + header.value.len();
                    own + record.headers.iter().map(header).sum::<usize>()
                };
                let total: usize = records.iter().map(bytes_of).sum();
                assert!(total <= bytes.len(), "seed {seed}");
            }
        }
    }
    assert!(
        read > 1000 && refused > 1000,
        "seed {seed}: {read} {refused}"
    );
}
