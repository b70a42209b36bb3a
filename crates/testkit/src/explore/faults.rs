//! Owns the list of faults a script is played with: each kind, at each operation
//! of a run, once and for ever.

use crate::sim::{Effect, Fault, Landed, Machine, Operation, Window};

/// The faults of a run that took as many operations as `machine` has counted.
pub(super) fn faults(machine: &Machine) -> Vec<Fault> {
    let mut faults = Vec::new();
    for operation in Operation::ALL {
        for at in 0..machine.count(operation) {
            for effect in effects(operation, at) {
                faults.push(Fault::once(operation, at, effect));
                faults.push(Fault::for_ever(operation, at, effect));
            }
        }
    }
    faults
}

fn effects(operation: Operation, at: u64) -> Vec<Effect> {
    let fails = Effect::Fails(Landed::Nothing);
    match operation {
        Operation::Append => vec![
            fails,
            Effect::Fails(Landed::Half),
            Effect::Fails(Landed::Whole),
            Effect::Full(Landed::Nothing),
            Effect::Full(Landed::Half),
            Effect::Full(Landed::Whole),
        ],
        Operation::Sync => vec![
            Effect::SyncFails(Window::Kept),
            Effect::SyncFails(Window::Dropped),
            Effect::SyncFails(Window::HalfKept),
            Effect::SyncLies,
        ],
        Operation::Read => vec![
            fails,
            Effect::ReadFlipped(at.wrapping_mul(0x9E37_79B9)),
            Effect::ReadZero,
            Effect::ReadMisdirected,
            Effect::ReadShort,
        ],
        Operation::List | Operation::Seal | Operation::Remove | Operation::Claim => vec![fails],
        Operation::Settle => Vec::new(),
    }
}

/// Whether a disk with this fault lies, so that acknowledgements count for
/// nothing: a sync that did not happen, or bytes that are not what was written
/// where nothing vouches for them yet.
pub(super) const fn lies(fault: &Fault) -> bool {
    match fault.effect {
        Effect::SyncLies
        | Effect::ReadFlipped(_)
        | Effect::ReadZero
        | Effect::ReadMisdirected
        | Effect::ReadShort => true,
        Effect::Fails(_) | Effect::Full(_) | Effect::SyncFails(_) => false,
    }
}
