//! Owns the hunt for planted defects: every promise is broken on purpose, and must
//! be seen to be broken. The defects themselves are tidelog-core's, behind the
//! feature `planted`; those of a store are carried out here.

#[cfg(feature = "planted")]
mod hunt;

#[cfg(feature = "planted")]
pub use hunt::{Caught, SEEDS_MAX, hunt};

/// Whether the simulated store forgets to sync the folder of a new blob.
#[cfg(feature = "planted")]
pub(crate) fn skips_directory_sync() -> bool {
    tidelog_core::planted::planted(tidelog_core::planted::Bug::SkipDirectorySync)
}

/// Whether the simulated store lets a writer go on that was replaced.
#[cfg(feature = "planted")]
pub(crate) fn drops_epoch_check() -> bool {
    tidelog_core::planted::planted(tidelog_core::planted::Bug::DropEpochCheck)
}

#[cfg(not(feature = "planted"))]
pub(crate) const fn skips_directory_sync() -> bool {
    false
}

#[cfg(not(feature = "planted"))]
pub(crate) const fn drops_epoch_check() -> bool {
    false
}
