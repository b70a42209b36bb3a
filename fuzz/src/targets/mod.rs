//! One file per target: what becomes of its bytes, and what must hold.

pub(crate) mod catalog;
pub(crate) mod decompress;
pub(crate) mod footer;
pub(crate) mod frame;
pub(crate) mod header;
pub(crate) mod image;
pub(crate) mod manifest;
pub(crate) mod mask;
pub(crate) mod operations;
pub(crate) mod salvage;

use tidelog_core::fuzzing::Place;
use tidelog_core::{BlobId, BlobKind, LogId};

use crate::checksum::Seed;

/// The blob that single frames and footers are said to belong to.
const HOME: Place = Place {
    blob: BlobId {
        log: LogId(7),
        kind: BlobKind::Segment,
        number: 1,
    },
    epoch: 1,
    salt: 0,
};

/// What the checksums in [`HOME`] are repaired with.
fn home_seed() -> Seed {
    Seed::of(HOME.blob, HOME.epoch, HOME.salt)
}

/// How the checksums of an input are treated. Most of the time they are repaired.
#[derive(Clone, Copy, Debug)]
struct Mode(u8);

impl Mode {
    const fn repairs(self) -> bool {
        self.0 & 1 == 0
    }

    /// Whether lengths are made to fit the bytes present.
    const fn fits(self) -> bool {
        self.0 & 2 == 0
    }
}

/// The first byte as a mode, the next two as a position in units of 8, and the rest.
fn placed(bytes: &[u8]) -> Option<(Mode, u64, Vec<u8>)> {
    let (&[mode, low, high], rest) = bytes.split_first_chunk()?;
    let position = u64::from(u16::from_le_bytes([low, high])) * 8;
    Some((Mode(mode), position, rest.to_vec()))
}
