//! Owns how state is shared between the handles of one log: within one thread,
//! or between threads. The only place where the two differ.

use core::cell::RefCell;

/// A cell that several handles of one log look into. Critical sections are
/// short and never wait for a store.
pub trait Shared<T> {
    /// A cell holding `value`.
    fn new(value: T) -> Self;
    /// Looks at the value. Other readers may look at the same time.
    fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R;
    /// Changes the value, alone.
    fn write<R>(&self, change: impl FnOnce(&mut T) -> R) -> R;
}

/// A family of cells: [`Local`] for one thread, [`Threads`] (feature `std`)
/// for many.
pub trait Sharing: 'static {
    /// The cell of this family for a `T`.
    type Cell<T>: Shared<T>;
}

/// Cells for handles that stay on one thread, as in a browser worker.
#[derive(Debug)]
pub enum Local {}

impl Sharing for Local {
    type Cell<T> = RefCell<T>;
}

impl<T> Shared<T> for RefCell<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.borrow())
    }

    fn write<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.borrow_mut())
    }
}

#[cfg(feature = "std")]
pub use threads::Threads;

#[cfg(feature = "std")]
mod threads {
    use std::sync::{PoisonError, RwLock};

    use super::{Shared, Sharing};

    /// Cells for handles that travel between threads.
    #[derive(Debug)]
    pub enum Threads {}

    impl Sharing for Threads {
        type Cell<T> = RwLock<T>;
    }

    impl<T> Shared<T> for RwLock<T> {
        fn new(value: T) -> Self {
            Self::new(value)
        }

        // A panic inside a critical section is a bug of the embedder's wakers at
        // most: the engine's own sections leave the value consistent, so a
        // poisoned lock is entered as it is.
        fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
            look(&self.read().unwrap_or_else(PoisonError::into_inner))
        }

        fn write<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
            change(&mut self.write().unwrap_or_else(PoisonError::into_inner))
        }
    }
}
