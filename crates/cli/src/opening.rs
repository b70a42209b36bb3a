//! Owns finding the log a verb is about.

use tidelog::blocking::{Log, Logs};

use crate::args::Shared;
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

/// The log `name`, to write. It and the directory are created where they are missing.
///
/// # Errors
/// It has a writer, or cannot be created or written.
pub fn to_write(shared: &Shared, name: &str) -> Result<Log, Failure> {
    Ok(Logs::create(&shared.dir)?.log(name).create(true).open()?)
}
