//! Owns what the engine answers, as JavaScript gets it.

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use tidelog_core as core;
use wasm_bindgen::JsValue;

use super::error::refused;

/// Writes an answer as a plain object.
pub fn to(answer: &impl Serialize) -> Result<JsValue, JsValue> {
    let plain = Serializer::new().serialize_missing_as_null(true);
    answer.serialize(&plain).map_err(refused)
}

macro_rules! reports {
    ($($(#[$about:meta])* $name:ident of $engine:ty { $($field:ident: $type:ty = $value:expr),+ $(,)? } |$from:ident|)+) => {$(
        $(#[$about])*
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($field: $type),+
        }

        impl From<&$engine> for $name {
            fn from($from: &$engine) -> Self {
                Self { $($field: $value),+ }
            }
        }
    )+};
}

/// Offsets from the first up to the next.
#[derive(Serialize)]
struct Range {
    first: u64,
    next: u64,
}

const fn range(first: u64, next: u64) -> Range {
    Range { first, next }
}

reports! {
    Bounds of core::Bounds {
        oldest: u64 = bounds.oldest,
        last: Option<u64> = bounds.last,
        next: u64 = bounds.next,
        durable: u64 = bounds.durable,
    } |bounds|

    Stat of core::Stat {
        bounds: Bounds = (&stat.bounds).into(),
        records: u64 = stat.records,
        deleted: u64 = stat.deleted,
        segments: usize = stat.segments,
        bytes: u64 = stat.bytes,
        epoch: u64 = stat.epoch,
        cached_bytes: usize = stat.cached_bytes,
    } |stat|

    Appended of core::Appended {
        first: u64 = appended.first,
        next: u64 = appended.next,
        duplicate: bool = appended.duplicate,
        offsets_known: bool = appended.offsets_known,
    } |appended|

    Settings of core::Settings {
        durability: &'static str = match settings.durability {
            core::Durability::Buffered => "buffered",
            core::Durability::Stored => "stored",
            core::Durability::Synced => "synced",
        },
        compression: &'static str = match settings.compression {
            core::Compression::None => "none",
            core::Compression::Lz4 => "lz4",
            core::Compression::Deflate => "deflate",
        },
        segment_bytes: u64 = settings.segment_bytes,
        indexes: Indexes = (&settings.indexes).into(),
        retention: Retention = (&settings.retention).into(),
        segment_age: Option<u64> = settings.segment_age,
        producer_expiry: Option<u64> = settings.producer_expiry,
    } |settings|

    Indexes of core::Indexes {
        keys: bool = indexes.keys,
        times: bool = indexes.times,
    } |indexes|

    Retention of core::Retention {
        age: Option<u64> = kept.age,
        bytes: Option<u64> = kept.bytes,
        records: Option<u64> = kept.records,
    } |kept|

    Deleted of core::Deleted {
        records: u64 = deleted.records,
        missing: Vec<u64> = deleted.missing.clone(),
        bytes: u64 = deleted.bytes,
    } |deleted|

    Trimmed of core::Trimmed {
        oldest: u64 = trimmed.oldest,
        records: u64 = trimmed.records,
        bytes: u64 = trimmed.bytes,
    } |trimmed|

    Compacted of core::Compacted {
        records: u64 = compacted.records,
        tombstones: u64 = compacted.tombstones,
        bytes: u64 = compacted.bytes,
        next: u64 = compacted.next,
        more: bool = compacted.more,
    } |compacted|

    Maintained of core::Maintained {
        more: bool = done.more,
        trimmed: u64 = done.trimmed,
        merged: usize = done.merged,
        indexed: usize = done.indexed,
        removed: usize = done.removed,
        copied: u64 = done.copied,
    } |done|

    Finding of core::Finding {
        kind: &'static str = finding.kind.as_str(),
        blob: &'static str = finding.place.blob.kind.as_str(),
        position: u64 = finding.place.position,
        fault: String = finding.place.fault.to_string(),
        offsets: Option<Range> = finding.offsets.map(|(first, next)| range(first, next)),
    } |finding|

    Report of core::Report {
        healthy: bool = report.is_healthy(),
        findings: Vec<Finding> = report.findings.iter().map(Into::into).collect(),
        segments: usize = report.segments,
        records: u64 = report.records,
        bytes: u64 = report.bytes,
    } |report|

    Damage of core::Damage {
        first: u64 = damage.first,
        next: u64 = damage.next,
        blob: &'static str = damage.place.blob.kind.as_str(),
        position: u64 = damage.place.position,
        fault: String = damage.place.fault.to_string(),
    } |damage|

    Recovery of core::Recovery {
        epoch: u64 = found.epoch,
        torn: bool = found.torn.is_some(),
        unsynced: Option<Range> = (!found.unsynced.is_empty())
            .then(|| range(found.unsynced.start, found.unsynced.end)),
        damage: Vec<Damage> = found.damage.iter().map(Into::into).collect(),
        repaired: usize = found.repaired.len(),
    } |found|

    Salvage of core::Salvage {
        rebuilt: bool = salvage.manifest.is_some(),
        lost: Vec<Damage> = salvage.lost.iter().map(Into::into).collect(),
        masks: usize = salvage.masks.len(),
        records: u64 = salvage.records,
        rewritten: usize = salvage.rewritten,
    } |salvage|

    BackedUp of core::BackedUp {
        next: u64 = done.next,
        segments: usize = done.segments,
        copied: usize = done.copied,
        copied_bytes: u64 = done.copied_bytes,
        kept: usize = done.kept,
        removed: usize = done.removed,
        damage: Vec<Damage> = done.damage.iter().map(Into::into).collect(),
    } |done|

    Exported of core::Exported {
        next: u64 = done.next,
        records: u64 = done.records,
        bytes: u64 = done.bytes,
    } |done|

    Imported of core::Imported {
        next: u64 = done.next,
        records: u64 = done.records,
        bytes: u64 = done.bytes,
    } |done|
}

/// A record's place.
#[derive(Serialize)]
pub struct Found {
    /// Its offset.
    pub offset: u64,
    /// Its own time, where the question was about time.
    pub time: Option<i64>,
}

/// What compaction would delete.
#[derive(Serialize)]
pub struct PlannedCompaction {
    offsets: Vec<u64>,
    compacted: Compacted,
}

impl From<&(Vec<u64>, core::Compacted)> for PlannedCompaction {
    fn from((offsets, compacted): &(Vec<u64>, core::Compacted)) -> Self {
        Self {
            offsets: offsets.clone(),
            compacted: compacted.into(),
        }
    }
}
