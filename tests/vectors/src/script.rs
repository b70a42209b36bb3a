//! Owns what a vector file may say: vectors, steps and the arguments of each operation.
//! `tests/vectors/schema.json` is made from the types here, `docs/VECTORS.md` explains
//! them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::bytes::Bytes;
use crate::number::{Signed, Unsigned, long};

/// One behaviour, as a script of operations on one log in a fresh store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// Its name: `topic.behaviour`, unique over all files.
    #[schemars(regex(pattern = r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"))]
    pub id: String,
    /// What is so, in one sentence.
    pub about: String,
    /// The rows of the behaviour list that it covers.
    pub rows: Vec<String>,
    /// What a surface must be able to do beside the operations themselves.
    #[serde(default)]
    pub requires: Vec<Requirement>,
    /// Options of every `open` that does not give its own.
    #[serde(default)]
    pub settings: Settings,
    /// What is done, in order.
    #[schemars(length(min = 1), schema_with = "steps_schema")]
    pub steps: Vec<Value>,
}

/// An ability that not every surface has.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// Stored bytes can be damaged, removed and cut between two openings.
    Damage,
    /// A power cut can be imitated: what was not synced is lost.
    PowerCut,
    /// A power cut may leave a part of an append: the store does not make it whole or
    /// nothing.
    TornWrites,
    /// Store operations can be made to fail.
    Faults,
    /// Integers up to 2^64 - 1 can be passed in and come back.
    WideIntegers,
    /// Integers beyond 2^53 - 1 are refused as `out-of-range` by the surface itself.
    NarrowIntegers,
    /// A log exists only once it was created by its name: opening with `create` false
    /// finds nothing before.
    Names,
    /// A log comes into being with its first write, not with being opened.
    LazyCreation,
}

impl Requirement {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::PowerCut => "power-cut",
            Self::TornWrites => "torn-writes",
            Self::Faults => "faults",
            Self::WideIntegers => "wide-integers",
            Self::NarrowIntegers => "narrow-integers",
            Self::Names => "names",
            Self::LazyCreation => "lazy-creation",
        }
    }
}

/// One operation and what must come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What the test-only clock of the surface says during this step: microseconds
    /// since 1970-01-01T00:00:00Z.
    pub now: Signed,
    /// Through which handle; `main` unless given.
    #[serde(default = "main_handle")]
    pub handle: String,
    /// The operation's name.
    pub op: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// It succeeds, and its answer contains this.
    pub expect: Option<Map<String, Value>>,
    /// It fails, and the error is this one.
    pub error: Option<Refusal>,
}

fn main_handle() -> String {
    "main".to_owned()
}

/// An error that must come.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its kind, as every surface spells it.
    pub kind: String,
    /// Fields it must have; others are not looked at.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// A step is described as its common fields and one of the operations.
fn steps_schema(generator: &mut SchemaGenerator) -> Schema {
    let step = generator.subschema_for::<Step>();
    let op = generator.subschema_for::<Op>();
    json_schema!({ "type": "array", "items": { "allOf": [step, op, {
        "oneOf": [{ "required": ["expect"] }, { "required": ["error"] }],
    }] } })
}

/// A place in a log: an offset, or `oldest`, `last` or `next`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The lowest readable offset.
    Oldest,
    /// The highest existing offset.
    Last,
    /// The offset the next append gets.
    Next,
    /// This offset.
    Offset(u64),
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        match value.as_str() {
            Some("oldest") => Ok(Self::Oldest),
            Some("last") => Ok(Self::Last),
            Some("next") => Ok(Self::Next),
            Some(text) if long(text).is_none() => Err(D::Error::custom(format!(
                "{text:?} is no place: an offset, oldest, last or next"
            ))),
            _ => {
                let offset: Unsigned = serde_json::from_value(value).map_err(D::Error::custom)?;
                Ok(Self::Offset(offset.0))
            }
        }
    }
}

