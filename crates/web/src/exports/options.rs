//! Owns what JavaScript may choose, as it arrives, and what it stands for in the
//! engine. Spans and times are microseconds here; TypeScript converts them.

use serde::de::{DeserializeOwned, Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use tidelog_core::limits::OFFSET_MAX;
use tidelog_core::{
    Access, AppendOptions, At, BelowOldest, Compaction, Compression, Durability, Indexes, Options,
    Producer, ProducerId, ReadLimits, Retention, TrimTo,
};
use wasm_bindgen::JsValue;

use super::error::refused;

/// Reads an object of options.
pub fn from<T: DeserializeOwned>(value: JsValue) -> Result<T, JsValue> {
    serde_wasm_bindgen::from_value(value).map_err(refused)
}

/// A place in the log.
#[derive(Clone, Copy)]
pub struct Place(pub At);

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlaceVisitor)
    }
}

struct PlaceVisitor;

impl Visitor<'_> for PlaceVisitor {
    type Value = Place;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an offset, \"oldest\", \"last\" or \"next\"")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Place, E> {
        match name {
            "oldest" => Ok(Place(At::Oldest)),
            "last" => Ok(Place(At::Last)),
            "next" => Ok(Place(At::Next)),
            _ => Err(E::invalid_value(Unexpected::Str(name), &self)),
        }
    }

    fn visit_i64<E: Error>(self, offset: i64) -> Result<Place, E> {
        match u64::try_from(offset) {
            Ok(offset) if offset <= OFFSET_MAX => Ok(Place(At::Offset(offset))),
            _ => Err(E::invalid_value(Unexpected::Signed(offset), &self)),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Buffered,
    Stored,
    Synced,
}

impl From<Level> for Durability {
    fn from(level: Level) -> Self {
        match level {
            Level::Buffered => Self::Buffered,
            Level::Stored => Self::Stored,
            Level::Synced => Self::Synced,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Codec {
    None,
    Lz4,
    Deflate,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IndexOptions {
    keys: bool,
    times: bool,
}

impl From<IndexOptions> for Indexes {
    fn from(indexes: IndexOptions) -> Self {
        Self {
            keys: indexes.keys,
            times: indexes.times,
        }
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetentionOptions {
    age: Option<u64>,
    bytes: Option<u64>,
    records: Option<u64>,
}

/// Settings of a log; what is not given stays as it is.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct SettingOptions {
    durability: Option<Level>,
    compression: Option<Codec>,
    segment_bytes: Option<u64>,
    align: Option<u32>,
    indexes: Option<IndexOptions>,
    retention: Option<RetentionOptions>,
    /// 0 takes the limit away.
    segment_age: Option<u64>,
    /// 0 takes the limit away.
    producer_expiry: Option<u64>,
    cache_bytes: Option<u32>,
}

impl SettingOptions {
    /// The engine's options that say nothing but these.
    pub fn options(self) -> Options {
        let limit = |age: Option<u64>| age.map(|age| (age > 0).then_some(age));
        let default = Options::default();
        Options {
            durability: self.durability.map(Into::into),
            compression: self.compression.map(|codec| match codec {
                Codec::None => Compression::None,
                Codec::Lz4 => Compression::Lz4,
                Codec::Deflate => Compression::Deflate,
            }),
            segment_bytes: self.segment_bytes,
            align: self.align,
            indexes: self.indexes.map(Into::into),
            retention: self.retention.map(|kept| Retention {
                age: kept.age,
                bytes: kept.bytes,
                records: kept.records,
            }),
            segment_age: limit(self.segment_age),
            producer_expiry: limit(self.producer_expiry),
            cache_bytes: self
                .cache_bytes
                .map_or(default.cache_bytes, |bytes| bytes as usize),
            ..default
        }
    }
}

/// How to open a log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OpenOptions {
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    pub create: bool,
    #[serde(default)]
    settings: SettingOptions,
}

impl OpenOptions {
    pub const fn writes(&self) -> bool {
        !self.read_only
    }

    /// As the engine takes them, for a log that the catalog knows.
    pub fn options(&self) -> Options {
        Options {
            access: match self.read_only {
                true => Access::Read,
                false => Access::Write,
            },
            existing: true,
            ..self.settings.options()
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProducerOptions {
    id: [u8; 16],
    epoch: u64,
    sequence: u64,
}

/// How to append.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appending {
    durability: Option<Level>,
    producer: Option<ProducerOptions>,
}

impl From<Appending> for AppendOptions {
    fn from(chosen: Appending) -> Self {
        Self {
            durability: chosen.durability.map(Into::into),
            producer: chosen.producer.map(|producer| Producer {
                id: ProducerId(producer.id),
                epoch: producer.epoch,
                sequence: producer.sequence,
            }),
        }
    }
}

/// What to read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Query {
    pub at: Place,
    #[serde(default)]
    pub reverse: bool,
    #[serde(default, with = "serde_bytes")]
    pub key: Option<Vec<u8>>,
    records: Option<u64>,
    bytes: Option<u64>,
    #[serde(default)]
    refuse_below: bool,
}

impl Query {
    pub fn limits(&self) -> ReadLimits {
        let default = ReadLimits::default();
        ReadLimits {
            records: self.records.map_or(default.records, size),
            bytes: self.bytes.map_or(default.bytes, size),
            below_oldest: match self.refuse_below {
                true => BelowOldest::Refuse,
                false => BelowOldest::Clamp,
            },
        }
    }
}

/// What is beyond memory is no limit.
fn size(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Up to where to trim.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trimming {
    Before(Place),
    Records(u64),
    Bytes(u64),
    Time(i64),
}

impl From<Trimming> for TrimTo {
    fn from(to: Trimming) -> Self {
        match to {
            Trimming::Before(place) => Self::Before(place.0),
            Trimming::Records(records) => Self::Records(records),
            Trimming::Bytes(bytes) => Self::Bytes(bytes),
            Trimming::Time(time) => Self::Time(time),
        }
    }
}

/// What to compact.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compacting {
    updates: Option<i64>,
    tombstones: Option<i64>,
    keyless: bool,
    from: Option<Place>,
    records: Option<u64>,
}

impl From<Compacting> for Compaction {
    fn from(chosen: Compacting) -> Self {
        Self {
            updates: chosen.updates,
            tombstones: chosen.tombstones,
            keyless: chosen.keyless,
            from: chosen.from.map_or(At::Oldest, |place| place.0),
            records: chosen.records.unwrap_or(u64::MAX),
        }
    }
}
