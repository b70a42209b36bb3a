//! Owns what simulated writers write: batches that follow from a seed, each
//! unlike any other.

use tidelog_core::{Compression, Header, NewRecord, ProducerId};

use crate::random::{Random, digest, mix};

/// A record to append, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedRecord {
    /// Microseconds since 1970; no two records of a generator share it.
    pub time: i64,
    /// The key, if any.
    pub key: Option<Vec<u8>>,
    /// The value, if any.
    pub value: Option<Vec<u8>>,
    /// Names and values.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A batch to append, with the hashes by which it is known again.
#[derive(Clone, Debug)]
pub struct GeneratedBatch {
    records: Vec<GeneratedRecord>,
    digests: Vec<u64>,
}

impl GeneratedBatch {
    /// A batch of these records.
    #[must_use]
    pub fn new(records: Vec<GeneratedRecord>) -> Self {
        let digests = records.iter().map(GeneratedRecord::digest).collect();
        Self { records, digests }
    }

    /// Its records.
    #[must_use]
    pub fn records(&self) -> &[GeneratedRecord] {
        &self.records
    }

    /// The [`record_digest`] of each record.
    #[must_use]
    pub fn digests(&self) -> &[u64] {
        &self.digests
    }

    /// The headers of each record, to be borrowed from by
    /// [`borrowed`](Self::borrowed).
    #[must_use]
    pub fn headers(&self) -> Vec<Vec<Header<'_>>> {
        self.records
            .iter()
            .map(|record| {
                record
                    .headers
                    .iter()
                    .map(|(name, value)| Header { name, value })
                    .collect()
            })
            .collect()
    }

    /// The records as the engine takes them.
    #[must_use]
    pub fn borrowed<'a>(&'a self, headers: &'a [Vec<Header<'a>>]) -> Vec<NewRecord<'a>> {
        self.records
            .iter()
            .zip(headers)
            .map(|(record, headers)| NewRecord {
                time: Some(record.time),
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                headers,
            })
            .collect()
    }
}

impl GeneratedRecord {
    fn digest(&self) -> u64 {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()));
        record_digest(
            self.time,
            self.key.as_deref(),
            self.value.as_deref(),
            headers,
        )
    }
}

/// A hash of everything in a record but its offset. Absent and empty differ.
#[must_use]
pub fn record_digest<'a>(
    time: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
) -> u64 {
    let mut state = mix(time.cast_unsigned());
    for part in [key, value] {
        state = match part {
            Some(bytes) => digest(state ^ 1, bytes),
            None => mix(state ^ 2),
        };
    }
    for (name, value) in headers {
        state = digest(digest(state ^ 3, name), value);
    }
    state
}

/// How large generated batches are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Records of a batch at most; at least 1.
    pub records: usize,
    /// Bytes of a value at most.
    pub value: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            records: 4,
            value: 48,
        }
    }
}

/// Makes batches. The same seed makes the same ones.
#[derive(Clone, Debug)]
pub struct Generator {
    random: Random,
    /// Tells the records of this generator from those of others.
    origin: i64,
    made: i64,
    sizes: Sizes,
}

const KEYS: [&[u8]; 5] = [b"", b"a", b"key", b"another key", b"\xFF\x00"];

impl Generator {
    /// A generator of batches of these sizes.
    #[must_use]
    pub const fn new(seed: u64, sizes: Sizes) -> Self {
        Self {
            random: Random::new(seed),
            origin: 1_700_000_000_000_000 + ((mix(seed) >> 40) << 20).cast_signed(),
            made: 0,
            sizes,
        }
    }

    /// The source of all other choices of a script.
    pub const fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Batches of other sizes from now on.
    pub const fn resize(&mut self, sizes: Sizes) {
        self.sizes = sizes;
    }

    /// The next batch.
    pub fn batch(&mut self) -> GeneratedBatch {
        let count = 1 + self.random.index(self.sizes.records);
        GeneratedBatch::new((0..count).map(|_| self.record()).collect())
    }

