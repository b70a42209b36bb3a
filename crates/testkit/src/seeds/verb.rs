//! Owns the list of everything that can be done to a log, and how often each is.

use std::collections::BTreeMap;

/// A step of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they are named after what they do")]
pub enum Verb {
    Open,
    Append,
    Large,
    Produce,
    Resend,
    Flush,
    Sync,
    Maintain,
    Get,
    Read,
    Backwards,
    Follow,
    FindKey,
    ReadKey,
    FindTime,
    Stat,
    Compare,
    Look,
    Check,
    Crowd,
    Delete,
    Trim,
    TrimByRule,
    Clear,
    Compact,
    Retain,
    Reindex,
    Gc,
    Backup,
    Export,
    Close,
    Kill,
    End,
}

/// How many steps came to be of each verb.
pub type Counts = BTreeMap<Verb, u64>;

/// How often each verb comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Mostly appends, and rarely what reads everything, which takes as long as a hundred
    /// of the others: for many lives.
    Lives,
    /// Every verb often: for few.
    Verbs,
}

/// What a step may be, with its odds in lives and among verbs.
const VERBS: [(Verb, [u64; 2]); 31] = [
    (Verb::Append, [400, 60]),
    (Verb::Large, [8, 3]),
    (Verb::Produce, [64, 12]),
    (Verb::Resend, [32, 6]),
    (Verb::Flush, [32, 6]),
    (Verb::Sync, [32, 6]),
    (Verb::Maintain, [16, 6]),
    (Verb::Get, [80, 12]),
    (Verb::Read, [40, 12]),
    (Verb::Backwards, [32, 12]),
    (Verb::Follow, [24, 6]),
    (Verb::FindKey, [24, 12]),
    (Verb::ReadKey, [12, 8]),
    (Verb::FindTime, [16, 12]),
    (Verb::Stat, [24, 4]),
    (Verb::Compare, [2, 2]),
    (Verb::Look, [3, 2]),
    (Verb::Check, [2, 2]),
    (Verb::Crowd, [16, 3]),
    (Verb::Delete, [16, 10]),
    (Verb::Trim, [3, 3]),
    (Verb::TrimByRule, [3, 4]),
    (Verb::Clear, [1, 1]),
    (Verb::Compact, [3, 4]),
    (Verb::Retain, [3, 4]),
    (Verb::Reindex, [3, 3]),
    (Verb::Gc, [4, 3]),
    (Verb::Backup, [2, 3]),
    (Verb::Export, [0, 2]),
    (Verb::Close, [3, 2]),
    (Verb::Kill, [3, 2]),
];

impl Mix {
    /// The odds of all verbs together.
    pub(super) fn all(self) -> u64 {
        VERBS.iter().map(|(_, odds)| odds[self as usize]).sum()
    }

    /// The verb that a number below [`all`](Self::all) stands for.
    pub(super) fn verb(self, mut at: u64) -> Verb {
        for (verb, odds) in VERBS {
            let odds = odds[self as usize];
            if at < odds {
                return verb;
            }
            at -= odds;
        }
        Verb::Append
    }

    /// The verbs that can come.
    pub fn verbs(self) -> impl Iterator<Item = Verb> {
        let verbs = VERBS
            .iter()
            .filter(move |(_, odds)| odds[self as usize] > 0);
        verbs.map(|(verb, _)| *verb)
    }
}

impl Verb {
    /// What does the same where there is no record.
    pub(super) fn where_empty(self) -> Self {
        match self {
            Self::Get | Self::Read | Self::Backwards | Self::Follow => Self::Append,
            Self::Delete | Self::Trim => Self::Append,
            other => other,
        }
    }

    /// Whether it leaves open what is there when it is refused.
    pub(super) fn removes(self) -> bool {
        matches!(
            self,
            Self::Maintain
                | Self::Delete
                | Self::Trim
                | Self::TrimByRule
                | Self::Clear
                | Self::Compact
                | Self::Retain
                | Self::Reindex
        )
    }
}
