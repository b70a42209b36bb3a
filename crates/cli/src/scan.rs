//! Owns walking a log from one place to the next.

use tidelog::blocking::Log;
use tidelog::{At, ReadLimits, Record};

use crate::error::Failure;

/// Takes records one by one.
pub type Each<'e> = dyn FnMut(&Record<'_>) -> Result<(), Failure> + 'e;

/// Hands at most `max` records from `from` on to `each`, up to where the log
/// ended when it was opened. Returns the offset to go on from.
///
/// # Errors
/// The log cannot be read there, or `each` failed.
pub fn forward(log: &Log, from: At, max: u64, each: &mut Each<'_>) -> Result<u64, Failure> {
    let mut at = log.read(from, ReadLimits::records(0))?.next();
    let mut left = max;
    while left > 0 {
        let batch = log.read(At::Offset(at), limits(left))?;
        for record in batch.records() {
            each(&record)?;
            left -= 1;
        }
        if batch.next() == at {
            break;
        }
        at = batch.next();
    }
    Ok(at)
}

/// As [`forward`], but only records with this key.
///
/// # Errors
/// The log has no index by key, cannot be read there, or `each` failed.
pub fn forward_by_key(
    log: &Log,
    key: &[u8],
    from: At,
    max: u64,
    each: &mut Each<'_>,
) -> Result<(), Failure> {
    let (mut at, mut left) = (from, max);
    loop {
        let batch = log.read_by_key(key, at, limits(left))?;
        for record in batch.records() {
            each(&record)?;
            left -= 1;
        }
        if batch.is_empty() || left == 0 {
            return Ok(());
        }
        at = At::Offset(batch.next());
    }
}

/// Hands at most `max` records to `each`, newest first, beginning with the one at
/// `from`; [`At::Next`] begins at the newest as [`At::Last`] does.
///
/// # Errors
/// The log cannot be read there, or `each` failed.
pub fn reverse(log: &Log, from: At, max: u64, each: &mut Each<'_>) -> Result<(), Failure> {
    let mut before = match from {
        At::Last | At::Next => log.bounds().next,
        At::Oldest => log.bounds().next.min(log.bounds().oldest + 1),
        At::Offset(offset) => offset.saturating_add(1),
    };
    let mut left = max;
    while left > 0 {
        let batch = log.read_reverse(At::Offset(before), limits(left))?;
        for record in batch.records() {
            each(&record)?;
            left -= 1;
        }
        if batch.next() == before {
            break;
        }
        before = batch.next();
    }
    Ok(())
}

fn limits(left: u64) -> ReadLimits {
    let most = ReadLimits::default();
    ReadLimits {
        records: usize::try_from(left).map_or(most.records, |left| left.min(most.records)),
        ..most
    }
}
