//! Owns the ways in which a single write may reach the disk in part.

use crate::random::{Random, mix};

/// Which bytes of a write arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// The first so many.
    Prefix(usize),
    /// All from this one on.
    Suffix(usize),
}

/// What is found where the others should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Rest {
    /// What was there before; behind the end, nothing.
    Old,
    Zero,
    Ones,
    Garbage,
    /// Bytes of another blob that lay there earlier.
    Stale,
}

impl Rest {
    pub const ALL: [Self; 5] = [
        Self::Old,
        Self::Zero,
        Self::Ones,
        Self::Garbage,
        Self::Stale,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Zero => "zero",
            Self::Ones => "ones",
            Self::Garbage => "garbage",
            Self::Stale => "stale",
        }
    }
}

/// A write that arrived in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tear {
    pub kept: Kept,
    pub rest: Rest,
}

impl Tear {
    /// Writes what arrived of `bytes` into `content`. `stale` is a whole older
    /// blob, of which the bytes at the same positions shine
    /// through, from its start again behind its end.
    pub fn write(self, content: &mut Vec<u8>, position: u64, bytes: &[u8], stale: &[u8]) {
        let start = position as usize;
        let (kept, missing) = match self.kept {
            Kept::Prefix(len) => (0..len, len..bytes.len()),
            Kept::Suffix(from) => (from..bytes.len(), 0..from),
        };
        if self.rest == Rest::Old && kept.is_empty() {
            return;
        }
        let end = if self.rest == Rest::Old {
            start + kept.end
        } else {
            start + bytes.len()
        };
        if content.len() < end {
            content.resize(end, 0);
        }
        content[start + kept.start..start + kept.end].copy_from_slice(&bytes[kept]);
        let hole = start + missing.start..start + missing.end;
        match self.rest {
            Rest::Old => {}
            Rest::Zero => content[hole].fill(0),
            Rest::Ones => content[hole].fill(0xFF),
            Rest::Garbage => {
                Random::new(mix(position) ^ bytes.len() as u64).fill(&mut content[hole]);
            }
            Rest::Stale => {
                for at in hole {
                    content[at] = *stale.get(at % stale.len().max(1)).unwrap_or(&0);
                }
            }
        }
    }
}

/// Where a write of `len` bytes at `position` is torn: at every byte, or at the
/// first, the last and the edges of 512-byte sectors.
pub(super) fn cuts(position: u64, len: usize, every_byte: bool) -> Vec<Kept> {
    if every_byte {
        return (0..len).map(Kept::Prefix).collect();
    }
    let first_edge = (512 - position as usize % 512) % 512;
    let mut edges: Vec<usize> = (first_edge..len).step_by(512).collect();
    edges.extend([1, len.saturating_sub(1)]);
    edges.retain(|edge| (1..len).contains(edge));
    edges.sort_unstable();
    edges.dedup();
    let mut cuts = vec![Kept::Prefix(0)];
    cuts.extend(edges.iter().map(|edge| Kept::Prefix(*edge)));
    cuts.extend(edges.iter().map(|edge| Kept::Suffix(*edge)));
    cuts
}

#[cfg(test)]
mod tests {
    use super::{Kept, Rest, Tear, cuts};

    #[test]
    fn a_tear_leaves_what_it_says() {
        let torn = |kept, rest| {
            let mut content = b"ab".to_vec();
            Tear { kept, rest }.write(&mut content, 2, b"XYZ", b"123456");
            content
        };
        assert_eq!(torn(Kept::Prefix(1), Rest::Old), b"abX");
        assert_eq!(torn(Kept::Prefix(0), Rest::Old), b"ab");
        assert_eq!(torn(Kept::Prefix(1), Rest::Zero), b"abX\0\0");
        assert_eq!(torn(Kept::Prefix(0), Rest::Ones), b"ab\xFF\xFF\xFF");
        assert_eq!(torn(Kept::Suffix(2), Rest::Stale), b"ab34Z");
        assert_eq!(torn(Kept::Suffix(1), Rest::Old), b"ab\0YZ");
        assert_ne!(torn(Kept::Prefix(2), Rest::Garbage), b"abXYZ");
    }

    #[test]
    fn cuts_lie_at_sector_edges() {
        let found = cuts(500, 600, false);
        assert!(found.contains(&Kept::Prefix(12)), "{found:?}");
        assert!(found.contains(&Kept::Prefix(524)), "{found:?}");
        assert!(found.contains(&Kept::Suffix(599)), "{found:?}");
        assert_eq!(cuts(0, 3, true).len(), 3);
    }
}
