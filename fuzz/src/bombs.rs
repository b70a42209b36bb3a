//! Owns hostile stores: logs and catalogs that the engine wrote, in which every field in
//! turn claims to be huge, with checksums that are right. Whatever is done with them takes
//! no more memory than [`MEMORY_MAX`]. How long it took is told, and judged by nobody: what
//! else the machine does is in it.

use std::iter::once;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidelog_core::fuzzing::{packed, unpacked};
use tidelog_core::{
    AppendOptions, At, BlobId, BlobKind, Catalog, Compression, Indexes, Local, Log, LogId,
    NewRecord, Options, Producer, ProducerId, ReadLimits, limits, recover,
};
use tidelog_testkit::sim::{Disk, Machine, Setup, SimHost, SimStore, run};

use crate::checksum::Seed;
use crate::{heap, repair};

/// Bytes of memory that everything done with one hostile store takes at most. 2 MiB.
pub const MEMORY_MAX: usize = 2 << 20;

/// What a field is made to say, whatever its width.
const CLAIMS: [&[u8]; 3] = [
    &[0xFF; 4],
    &[0xFF, 0xFF, 0xFF, 0x7F],
    // The longest variable-length number there is.
    &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
];

/// Bytes of a packed body that claims to be more, and how many times the bytes present a body
/// may claim to be.
const BODY: usize = 64 << 10;
const RATIO: usize = 1040;

/// What makes digits look random.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Bytes of one piece in which fields are looked for, from its start and to its end.
const SPAN: usize = 96;

const LOG: LogId = LogId(7);

type Blobs = Vec<(BlobId, Vec<u8>)>;

/// A part of the format whose fields may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The header of every blob.
    BlobHeader,
    /// The header of a frame: lengths, counts, and what its body unpacks to.
    FrameHeader,
    /// What is in a frame as it is: the records.
    Records,
    /// The body of a packed frame.
    Packed,
    /// The footer of a segment: sections and their items, producers, filters.
    Footer,
    /// The same in a blob of its own, as `reindex` writes it.
    Index,
    /// The edits of a manifest.
    Manifest,
    /// The frames of a mask.
    Mask,
    /// The entries of a catalog.
    Catalog,
}

/// What came of the hostile stores of a part.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blast {
    /// How many there were.
    pub stores: usize,
    /// The most memory that one of them took, in bytes.
    pub memory: usize,
    /// The longest that everything done with one of them took.
    pub time: Duration,
}

/// Goes through every field of a part.
#[must_use]
pub fn detonate(part: Part) -> Blast {
    let log = if part == Part::Catalog {
        LogId::CATALOG
    } else {
        LOG
    };
    let blobs = written(part);
    let mut blast = Blast::default();
    for (at, range) in pieces(part, &blobs) {
        let head = range.start..range.end.min(range.start + SPAN);
        let tail = range.end.saturating_sub(SPAN).max(head.end)..range.end;
        for place in head.chain(tail) {
            for claim in CLAIMS {
                let mut hostile = blobs.clone();
                if !lie(part, &mut hostile, at, &range, place, claim) {
                    continue;
                }
                let begun = Instant::now();
                let ((), peak) = heap::peak_of(|| provoke(log, hostile));
                blast.stores += 1;
                blast.memory = blast.memory.max(peak);
                blast.time = blast.time.max(begun.elapsed());
            }
        }
    }
    blast
}

/// Unpacks a body that claims to be as long as its header may say, and is not. Returns the
/// memory which that took.
#[must_use]
pub fn overstate(codec: Compression) -> usize {
    let digits =
        (0..BODY as u64 / 32).map(|row| format!("{:016x}", row.wrapping_mul(SPREAD)).repeat(2));
    let packed = packed(codec, digits.collect::<String>().as_bytes());
    let packed = packed.expect("digits are shorter packed");
    let claimed = limits::BATCH_MAX.min(packed.len() * RATIO);
    let (unpacked, peak) = heap::peak_of(|| unpacked(codec, &packed, claimed));
    assert!(unpacked.is_err(), "{claimed} bytes came out of {BODY}");
    peak
}

