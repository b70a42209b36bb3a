//! Owns who an idempotent producer is. What the engine remembers of one lives in
//! `log/producers.rs`.

use core::fmt;

/// The identity of an idempotent writer: 16 bytes of its own choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerId(pub [u8; 16]);

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which batch of which producer an append is.
///
/// A producer numbers its batches from 0 in each of its epochs and sends a batch
/// again, unchanged, until it is acknowledged: the log keeps one copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Who.
    pub id: ProducerId,
    /// Raised by a producer that lost its count; older epochs are fenced.
    pub epoch: u64,
    /// The batch's number in this epoch, from 0.
    pub sequence: u64,
}
