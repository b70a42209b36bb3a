//! Owns which images there are: each shows parts of the format the others do not.

use tidelog_core::{BlobKind, Compression, Durability, Indexes, Options, Retention};

use super::Image;
use super::store::Nature;
use super::story::{Row, Story};

const TWO_COPIES: Nature = Nature {
    atomic: false,
    undone_removals: false,
};

/// Every image, by name.
#[must_use]
pub fn images() -> Vec<Image> {
    vec![
        aligned(),
        compacted(),
        configured(),
        damaged(),
        damaged_ended(),
        deleted(),
        compressed("deflate", Compression::Deflate),
        indexed(),
        interrupted(),
        compressed("lz4", Compression::Lz4),
        merged(),
        one_copy(),
        producers(),
        reindexed(),
        segments(),
        switched(),
        takeover(),
        torn(),
        trimmed(),
        values(),
    ]
}

fn small() -> Options {
    Options {
        segment_bytes: Some(4096),
        ..Options::default()
    }
}

fn rows(from: u64, to: u64) -> Vec<Row> {
    (from..to).map(|index| row(index, 40)).collect()
}

fn row(index: u64, fill: usize) -> Row {
    let time = 1_600_000_000_000_000 + i64::try_from(index).unwrap_or(0) * 1_000_003;
    let value = format!("value {index} {}", "x".repeat(fill));
    Row::of(time, &format!("key {}", index % 5), value)
}

/// Keys, values, headers and times of every shape, in a log that was closed.
fn values() -> Image {
    let mut story = Story::new("values", TWO_COPIES);
    story.open(Options::default());
    let shapes = [None, Some(Vec::new()), Some(b"bytes \x00\xff".to_vec())];
    for key in &shapes {
        let batch: Vec<Row> = shapes
            .iter()
            .map(|value| Row {
                time: Some(5),
                key: key.clone(),
                value: value.clone(),
                headers: Vec::new(),
            })
            .collect();
        story.append(&batch, Durability::Stored);
    }
    let times = [0, -1, i64::MAX, i64::MIN, 1_000_000, 999_999];
    let batch: Vec<Row> = times.iter().map(|time| Row::of(*time, "t", "")).collect();
    story.append(&batch, Durability::Stored);
    for time in times {
        story.append(&[Row::of(time, "alone", "")], Durability::Stored);
    }
    let headers = vec![
        (b"name".to_vec(), b"value".to_vec()),
        (b"name".to_vec(), Vec::new()),
        (Vec::new(), vec![0; 200]),
    ];
    let with = Row {
        headers,
        ..Row::of(7, "headers", "three")
    };
    story.append(&[with, Row::of(8, "headers", "none")], Durability::Stored);
    let clock = Row {
        value: Some(b"the host's time".to_vec()),
        ..Row::default()
    };
    story.append(&[clock], Durability::Stored);
    let wide = Row::of(9, "wide", vec![b'w'; 5_000]);
    story.append(&[wide], Durability::Stored);
    story.close();
    story.image()
}

/// Bodies that one codec packed, and one that it could not make smaller.
fn compressed(name: &'static str, compression: Compression) -> Image {
    let mut story = Story::new(name, TWO_COPIES);
    story.open(Options {
        compression: Some(compression),
        ..Options::default()
    });
    story.append(&rows(0, 30), Durability::Stored);
    story.append(&[Row::of(1, "k", "short")], Durability::Stored);
    story.append_from(3, 0, 0, &rows(31, 50));
    let long = Row::of(2, "zeros", vec![0; 2_000]);
    story.append(&[long], Durability::Stored);
    story.close();
    story.image()
}

const BOTH: Indexes = Indexes {
    keys: true,
    times: true,
};

/// Segments with indexes by key and by time, of more than one block each: keys that
/// are absent, empty, frequent and single, and times that fall.
fn indexed() -> Image {
    let mut story = Story::new("indexed", TWO_COPIES);
    story.open(Options {
        segment_bytes: Some(8192),
        indexes: Some(BOTH),
        ..Options::default()
    });
    for first in (0..700).step_by(20) {
        let batch: Vec<Row> = (first..first + 20)
            .map(|index| {
                let key = match index % 7 {
                    0 => None,
                    1 => Some(Vec::new()),
                    2 | 3 => Some(b"frequent".to_vec()),
                    _ => Some(format!("single {index}").into_bytes()),
                };
                let time = 1_600_000_000_000_000 + i64::from(index * 37 % 101) * 1_000_000;
                Row {
                    time: Some(time),
                    key,
                    value: Some(format!("{index}").into_bytes()),
                    headers: Vec::new(),
                }
            })
            .collect();
        story.append(&batch, Durability::Stored);
    }
    story.close();
    story.image()
}

