//! Owns the list of checks: what a few threads do with one log, and what must hold
//! however they take turns. That every thread comes to an end is part of each.

mod appends;
mod buffered;
mod cancellation;
mod closing;
mod failures;
mod followers;
mod holding;
mod readers;
mod removing;

/// One of them.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// So few steps that the schedules can be gone through one by one.
    pub small: bool,
    /// What the threads do.
    pub body: fn(),
}

const fn drawn(name: &'static str, body: fn()) -> Check {
    Check {
        name,
        small: false,
        body,
    }
}

/// All there are.
pub const ALL: &[Check] = &[
    drawn("appends", appends::appends),
    drawn("mixed-levels", appends::mixed_levels),
    drawn("buffered", buffered::buffered),
    drawn("cancellation", cancellation::cancellation),
    drawn("closing", closing::closing),
    drawn("unknown-outcome", failures::unknown_outcome),
    drawn("full", failures::full),
    drawn("followers", followers::followers),
    drawn("readers", readers::readers),
    drawn("deleting", removing::deleting),
    drawn("maintaining", removing::maintaining),
    drawn("compacting", removing::compacting),
    drawn("giving-up", removing::giving_up),
    drawn("held-reads", holding::held_reads),
    drawn("first-edit", holding::first_edit),
    Check {
        name: "two-appends",
        small: true,
        body: appends::two_appends,
    },
];
