//! Owns the list of faults a script is played with: each kind, at each operation
//! of a run, once and for ever.

use tidelog_core::{ErrorKind, StoreError};

use crate::engine::Refusal;
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
    let interrupted = Effect::Interrupted(Landed::Nothing);
    match operation {
        Operation::Append => vec![
            fails,
            Effect::Fails(Landed::Half),
            Effect::Fails(Landed::Whole),
            Effect::Full(Landed::Nothing),
            Effect::Full(Landed::Half),
            Effect::Full(Landed::Whole),
            Effect::Interrupted(Landed::Half),
        ],
        Operation::Sync => vec![
            Effect::SyncFails(Window::Kept),
            Effect::SyncFails(Window::Dropped),
            Effect::SyncFails(Window::HalfKept),
            Effect::Full(Landed::Nothing),
            interrupted,
            Effect::SyncLies,
        ],
        Operation::Read => vec![
            fails,
            Effect::ReadFlipped(at.wrapping_mul(0x9E37_79B9)),
            Effect::ReadZero,
            Effect::ReadStale,
            Effect::ReadMisdirected,
            Effect::ReadShort,
            interrupted,
        ],
        Operation::Remove => vec![
            fails,
            Effect::Fails(Landed::Whole),
            Effect::Interrupted(Landed::Whole),
        ],
        Operation::Claim => vec![fails, Effect::Full(Landed::Nothing), interrupted],
        Operation::List | Operation::Seal => vec![fails, interrupted],
        Operation::Settle => Vec::new(),
    }
}

/// Whether the fault makes a difference on a disk whose power is not cut and whose bytes
/// are its own: of the varieties that differ in what a crash leaves, one is enough there.
pub(super) const fn is_plain(fault: &Fault) -> bool {
    match (fault.operation, fault.effect) {
        (Operation::Append, Effect::Full(landed)) => matches!(landed, Landed::Half),
        (Operation::Sync, Effect::Full(_)) | (_, Effect::Fails(Landed::Whole)) => false,
        (_, Effect::SyncFails(window)) => matches!(window, Window::Kept),
        _ => !lies(fault) || matches!(fault.effect, Effect::ReadShort),
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
        | Effect::ReadStale
        | Effect::ReadMisdirected
        | Effect::ReadShort => true,
        Effect::Fails(_) | Effect::Full(_) | Effect::Interrupted(_) | Effect::SyncFails(_) => false,
    }
}

/// The sort of error that a fault is, as a table of them names it.
pub(super) const fn sort(fault: &Fault) -> &'static str {
    match fault.effect {
        Effect::Fails(Landed::Nothing) => "EIO",
        Effect::Fails(Landed::Half) => "short write",
        Effect::Fails(Landed::Whole) => "lost answer",
        Effect::Full(_) => "ENOSPC",
        Effect::Interrupted(_) => "interrupted",
        Effect::SyncFails(_) => "failed sync",
        Effect::SyncLies => "lying sync",
        Effect::ReadShort => "short read",
        Effect::ReadFlipped(_) | Effect::ReadZero | Effect::ReadStale | Effect::ReadMisdirected => {
            "wrong read"
        }
    }
}

/// Whether the engine told of the fault as it has to: an error that fails without lying
/// is told as what it is, never as damage, and by the words of the store.
///
/// # Errors
/// The sentence that says what it told instead.
pub(super) fn told(fault: &Fault, refusal: &Refusal) -> Result<(), String> {
    let kind = refusal.kind;
    if kind == ErrorKind::Internal {
        return Err(format!("{fault:?} made the engine say {refusal}"));
    }
    if lies(fault) {
        return Ok(());
    }
    let error = fault.effect.error();
    let allowed = [ErrorKind::Poisoned, ErrorKind::Unavailable, error.kind()];
    let named = refusal.sentence.contains(&error.to_string());
    if named && allowed.contains(&kind) {
        return Ok(());
    }
    Err(format!("{fault:?} was told as {refusal}"))
}
