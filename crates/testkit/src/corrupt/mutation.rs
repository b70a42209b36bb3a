//! Owns the ways in which an image is hit: every one has a number, so that each can
//! be made again.

use std::fmt;
use std::sync::Arc;

use tidelog_core::{BlobId, BlobKind};

use super::sample::Sample;
use super::shelf::Blobs;
use crate::random::{Random, mix};

/// Bytes of a block that is blanked or swapped.
const BLOCK: usize = 512;

/// What may happen to one byte.
const STROKES: [Stroke; 4] = [
    Stroke::Flip(0x01),
    Stroke::Flip(0x80),
    Stroke::Set(0xFF),
    Stroke::Set(0x00),
];

/// What happens to one byte.
#[derive(Clone, Copy, Debug)]
enum Stroke {
    Flip(u8),
    Set(u8),
}

/// One piece of damage.
#[derive(Clone, Debug)]
enum Hit {
    Byte(BlobId, usize, Stroke),
    /// The blob ends here.
    Cut(BlobId, usize),
    Missing(BlobId),
    /// The block that starts here is zero.
    Blank(BlobId, usize),
    /// Two blocks have changed places.
    Swap([(BlobId, usize); 2]),
    /// The blob holds what another one does.
    Replaced(BlobId, Arc<Donor>),
}

/// A blob that is put in another one's place.
#[derive(Debug)]
struct Donor {
    name: String,
    bytes: Arc<Vec<u8>>,
}

/// What an image is hit with.
#[derive(Clone, Debug)]
pub struct Mutation(Vec<Hit>);

/// All there is to hit an image with.
pub struct Mutations {
    blobs: Vec<(BlobId, Arc<Vec<u8>>)>,
    blocks: Vec<(BlobId, usize)>,
    donors: Vec<(BlobId, Arc<Donor>)>,
    /// Manifests of which there are two copies.
    twins: Vec<(BlobId, Arc<Vec<u8>>)>,
    bytes: u64,
    /// Tells the pairs of one image from those of any other.
    seed: u64,
}

impl Mutations {
    /// What `sample` can be hit with, blobs of the others included.
    #[must_use]
    pub fn of(sample: &Sample, all: &[Sample]) -> Self {
        let blobs = sample.blobs.iter();
        let blobs: Vec<_> = blobs.map(|(id, bytes)| (*id, Arc::clone(bytes))).collect();
        let blocks = blobs.iter().flat_map(|(id, bytes)| {
            let starts = (0..bytes.len()).step_by(BLOCK);
            starts.map(move |start| (*id, start))
        });
        let mut donors = Vec::new();
        for id in sample.blobs.keys() {
            for other in all {
                let own = other.name == sample.name;
                // In the image itself, each blob is put in the place of each other.
                let fitting = other.blobs.iter().filter(|(donor, _)| match own {
                    true => *donor != id,
                    false => (donor.kind, donor.number) == (id.kind, id.number),
                });
                for (donor, bytes) in fitting {
                    let name = format!("{donor} in {}", other.name);
                    let bytes = Arc::clone(bytes);
                    donors.push((*id, Arc::new(Donor { name, bytes })));
                }
            }
        }
        let copy = |id: BlobId| BlobId {
            kind: BlobKind::ManifestCopy,
            ..id
        };
        let twins = blobs.iter().filter(|(id, _)| {
            id.kind == BlobKind::Manifest && sample.blobs.contains_key(&copy(*id))
        });
        Self {
            blocks: blocks.collect(),
            donors,
            twins: twins.cloned().collect(),
            bytes: blobs.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
            seed: crate::random::digest(1, sample.name.as_bytes()),
            blobs,
        }
    }

    /// Those of one hit each.
    fn singles(&self) -> u64 {
        let blocks = self.blocks.len() as u64;
        let swaps = blocks * blocks.saturating_sub(1) / 2;
        self.small() + swaps + self.donors.len() as u64
    }

    /// Those that hit both copies of a manifest in the same way.
    fn doubles(&self) -> u64 {
        let bytes = self.twins.iter().map(|(_, bytes)| bytes.len() as u64);
        bytes.sum::<u64>() * (STROKES.len() as u64 + 1)
    }

    /// How many there are before they are drawn at random.
    #[must_use]
    pub fn listed(&self) -> u64 {
        self.singles() + self.doubles()
    }

    /// Those of one hit to one blob.
    fn small(&self) -> u64 {
        let strokes = STROKES.len() as u64;
        self.bytes * (strokes + 1) + self.blobs.len() as u64 + self.blocks.len() as u64
    }

    /// Number `number`. Those behind the ones that are [`listed`](Self::listed) are
    /// pairs of hits, drawn at random.
    #[must_use]
    pub fn get(&self, number: u64) -> Mutation {
        let Some(number) = number.checked_sub(self.singles()) else {
            return Mutation(vec![self.single(number)]);
        };
        let Some(number) = number.checked_sub(self.doubles()) else {
            return self.double(number);
        };
        let mut random = Random::new(mix(self.seed ^ mix(number)));
        let small = self.small();
        let mut draw = || self.single(random.below(small));
        Mutation(vec![draw(), draw()])
    }

    fn double(&self, number: u64) -> Mutation {
        let ways = STROKES.len() as u64 + 1;
        let (blob, at) = byte(&self.twins, number / ways);
        let copies = [blob.kind, BlobKind::ManifestCopy].map(|kind| BlobId { kind, ..blob });
        let hit = |blob| match STROKES.get((number % ways) as usize) {
            Some(stroke) => Hit::Byte(blob, at, *stroke),
            None => Hit::Cut(blob, at),
        };
        Mutation(copies.map(hit).to_vec())
    }

