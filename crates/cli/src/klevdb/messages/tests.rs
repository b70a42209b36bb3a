//! Files of both layouts: whole, cut, flipped, hostile.

use super::*;

const V2: &[u8] = b"\xffklevs\x01\x00";

fn v1(offset: u64, time: i64, key: &[u8], value: &[u8]) -> Vec<u8> {
    let body = [key, value].concat();
    let mut message = facts(offset, time, key, value);
    message.extend(crc32c(&body).to_be_bytes());
    message.extend(body);
    message
}

fn v2(offset: u64, time: i64, key: &[u8], value: &[u8]) -> Vec<u8> {
    let payload = [&facts(offset, time, key, value), key, value, &TRAILER].concat();
    let mut message = crc32c(&payload).to_be_bytes().to_vec();
    message.extend(payload);
    message
}

fn facts(offset: u64, time: i64, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut facts = offset.to_be_bytes().to_vec();
    facts.extend(time.to_be_bytes());
    facts.extend((key.len() as u32).to_be_bytes());
    facts.extend((value.len() as u32).to_be_bytes());
    facts
}

/// The offsets of all messages, and what ended them.
fn read(bytes: &[u8], base: u64) -> (Vec<u64>, Option<(u64, Wrong)>) {
    let mut offsets = Vec::new();
    let damaged = |broken| match broken {
        Broken::Damaged { position, wrong } => Some((position, wrong)),
        Broken::Io(error) => panic!("{error}"),
    };
    let mut messages = match Messages::open(bytes, base) {
        Ok(messages) => messages,
        Err(broken) => return (offsets, damaged(broken)),
    };
    loop {
        match messages.next() {
            Ok(Some(message)) => offsets.push(message.offset),
            Ok(None) => return (offsets, None),
            Err(broken) => return (offsets, damaged(broken)),
        }
    }
}

fn two(layout: Layout) -> Vec<u8> {
    match layout {
        Layout::V1 => [v1(5, 1, b"k", b"v"), v1(9, 2, b"", b"w")].concat(),
        Layout::V2 => [V2.to_vec(), v2(5, 1, b"k", b"v"), v2(9, 2, b"", b"w")].concat(),
    }
}

#[test]
fn the_checksum_is_crc_32c() {
    assert_eq!(crc32c(b"123456789"), 0xE306_9283);
}

#[test]
fn both_layouts_are_read_and_told_apart() {
    for layout in [Layout::V1, Layout::V2] {
        let bytes = two(layout);
        let mut messages = Messages::open(&bytes[..], 5).unwrap();
        assert_eq!(messages.layout, layout);
        let first = messages.next().unwrap().unwrap();
        assert_eq!(
            first,
            Message {
                offset: 5,
                time: 1,
                key: Some(b"k"),
                value: Some(b"v")
            }
        );
        let second = messages.next().unwrap().unwrap();
        assert_eq!((second.offset, second.key), (9, None));
        assert_eq!(messages.next().unwrap(), None);
        assert_eq!(messages.position(), bytes.len() as u64);
        assert_eq!(messages.at_least(), 10);
    }
    assert_eq!(read(b"", 7), (vec![], None));
    assert_eq!(read(V2, 7), (vec![], None));
}

#[test]
fn a_file_cut_anywhere_keeps_what_is_whole() {
    for (layout, header, first_ends) in [(Layout::V1, 0, 30), (Layout::V2, 8, 46)] {
        let bytes = two(layout);
        for length in 0..bytes.len() {
            let (offsets, wrong) = read(&bytes[..length], 5);
            let whole = length >= first_ends;
            assert_eq!(offsets.len(), usize::from(whole), "{layout:?} {length}");
            let clean = [0, header, first_ends].contains(&length);
            assert_eq!(wrong.is_none(), clean, "{layout:?} {length} {wrong:?}");
        }
    }
}

#[test]
fn a_flipped_bit_ends_the_reading() {
    for layout in [Layout::V1, Layout::V2] {
        let bytes = two(layout);
        for place in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[place / 8] ^= 1 << (place % 8);
            let (offsets, wrong) = read(&bytes, 5);
            // V1 has no checksum over offset and time.
            let loose = layout == Layout::V1 && wrong.is_none();
            assert!(offsets.len() < 2 || loose, "{layout:?} {place}");
        }
    }
}

#[test]
fn hostile_lengths_are_refused_before_anything_is_read() {
    for length in [0x8000_0000_u32, u32::MAX, (64 << 20) + 1] {
        for at in [16, 20] {
            let mut bytes = v1(5, 1, b"", b"");
            bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
            assert_eq!(read(&bytes, 5), (vec![], Some((0, Wrong::Length))));
            let mut bytes = [V2.to_vec(), v2(5, 1, b"", b"")].concat();
            bytes[12 + at..16 + at].copy_from_slice(&length.to_be_bytes());
            assert_eq!(read(&bytes, 5), (vec![], Some((8, Wrong::Length))));
        }
    }
    let mut both = v1(5, 1, b"", b"");
    both[16..24].copy_from_slice(&[2, 0, 0, 1, 2, 0, 0, 0]);
    assert_eq!(read(&both, 5).1, Some((0, Wrong::Length)));
    // A length that is allowed, and not there.
    let mut long = v1(5, 1, b"", b"");
    long[16..20].copy_from_slice(&(64_u32 << 20).to_be_bytes());
    assert_eq!(read(&long, 5).1, Some((0, Wrong::Short)));
}

#[test]
fn what_is_none_of_klevdbs_is_named() {
    assert_eq!(read(b"tidelog\n", 0).1, Some((0, Wrong::NoLayout)));
    assert_eq!(read(b"tide", 0).1, Some((0, Wrong::Short)));
    assert_eq!(read(b"\xffklevs\x03\x00", 0).1, Some((0, Wrong::Layout(3))));
    let mut bytes = [V2.to_vec(), v2(5, 1, b"k", b"v")].concat();
    let payload = bytes[12..].len();
    bytes[11 + payload] ^= 1;
    let checksum = crc32c(&bytes[12..]).to_be_bytes();
    bytes[8..12].copy_from_slice(&checksum);
    assert_eq!(read(&bytes, 5).1, Some((8, Wrong::Trailer)));
}

#[test]
fn offsets_that_do_not_rise_end_the_reading() {
    let bytes = [v1(5, 1, b"", b"v"), v1(5, 1, b"", b"v")].concat();
    assert_eq!(read(&bytes, 5), (vec![5], Some((29, Wrong::Offset))));
    let bytes = [V2.to_vec(), v2(4, 1, b"", b"v")].concat();
    assert_eq!(read(&bytes, 5).1, Some((8, Wrong::Offset)));
    let bytes = [V2.to_vec(), v2(1 << 63, 1, b"", b"v")].concat();
    assert_eq!(read(&bytes, 5).1, Some((8, Wrong::Offset)));
}
