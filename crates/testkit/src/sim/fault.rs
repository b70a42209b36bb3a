//! Owns the faults a disk can be told to have.

use super::error::SimError;

/// A class of operations that a fault counts and hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `list`.
    List,
    /// `read`.
    Read,
    /// `append`.
    Append,
    /// `sync` and `sync_removals`.
    Sync,
    /// `seal`.
    Seal,
    /// `remove`.
    Remove,
    /// `settle`.
    Settle,
    /// `claim`.
    Claim,
}

impl Operation {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::List,
        Self::Read,
        Self::Append,
        Self::Sync,
        Self::Seal,
        Self::Remove,
        Self::Settle,
        Self::Claim,
    ];

    /// A short stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Append => "append",
            Self::Sync => "sync",
            Self::Seal => "seal",
            Self::Remove => "remove",
            Self::Settle => "settle",
            Self::Claim => "claim",
        }
    }
}

/// How much of a failed append is there nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landed {
    /// Nothing.
    Nothing,
    /// Its first half.
    Half,
    /// All of it: only the answer was lost.
    Whole,
}

/// What a failed sync does to the operations it was to cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// They wait on: a crash may still take them, a later sync may cover them.
    Kept,
    /// They are given up, and no later sync covers them, as on Linux where pages
    /// are marked clean.
    Dropped,
    /// Every other one is given up.
    HalfKept,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The operation fails; of an append, this much is there.
    Fails(Landed),
    /// An append is refused as full; of its bytes, this much is there.
    Full(Landed),
    /// The operation is interrupted, and fails as one whose deadline passed; of an
    /// append, this much is there.
    Interrupted(Landed),
    /// A sync fails.
    SyncFails(Window),
    /// A sync answers that all is well, and did nothing.
    SyncLies,
    /// One bit of what is read is flipped; the number picks it.
    ReadFlipped(u64),
    /// What is read is zero.
    ReadZero,
    /// A read finds the bytes of an older blob at the same position.
    ReadStale,
    /// A read finds the bytes of another place in the same blob.
    ReadMisdirected,
    /// A read finds that the blob ends in the middle of the range.
    ReadShort,
}

impl Effect {
    /// How much of an append, or of a removal, is there nevertheless.
    pub(super) const fn landed(self) -> Option<Landed> {
        match self {
            Self::Fails(landed) | Self::Full(landed) | Self::Interrupted(landed) => Some(landed),
            _ => None,
        }
    }

    /// What an operation that fails so says.
    #[must_use]
    pub const fn error(self) -> SimError {
        match self {
            Self::Full(_) => SimError::Full,
            Self::Interrupted(_) => SimError::Interrupted,
            _ => SimError::Failed,
        }
    }
}

/// One thing that goes wrong, at one operation or from it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The class of operations it counts.
    pub operation: Operation,
    /// Which one it hits first, from 0.
    pub at: u64,
    /// How many in a row it hits; `u64::MAX` for all that follow.
    pub times: u64,
    /// What happens to them.
    pub effect: Effect,
}

impl Fault {
    /// A fault that hits only the operation `at`.
    #[must_use]
    pub const fn once(operation: Operation, at: u64, effect: Effect) -> Self {
        Self {
            operation,
            at,
            times: 1,
            effect,
        }
    }

    /// A fault that hits the operation `at` and every later one of its class.
    #[must_use]
    pub const fn for_ever(operation: Operation, at: u64, effect: Effect) -> Self {
        Self {
            times: u64::MAX,
            ..Self::once(operation, at, effect)
        }
    }

    pub(super) const fn hits(&self, operation: Operation, number: u64) -> bool {
        self.operation as u8 == operation as u8
            && number >= self.at
            && number - self.at < self.times
    }
}

/// What is wrong with the answers of `list`, which is a hint at best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// All blobs, in order.
    #[default]
    Honest,
    /// All blobs, in reverse order.
    Backwards,
    /// Every blob twice.
    Doubled,
    /// Without the newest blob of each kind, but not without the only one.
    LastLost,
    /// With blobs that do not exist: higher numbers than any that does.
    Ghosts,
    /// With blobs that do not exist any more: lower numbers than any that does.
    Removed,
    /// Only the first few blobs of each kind.
    OnePage,
}

/// Blobs of a kind in the one page of [`Listing::OnePage`].
pub(super) const PAGE: usize = 2;

impl Listing {
    /// Every listing.
    pub const ALL: [Self; 7] = [
        Self::Honest,
        Self::Backwards,
        Self::Doubled,
        Self::LastLost,
        Self::Ghosts,
        Self::Removed,
        Self::OnePage,
    ];
}