/// Segments that got their indexes in blobs, when the log was given them, and one
/// behind them that has them of its own.
fn reindexed() -> Image {
    let mut story = Story::new("reindexed", TWO_COPIES);
    story.open(small());
    for batch in 0..10 {
        story.append(&rows(batch * 6, batch * 6 + 6), Durability::Stored);
    }
    story.reindex(BOTH);
    story.append(&rows(60, 66), Durability::Stored);
    story.close();
    story.image()
}

/// Several segments with footers, and one that was never sealed: vouched batches,
/// synced ones that nothing vouches for, and zeros behind.
fn segments() -> Image {
    let mut story = Story::new("segments", TWO_COPIES);
    story.open(small());
    for batch in 0..18 {
        story.append(&rows(batch * 6, batch * 6 + 6), Durability::Stored);
        if batch % 7 == 6 {
            story.sync();
        }
    }
    story
        .image()
        .preallocate(BlobKind::Segment, 1000)
        .preallocate(BlobKind::Manifest, 4096)
}

/// Producers across epochs of theirs and segments, more batches than a window holds.
fn producers() -> Image {
    let mut story = Story::new("producers", TWO_COPIES);
    story.open(small());
    let mut next = 0;
    for sequence in 0..20 {
        for id in [9, 2] {
            let batch = rows(next, next + 3);
            story.append_from(id, u64::from(id), sequence, &batch);
            next += 3;
        }
    }
    story.append_from(2, 5, 0, &rows(next, next + 1));
    story.close();
    story.open(small());
    story.append_from(9, 9, 20, &rows(next + 1, next + 2));
    story.image()
}

/// Padding after each sync, and marks.
fn aligned() -> Image {
    let mut story = Story::new("aligned", TWO_COPIES);
    story.open(Options {
        align: Some(512),
        ..small()
    });
    for batch in 0..12 {
        let level = if batch % 2 == 0 {
            Durability::Synced
        } else {
            Durability::Stored
        };
        story.append(&rows(batch * 4, batch * 4 + 4), level);
        if batch % 5 == 4 {
            story.maintain(0);
        }
    }
    story.maintain(0);
    story.image()
}

/// A store with atomic appends keeps one copy of the manifest.
fn one_copy() -> Image {
    let mut story = Story::new(
        "one-copy",
        Nature {
            atomic: true,
            undone_removals: false,
        },
    );
    story.open(Options::default());
    story.append(&rows(0, 10), Durability::Synced);
    story.append(&rows(10, 20), Durability::Stored);
    story.image()
}

/// The manifest was replaced twice, the old ones came back, and the first copy of
/// the newest is damaged.
fn switched() -> Image {
    let mut story = Story::new(
        "switched",
        Nature {
            atomic: false,
            undone_removals: true,
        },
    );
    for epoch in 0..3 {
        story.open(Options::default());
        story.append(&rows(epoch * 5, epoch * 5 + 5), Durability::Synced);
        if epoch < 2 {
            story.close();
        }
    }
    story.image().flip_at(BlobKind::Manifest, 100)
}

/// A second writer found batches that nothing vouched for, and copied them.
fn takeover() -> Image {
    taken_over("takeover")
}

/// The same, but for a power cut before the copies were named.
fn interrupted() -> Image {
    taken_over("interrupted").interrupt(14)
}

fn taken_over(name: &'static str) -> Image {
    let mut story = Story::new(
        name,
        Nature {
            atomic: false,
            undone_removals: true,
        },
    );
    story.open(Options::default());
    story.append(&rows(0, 4), Durability::Stored);
    story.append(&rows(4, 8), Durability::Synced);
    story.append(&rows(8, 12), Durability::Stored);
    story.append_from(1, 0, 0, &rows(12, 14));
    story.open(Options::default());
    story.append(&rows(14, 16), Durability::Stored);
    story.image()
}

/// Small segments that were merged into one.
fn merged() -> Image {
    let mut story = Story::new("merged", TWO_COPIES);
    for epoch in 0..4 {
        story.open(Options::default());
        story.append_from(4, 0, epoch, &rows(epoch * 3, epoch * 3 + 3));
        story.close();
    }
    story.open(Options::default());
    story.maintain(u64::MAX);
    story.append(&rows(12, 13), Durability::Synced);
    story.maintain(u64::MAX);
    story.close();
    story.image()
}

