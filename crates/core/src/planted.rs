//! Owns the defects that tests may plant, to see that they are caught. Without the
//! feature `planted`, which no shipped crate may enable, there are none, and what
//! asks for them costs nothing.

/// A defect. Each breaks a promise of `docs/DURABILITY.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// Nothing is synced.
    SkipSync,
    /// An append is acknowledged as synced once it is stored.
    AcknowledgeBeforeSync,
    /// A body counts whatever its checksum says.
    IgnoreBodyChecksum,
    /// A header counts whatever its checksum says.
    IgnoreHeaderChecksum,
    /// A segment that a listing lacks does not exist.
    TrustList,
    /// A new segment takes the number of one that is gone.
    ReuseNumber,
    /// Where a tear is found, everything unvouched goes with it.
    CutTooFar,
    /// What producers sent since the last footer is forgotten.
    LateProducers,
    /// A segment that is rolled ends one record early.
    RollOffByOne,
    /// Synced and unsynced bytes share a block.
    NoPadding,
    /// Nothing vouches for the end of a log that was synced.
    NoMark,
    /// What was found is taken for synced.
    TrustUnvouched,
    /// A frame vouches for what is not synced yet.
    VouchEarly,
    /// The old manifest is not marked as superseded.
    NoSupersededMark,
    /// A manifest counts though it was superseded.
    IgnoreSuperseded,
    /// A new manifest takes over before it is synced.
    SwitchUnsynced,
    /// What is copied is dropped before the copy is synced.
    DropUnsynced,
    /// A deletion is acknowledged once it is written.
    DeleteNotDurable,
    /// Whoever hands on the right to perform operations wakes nobody.
    SkipWake,
    /// The right to perform operations is nobody's alone.
    TwoLeaders,
    /// What somebody left in flight is not waited for.
    SkipSettle,
    /// Records count as published a moment before they are.
    ShowEarly,
    /// The store forgets to sync the folder of a new blob.
    #[cfg(feature = "planted")]
    SkipDirectorySync,
    /// The store lets a writer go on that was replaced.
    #[cfg(feature = "planted")]
    DropEpochCheck,
}

#[cfg(feature = "planted")]
mod switch {
    use core::cell::Cell;

    use super::Bug;

    std::thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    impl Bug {
        /// Every defect that one thread is enough to see, in a stable order.
        pub const ALL: [Self; 20] = [
            Self::SkipSync,
            Self::AcknowledgeBeforeSync,
            Self::IgnoreBodyChecksum,
            Self::IgnoreHeaderChecksum,
            Self::TrustList,
            Self::ReuseNumber,
            Self::CutTooFar,
            Self::LateProducers,
            Self::RollOffByOne,
            Self::NoPadding,
            Self::NoMark,
            Self::TrustUnvouched,
            Self::VouchEarly,
            Self::NoSupersededMark,
            Self::IgnoreSuperseded,
            Self::SwitchUnsynced,
            Self::DropUnsynced,
            Self::DeleteNotDurable,
            Self::SkipDirectorySync,
            Self::DropEpochCheck,
        ];

        /// Those that take several threads, or futures that are dropped.
        pub const THREADS: [Self; 4] = [
            Self::SkipWake,
            Self::TwoLeaders,
            Self::SkipSettle,
            Self::ShowEarly,
        ];
    }

    /// Plants one defect in everything this thread does from now on, or none.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Whether this defect is planted in this thread.
    #[must_use]
    pub fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted")]
pub use switch::{plant, planted};

#[cfg(not(feature = "planted"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}
