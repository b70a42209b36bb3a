//! Owns how scripts and the types of the engine stand for each other.

use tidelog_core::{
    Access, AppendOptions, At, Compaction, Compression, Durability, Header, Keep, NewRecord,
    Options, Producer, ProducerId, ReadLimits, TrimTo,
};

use crate::answer;
use crate::bytes::Bytes;
use crate::number::{Signed, Unsigned};
use crate::script;
use crate::surface::{Failure, Outcome};

fn size(value: Unsigned) -> usize {
    usize::try_from(value.0).unwrap_or(usize::MAX)
}

fn count(value: usize) -> Unsigned {
    Unsigned(value as u64)
}

/// A place.
pub fn at(place: script::Place) -> At {
    match place {
        script::Place::Oldest => At::Oldest,
        script::Place::Last => At::Last,
        script::Place::Next => At::Next,
        script::Place::Offset(offset) => At::Offset(offset),
    }
}

/// Limits of a read.
pub fn limits(limits: &script::Limits) -> ReadLimits {
    let default = ReadLimits::default();
    ReadLimits {
        records: limits.records.map_or(default.records, size),
        bytes: limits.bytes.map_or(default.bytes, size),
        below_oldest: match limits.below_oldest {
            script::BelowOldest::Clamp => tidelog_core::BelowOldest::Clamp,
            script::BelowOldest::Refuse => tidelog_core::BelowOldest::Refuse,
        },
    }
}

/// A level.
pub fn level(level: script::Level) -> Durability {
    match level {
        script::Level::Buffered => Durability::Buffered,
        script::Level::Stored => Durability::Stored,
        script::Level::Synced => Durability::Synced,
    }
}

/// A compression.
pub fn codec(codec: script::Codec) -> Compression {
    match codec {
        script::Codec::None => Compression::None,
        script::Codec::Lz4 => Compression::Lz4,
        script::Codec::Deflate => Compression::Deflate,
    }
}

/// Indexes.
pub fn indexes(indexes: script::Indexes) -> tidelog_core::Indexes {
    tidelog_core::Indexes {
        keys: indexes.keys,
        times: indexes.times,
    }
}

/// How to open.
pub fn options(open: &script::Open) -> Options {
    Options {
        access: match open.access {
            script::Access::Write => Access::Write,
            script::Access::Read => Access::Read,
        },
        existing: open.existing,
        ..chosen(&open.settings)
    }
}

/// Options that say nothing but these settings.
pub fn chosen(settings: &script::Settings) -> Options {
    let default = Options::default();
    Options {
        durability: settings.durability.map(level),
        compression: settings.compression.map(codec),
        segment_bytes: settings.segment_bytes.map(|bytes| bytes.0),
        align: settings.align,
        indexes: settings.indexes.map(indexes),
        retention: settings.retention.map(|kept| tidelog_core::Retention {
            age: kept.age.map(|age| age.0),
            bytes: kept.bytes.map(|bytes| bytes.0),
            records: kept.records.map(|records| records.0),
        }),
        segment_age: settings.segment_age.map(|age| age.map(|age| age.0)),
        producer_expiry: settings.producer_expiry.map(|age| age.map(|age| age.0)),
        cache_bytes: settings.cache_bytes.map_or(default.cache_bytes, size),
        ..default
    }
}

/// Up to where to trim.
pub fn trim(trim: &script::Trim) -> TrimTo {
    match trim {
        script::Trim::Before(place) => TrimTo::Before(at(*place)),
        script::Trim::Records(records) => TrimTo::Records(records.0),
        script::Trim::Bytes(bytes) => TrimTo::Bytes(bytes.0),
        script::Trim::Time(time) => TrimTo::Time(time.0),
    }
}

/// What to compact.
pub fn compaction(compact: &script::Compact) -> Compaction {
    Compaction {
        updates: compact.updates.map(|time| time.0),
        tombstones: compact.tombstones.map(|time| time.0),
        keyless: compact.keyless,
        from: compact.from.map_or(At::Oldest, at),
        records: compact.records.map_or(u64::MAX, |records| records.0),
    }
}

