//! Owns whole stores as inputs: what the bytes of one mean, and the machine that finds
//! such a store on its disk.
//!
//! The first byte says what kind of store it is, and whether checksums are left alone: then
//! every frame that verifies was once written by the engine. Each blob is a byte for its kind, its
//! treatment and the number of its patches, its number (u16), its length (u16), its
//! bytes, and the patches: a position (u16) and what is flipped there.

use arbitrary::{Result, Unstructured};
use tidelog_core::{BlobId, BlobKind, Geometry, LogId};
use tidelog_testkit::sim::{Disk, Listing, Machine, Setup};

use crate::repair;
use crate::witness::Witnesses;

/// The log of every image, as of the golden ones.
pub(crate) const LOG: LogId = LogId(7);

/// Operations of the store after which something runs in circles.
const OPERATIONS_MAX: u64 = 4_000;

const HONEST: u8 = 0b1000_0000;

const KIND: u8 = 0b0000_0111;
const AS_IT_IS: u8 = 0b0000_1000;
const PATCHES: u8 = 4;

/// A store made of blobs that nobody vouches for.
pub(crate) struct Image {
    honest: bool,
    atomic: bool,
    listing: Listing,
    blobs: Vec<(BlobId, Vec<u8>)>,
}

impl Image {
    /// What the bytes mean; whatever they are, they mean something.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut rest = Unstructured::new(bytes);
        let mode: u8 = rest.arbitrary().unwrap_or_default();
        let honest = mode & HONEST != 0;
        let listing = usize::from((mode & !HONEST) >> 1);
        let mut image = Self {
            honest,
            atomic: mode & 1 != 0,
            listing: Listing::ALL[listing % Listing::ALL.len()],
            blobs: Vec::new(),
        };
        while !rest.is_empty() {
            image.blobs.extend(blob(&mut rest, honest));
        }
        image
    }

    /// The bytes that mean a store of these blobs.
    #[cfg(not(fuzzing))]
    pub(crate) fn write(honest: bool, atomic: bool, blobs: &[(BlobId, Vec<u8>)]) -> Vec<u8> {
        let mut out = vec![u8::from(atomic) | if honest { HONEST } else { 0 }];
        for (id, bytes) in blobs {
            out.push(id.kind as u8);
            out.extend_from_slice(&(id.number as u16).to_le_bytes());
            out.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        out
    }

    /// Whether nothing in it verifies but what the engine wrote. What contradicts itself
    /// and verifies all the same may be read in more ways than one.
    pub(crate) fn is_honest(&self) -> bool {
        self.honest
    }

    /// A machine with this store on its disk.
    pub(crate) fn machine(&self) -> Machine {
        let setup = Setup {
            geometry: Geometry {
                atomic_append: self.atomic,
                ..Setup::default().geometry
            },
            listing: self.listing,
            operations_max: OPERATIONS_MAX,
            ..Setup::default()
        };
        Machine::with_disk(Disk::holding(self.blobs.iter().cloned()), setup, 1)
    }

    /// Bytes that packed bodies in it may unpack to.
    pub(crate) fn unpacks(&self) -> usize {
        let blobs = self.blobs.iter();
        blobs.map(|(_, bytes)| repair::unpacks(bytes)).sum()
    }

    /// The frames in it that verify.
    pub(crate) fn witnesses(&self) -> Witnesses<'_> {
        Witnesses::of(&self.blobs)
    }
}

fn blob(rest: &mut Unstructured<'_>, honest: bool) -> Result<(BlobId, Vec<u8>)> {
    let how: u8 = rest.arbitrary()?;
    let number: u16 = rest.arbitrary()?;
    let length: u16 = rest.arbitrary()?;
    let length = usize::from(length).min(rest.len());
    let mut bytes = rest.bytes(length)?.to_vec();
    if !honest && how & AS_IT_IS == 0 {
        repair::blob(&mut bytes);
    }
    for _ in 0..how >> PATCHES {
        let (at, flip) = rest.arbitrary::<(u16, u8)>()?;
        if let Some(byte) = bytes.get_mut(usize::from(at)) {
            *byte ^= flip;
        }
    }
    let id = BlobId {
        log: LOG,
        kind: BlobKind::ALL[usize::from(how & KIND) % BlobKind::ALL.len()],
        number: u64::from(number),
    };
    Ok((id, bytes))
}
