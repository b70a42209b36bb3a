//! Owns which names are durable: of log folders in the directory, and of the
//! directory itself.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tidelog_core::LogId;

use crate::directory;
use crate::error::Reason;
use crate::layout::Layout;

/// What is known of the folders of one store.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    root_named: bool,
    named: HashSet<LogId>,
    failed: HashMap<LogId, PathBuf>,
}

impl Folders {
    /// Makes the names in the folder of `log` durable, and with the first call
    /// the folder's own. What an earlier process created and never synced is
    /// covered, too.
    pub(crate) fn sync(&self, layout: &Layout, log: LogId) -> Result<(), (PathBuf, Reason)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = state.failed.get(&log) {
            return Err((path.clone(), Reason::FailedBefore));
        }
        let synced = state.sync(layout, log);
        if let Err((path, _)) = &synced {
            state.failed.insert(log, path.clone());
        }
        synced
    }

    /// Forgets what happened to `log` under a writer that has let go of it.
    pub(crate) fn forget(&self, log: LogId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.named.remove(&log);
        state.failed.remove(&log);
    }
}

impl State {
    fn sync(&mut self, layout: &Layout, log: LogId) -> Result<(), (PathBuf, Reason)> {
        let folder = layout.folder(log);
        directory::sync(&folder).map_err(|error| (folder, error.into()))?;
        if self.named.contains(&log) {
            return Ok(());
        }
        let root = layout.root();
        directory::sync(root).map_err(|error| (root.to_owned(), error.into()))?;
        if !self.root_named {
            directory::sync_parent(root).map_err(|error| (root.to_owned(), error.into()))?;
            self.root_named = true;
        }
        self.named.insert(log);
        Ok(())
    }
}
