//! Owns what is remembered of an idempotent producer, in a footer.

use alloc::vec::Vec;

use super::Fault;
use super::wire::Input;
use crate::limits::PRODUCER_WINDOW;
use crate::producer::ProducerId;

/// Bytes of a producer with one batch: id, epoch, sequence, time, count, the batch.
const SHORTEST: usize = 16 + 3 * 8 + 8 + 16;

/// The offsets one batch of a producer was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProducerBatch {
    pub(crate) first: u64,
    pub(crate) next: u64,
}

/// The last accepted batches of a producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProducerState {
    pub(crate) epoch: u64,
    /// Sequence of the newest of `batches`.
    pub(crate) sequence: u64,
    /// Time of the newest record, in microseconds since 1970.
    pub(crate) time: i64,
    /// Oldest first, at most [`PRODUCER_WINDOW`], with consecutive sequences.
    pub(crate) batches: Vec<ProducerBatch>,
}

impl ProducerState {
    pub(super) fn put(&self, id: ProducerId, out: &mut Vec<u8>) {
        out.extend_from_slice(&id.0);
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.time.to_le_bytes());
        let skip = self.batches.len().saturating_sub(PRODUCER_WINDOW);
        let window = self.batches.get(skip..).unwrap_or(&[]);
        out.extend_from_slice(&(window.len() as u64).to_le_bytes());
        for batch in window {
            out.extend_from_slice(&batch.first.to_le_bytes());
            out.extend_from_slice(&batch.next.to_le_bytes());
        }
    }

    /// The producers of a verified payload.
    pub(crate) fn take_all(payload: &[u8], items: usize) -> Result<Vec<(ProducerId, Self)>, Fault> {
        let mut input = Input::new(payload);
        let mut producers = Vec::new();
        Fault::reserve(&mut producers, items.min(payload.len() / SHORTEST))?;
        while !input.is_empty() {
            producers.push(Self::take(&mut input)?);
        }
        match producers.len() == items {
            true => Ok(producers),
            false => Err(Fault::Malformed("producer section")),
        }
    }

    pub(super) fn take(input: &mut Input<'_>) -> Result<(ProducerId, Self), Fault> {
        let id = ProducerId(input.array()?);
        let (epoch, sequence, time) = (input.u64()?, input.u64()?, input.i64()?);
        let count = usize::try_from(input.u64()?).unwrap_or(usize::MAX);
        if count == 0 || count > PRODUCER_WINDOW {
            return Err(Fault::Malformed("producer's window"));
        }
        let mut batches = Vec::with_capacity(count);
        for _ in 0..count {
            batches.push(ProducerBatch {
                first: input.u64()?,
                next: input.u64()?,
            });
        }
        Ok((
            id,
            Self {
                epoch,
                sequence,
                time,
                batches,
            },
        ))
    }
}
