//! Owns what is appended: how large, how many at once, how far each append goes.

use anyhow::Result;
use tidelog::Durability;

const POOL: usize = 1 << 20;

/// One message, as every side gets it.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The key, if messages of this kind have one.
    pub key: Option<&'static [u8]>,
    /// The value.
    pub value: &'static [u8],
}

/// Random bytes to cut messages from, so that nothing compresses and making a
/// message costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    pool: &'static [u8],
    key: usize,
    value: usize,
}

impl Payload {
    /// A 10-byte key and a 128-byte value.
    #[must_use]
    pub fn small() -> Self {
        Self::of(10, 128)
    }

    /// 575 bytes and no key.
    #[must_use]
    pub fn of_575() -> Self {
        Self::of(0, 575)
    }

    fn of(key: usize, value: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(1);
        let mut pool = vec![0; POOL + key + value];
        random.fill(&mut pool);
        // It lives as long as the program, which makes a handful of them.
        Self {
            pool: Vec::leak(pool),
            key,
            value,
        }
    }

    /// Message number `index`.
    #[must_use]
    pub fn message(&self, index: u64) -> Message {
        // The mask keeps it below the pool's size.
        #[allow(clippy::cast_possible_truncation, reason = "masked to 20 bits")]
        let at = (index.wrapping_mul(8191) as usize) & (POOL - 1);
        let (key, value) = self.pool[at..][..self.key + self.value].split_at(self.key);
        Message {
            key: (self.key > 0).then_some(key),
            value,
        }
    }
}

/// Messages, appended so many at a time.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What they consist of.
    pub payload: Payload,
    /// How many there are.
    pub messages: u64,
    /// How many make a batch.
    pub batch: u64,
    /// How far each batch has to get before the next.
    pub level: Durability,
}

impl Workload {
    /// Batch number `index`.
    pub fn fill(&self, index: u64, batch: &mut Vec<Message>) {
        let first = index * self.batch;
        batch.clear();
        batch.extend((first..first + self.batch).map(|index| self.payload.message(index)));
    }

    /// Appends everything.
    ///
    /// # Errors
    /// That of the first append that fails.
    pub fn run(&self, appender: &mut dyn Appender) -> Result<()> {
        let mut batch = Vec::new();
        for index in 0..self.messages / self.batch {
            self.fill(index, &mut batch);
            appender.append(&batch)?;
        }
        Ok(())
    }
}

/// Something that messages are appended to, at a level it was opened with.
pub trait Appender {
    /// Appends a batch, all of it or nothing, and returns once it has got as far
    /// as the level says.
    ///
    /// # Errors
    /// Whatever it cannot do.
    fn append(&mut self, batch: &[Message]) -> Result<()>;
}
