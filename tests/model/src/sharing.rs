//! Owns the cells of which the checker knows every entry.

use shuttle::sync::RwLock;
use std::sync::PoisonError;
use tidelog_core::{Shared, Sharing};

/// As `Threads`, with the checker's locks.
pub enum Modelled {}

/// A cell that the checker watches.
pub struct Cell<T>(RwLock<T>);

impl Sharing for Modelled {
    type Cell<T> = Cell<T>;
}

impl<T> Shared<T> for Cell<T> {
    fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}
