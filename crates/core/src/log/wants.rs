//! Owns what those who wait for the writer want of it, all together.

use super::waiters::Goal;
use super::writer::Writer;
use crate::limits;
use crate::store::StoreError;

/// What the open goals add up to.
#[derive(Clone, Copy, Default)]
pub(super) struct Wants {
    pub(super) store: bool,
    pub(super) sync: bool,
    pub(super) any: bool,
    /// What is queued waits, else who asked for edits or for quiet would wait for as
    /// long as others append.
    pub(super) hold: bool,
}

impl<E: StoreError> Writer<E> {
    pub(super) fn wants(&self) -> Wants {
        let mut wants = Wants::default();
        for goal in self.waiters.open().chain(self.leader) {
            wants.any = true;
            match goal {
                Goal::Stored(target) => wants.store |= target > self.stored,
                Goal::Synced(target) => {
                    wants.store |= target > self.stored;
                    wants.sync |= target > self.durable;
                }
                Goal::Edits(ticket) => {
                    wants.sync = true;
                    wants.hold |= ticket > self.edits_synced;
                }
                Goal::Quiet(target) => {
                    wants.store = true;
                    wants.sync = true;
                    wants.hold |= self.taken >= target;
                }
                Goal::Closed => {
                    wants.store = true;
                    wants.sync = true;
                }
                Goal::Room => wants.store = true,
            }
        }
        wants.store |= self.queued_bytes >= limits::BUFFERED_MAX;
        wants.sync |= self.unsynced > limits::UNSYNCED_MAX;
        wants
    }
}
