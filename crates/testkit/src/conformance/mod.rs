//! Owns the suite every [`BlockStore`] must pass: one named check for each
//! sentence of the store's contract that can be checked from outside. May not
//! know any store.
//!
//! What only a crash can show (what a torn append leaves, what survives a power
//! cut) belongs to the simulator and to the kill tests.

mod appends;
mod claims;
mod flight;
mod full;
mod probe;
mod reads;
mod removals;
mod reopening;
mod report;
mod syncs;

use tidelog_core::BlockStore;

pub use report::{Failure, Report, Skip};

/// How the suite gets at the stores it checks.
#[allow(
    async_fn_in_trait,
    reason = "the suite runs on one thread, wherever the store does"
)]
pub trait Subject {
    /// The store.
    type Store: BlockStore;

    /// A new, empty store that shares nothing with the ones before.
    async fn fresh(&self) -> Self::Store;

    /// Closes `store`, whose claims were released, and opens what it held again.
    async fn reopen(&self, store: Self::Store) -> Self::Store;

    /// A second handle on what `store` holds, as another process would have it;
    /// `None` where such a thing cannot be had.
    async fn beside(&self, _store: &Self::Store) -> Option<Self::Store> {
        None
    }

    /// A new, empty store with room for between 512 KiB and 64 MiB; `None` where
    /// room cannot be limited.
    async fn limited(&self) -> Option<Self::Store> {
        None
    }
}

/// How a check ended that did not fail.
enum Verdict {
    Passed,
    Skipped(&'static str),
}

/// What a check returns: an error says what was seen instead.
type Outcome = Result<Verdict, String>;

/// Runs every check, each on a store of its own.
pub async fn conformance<T: Subject>(subject: &T) -> Report {
    let mut report = Report::default();
    macro_rules! check {
        ($($module:ident :: $name:ident => $sentence:literal,)+) => {$(
            report.add(stringify!($name), $sentence, $module::$name(subject).await);
        )+};
    }
    check! {
        reads::geometry_is_constant => "What this store promises about single appends. Constant while it is open.",
        reads::unknown_log_is_an_empty_list => "An unknown log is an empty list.",
        reads::listing_stays_in_its_log => "The blobs of `log`, as a hint",
        reads::reads_are_exact => "Fills `buf` from `position` on, or fails: a short read is an error.",
        reads::zero_length_reads_succeed => "Fills `buf` from `position` on, or fails: a short read is an error.",
        reads::missing_blob_is_not_found => "`not-found` if the blob does not exist",
        reads::reading_past_the_end_is_out_of_range => "`out-of-range` if it ends before `position + buf.len()`",
        reads::available_can_be_read => "how many bytes exist from the position asked for",
        appends::position_zero_creates => "Position 0 creates the blob.",
        appends::appends_continue_where_the_last_ended => "Writes `bytes` at `position`, which is the number of bytes this writer has appended to the blob so far.",
        appends::another_position_is_a_conflict => "`conflict` if the position is another one",
        appends::creating_twice_is_a_conflict => "or position 0 is given for a blob that exists",
        appends::every_name_is_its_own_blob => "A store holds blobs, append-only byte sequences each named by a",
        appends::many_blobs_are_held => "A store holds blobs, append-only byte sequences each named by a",
        appends::big_appends_are_kept_whole => "Writes `bytes` at `position`",
        syncs::a_set_is_synced => "A set, so that a store can serve several blobs or logs with one request.",
        syncs::synced_blobs_are_there_after_reopening => "Makes everything appended to these blobs, and their existence, durable.",
        syncs::missing_blob_cannot_be_synced => "Makes everything appended to these blobs, and their existence, durable.",
        syncs::sealed_blobs_stay_readable => "the blob stays as readable as it was",
        removals::removed_blobs_are_not_found => "Removes the blob.",
        removals::removing_twice_is_no_error => "A missing blob is no error.",
        removals::removals_are_synced => "Makes the removals of this log's blobs so far durable.",
        flight::operations_take_effect_in_call_order => "Operations on one blob take effect in call order.",
        flight::dropped_appends_run_to_their_end => "Dropping a future that has been polled drops only the notification, never the operation.",
        flight::dropped_removals_run_to_their_end => "Dropping a future that has been polled drops only the notification, never the operation.",
        flight::settle_tells_where_to_continue => "Returns how many bytes this writer has appended to it (where its next append continues)",
        flight::settle_tells_an_abandoned_outcome_once => "The outcome of the abandoned operation, once.",
        claims::epochs_are_free_and_not_below => "with the smallest free epoch that is not below `at_least`, which is returned.",
        claims::a_second_claim_is_refused => "`locked` if another live writer holds the log",
        claims::a_second_handle_is_refused_or_fences => "`fenced` if a newer writer claimed the log",
        claims::released_logs_can_be_claimed => "Stops being the writer of `log`.",
        claims::logs_are_claimed_one_by_one => "Becomes the writer of `log`",
        reopening::appends_continue_at_the_stated_position => "The first append of a writer to a blob it did not create names the position where that blob ends for it",
        reopening::existing_blobs_are_not_created_again => "or position 0 is given for a blob that exists",
        reopening::blobs_of_an_earlier_writer_can_be_synced => "Makes everything appended to these blobs, and their existence, durable.",
        full::what_does_not_fit_is_full => "`full` if there is no space",
        full::manifests_have_a_reserve => "they are not refused as `full` before that is used up, whatever the rest of the store holds.",
    }
    report
}
