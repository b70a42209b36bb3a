//! Owns what a victim is told to do: single steps, and endless mixtures of them that
//! follow from a seed.

use std::collections::VecDeque;

use fastrand::Rng;

/// Small enough that a few appends roll it. It is the smallest there is.
const SEGMENT_BYTES_SMALL: u64 = 4 << 10;

/// So large that nothing rolls.
const SEGMENT_BYTES_LARGE: u64 = 64 << 20;

/// Records of one batch, at most.
const RECORDS_MAX: usize = 6;

/// How far an append has got when it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// In the memory of the process.
    Buffered,
    /// Survives the process.
    Stored,
    /// Survives loss of power.
    Synced,
}

impl Level {
    /// As the victim spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buffered => "buffered",
            Self::Stored => "stored",
            Self::Synced => "synced",
        }
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Open the log for writing.
    Open {
        /// Bytes after which a segment is rolled.
        segment_bytes: u64,
    },
    /// Append one batch.
    Append {
        /// The level to reach.
        level: Level,
        /// Records in the batch.
        records: usize,
    },
    /// Hand over what is buffered.
    Flush,
    /// Make everything durable.
    Sync,
    /// Do some maintenance.
    Maintain,
    /// Delete some records, all or nothing.
    Delete {
        /// How many, at most.
        records: usize,
    },
    /// Remove records from the old end.
    Trim,
    /// Read every record.
    Read,
    /// Close the log.
    Close,
    /// Let go of the log without closing it.
    Abandon,
}

/// What kind of life it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// One synced append after the other, into one segment.
    Synced,
    /// Synced appends into tiny segments, with maintenance and reopenings.
    Rolls,
    /// Everything at every level.
    Mixed,
    /// Appends that only reach the system, into one segment.
    Stored,
}

impl Workload {
    /// The lives that power cuts end, in turn.
    pub const ALL: [Self; 3] = [Self::Synced, Self::Rolls, Self::Mixed];

    /// A word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Rolls => "rolls",
            Self::Mixed => "mixed",
            Self::Stored => "stored",
        }
    }

    const fn segment_bytes(self) -> u64 {
        match self {
            Self::Synced | Self::Stored => SEGMENT_BYTES_LARGE,
            Self::Rolls | Self::Mixed => SEGMENT_BYTES_SMALL,
        }
    }
}

/// Steps without end, the same ones for the same seed. The first opens the log.
pub struct Steps {
    workload: Workload,
    rng: Rng,
    queue: VecDeque<Step>,
}

impl Steps {
    /// The steps that follow from `seed`.
    pub fn new(workload: Workload, seed: u64) -> Self {
        Self {
            workload,
            rng: Rng::with_seed(seed),
            queue: VecDeque::from([Step::Open {
                segment_bytes: workload.segment_bytes(),
            }]),
        }
    }

    fn draw(&mut self) -> Step {
        let append = |level, rng: &mut Rng| Step::Append {
            level,
            records: rng.usize(1..=RECORDS_MAX),
        };
        let reopen = |first: Step, queue: &mut VecDeque<Step>| {
            queue.push_back(Step::Open {
                segment_bytes: self.workload.segment_bytes(),
            });
            first
        };
        let dice = self.rng.u32(..100);
        match self.workload {
            Workload::Synced => append(Level::Synced, &mut self.rng),
            Workload::Stored => append(Level::Stored, &mut self.rng),
            Workload::Rolls => match dice {
                0..3 => Step::Maintain,
                3 => reopen(Step::Close, &mut self.queue),
                4 => reopen(Step::Abandon, &mut self.queue),
                _ => append(Level::Synced, &mut self.rng),
            },
            Workload::Mixed => match dice {
                0..5 => Step::Maintain,
                5..8 => Step::Read,
                8..12 => Step::Flush,
                12..18 => Step::Sync,
                18..22 => reopen(Step::Close, &mut self.queue),
                22..26 => reopen(Step::Abandon, &mut self.queue),
                26..31 => Step::Delete {
                    records: self.rng.usize(1..=RECORDS_MAX),
                },
                31 => Step::Trim,
                32..46 => append(Level::Buffered, &mut self.rng),
                46..76 => append(Level::Stored, &mut self.rng),
                _ => append(Level::Synced, &mut self.rng),
            },
        }
    }
}

impl Iterator for Steps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let step = self.queue.pop_front();
        Some(step.unwrap_or_else(|| self.draw()))
    }
}
