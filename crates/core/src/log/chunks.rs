//! Owns a vector that grows at one end while others hold on to what it was:
//! cloning it costs two reference counts, pushing copies at most one chunk.

use alloc::sync::Arc;
use alloc::vec::Vec;

const CHUNK: usize = 128;

/// An append-only vector of which clones are snapshots.
#[derive(Clone, Debug)]
pub(crate) struct Chunks<T> {
    full: Arc<Vec<Full<T>>>,
    open: Arc<Vec<T>>,
}

/// A chunk that takes no more, and its last item beside it: a search over chunks
/// then stays within one allocation.
#[derive(Clone, Debug)]
struct Full<T> {
    last: T,
    items: Arc<Vec<T>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self {
            full: Arc::default(),
            open: Arc::default(),
        }
    }
}

impl<T: Clone> Chunks<T> {
    pub(crate) fn push(&mut self, item: T) {
        let open = Arc::make_mut(&mut self.open);
        open.push(item.clone());
        if open.len() == CHUNK {
            let items = core::mem::take(&mut self.open);
            Arc::make_mut(&mut self.full).push(Full { last: item, items });
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.full.len() * CHUNK + self.open.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        match self.full.get(index / CHUNK) {
            Some(chunk) => chunk.items.get(index % CHUNK),
            None => self.open.get(index.checked_sub(self.full.len() * CHUNK)?),
        }
    }

    pub(crate) fn last(&self) -> Option<&T> {
        self.get(self.len().checked_sub(1)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.full
            .iter()
            .flat_map(|chunk| chunk.items.iter())
            .chain(self.open.iter())
    }

    /// How many items at the start `holds` is true for; it must be true for a
    /// prefix.
    pub(crate) fn partition_point(&self, holds: impl Fn(&T) -> bool) -> usize {
        let full = self.full.partition_point(|chunk| holds(&chunk.last));
        let inside = match self.full.get(full) {
            Some(chunk) => chunk.items.partition_point(&holds),
            None => self.open.partition_point(&holds),
        };
        full * CHUNK + inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_keep_what_they_were() {
        let mut chunks = Chunks::default();
        let mut taken = Vec::new();
        for item in 0..1000usize {
            taken.push(chunks.clone());
            chunks.push(item);
        }
        for (length, snapshot) in taken.iter().enumerate() {
            assert_eq!(snapshot.len(), length);
            assert_eq!(snapshot.last().copied(), length.checked_sub(1));
            assert_eq!(snapshot.get(length), None);
            assert_eq!(
                snapshot.partition_point(|item| *item < length / 2),
                length / 2
            );
        }
        assert!(chunks.iter().copied().eq(0..1000));
    }
}