impl JsonSchema for Place {
    fn schema_name() -> Cow<'static, str> {
        "Place".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let offset = generator.subschema_for::<Unsigned>();
        json_schema!({
            "description": "A place in a log.",
            "anyOf": [{ "enum": ["oldest", "last", "next"] }, offset],
        })
    }
}

/// Options of a log. What is absent stays as the log has it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The level of appends that name none.
    pub durability: Option<Level>,
    /// How new frames are compressed.
    pub compression: Option<Codec>,
    /// Bytes after which a segment is rolled.
    pub segment_bytes: Option<Unsigned>,
    /// Padding after each sync, in bytes.
    pub align: Option<u32>,
    /// The indexes beside the one by offset.
    pub indexes: Option<Indexes>,
    /// What the log keeps.
    pub retention: Option<Retention>,
    /// Microseconds after which a segment is rolled; null for never.
    #[serde(default, deserialize_with = "given")]
    pub segment_age: Option<Option<Unsigned>>,
    /// Microseconds after which a producer is forgotten; null for never.
    #[serde(default, deserialize_with = "given")]
    pub producer_expiry: Option<Option<Unsigned>>,
    /// Bytes of blocks kept in memory for reading.
    pub cache_bytes: Option<Unsigned>,
}

/// Tells null, which says something, from a field that is absent.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Unsigned>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl Settings {
    /// These, and from `other` what these do not say.
    pub fn or(&self, other: &Self) -> Self {
        Self {
            durability: self.durability.or(other.durability),
            compression: self.compression.or(other.compression),
            segment_bytes: self.segment_bytes.or(other.segment_bytes),
            align: self.align.or(other.align),
            indexes: self.indexes.or(other.indexes),
            retention: self.retention.or(other.retention),
            segment_age: self.segment_age.or(other.segment_age),
            producer_expiry: self.producer_expiry.or(other.producer_expiry),
            cache_bytes: self.cache_bytes.or(other.cache_bytes),
        }
    }
}

/// How far an append has got when it is acknowledged.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// In memory.
    Buffered,
    /// Given to the store.
    Stored,
    /// Synced.
    Synced,
}

/// A compression.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// None.
    None,
    /// LZ4.
    Lz4,
    /// DEFLATE.
    Deflate,
}

/// Which indexes there are.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Indexes {
    /// By key.
    pub keys: bool,
    /// By time.
    pub times: bool,
}

/// What a log keeps; absent means without limit.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Microseconds.
    pub age: Option<Unsigned>,
    /// Bytes of segments.
    pub bytes: Option<Unsigned>,
    /// Records.
    pub records: Option<Unsigned>,
}

/// Whether a handle may write.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// It may.
    #[default]
    Write,
    /// It reads beside a writer.
    Read,
}

/// Opens the log through the step's handle, which must not be open.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Whether to write.
    #[serde(default)]
    pub access: Access,
    /// Whether a log that is not there may be created; true unless given.
    pub create: Option<bool>,
    /// The log is known to exist: a store that holds nothing of it has lost it.
    #[serde(default)]
    pub existing: bool,
    /// Options; the vector's `settings` fill in what they do not say.
    #[serde(default)]
    pub settings: Settings,
}

/// A record to append.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its time; `now` if absent or null.
    pub time: Option<Signed>,
    /// Its key; absent or null for none.
    pub key: Option<Bytes>,
    /// Its value; absent or null for none.
    pub value: Option<Bytes>,
    /// Its headers, in order.
    #[serde(default)]
    pub headers: Vec<Header>,
}

/// A header of a record.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The name.
    pub name: Bytes,
    /// The value.
    pub value: Bytes,
}

/// Which batch of which producer an append is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Producer {
    /// 16 bytes.
    pub id: Bytes,
    /// Its epoch.
    pub epoch: Unsigned,
    /// The batch's number.
    pub sequence: Unsigned,
}

