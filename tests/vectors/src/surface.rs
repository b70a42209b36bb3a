//! Owns what a surface is to the runner: one method for each operation. May not know
//! any surface.

use serde_json::{Map, Value};

use crate::answer;
use crate::script;

/// Why an operation did not succeed.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The surface has no such operation.
    Missing,
    /// The script asks for what makes no sense here: a handle that is not open, a blob
    /// that is not there.
    Senseless(String),
    /// The log refused.
    Refused {
        /// The kind of the error.
        kind: String,
        /// What the error names.
        fields: Map<String, Value>,
        /// Its sentence.
        message: String,
    },
}

/// What comes of an operation.
pub type Outcome<T> = Result<T, Failure>;

macro_rules! operations {
    ($($(#[$about:meta])* $name:ident($($argument:ident: $taken:ty)?) -> $answer:ty;)+) => {
        /// One way to use a log. Each vector begins with [`begin`](Self::begin).
        ///
        /// What a surface does not have stays as it is here: missing.
        pub trait Surface {
            /// Forgets everything and begins with an empty store.
            ///
            /// # Errors
            /// A sentence, when the store cannot be had.
            fn begin(&mut self) -> Result<(), String>;

            /// Sets the clock that the log reads, in microseconds since 1970.
            fn set_clock(&mut self, now: i64);

            $(
                $(#[$about])*
                ///
                /// # Errors
                /// Whatever the log refuses, or `Missing`.
                fn $name(
                    &mut self,
                    handle: &str,
                    $($argument: $taken,)?
                ) -> Outcome<$answer> {
                    let _ = (handle, $($argument)?);
                    Err(Failure::Missing)
                }
            )+
        }
    };
}

operations! {
    /// Opens the log through `handle`.
    open(arguments: &script::Open) -> answer::Opened;
    /// Closes the handle, which goes on answering as a closed one does.
    close() -> answer::Done;
    /// Drops every handle without closing it, as the end of a process does.
    kill() -> answer::Done;
    /// The same, and loses what was not synced.
    power_cut(arguments: &script::PowerCut) -> answer::Done;
    /// Changes a stored byte.
    damage(arguments: &script::Damage) -> answer::Done;
    /// Removes a blob, or cuts it short.
    cut(arguments: &script::Cut) -> answer::Done;
    /// Removes everything that is stored of the log.
    wipe() -> answer::Done;
    /// Makes the next store operation of a sort fail.
    fail(arguments: &script::Fail) -> answer::Done;
    /// Appends a batch.
    append(arguments: &script::Append) -> answer::Appended;
    /// Hands everything to the store.
    flush() -> answer::Reached;
    /// Makes everything durable.
    sync() -> answer::Reached;
    /// Makes a new log exist.
    establish() -> answer::Done;
    /// The bounds.
    bounds() -> answer::Bounds;
    /// The totals.
    stat() -> answer::Stat;
    /// The settings in force.
    settings() -> answer::Settings;
    /// Reads from a place on.
    read(arguments: &script::Read) -> answer::Batch;
    /// Reads below a place.
    read_reverse(arguments: &script::ReadReverse) -> answer::Batch;
    /// Reads one record.
    get(arguments: &script::Get) -> answer::Record;
    /// Looks at the store again.
    refresh() -> answer::Done;
    /// The newest record with a key.
    get_by_key(arguments: &script::Key) -> answer::Record;
    /// Its offset.
    offset_by_key(arguments: &script::Key) -> answer::Offset;
    /// Records with a key.
    read_by_key(arguments: &script::ReadByKey) -> answer::Batch;
    /// The first record from a time on.
    get_by_time(arguments: &script::Time) -> answer::Record;
    /// Its offset and own time.
    offset_by_time(arguments: &script::Time) -> answer::TimedOffset;
    /// Begins to wait for records.
    follow(arguments: &script::Follow) -> answer::Done;
    /// Begins to wait for records with a key.
    follow_by_key(arguments: &script::FollowByKey) -> answer::Done;
    /// Succeeds if a wait has not ended, after giving it time to.
    pending(arguments: &script::Ticket) -> answer::Done;
    /// Waits for the end of a wait, some seconds at most, and answers with it.
    settle(arguments: &script::Ticket) -> answer::Batch;
    /// Gives a wait up.
    cancel(arguments: &script::Ticket) -> answer::Done;
    /// Deletes records.
    delete(arguments: &script::Delete) -> answer::Deleted;
    /// What deleting would do.
    plan_delete(arguments: &script::Delete) -> answer::Deleted;
    /// Removes from the old end.
    trim(arguments: &script::Trim) -> answer::Trimmed;
    /// What trimming would do.
    plan_trim(arguments: &script::Trim) -> answer::Trimmed;
    /// Removes every record.
    clear() -> answer::Trimmed;
    /// Deletes superseded records and old tombstones.
    compact(arguments: &script::Compact) -> answer::Compacted;
    /// What compaction would do.
    plan_compact(arguments: &script::Compact) -> answer::PlannedCompaction;
    /// Changes the settings of the open log.
    configure(arguments: &script::Settings) -> answer::Done;
    /// Makes these the indexes of the log.
    reindex(arguments: script::Indexes) -> answer::Maintained;
    /// Gives back memory that reading holds.
    gc(arguments: &script::Gc) -> answer::Freed;
    /// Does what nobody waits for.
    maintain(arguments: &script::Maintain) -> answer::Maintained;
    /// Checks everything.
    check() -> answer::Report;
    /// Makes a damaged log whole.
    recover() -> answer::Recovered;
    /// Brings the backup up to date.
    backup() -> answer::BackedUp;
    /// Lets the log and its backup change places.
    swap() -> answer::Done;
    /// Exports the log.
    export() -> answer::Carried;
    /// Makes a new log of what was exported.
    import() -> answer::Carried;
}
