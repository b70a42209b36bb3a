//! Owns how the end of one blob is cut into pieces. Touches no database.
//!
//! Every append is a piece of its own, since one put costs the same whatever its
//! size. A run of small pieces is replaced by one before it grows too long: reading
//! costs by the piece.

/// Bytes of a piece: below 60 KiB, since a value of 64 KiB costs several times as
/// much as one that is a little smaller.
pub(super) const PIECE_MAX: usize = 60_000;

/// Pieces of a run.
const RUN_MAX: usize = 256;

/// The end of one blob as this writer has made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    end: u64,
    /// The bytes of the last pieces, which together may still become one.
    run: Vec<u8>,
    pieces: usize,
    pub(super) unsynced: bool,
}

/// What an append does to the pieces.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan<'a> {
    /// The run that becomes one piece, and where its first piece can end at the
    /// earliest.
    pub(super) merged: Option<(u64, &'a [u8])>,
    /// New pieces, with where each ends.
    pub(super) pieces: Vec<(u64, &'a [u8])>,
}

impl Tail {
    /// A blob of an earlier writer that ends there.
    pub(super) fn at(end: u64) -> Self {
        Self {
            end,
            unsynced: true,
            ..Self::default()
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The run, if it is worth replacing by one piece.
    pub(super) fn run(&self) -> Option<(u64, &[u8])> {
        (self.pieces > 1).then(|| (self.end - self.run.len() as u64 + 1, self.run.as_slice()))
    }

    /// What appending `bytes` takes.
    pub(super) fn plan<'a>(&'a self, bytes: &'a [u8]) -> Plan<'a> {
        let mut end = self.end;
        let pieces = bytes.chunks(PIECE_MAX).map(|piece| {
            end += piece.len() as u64;
            (end, piece)
        });
        Plan {
            pieces: pieces.collect(),
            merged: self.run().filter(|_| !self.takes(bytes)),
        }
    }

    /// `bytes` were appended as planned.
    pub(super) fn appended(&mut self, bytes: &[u8]) {
        if !self.takes(bytes) {
            self.run.clear();
            self.pieces = 0;
        }
        self.end += bytes.len() as u64;
        self.unsynced = true;
        if let Some(last) = bytes.chunks(PIECE_MAX).last() {
            self.run.extend_from_slice(last);
            self.pieces += 1;
        }
    }

    /// The run was replaced by one piece, to which nothing is added.
    pub(super) fn merged(&mut self) {
        self.run = Vec::new();
        self.pieces = 0;
    }

    /// Whether the run can go on with `bytes`.
    fn takes(&self, bytes: &[u8]) -> bool {
        self.pieces < RUN_MAX && self.run.len() + bytes.len() <= PIECE_MAX
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{PIECE_MAX, RUN_MAX, Tail};

    /// Appends to both, and returns how many pieces there are now.
    fn append(tail: &mut Tail, stored: &mut BTreeMap<u64, Vec<u8>>, bytes: &[u8]) -> usize {
        let end = tail.end();
        let plan = tail.plan(bytes);
        if let Some((first, run)) = plan.merged {
            stored.retain(|at, _| !(first..=end).contains(at));
            stored.insert(end, run.to_vec());
        }
        for (at, piece) in plan.pieces {
            assert!(piece.len() <= PIECE_MAX);
            assert!(stored.insert(at, piece.to_vec()).is_none());
        }
        tail.appended(bytes);
        stored.len()
    }

    #[test]
    fn pieces_stay_few_and_whole() {
        for size in [
            1, 7, 200, 4_000, 29_999, 30_000, 59_999, 60_000, 60_001, 150_000,
        ] {
            let (mut tail, mut stored, mut expected) =
                (Tail::default(), BTreeMap::new(), Vec::new());
            for round in 0..600_u32 {
                let bytes: Vec<u8> = (0..size).map(|at| (at as u32 * 7 + round) as u8).collect();
                expected.extend_from_slice(&bytes);
                let pieces = append(&mut tail, &mut stored, &bytes);
                let fewest = expected.len() / PIECE_MAX + 1;
                let merged = round as usize / RUN_MAX;
                assert!(pieces <= 3 * fewest + RUN_MAX + merged, "{size}: {pieces}");
                if expected.len() > 8 << 20 {
                    break;
                }
            }
            let mut at = 0;
            for (end, piece) in &stored {
                at += piece.len() as u64;
                assert_eq!(*end, at);
            }
            assert_eq!(
                stored.into_values().flatten().collect::<Vec<u8>>(),
                expected
            );
        }
    }
}