/// Blobs as the engine writes them: segments with footers and one without, every codec,
/// producers, a mask, and indexes of their own.
fn written(part: Part) -> Blobs {
    let machine = Machine::new(Setup::default(), 1);
    let store = machine.process();
    let told = run(&machine, async {
        if part == Part::Catalog {
            catalog(store).await;
        } else {
            log(store).await;
        }
    });
    told.expect("nothing keeps it waiting");
    let disk = machine.disk();
    disk.contents()
        .map(|(id, bytes)| (id, bytes.to_vec()))
        .collect()
}

async fn catalog(store: SimStore) {
    let host = Arc::new(SimHost::new(1));
    let catalog = Catalog::<SimStore, Local>::open(store, tidelog_core::Access::Write, host).await;
    let catalog = catalog.expect("there is none yet");
    for name in ["one", "another"] {
        let created = catalog.create(name, &Options::default()).await;
        created.expect("the name is free");
    }
    catalog.close().await.expect("it closes");
}

async fn log(store: SimStore) {
    for (epoch, compression) in
        (0..).zip([Compression::None, Compression::Lz4, Compression::Deflate])
    {
        let options = Options {
            segment_bytes: Some(16 << 10),
            compression: Some(compression),
            ..Options::default()
        };
        let host = Arc::new(SimHost::new(epoch));
        let log = Log::<SimStore, Local>::open(store.clone(), LOG, options, host).await;
        let log = log.expect("it opens");
        let values: Vec<String> = (0..400).map(|row| format!("value {row} of many")).collect();
        let records: Vec<_> = values
            .iter()
            .map(|value| NewRecord::new(value.as_bytes()).key(&value.as_bytes()[..8]))
            .collect();
        let producer = Producer {
            id: ProducerId([7; 16]),
            epoch: 0,
            sequence: epoch,
        };
        let options = AppendOptions {
            producer: Some(producer),
            ..AppendOptions::default()
        };
        let appended = log.append(&records, options).await.expect("there is space");
        let gone: Vec<u64> = (appended.first..appended.next)
            .filter(|offset| offset % 4 != 0)
            .collect();
        log.delete(&gone[..]).await.expect("they are deleted");
        if epoch == 1 {
            let indexes = Indexes {
                keys: true,
                times: true,
            };
            log.reindex(indexes).await.expect("it is indexed");
        }
        if epoch < 2 {
            log.close().await.expect("it closes");
        }
    }
}

/// Where the fields of a part are: the place of a blob, and a range in it.
fn pieces(part: Part, blobs: &Blobs) -> Vec<(usize, std::ops::Range<usize>)> {
    let mut pieces = Vec::new();
    for (at, (id, bytes)) in blobs.iter().enumerate() {
        let frames = frames(bytes);
        let data_end = frames.last().map_or(repair::HEADER, |frame| frame.end);
        let bodies = frames.iter().map(|frame| {
            let body = repair::body(&bytes[frame.clone()]).len();
            let from = frame.start + usize::from(bytes[frame.start + 15]) * 8;
            (bytes[frame.start + 12] & 3 != 0, from..from + body)
        });
        let bodies = |packed: bool| {
            let bodies = bodies.clone().filter(move |(is, _)| *is == packed);
            bodies.map(|(_, range)| range).collect::<Vec<_>>()
        };
        let found = match (part, id.kind) {
            (Part::BlobHeader, _) => once(0..repair::HEADER).collect(),
            (Part::FrameHeader, BlobKind::Segment) => {
                let headers = frames.iter();
                let length = |start: usize| usize::from(bytes[start + 15]) * 8;
                headers
                    .map(|frame| frame.start..frame.start + length(frame.start))
                    .collect()
            }
            (Part::Records | Part::Catalog, BlobKind::Segment) => bodies(false),
            (Part::Packed, BlobKind::Segment) => bodies(true),
            (Part::Footer, BlobKind::Segment) => once(data_end..bytes.len()).collect(),
            (Part::Index, BlobKind::Index) => once(repair::HEADER..bytes.len()).collect(),
            (Part::Manifest, BlobKind::Manifest) | (Part::Mask, BlobKind::Mask) => bodies(false),
            _ => Vec::new(),
        };
        pieces.extend(
            found
                .into_iter()
                .filter(|range| !range.is_empty())
                .map(|range| (at, range)),
        );
    }
    pieces
}

