//! Owns the operations of the simulated store as values, so that they can be in
//! flight when nobody waits for them.

use std::fmt;
use std::task::Waker;

use tidelog_core::{BlobId, Bytes, LogId};

use super::error::SimError;
use super::fault::{Effect, Operation};

#[derive(Clone, Debug)]
pub(super) enum Request {
    List(LogId),
    Read(BlobId, u64, usize),
    Append(BlobId, u64, Bytes),
    Sync(Vec<BlobId>),
    Seal(BlobId),
    Remove(BlobId),
    SyncRemovals(LogId),
    Settle(BlobId),
    Claim(LogId, u64),
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Done,
    Blobs(Vec<BlobId>),
    Bytes(Vec<u8>),
    Number(u64),
}

pub(super) type Outcome = Result<Reply, SimError>;

/// An operation between its start and its end.
pub(super) struct Flight {
    pub process: u64,
    pub epoch: u64,
    pub due: u64,
    pub request: Request,
    /// The parts of a write or removal; for a sync, what it covers.
    pub seqs: [u64; 2],
    pub effect: Option<Effect>,
    pub refused: Option<SimError>,
    pub outcome: Option<Outcome>,
    pub waker: Option<Waker>,
}

impl Request {
    pub const fn operation(&self) -> Operation {
        match self {
            Self::List(_) => Operation::List,
            Self::Read(..) => Operation::Read,
            Self::Append(..) => Operation::Append,
            Self::Sync(_) | Self::SyncRemovals(_) => Operation::Sync,
            Self::Seal(_) => Operation::Seal,
            Self::Remove(_) => Operation::Remove,
            Self::Settle(_) => Operation::Settle,
            Self::Claim(..) => Operation::Claim,
        }
    }

    pub fn blobs(&self) -> &[BlobId] {
        match self {
            Self::Read(blob, ..)
            | Self::Append(blob, ..)
            | Self::Seal(blob)
            | Self::Remove(blob)
            | Self::Settle(blob) => std::slice::from_ref(blob),
            Self::Sync(blobs) => blobs,
            Self::List(_) | Self::SyncRemovals(_) | Self::Claim(..) => &[],
        }
    }

    pub fn log(&self) -> Option<LogId> {
        match self {
            Self::Append(blob, ..) | Self::Remove(blob) => Some(blob.log),
            Self::Sync(blobs) => blobs.first().map(|blob| blob.log),
            Self::SyncRemovals(log) => Some(*log),
            _ => None,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(log) => write!(f, "list log {log}"),
            Self::Read(blob, position, len) => write!(f, "read {blob} at {position}, {len} bytes"),
            Self::Append(blob, position, bytes) => {
                write!(f, "append to {blob} at {position}, {} bytes", bytes.len())
            }
            Self::Sync(blobs) => {
                f.write_str("sync")?;
                blobs.iter().try_for_each(|blob| write!(f, " {blob},"))
            }
            Self::Seal(blob) => write!(f, "seal {blob}"),
            Self::Remove(blob) => write!(f, "remove {blob}"),
            Self::SyncRemovals(log) => write!(f, "sync the removals of log {log}"),
            Self::Settle(blob) => write!(f, "settle {blob}"),
            Self::Claim(log, at_least) => write!(f, "claim log {log} from epoch {at_least} on"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Blobs(blobs) => blobs.iter().try_for_each(|blob| write!(f, "{blob}; ")),
            Self::Bytes(bytes) => {
                let zeros = bytes.iter().filter(|byte| **byte == 0).count();
                write!(f, "{} bytes, {zeros} of them zero", bytes.len())
            }
            Self::Number(number) => number.fmt(f),
        }
    }
}