/// Appends one batch.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Append {
    /// Its records.
    pub records: Vec<Record>,
    /// The level to reach; the log's own if absent.
    pub durability: Option<Level>,
    /// Its producer.
    pub producer: Option<Producer>,
}

/// What a read below the oldest offset does.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BelowOldest {
    /// It starts at the oldest.
    #[default]
    Clamp,
    /// It is refused.
    Refuse,
}

/// How much a read returns.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Records at most: 1024 unless given.
    pub records: Option<Unsigned>,
    /// Bytes of frames at most, but at least one record: 1 MiB unless given.
    pub bytes: Option<Unsigned>,
    /// What to do below the oldest offset.
    #[serde(default)]
    pub below_oldest: BelowOldest,
}

/// Reads records from a place on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Where.
    pub at: Place,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
}

/// Reads records below a place, newest first.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadReverse {
    /// Below which place.
    pub before: Place,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
}

/// Reads records with one key from a place on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadByKey {
    /// The key.
    pub key: Bytes,
    /// Where.
    pub at: Place,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
}

/// One record.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Get {
    /// Which.
    pub at: Place,
}

/// A key to look for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The key.
    pub key: Bytes,
}

/// A time to look for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Microseconds since 1970.
    pub time: Signed,
}

/// Begins to wait for records; `settle`, `pending` and `cancel` name the ticket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// The name of this wait.
    pub ticket: String,
    /// From where on.
    pub at: Place,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
}

/// Begins to wait for records with one key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowByKey {
    /// The name of this wait.
    pub ticket: String,
    /// The key.
    pub key: Bytes,
    /// From where on.
    pub at: Place,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
}

/// A wait that was begun.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Its name.
    pub ticket: String,
}

/// Offsets to delete.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// In any order.
    pub offsets: Vec<Unsigned>,
}

/// Up to where to trim: exactly one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trim {
    /// Records below this place go.
    Before(Place),
    /// This many of the newest records stay.
    Records(Unsigned),
    /// At most this many bytes of segments stay.
    Bytes(Unsigned),
    /// Records of this time or earlier go, up to the first that is later.
    Time(Signed),
}

/// What compaction may delete, and how much of the log it looks at.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compact {
    /// Superseded records up to this time go; absent or null for none.
    pub updates: Option<Signed>,
    /// Tombstones up to this time go; absent or null for none.
    pub tombstones: Option<Signed>,
    /// Whether records without a key have one and the same; false unless given.
    #[serde(default)]
    pub keyless: bool,
    /// Where to begin; `oldest` unless given.
    pub from: Option<Place>,
    /// Records to consider, at most; without bound unless given.
    pub records: Option<Unsigned>,
}

/// How much memory for reading is kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gc {
    /// About this many bytes; what was used since the last call unless given.
    pub bytes: Option<Unsigned>,
}

/// How much maintenance may do.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Maintain {
    /// Bytes that may be copied, about; without bound unless given.
    pub budget: Option<Unsigned>,
}

/// What the power cut leaves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PowerCut {
    /// Of what was appended to each blob and not synced, this many bytes are left; 0
    /// unless given.
    #[serde(default)]
    pub keep: Unsigned,
}

/// What a blob is for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Blob {
    /// Batches of records.
    Segment,
    /// What says which segments are live; every copy of it.
    Manifest,
    /// The deleted offsets of one segment.
    Mask,
    /// The index of a segment that carries none.
    Index,
    /// No blob: what was exported last.
    Export,
}

/// A byte to damage, with every handle closed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Damage {
    /// The kind of the blob.
    pub blob: Blob,
    /// Which of that kind, by rising number; negative ones count from the end.
    #[serde(default)]
    pub which: Signed,
    /// The byte's position; negative ones count from the end of what was appended.
    pub position: Signed,
    /// The bits of it that change; all of them unless given.
    pub bits: Option<u8>,
}

/// A blob to remove, or to cut short, with every handle closed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// The kind of the blob.
    pub blob: Blob,
    /// Which of that kind, by rising number; negative ones count from the end.
    #[serde(default)]
    pub which: Signed,
    /// Bytes that stay; negative ones count from the end of what was appended; the blob
    /// is removed unless given.
    pub keep: Option<Signed>,
}

