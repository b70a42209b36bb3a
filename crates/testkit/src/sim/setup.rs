//! Owns what kind of machine is simulated.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use tidelog_core::{Geometry, MemoryStore};

use super::fault::{Effect, Fault, Listing};

/// Who may write to a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claims {
    /// Locks exist: a second living process is refused as `locked`.
    #[default]
    Locks,
    /// Locks do not exist, or can be lost: the newest claim wins, and older
    /// writers are `fenced`.
    Epochs,
}

/// What kind of machine is simulated.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the store promises about single appends.
    pub geometry: Geometry,
    /// Bytes the disk holds, beside the reserve for manifests.
    pub capacity: u64,
    /// Who may write.
    pub claims: Claims,
    /// Ticks an operation takes at most; 0 lets each finish at once.
    pub pace: u64,
    /// What is wrong with its listings.
    pub listing: Listing,
    /// What goes wrong, each in its time.
    pub faults: Vec<Fault>,
    /// Operations after which everything fails: a run needs fewer.
    pub operations_max: u64,
    /// Operations after which every process is killed with its next one.
    pub dies_at: Option<u64>,
    /// The folder that stands for the disk, where the stores are not simulated.
    pub home: Option<Rc<Path>>,
    /// The memory that stands for the disk, and for that elsewhere, where the stores are
    /// not simulated.
    pub memory: Option<[Rc<MemoryStore>; 2]>,
    /// Where each operation is written down, for whoever looks into a failure.
    pub notes: Option<Notes>,
}

impl Setup {
    /// A machine whose stores are not simulated but these, the second one elsewhere.
    #[must_use]
    pub fn holding(memory: [Rc<MemoryStore>; 2]) -> Self {
        Self {
            memory: Some(memory),
            ..Self::default()
        }
    }

    /// Whether an append may find no space.
    #[must_use]
    pub fn may_be_full(&self) -> bool {
        let full = |fault: &Fault| matches!(fault.effect, Effect::Full(_));
        self.capacity < u64::MAX || self.faults.iter().any(full)
    }
}

/// One line for each operation of a machine, with its outcome.
pub type Notes = Rc<RefCell<Vec<String>>>;

impl Default for Setup {
    fn default() -> Self {
        Self {
            geometry: Geometry {
                atomic_append: false,
                blast_radius: 0,
                longest_blob: u64::MAX,
                appends_max: 0,
                cheap_append: 0,
            },
            capacity: u64::MAX,
            claims: Claims::Locks,
            pace: 0,
            listing: Listing::Honest,
            faults: Vec::new(),
            operations_max: 4_000,
            dies_at: None,
            home: None,
            memory: None,
            notes: None,
        }
    }
}
