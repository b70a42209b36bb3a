//! Owns reading the frames of an export, of which nothing is trusted.

use alloc::vec::Vec;

use super::{ImportError, ImportSource};
use crate::format::{
    BLOB_HEADER, ExportHeader, FRAME_HEADER_MAX, Fault, FrameHeader, FrameKind, Seed,
};
use crate::log::frames::{VerifiedFrame, verify};

/// Bytes asked for at once: no more memory is taken than that beyond what is there.
const PIECE: usize = 64 << 10;

/// An export being read.
#[derive(Debug)]
pub(super) struct Stream<'r, R> {
    source: &'r mut R,
    seed: Seed,
    /// Where `bytes` begin in the export.
    start: u64,
    bytes: Vec<u8>,
    /// How many of them are done with.
    done: usize,
    ended: bool,
}

impl<'r, R: ImportSource> Stream<'r, R> {
    /// Reads the header.
    pub(super) async fn open<S>(source: &'r mut R) -> Result<Self, ImportError<S, R::Error>> {
        let mut stream = Self {
            source,
            seed: Seed::default(),
            start: 0,
            bytes: Vec::new(),
            done: 0,
            ended: false,
        };
        stream.fill(BLOB_HEADER).await?;
        let header = ExportHeader::decode(stream.rest());
        let header = header.map_err(|fault| ImportError::at(0, fault))?;
        stream.seed = header.seed();
        stream.done = BLOB_HEADER;
        Ok(stream)
    }

    /// Where the next frame begins.
    pub(super) const fn position(&self) -> u64 {
        self.start + self.done as u64
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.done..).unwrap_or(&[])
    }

    /// Reads on until `want` bytes are there that are not done with, or all there are.
    async fn fill<S>(&mut self, want: usize) -> Result<(), ImportError<S, R::Error>> {
        while !self.ended && self.rest().len() < want {
            if self.done >= PIECE {
                self.bytes.drain(..self.done);
                self.start += self.done as u64;
                self.done = 0;
            }
            let (have, position) = (self.bytes.len(), self.position());
            Fault::reserve(&mut self.bytes, PIECE)
                .map_err(|fault| ImportError::at(position, fault))?;
            self.bytes.resize(have + PIECE, 0);
            let buf = self.bytes.get_mut(have..).unwrap_or(&mut []);
            let read = self.source.read(buf).await;
            let read = read.map_err(ImportError::Source)?.min(PIECE);
            self.bytes.truncate(have + read);
            self.ended = read == 0;
        }
        Ok(())
    }

    /// The base offset and the length that the header of the next frame says, if it is
    /// that of a batch.
    pub(super) async fn next_batch<S>(
        &mut self,
    ) -> Result<Option<(u64, u64)>, ImportError<S, R::Error>> {
        self.fill(FRAME_HEADER_MAX).await?;
        let header = FrameHeader::decode(self.seed, self.position(), self.rest());
        let batch = header.ok().filter(|header| header.kind == FrameKind::Batch);
        Ok(batch.map(|header| (header.base_offset, header.frame_length() as u64)))
    }

    /// Verifies the next frame, and hands it with its bytes to `each`, which says what is
    /// wrong with it.
    pub(super) async fn frame<S, T>(
        &mut self,
        each: impl FnOnce(&VerifiedFrame<'_>, &[u8]) -> Result<T, Fault>,
    ) -> Result<T, ImportError<S, R::Error>> {
        let mut want = FRAME_HEADER_MAX;
        loop {
            self.fill(want).await?;
            let position = self.position();
            let bytes = self.rest();
            let bad = match verify(self.seed, position, bytes) {
                Ok(frame) => {
                    let length = frame.header.frame_length();
                    let done = each(&frame, bytes);
                    self.done += length;
                    return done.map_err(|fault| ImportError::at(position, fault));
                }
                Err(bad) => bad,
            };
            if bad.fault == Fault::Short && bad.needs > want && bytes.len() >= want {
                want = bad.needs;
                continue;
            }
            return Err(ImportError::at(position, bad.fault));
        }
    }

    /// Makes sure that nothing follows.
    pub(super) async fn end<S>(&mut self) -> Result<(), ImportError<S, R::Error>> {
        self.fill(1).await?;
        match self.rest().is_empty() {
            true => Ok(()),
            false => {
                let fault = Fault::Malformed("length of the export");
                Err(ImportError::at(self.position(), fault))
            }
        }
    }
}
