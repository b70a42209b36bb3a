//! Owns the control: a toy engine on one blob, right or broken as told. The
//! oracle must pass the one and catch the others.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use tidelog_core::{
    Access, AppendOptions, BlobId, BlobKind, BlockStore, Bytes, Durability, ErrorKind, LogId,
    Options, StoreError,
};

use crate::engine::{Ack, Engine, Refusal};
use crate::generate::GeneratedBatch;
use crate::model::Seen;
use crate::random::{digest, mix};
use crate::sim::{SimError, SimHost, SimStore};

/// How a toy engine is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    AcksBeforeSync,
    IgnoresChecksums,
}

/// The word behind the copy that a blob starts with.
const COMPLETE: u64 = u64::MAX;

/// Blobs a toy engine may have had.
const BLOBS: u64 = 64;

thread_local! {
    /// Engines are opened by the run, which knows nothing of defects.
    pub(super) static DEFECT: Cell<Defect> = const { Cell::new(Defect::None) };
}

/// Frames of length, digest of the digests, digests. Each opening copies the
/// valid frames into a blob of its own, synced before anything is answered.
pub(super) struct Toy {
    store: SimStore,
    log: LogId,
    own: Durability,
    defect: Defect,
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
struct State {
    seen: Vec<u64>,
    stored: usize,
    synced: usize,
    number: u64,
    position: u64,
    buffered: Vec<u8>,
}

impl From<SimError> for Refusal {
    fn from(error: SimError) -> Self {
        Self {
            kind: error.kind(),
            sentence: error.to_string(),
        }
    }
}

/// A frame knows its place, so that stale bytes never verify.
fn checksum(number: u64, position: u64, body: &[u8]) -> u64 {
    digest(mix(number) ^ position, body)
}

fn frame(number: u64, position: u64, digests: &[u64]) -> Vec<u8> {
    let body: Vec<u8> = digests.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut frame = (body.len() as u64).to_le_bytes().to_vec();
    frame.extend(checksum(number, position, &body).to_le_bytes());
    frame.extend(body);
    frame
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

impl Toy {
    fn blob(&self, number: u64) -> BlobId {
        let (log, kind) = (self.log, BlobKind::Segment);
        BlobId { log, kind, number }
    }

    async fn load(&self, number: u64) -> Result<Vec<u64>, SimError> {
        let mut len = 0;
        let blob = self.blob(number);
        let mut bytes = Vec::new();
        loop {
            bytes.resize(len + 1, 0);
            match self.store.read(blob, 0, &mut bytes).await {
                Ok(()) => len = bytes.len(),
                Err(error) if error.kind() == ErrorKind::OutOfRange => break,
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(len);
        let (mut seen, mut at) = (Vec::new(), 0);
        while let (Some(len), Some(sum)) = (word(&bytes, at), word(&bytes, at + 8)) {
            let end = usize::try_from(len)
                .ok()
                .and_then(|len| len.checked_add(at + 16));
            let Some((end, body)) = end.and_then(|end| Some((end, bytes.get(at + 16..end)?)))
            else {
                break;
            };
            let trusted = self.defect == Defect::IgnoresChecksums && len > 0;
            if !trusted && checksum(number, at as u64, body) != sum {
                break;
            }
            seen.extend(body.chunks_exact(8).filter_map(|chunk| word(chunk, 0)));
            at = end;
        }
        Ok(seen)
    }

    async fn store_buffered(&self) -> Result<(), SimError> {
        let (blob, position, bytes) = {
            let mut state = self.state.borrow_mut();
            let bytes = std::mem::take(&mut state.buffered);
            let position = state.position;
            state.position += bytes.len() as u64;
            (self.blob(state.number), position, bytes)
        };
        if !bytes.is_empty() {
            self.store
                .append(blob, position, Bytes::from(bytes))
                .await?;
        }
        let mut state = self.state.borrow_mut();
        state.stored = state.seen.len();
        Ok(())
    }
}

impl Engine for Toy {
    const OPENS_LAZILY: bool = false;

    async fn open(
        store: SimStore,
        log: LogId,
        options: Options,
        _host: Arc<SimHost>,
    ) -> Result<Self, Refusal> {
        let toy = Self {
            store,
            log,
            own: options.durability.unwrap_or_default(),
            defect: DEFECT.get(),
            state: Rc::default(),
        };
        // The newest blob whose copy was finished, found by probing, not by listing.
        let mut newest = None;
        for number in 0..BLOBS {
            if let Ok(seen) = toy.load(number).await
                && seen.contains(&COMPLETE)
            {
                newest = Some((number, seen));
            }
        }
        let (number, mut seen) = newest.unwrap_or((0, Vec::new()));
        seen.retain(|word| *word != COMPLETE);
        if options.access == Access::Write {
            let (mut next, mut position) = (number + 1, 0);
            while next < BLOBS {
                let mut bytes = frame(next, 0, &seen);
                bytes.extend(frame(next, bytes.len() as u64, &[COMPLETE]));
                position = bytes.len() as u64;
                let appended = toy
                    .store
                    .append(toy.blob(next), 0, Bytes::from(bytes))
                    .await;
                if appended.is_ok() {
                    break;
                }
                next += 1;
            }
            toy.store.sync(&[toy.blob(next)]).await?;
            let mut state = toy.state.borrow_mut();
            state.number = next;
            state.position = position;
            state.synced = seen.len();
        }
        toy.state.borrow_mut().stored = seen.len();
        toy.state.borrow_mut().seen = seen;
        Ok(toy)
    }

    async fn append(&self, batch: &GeneratedBatch, options: AppendOptions) -> Result<Ack, Refusal> {
        let first = {
            let mut state = self.state.borrow_mut();
            let first = state.seen.len() as u64;
            state.seen.extend(batch.digests());
            let position = state.position + state.buffered.len() as u64;
            let frame = frame(state.number, position, batch.digests());
            state.buffered.extend(frame);
            first
        };
        let level = options.durability.unwrap_or(self.own);
        if level >= Durability::Stored {
            self.store_buffered().await?;
        }
        if level == Durability::Synced && self.defect != Defect::AcksBeforeSync {
            self.sync().await?;
        }
        Ok(Ack {
            first,
            next: first + batch.digests().len() as u64,
            duplicate: false,
            offsets_known: true,
        })
    }

    async fn flush(&self) -> Result<u64, Refusal> {
        self.store_buffered().await?;
        Ok(self.state.borrow().stored as u64)
    }

    async fn sync(&self) -> Result<u64, Refusal> {
        self.store_buffered().await?;
        let (blob, next) = {
            let state = self.state.borrow();
            (self.blob(state.number), state.seen.len())
        };
        self.store.sync(&[blob]).await?;
        self.state.borrow_mut().synced = next;
        Ok(next as u64)
    }

    async fn maintain(&self) -> Result<bool, Refusal> {
        Ok(false)
    }

    async fn seen(&self) -> Result<Vec<Seen>, Refusal> {
        let state = self.state.borrow();
        let seen = state.seen.iter().zip(0..);
        Ok(seen
            .map(|(digest, offset)| Seen {
                offset,
                digest: *digest,
            })
            .collect())
    }

    async fn published(&self) -> Result<Vec<Seen>, Refusal> {
        let mut seen = self.seen().await?;
        if self.own == Durability::Synced {
            seen.truncate(self.durable() as usize);
        }
        Ok(seen)
    }

    fn durable(&self) -> u64 {
        match self.defect {
            Defect::AcksBeforeSync => self.state.borrow().seen.len() as u64,
            _ => self.state.borrow().synced as u64,
        }
    }

    fn reports_damage(&self) -> bool {
        false
    }

    async fn close(&self) -> Result<(), Refusal> {
        self.sync().await?;
        Ok(())
    }
}
