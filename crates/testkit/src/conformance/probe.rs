//! Owns the steps checks are made of: store operations whose unexpected outcomes
//! become sentences.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tidelog_core::{BlobId, BlobKind, BlockStore, Bytes, ErrorKind, LogId, StoreError};

/// The log most checks write to.
pub(super) const LOG: LogId = LogId(7);

/// Segment `number` of [`LOG`].
pub(super) const fn segment(number: u64) -> BlobId {
    BlobId {
        log: LOG,
        kind: BlobKind::Segment,
        number,
    }
}

/// `len` bytes that differ from position to position and from seed to seed.
pub(super) fn pattern(seed: u64, len: usize) -> Vec<u8> {
    (0..len as u64)
        .map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ seed.wrapping_mul(97)).to_le_bytes()[0] | 1)
        .collect()
}

/// Polls once, with the waker of the calling task.
pub(super) async fn start<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// A store whose answers are compared with what the contract says.
pub(super) struct Probe<'a, S>(pub(super) &'a S);

impl<S: BlockStore> Probe<'_, S> {
    pub(super) async fn claim(&self, log: LogId) -> Result<u64, String> {
        let claimed = self.0.claim(log, 1).await;
        claimed.map_err(|error| told(&format!("claiming log {log}"), &error))
    }

    pub(super) async fn append(
        &self,
        blob: BlobId,
        position: u64,
        bytes: &[u8],
    ) -> Result<(), String> {
        let appended = self.0.append(blob, position, bytes.to_vec().into()).await;
        appended.map_err(|error| {
            let step = format!("appending {} bytes to {blob} at {position}", bytes.len());
            told(&step, &error)
        })
    }

    pub(super) async fn refuses_append(
        &self,
        blob: BlobId,
        position: u64,
        kind: ErrorKind,
    ) -> Result<(), String> {
        let step = format!("appending to {blob} at {position}");
        let appended = self.0.append(blob, position, Bytes::from(vec![9; 8])).await;
        refused(&step, appended, kind).map(drop)
    }

    pub(super) async fn holds(
        &self,
        blob: BlobId,
        position: u64,
        expected: &[u8],
    ) -> Result<(), String> {
        let mut found = vec![0xEE; expected.len()];
        let step = format!("reading {} bytes of {blob} at {position}", found.len());
        match self.0.read(blob, position, &mut found).await {
            Err(error) => Err(told(&step, &error)),
            Ok(()) if found == expected => Ok(()),
            Ok(()) => {
                let at = found.iter().zip(expected).position(|(a, b)| a != b);
                Err(format!(
                    "{step} gave other bytes from the {}th on",
                    at.unwrap_or(0)
                ))
            }
        }
    }

    pub(super) async fn refuses_read(
        &self,
        blob: BlobId,
        position: u64,
        len: usize,
        kind: ErrorKind,
    ) -> Result<S::Error, String> {
        let step = format!("reading {len} bytes of {blob} at {position}");
        refused(
            &step,
            self.0.read(blob, position, &mut vec![0; len]).await,
            kind,
        )
    }

    pub(super) async fn sync(&self, blobs: &[BlobId]) -> Result<(), String> {
        let synced = self.0.sync(blobs).await;
        synced.map_err(|error| told(&format!("syncing {} blobs", blobs.len()), &error))
    }

    pub(super) async fn remove(&self, blob: BlobId) -> Result<(), String> {
        let removed = self.0.remove(blob).await;
        removed.map_err(|error| told(&format!("removing {blob}"), &error))
    }

    pub(super) async fn settles_at(&self, blob: BlobId, expected: u64) -> Result<(), String> {
        match self.0.settle(blob).await {
            Ok(end) if end == expected => Ok(()),
            Ok(end) => Err(format!("settling {blob} gave {end}, not {expected}")),
            Err(error) => Err(told(&format!("settling {blob}"), &error)),
        }
    }
}

/// Says that `step` failed.
pub(super) fn told(step: &str, error: &impl StoreError) -> String {
    format!("{step} failed as {}: {error}", error.kind())
}

/// The error of a step that must fail with `kind`.
pub(super) fn refused<T, E: StoreError>(
    step: &str,
    outcome: Result<T, E>,
    kind: ErrorKind,
) -> Result<E, String> {
    match outcome {
        Err(error) if error.kind() == kind => Ok(error),
        Err(error) => Err(format!("{}, not as {kind}", told(step, &error))),
        Ok(_) => Err(format!("{step} succeeded instead of failing as {kind}")),
    }
}