    fn single(&self, mut number: u64) -> Hit {
        let strokes = STROKES.len() as u64;
        if number < self.bytes * strokes {
            let (blob, at) = byte(&self.blobs, number / strokes);
            return Hit::Byte(blob, at, STROKES[(number % strokes) as usize]);
        }
        number -= self.bytes * strokes;
        if number < self.bytes {
            let (blob, at) = byte(&self.blobs, number);
            return Hit::Cut(blob, at);
        }
        number -= self.bytes;
        if let Some((blob, _)) = self.blobs.get(number as usize) {
            return Hit::Missing(*blob);
        }
        number -= self.blobs.len() as u64;
        if let Some((blob, start)) = self.blocks.get(number as usize) {
            return Hit::Blank(*blob, *start);
        }
        number -= self.blocks.len() as u64;
        for (at, first) in self.blocks.iter().enumerate() {
            let behind = &self.blocks[at + 1..];
            match behind.get(number as usize) {
                Some(second) => return Hit::Swap([*first, *second]),
                None => number -= behind.len() as u64,
            }
        }
        let (blob, donor) = &self.donors[number as usize];
        Hit::Replaced(*blob, Arc::clone(donor))
    }
}

/// Byte `number` of all.
fn byte(blobs: &[(BlobId, Arc<Vec<u8>>)], number: u64) -> (BlobId, usize) {
    let mut at = number as usize;
    for (id, bytes) in blobs {
        if at < bytes.len() {
            return (*id, at);
        }
        at -= bytes.len();
    }
    unreachable!("there are that many bytes")
}

impl Mutation {
    /// What it is, in one word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.0.as_slice() {
            [Hit::Byte(..)] => "bytes",
            [Hit::Cut(..)] => "truncations",
            [Hit::Missing(_)] => "missing blobs",
            [Hit::Blank(..)] => "blank blocks",
            [Hit::Swap(_)] => "swapped blocks",
            [Hit::Replaced(..)] => "replaced blobs",
            [Hit::Byte(one, at, _), Hit::Byte(other, same, _)]
            | [Hit::Cut(one, at), Hit::Cut(other, same)]
                if at == same && one.number == other.number && one.kind != other.kind =>
            {
                "both copies"
            }
            _ => "pairs",
        }
    }

    /// `blobs` with this damage; `None` if that changes nothing.
    #[must_use]
    pub fn on(&self, blobs: &Blobs) -> Option<Blobs> {
        let mut hit = blobs.clone();
        for one in &self.0 {
            one.on(&mut hit);
        }
        (hit != *blobs).then_some(hit)
    }
}

impl Hit {
    fn on(&self, blobs: &mut Blobs) {
        match self {
            Self::Byte(blob, at, stroke) => {
                if let Some(byte) = own(blobs, blob).and_then(|bytes| bytes.get_mut(*at)) {
                    *byte = match stroke {
                        Stroke::Flip(bits) => *byte ^ bits,
                        Stroke::Set(value) => *value,
                    };
                }
            }
            Self::Cut(blob, at) => {
                if let Some(bytes) = own(blobs, blob) {
                    bytes.truncate(*at);
                }
            }
            Self::Missing(blob) => {
                blobs.remove(blob);
            }
            Self::Blank(blob, start) => {
                if let Some(bytes) = own(blobs, blob) {
                    let end = bytes.len().min(start + BLOCK);
                    bytes.get_mut(*start..end).unwrap_or_default().fill(0);
                }
            }
            Self::Swap([first, second]) => {
                let block = |blobs: &Blobs, (blob, start): &(BlobId, usize)| {
                    let bytes = &blobs[blob];
                    bytes[*start..bytes.len().min(start + BLOCK)].to_vec()
                };
                let (one, other) = (block(blobs, first), block(blobs, second));
                // The last block of a blob may be shorter: that much is exchanged.
                let length = one.len().min(other.len());
                for ((blob, start), found) in [(first, other), (second, one)] {
                    if let Some(bytes) = blobs.get_mut(blob) {
                        Arc::make_mut(bytes)[*start..start + length]
                            .copy_from_slice(&found[..length]);
                    }
                }
            }
            Self::Replaced(blob, donor) => {
                blobs.insert(*blob, Arc::clone(&donor.bytes));
            }
        }
    }
}

/// The bytes of a blob, for this image alone.
fn own<'a>(blobs: &'a mut Blobs, blob: &BlobId) -> Option<&'a mut Vec<u8>> {
    blobs.get_mut(blob).map(Arc::make_mut)
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, hit) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            hit.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte(blob, at, Stroke::Flip(bits)) => {
                write!(f, "byte {at} of {blob} ^ {bits:#04x}")
            }
            Self::Byte(blob, at, Stroke::Set(value)) => {
                write!(f, "byte {at} of {blob} = {value:#04x}")
            }
            Self::Cut(blob, at) => write!(f, "{blob} ends at {at}"),
            Self::Missing(blob) => write!(f, "{blob} is missing"),
            Self::Blank(blob, start) => write!(f, "block at {start} of {blob} is zero"),
            Self::Swap([(blob, start), (other, behind)]) => write!(
                f,
                "block at {start} of {blob} swapped with the one at {behind} of {other}"
            ),
            Self::Replaced(blob, donor) => write!(f, "{blob} replaced by {}", donor.name),
        }
    }
}
