//! Owns what the catalog records of a log: the value of a record whose key is the
//! log's name.

use alloc::vec::Vec;

use super::Fault;
use super::wire::{Input, put_varint};
use crate::LogId;

/// How far a log has come into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogState {
    /// Its number is taken; it may not exist yet.
    Creating,
    /// It exists: a store that holds nothing of it has lost it.
    Live,
    /// It was removed. Its number is not given again.
    Removed,
}

/// The value of a catalog record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CatalogEntry {
    pub(crate) id: LogId,
    pub(crate) state: LogState,
}

impl CatalogEntry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, self.state as u64);
        put_varint(&mut out, self.id.0);
        out
    }

    /// Reads a value. Fields that a later version adds behind these are passed over.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let mut input = Input::new(bytes);
        let state = match input.varint()? {
            0 => LogState::Creating,
            1 => LogState::Live,
            2 => LogState::Removed,
            _ => return Err(Fault::Malformed("state of a log in the catalog")),
        };
        Ok(Self {
            state,
            id: log_id(&mut input)?,
        })
    }
}

/// The number of a log, above which there is another.
fn log_id(input: &mut Input<'_>) -> Result<LogId, Fault> {
    match input.varint()? {
        u64::MAX => Err(Fault::Malformed("number of a log")),
        number => Ok(LogId(number)),
    }
}