/// Deletions that stand in an edit, and that were too many for one and stand in a mask
/// blob; replaced by more, and repeated behind the snapshot of a later manifest.
fn deleted() -> Image {
    let mut story = Story::new("deleted", TWO_COPIES);
    story.open(Options::default());
    for first in (0..340).step_by(20) {
        let batch: Vec<Row> = (first..first + 20).map(|index| row(index, 0)).collect();
        story.append(&batch, Durability::Stored);
    }
    story.delete(&(3..160).collect::<Vec<_>>());
    story.delete(&(161..200).step_by(2).collect::<Vec<_>>());
    // With these there are more than an edit holds.
    story.delete(
        &(202..330)
            .filter(|offset| offset % 3 < 2)
            .collect::<Vec<_>>(),
    );
    story.delete(&[200, 331, 339]);
    story.close();
    story.open(small());
    story.append(&rows(340, 343), Durability::Synced);
    story.delete(&[201, 341]);
    story.image()
}

/// A log cut off in the middle of a segment, and of whole segments before, with
/// producers whose batches are gone.
fn trimmed() -> Image {
    let mut story = Story::new("trimmed", TWO_COPIES);
    story.open(small());
    for batch in 0..12 {
        let rows: Vec<Row> = (0..6).map(|index| row(batch * 6 + index, 150)).collect();
        let producer = u8::try_from(batch / 4).unwrap_or(0);
        story.append_from(producer, 0, batch % 4, &rows);
    }
    story.trim(20);
    story.maintain(0);
    story.trim(39);
    story.delete(&[40, 60]);
    story.append(&rows(72, 75), Durability::Stored);
    story.close();
    story.image()
}

/// Updates and tombstones that compaction removed, in segments that were rewritten
/// since, with index times that removed records had raised.
fn compacted() -> Image {
    let mut story = Story::new("compacted", TWO_COPIES);
    story.open(Options {
        indexes: Some(BOTH),
        ..small()
    });
    for first in (0..160).step_by(8) {
        let batch: Vec<Row> = (first..first + 8)
            .map(|index| {
                let key = (index % 9 != 0).then(|| format!("key {}", index % 13).into_bytes());
                let time = 1_600_000_000_000_000 + i64::from(index * 29 % 40) * 1_000_000;
                Row {
                    time: Some(time),
                    key,
                    value: (index % 5 != 0)
                        .then(|| format!("value {index} {}", "x".repeat(60)).into_bytes()),
                    headers: Vec::new(),
                }
            })
            .collect();
        story.append(&batch, Durability::Stored);
    }
    story.compact();
    story.maintain(u64::MAX);
    story.append(&rows(160, 163), Durability::Stored);
    story.compact();
    story.close();
    story.image()
}

/// Every setting that can be changed while a log is open was changed.
fn configured() -> Image {
    let mut story = Story::new("configured", TWO_COPIES);
    story.open(small());
    story.append(&rows(0, 6), Durability::Stored);
    story.configure(&Options {
        compression: Some(Compression::Lz4),
        segment_bytes: Some(16384),
        retention: Some(Retention {
            age: Some(u64::MAX >> 12),
            bytes: Some(1 << 40),
            records: Some(1 << 30),
        }),
        segment_age: Some(Some(86_400_000_000)),
        producer_expiry: Some(Some(3_600_000_000)),
        ..Options::default()
    });
    story.append(&rows(6, 12), Durability::Synced);
    story.image()
}

/// Damage in a sealed segment, and below a vouched position of one that is not.
fn damaged() -> Image {
    let mut story = Story::new("damaged", TWO_COPIES);
    story.open(small());
    for index in 0..12 {
        story.append(&[row(index, 500)], Durability::Stored);
    }
    story.sync();
    // The next edits record the first segment as sealed.
    story.maintain(0);
    for index in 12..16 {
        story.append(&[row(index, 100)], Durability::Synced);
    }
    story
        .image()
        .flip(b"value 3 x", 3, 4)
        .flip(b"value 13 x", 13, 14)
}

/// Damage in a segment that was synced, as a later one says, but is not recorded as
/// sealed.
fn damaged_ended() -> Image {
    let mut story = Story::new("damaged-ended", TWO_COPIES);
    story.open(small());
    for index in 0..12 {
        story.append(&[row(index, 500)], Durability::Stored);
    }
    for index in 12..14 {
        story.append(&[row(index, 100)], Durability::Synced);
    }
    story.image().flip(b"value 3 x", 3, 4)
}

/// A last batch of which a power cut left a part.
fn torn() -> Image {
    let mut story = Story::new("torn", TWO_COPIES);
    story.open(Options::default());
    story.append(&rows(0, 5), Durability::Synced);
    story.append(&rows(5, 9), Durability::Stored);
    story.append(&[row(9, 10)], Durability::Stored);
    story.image().tear(b"value 9 x", 9)
}