/// What to keep in memory.
pub fn keep(gc: &script::Gc) -> Keep {
    gc.bytes
        .map_or(Keep::Used, |bytes| Keep::Bytes(size(bytes)))
}

/// Offsets.
pub fn offsets(delete: &script::Delete) -> Vec<u64> {
    delete.offsets.iter().map(|offset| offset.0).collect()
}

/// Hands a batch over as the engine takes it.
///
/// # Errors
/// When the producer's id has not 16 bytes.
pub fn append<T>(
    append: &script::Append,
    with: impl FnOnce(&[NewRecord<'_>], AppendOptions) -> T,
) -> Outcome<T> {
    let headers: Vec<Vec<Header<'_>>> = append
        .records
        .iter()
        .map(|record| {
            let pairs = record.headers.iter();
            pairs
                .map(|header| Header {
                    name: &header.name.0,
                    value: &header.value.0,
                })
                .collect()
        })
        .collect();
    let records: Vec<NewRecord<'_>> = append
        .records
        .iter()
        .zip(&headers)
        .map(|(record, headers)| NewRecord {
            time: record.time.map(|time| time.0),
            key: record.key.as_ref().map(|key| &key.0[..]),
            value: record.value.as_ref().map(|value| &value.0[..]),
            headers,
        })
        .collect();
    let producer =
        match &append.producer {
            None => None,
            Some(producer) => {
                Some(Producer {
                    id: ProducerId(producer.id.0.as_slice().try_into().map_err(|_| {
                        Failure::Senseless("a producer's id has 16 bytes".to_owned())
                    })?),
                    epoch: producer.epoch.0,
                    sequence: producer.sequence.0,
                })
            }
        };
    let options = AppendOptions {
        durability: append.durability.map(level),
        producer,
    };
    Ok(with(&records, options))
}

fn range(first: u64, next: u64) -> answer::Range {
    answer::Range {
        first: Unsigned(first),
        next: Unsigned(next),
    }
}

/// What opening found.
pub fn opened(bounds: tidelog_core::Bounds, found: &tidelog_core::Recovery) -> answer::Opened {
    let unsynced = &found.unsynced;
    answer::Opened {
        oldest: Unsigned(bounds.oldest),
        last: bounds.last.map(Unsigned),
        next: Unsigned(bounds.next),
        torn: found.torn.is_some(),
        unsynced: (!unsynced.is_empty()).then(|| range(unsynced.start, unsynced.end)),
        damage: found
            .damage
            .iter()
            .map(|damage| range(damage.first, damage.next))
            .collect(),
        repaired: count(found.repaired.len()),
    }
}

/// What an append got.
pub fn appended(appended: tidelog_core::Appended) -> answer::Appended {
    answer::Appended {
        first: Unsigned(appended.first),
        next: Unsigned(appended.next),
        duplicate: appended.duplicate,
        offsets_known: appended.offsets_known,
    }
}

/// Bounds.
pub fn bounds(bounds: tidelog_core::Bounds) -> answer::Bounds {
    answer::Bounds {
        oldest: Unsigned(bounds.oldest),
        last: bounds.last.map(Unsigned),
        next: Unsigned(bounds.next),
        durable: Unsigned(bounds.durable),
    }
}

/// Totals.
pub fn stat(stat: tidelog_core::Stat) -> answer::Stat {
    answer::Stat {
        bounds: bounds(stat.bounds),
        records: Unsigned(stat.records),
        deleted: Unsigned(stat.deleted),
        segments: count(stat.segments),
        bytes: Unsigned(stat.bytes),
        epoch: Unsigned(stat.epoch),
        cached_bytes: count(stat.cached_bytes),
    }
}

/// Settings in force.
pub fn settings(settings: tidelog_core::Settings) -> answer::Settings {
    answer::Settings {
        durability: match settings.durability {
            Durability::Buffered => "buffered",
            Durability::Stored => "stored",
            Durability::Synced => "synced",
        },
        compression: match settings.compression {
            Compression::None => "none",
            Compression::Lz4 => "lz4",
            Compression::Deflate => "deflate",
        },
        segment_bytes: Unsigned(settings.segment_bytes),
        keys: settings.indexes.keys,
        times: settings.indexes.times,
        retention_age: settings.retention.age.map(Unsigned),
        retention_bytes: settings.retention.bytes.map(Unsigned),
        retention_records: settings.retention.records.map(Unsigned),
        segment_age: settings.segment_age.map(Unsigned),
        producer_expiry: settings.producer_expiry.map(Unsigned),
    }
}

/// A record.
pub fn record(record: tidelog_core::Record<'_>) -> answer::Record {
    answer::Record {
        offset: Unsigned(record.offset),
        time: Signed(record.time),
        key: record.key.map(|key| Bytes(key.to_vec())),
        value: record.value.map(|value| Bytes(value.to_vec())),
        headers: record
            .headers
            .map(|header| answer::Header {
                name: Bytes(header.name.to_vec()),
                value: Bytes(header.value.to_vec()),
            })
            .collect(),
    }
}

/// Records that were read together.
pub fn batch(batch: &tidelog_core::Batch) -> answer::Batch {
    answer::Batch {
        count: count(batch.len()),
        records: batch.records().map(record).collect(),
        next: Unsigned(batch.next()),
    }
}

/// What was deleted.
pub fn deleted(deleted: &tidelog_core::Deleted) -> answer::Deleted {
    answer::Deleted {
        records: Unsigned(deleted.records),
        missing: deleted
            .missing
            .iter()
            .map(|offset| Unsigned(*offset))
            .collect(),
        bytes: Unsigned(deleted.bytes),
    }
}

/// What backing up did.
pub fn backed_up(done: &tidelog_core::BackedUp) -> answer::BackedUp {
    answer::BackedUp {
        next: Unsigned(done.next),
        segments: count(done.segments),
        copied: count(done.copied),
        kept: count(done.kept),
        removed: count(done.removed),
        damaged: count(done.damage.len()),
    }
}

/// What was exported, or imported.
pub const fn carried(next: u64, records: u64) -> answer::Carried {
    answer::Carried {
        next: Unsigned(next),
        records: Unsigned(records),
    }
}

/// What was trimmed.
pub fn trimmed(trimmed: tidelog_core::Trimmed) -> answer::Trimmed {
    answer::Trimmed {
        oldest: Unsigned(trimmed.oldest),
        records: Unsigned(trimmed.records),
        bytes: Unsigned(trimmed.bytes),
    }
}

/// What was compacted.
pub fn compacted(compacted: tidelog_core::Compacted) -> answer::Compacted {
    answer::Compacted {
        records: Unsigned(compacted.records),
        tombstones: Unsigned(compacted.tombstones),
        bytes: Unsigned(compacted.bytes),
        next: Unsigned(compacted.next),
        more: compacted.more,
    }
}

/// What would be.
pub fn planned(offsets: &[u64], compacted: tidelog_core::Compacted) -> answer::PlannedCompaction {
    answer::PlannedCompaction {
        offsets: offsets.iter().map(|offset| Unsigned(*offset)).collect(),
        compacted: self::compacted(compacted),
    }
}

/// What maintenance did.
pub fn maintained(done: tidelog_core::Maintained) -> answer::Maintained {
    answer::Maintained {
        more: done.more,
        trimmed: Unsigned(done.trimmed),
        merged: count(done.merged),
        removed: count(done.removed),
        indexed: count(done.indexed),
    }
}

/// What checking found.
pub fn report(report: &tidelog_core::Report) -> answer::Report {
    answer::Report {
        healthy: report.is_healthy(),
        findings: report
            .findings
            .iter()
            .map(|finding| answer::Finding {
                kind: finding.kind.as_str(),
                blob: finding.place.blob.kind.as_str(),
                offsets: finding.offsets.map(|(first, next)| range(first, next)),
            })
            .collect(),
        segments: count(report.segments),
        records: Unsigned(report.records),
    }
}

/// What salvage did.
pub fn recovered(salvage: &tidelog_core::Salvage) -> answer::Recovered {
    answer::Recovered {
        rebuilt: salvage.manifest.is_some(),
        lost: salvage
            .lost
            .iter()
            .map(|damage| range(damage.first, damage.next))
            .collect(),
        masks: count(salvage.masks.len()),
        records: Unsigned(salvage.records),
        rewritten: count(salvage.rewritten),
    }
}
