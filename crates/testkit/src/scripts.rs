//! Owns the list of scripts: what an engine is made to do while the simulator
//! watches, so that every rule of crash safety has one that breaks without it.

mod backups;
mod catalogs;
mod crowds;
mod damage;
mod disks;
mod durability;
mod indexes;
mod lives;
mod many;
mod producers;
mod removals;
mod segments;
mod writers;

use std::future::Future;
use std::pin::Pin;

use tidelog_core::{Durability, Indexes, Options, limits};

use crate::engine::Engine;
use crate::generate::Sizes;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::Setup;

/// The machine and the log a script runs on.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The machine.
    pub setup: Setup,
    /// How its logs are opened.
    pub options: Options,
    /// How large its batches are.
    pub sizes: Sizes,
}

impl Plan {
    /// A log of any level, on a machine whose operations take fewer ticks than `paces`.
    fn draw(random: &mut Random, paces: u64) -> Self {
        Self {
            setup: Setup {
                pace: random.below(paces),
                ..Setup::default()
            },
            options: Options {
                durability: Some(LEVELS[random.index(3)]),
                ..Options::default()
            },
            sizes: Sizes::default(),
        }
    }

    /// With the smallest segments, and batches that fill them soon.
    fn rolling(mut self, records: usize, value: usize) -> Self {
        self.options.segment_bytes = Some(limits::SEGMENT_MIN);
        self.sizes = Sizes { records, value };
        self
    }

    /// With these indexes.
    fn indexed(mut self, indexes: Indexes) -> Self {
        self.options.indexes = Some(indexes);
        self
    }
}

/// Both indexes that a log can have.
const BOTH: Indexes = Indexes {
    keys: true,
    times: true,
};

/// Both indexes or none.
fn indexes(random: &mut Random) -> Indexes {
    [Indexes::default(), BOTH][random.index(2)]
}

/// A script being played.
pub type Play<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// Something an engine is made to do.
pub struct Script<E> {
    /// Its name, stable: failures are repeated by it.
    pub name: &'static str,
    /// Draws the machine and the options it runs with.
    pub plan: fn(&mut Random) -> Plan,
    /// Plays it.
    pub play: for<'a> fn(&'a Run<E>) -> Play<'a>,
}

const LEVELS: [Durability; 3] = [Durability::Buffered, Durability::Stored, Durability::Synced];

/// Any level.
fn level<E: Engine>(run: &Run<E>) -> Durability {
    LEVELS[run.generate(|generator| generator.random().index(3))]
}

/// Fills a few segments with so many batches at any level, and merges them.
async fn fill<E: Engine>(run: &Run<E>, batches: u32) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..batches {
        handle.append(level(run)).await?;
    }
    handle.verify().await?;
    handle.maintain().await?;
    handle.append(Durability::Synced).await?;
    handle.verify().await?;
    handle.close().await
}

impl<E> Clone for Script<E> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            plan: self.plan,
            play: self.play,
        }
    }
}

/// Every script of a catalog.
#[must_use]
pub fn catalogs<E: Engine>() -> Vec<Script<E>> {
    catalogs::scripts()
}

/// The script whose result is damaged afterwards.
#[must_use]
pub fn damaged<E: Engine>() -> Script<E> {
    damage::script()
}

/// Every script of a log, in a stable order.
#[must_use]
pub fn all<E: Engine>() -> Vec<Script<E>> {
    let mut all = durability::scripts();
    all.extend(lives::scripts());
    all.extend(segments::scripts());
    all.extend(indexes::scripts());
    all.extend(producers::scripts());
    all.extend(removals::scripts());
    all.extend(crowds::scripts());
    all.extend(writers::scripts());
    all.extend(disks::scripts());
    all.extend(many::scripts());
    all.extend(backups::scripts());
    all
}