/// An operation of a store.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreOperation {
    /// Reading from a blob.
    Read,
    /// Appending to a blob.
    Append,
    /// Making appends durable.
    Sync,
}

/// A store operation that will fail.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// Which: the next one of this sort.
    pub operation: StoreOperation,
    /// The kind of error it fails with. It has no effect then.
    pub kind: String,
}

/// An operation without arguments.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Every operation, with its arguments.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "op", content = "args", rename_all = "snake_case")]
pub enum Op {
    /// Opens the log.
    Open(Box<Open>),
    /// Closes the handle; it stays, and answers as a closed handle does.
    Close(Nothing),
    /// Ends the process, in effect: every handle is gone without having been closed.
    Kill(Nothing),
    /// The same, and the store loses what was not synced.
    PowerCut(PowerCut),
    /// Changes a stored byte.
    Damage(Damage),
    /// Removes a stored blob or cuts it short.
    Cut(Cut),
    /// Removes everything that is stored of the log.
    Wipe(Nothing),
    /// Makes a store operation fail.
    Fail(Fail),
    /// Appends a batch.
    Append(Append),
    /// Hands everything buffered to the store.
    Flush(Nothing),
    /// Makes everything durable.
    Sync(Nothing),
    /// Makes a new log exist.
    Establish(Nothing),
    /// The bounds.
    Bounds(Nothing),
    /// The totals.
    Stat(Nothing),
    /// The settings in force.
    Settings(Nothing),
    /// Reads from a place on.
    Read(Read),
    /// Reads below a place.
    ReadReverse(ReadReverse),
    /// Reads one record.
    Get(Get),
    /// Looks at the store again, in a handle that only reads.
    Refresh(Nothing),
    /// The newest record with a key.
    GetByKey(Key),
    /// Its offset.
    OffsetByKey(Key),
    /// Records with a key.
    ReadByKey(ReadByKey),
    /// The first record from a time on.
    GetByTime(Time),
    /// Its offset and time.
    OffsetByTime(Time),
    /// Begins to wait for records.
    Follow(Follow),
    /// Begins to wait for records with a key.
    FollowByKey(FollowByKey),
    /// A wait has not ended.
    Pending(Ticket),
    /// A wait has ended; its answer or its error.
    Settle(Ticket),
    /// Gives a wait up.
    Cancel(Ticket),
    /// Deletes records.
    Delete(Delete),
    /// What that would do.
    PlanDelete(Delete),
    /// Removes from the old end.
    Trim(Trim),
    /// What that would do.
    PlanTrim(Trim),
    /// Removes every record.
    Clear(Nothing),
    /// Deletes superseded records and old tombstones.
    Compact(Compact),
    /// What that would do.
    PlanCompact(Compact),
    /// Maintenance.
    Maintain(Maintain),
    /// Changes the settings of the open log.
    Configure(Settings),
    /// Makes these the indexes of the log.
    Reindex(Indexes),
    /// Gives back memory that reading holds.
    Gc(Gc),
    /// Checks everything.
    Check(Nothing),
    /// Makes a damaged log whole, with every handle closed.
    Recover(Nothing),
    /// Brings the backup, which is in a store of its own, up to date.
    Backup(Nothing),
    /// Lets the log and its backup change places, with every handle closed.
    Swap(Nothing),
    /// Exports the log. The export is kept, in the place of an earlier one.
    Export(Nothing),
    /// Makes a new log of what was exported last, with every handle closed.
    Import(Nothing),
}

impl Step {
    /// The operation.
    ///
    /// # Errors
    /// When there is no such operation, or its arguments are not what it takes.
    pub fn operation(&self) -> Result<Op, serde_json::Error> {
        serde_json::from_value(serde_json::json!({ "op": self.op, "args": self.args }))
    }
}
