//! Owns the record of a run: every moment at which it may be interrupted.

use std::cell::RefCell;
use std::rc::Rc;

use tidelog_core::BlobKind;

use super::disk::Disk;
use crate::model::Model;

/// One moment: what the disk holds, and what was promised by then.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The disk.
    pub disk: Disk,
    /// What was sent and acknowledged.
    pub model: Rc<Model>,
    /// What had just begun or ended.
    pub event: &'static str,
    /// The kind of blob it concerned.
    pub kind: Option<BlobKind>,
}

/// The moments of a run, in order. The run's model is shared with it, so that
/// each moment keeps what had been promised.
#[derive(Clone, Debug)]
pub struct Trace {
    model: Rc<RefCell<Rc<Model>>>,
    moments: Vec<Moment>,
}

impl Trace {
    /// An empty record beside the model of the run.
    #[must_use]
    pub const fn new(model: Rc<RefCell<Rc<Model>>>) -> Self {
        Self {
            model,
            moments: Vec::new(),
        }
    }

    /// The moments so far. Neighbours differ.
    #[must_use]
    pub fn into_moments(self) -> Vec<Moment> {
        self.moments
    }

    /// How many moments there are so far.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.moments.len()
    }

    pub(super) fn push(&mut self, disk: &Disk, event: &'static str, kind: Option<BlobKind>) {
        let model = Rc::clone(&self.model.borrow());
        if let Some(last) = self.moments.last()
            && last.disk.same_moment(disk)
            && Rc::ptr_eq(&last.model, &model)
        {
            return;
        }
        self.moments.push(Moment {
            disk: disk.clone(),
            model,
            event,
            kind,
        });
    }
}