    /// A batch of one record whose value has this many bytes.
    pub fn large(&mut self, bytes: usize) -> GeneratedBatch {
        let mut value = vec![0; bytes];
        self.random.fill(&mut value);
        self.holding(value)
    }

    /// A batch of one record with this value.
    pub fn holding(&mut self, value: Vec<u8>) -> GeneratedBatch {
        let mut record = self.record();
        record.value = Some(value);
        GeneratedBatch::new(vec![record])
    }

    fn record(&mut self) -> GeneratedRecord {
        let random = &mut self.random;
        self.made += 1;
        // The low bits count, so that no two times are equal; the rest runs
        // forwards, backwards, and now and then far away.
        let base = match random.below(8) {
            0 => i64::MIN / 2 + random.below(1 << 62).cast_signed(),
            1 => self.origin - (random.below(8) << 20).cast_signed(),
            _ => self.origin + (self.made << 20),
        };
        let time = (base & !0xF_FFFF) | (self.made & 0xF_FFFF);
        let key = match random.below(4) {
            0 => None,
            _ => Some(KEYS[random.index(KEYS.len())].to_vec()),
        };
        let value = match (random.below(8), &key) {
            (0, Some(_)) => None,
            (1, _) => Some(Vec::new()),
            (2, _) => Some(vec![b'x'; random.index(self.sizes.value + 1)]),
            _ => {
                let mut value = vec![0; random.index(self.sizes.value + 1)];
                random.fill(&mut value);
                Some(value)
            }
        };
        let headers = if random.one_in(6) { random.index(3) } else { 0 };
        let headers = (0..headers)
            .map(|at| (vec![b'h'; at], vec![at as u8; random.index(5)]))
            .collect();
        GeneratedRecord {
            time,
            key,
            value,
            headers,
        }
    }

    /// A key that records have, or that none has.
    pub fn key(&mut self) -> &'static [u8] {
        let keys = KEYS.get(self.random.index(KEYS.len() + 1));
        keys.unwrap_or(&b"no such key".as_slice())
    }

    /// Any of the compressions.
    pub fn compression(&mut self) -> Compression {
        match self.random.below(3) {
            0 => Compression::None,
            1 => Compression::Lz4,
            _ => Compression::Deflate,
        }
    }

    /// The identity of producer `number`.
    #[must_use]
    pub fn producer(number: u8) -> ProducerId {
        ProducerId([number; 16])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Generator, Sizes};

    #[test]
    fn a_seed_makes_the_same_batches_and_no_record_twice() {
        let batches = |seed| {
            let mut generator = Generator::new(seed, Sizes::default());
            (0..200).map(|_| generator.batch()).collect::<Vec<_>>()
        };
        let digests = |seed| -> Vec<u64> {
            let all = batches(seed);
            all.iter()
                .flat_map(|batch| batch.digests().to_vec())
                .collect()
        };
        assert_eq!(digests(7), digests(7));
        assert_ne!(digests(7), digests(8));
        let unique: HashSet<u64> = digests(7).into_iter().collect();
        assert_eq!(unique.len(), digests(7).len());
    }

    #[test]
    fn every_shape_of_record_occurs() {
        let mut generator = Generator::new(1, Sizes::default());
        let records: Vec<_> = (0..300)
            .flat_map(|_| generator.batch().records().to_vec())
            .collect();
        assert!(records.iter().any(|record| record.key.is_none()));
        assert!(
            records
                .iter()
                .any(|record| record.key.as_deref() == Some(b""))
        );
        assert!(records.iter().any(|record| record.value.is_none()));
        assert!(
            records
                .iter()
                .any(|record| record.value.as_deref() == Some(b""))
        );
        assert!(records.iter().any(|record| record.headers.len() == 2));
        assert!(records.iter().any(|record| record.time < 0));
        assert!(records.windows(2).any(|pair| pair[0].time > pair[1].time));
    }
}
