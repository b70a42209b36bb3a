//! Owns finding the log a verb is about.

use tidelog::blocking::{Log, Logs};

use crate::args::Shared;
use crate::creation::Creation;
use crate::error::Failure;

/// The logs of the directory, which must exist, to read them.
///
/// # Errors
/// There is no such directory, or it is not one of tidelog's.
pub fn logs(shared: &Shared) -> Result<Logs, Failure> {
    Ok(Logs::open_read_only(&shared.dir)?)
}

/// The log `name`, to read beside its writer.
///
/// # Errors
/// There is no such log, or it cannot be read.
pub fn to_read(shared: &Shared, name: &str) -> Result<Log, Failure> {
    Ok(logs(shared)?.log(name).read_only(true).open()?)
}

/// The log `name`, to append to. It and the directory are created where they are
/// missing.
///
/// # Errors
/// It has a writer, cannot be created or written, or has other indexes.
pub fn to_append(shared: &Shared, name: &str, creation: &Creation) -> Result<Log, Failure> {
    let logs = Logs::create(&shared.dir)?;
    Ok(creation.ask(logs.log(name).create(true)).open()?)
}

/// The log `name`, which must exist, to change it.
///
/// # Errors
/// There is no such log, it has a writer, or cannot be written.
pub fn to_change(shared: &Shared, name: &str) -> Result<Log, Failure> {
    Ok(Logs::open(&shared.dir)?.log(name).open()?)
}

/// The log `name`, which must exist: to change it, or only to look if this is a dry
/// run, which needs no lock.
///
/// # Errors
/// As for [`to_change`] or [`to_read`].
pub fn to_plan(shared: &Shared, name: &str, dry_run: bool) -> Result<Log, Failure> {
    match dry_run {
        true => to_read(shared, name),
        false => to_change(shared, name),
    }
}