fn frames(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut frames = Vec::new();
    let mut at = repair::HEADER;
    while let Some(length) = bytes.get(at..).and_then(repair::frame_length) {
        frames.push(at..at + length);
        at += length;
    }
    frames
}

/// Overwrites what is at `place` of the piece, in both copies of a manifest, and makes the
/// checksums right. False if the claim does not fit in.
fn lie(
    part: Part,
    blobs: &mut Blobs,
    at: usize,
    range: &std::ops::Range<usize>,
    place: usize,
    claim: &[u8],
) -> bool {
    if place + claim.len() > range.end {
        return false;
    }
    let first = blobs[at].0;
    for (id, bytes) in blobs.iter_mut() {
        let alike = id.number == first.number
            && id.log == first.log
            && (id.kind == first.kind
                || [first.kind, id.kind] == [BlobKind::Manifest, BlobKind::ManifestCopy]);
        if !alike {
            continue;
        }
        let frame = frames(bytes)
            .into_iter()
            .find(|frame| frame.contains(&place));
        bytes[place..place + claim.len()].copy_from_slice(claim);
        let Some(header) = bytes.first_chunk::<{ repair::HEADER }>() else {
            return false;
        };
        let seed = Seed::of_header(header);
        match (part, frame) {
            (Part::BlobHeader, _) => {
                repair::header(bytes);
            }
            (Part::Footer | Part::Index, _) => {
                repair::footer(seed, range.start as u64, &mut bytes[range.start..]);
            }
            (_, Some(frame)) => {
                let position = frame.start as u64;
                repair::frame(seed, position, &mut bytes[frame], false);
            }
            (_, None) => return false,
        }
    }
    true
}

/// Reads what reads and writes what writes: any error will do.
fn provoke(log: LogId, blobs: Blobs) {
    let machine = Machine::with_disk(Disk::holding(blobs), Setup::default(), 1);
    let told = run(&machine, async {
        let options = Options::read_only();
        look(&machine, log, options).await;
        look(&machine, log, Options::default()).await;
        let host = Arc::new(SimHost::new(9));
        let _ = recover::<SimStore, Local>(&machine.process(), log, host).await;
        look(&machine, log, Options::read_only()).await;
        let access = tidelog_core::Access::Read;
        let host = Arc::new(SimHost::new(9));
        let _ = Catalog::<SimStore, Local>::open(machine.process(), access, host).await;
    });
    told.expect("nothing keeps it waiting");
}

async fn look(machine: &Machine, log: LogId, options: Options) {
    let (store, host) = (machine.process(), Arc::new(SimHost::new(9)));
    let Ok(log) = Log::<SimStore, Local>::open(store, log, options, host).await else {
        return;
    };
    let mut at = log.bounds().oldest;
    // What cannot be read is stepped over as often as there are frames.
    for _ in 0..16 {
        match log.read(At::Offset(at), ReadLimits::default()).await {
            Ok(batch) if batch.next() > at => at = batch.next(),
            Ok(_) => break,
            Err(_) => at += 100,
        }
    }
    let _ = log.read_reverse(At::Next, ReadLimits::default()).await;
    let _ = log.get(At::Last).await;
    let _ = log.get_by_key(b"value 30").await;
    let _ = log.get_by_time(1).await;
    let _ = log.check().await;
    if options.access == tidelog_core::Access::Write {
        let record = NewRecord::new(b"more").key(b"value 30");
        let _ = log.append(&[record], AppendOptions::default()).await;
        let _ = log.maintain(1 << 20).await;
        let _ = log.close().await;
    }
}
