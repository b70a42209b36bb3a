//! Owns the choice of some numbers out of very many, spread evenly.

use crate::random::Random;

/// About `count` numbers below `total`, one from each of as many equal parts,
/// handed out from the lowest on.
#[derive(Debug)]
pub(super) struct Sample {
    total: u64,
    count: u64,
    random: Random,
    /// How many were drawn, and the last one, if it was not handed out yet.
    drawn: u64,
    waiting: Option<u64>,
    /// Where the next stretch begins.
    start: u64,
}

impl Sample {
    pub const fn new(total: u64, count: u64, seed: u64) -> Self {
        Self {
            total,
            count,
            random: Random::new(seed),
            drawn: 0,
            waiting: None,
            start: 0,
        }
    }

    /// The numbers of the next stretch of `length`, counted from its start.
    pub fn next(&mut self, length: u64) -> Vec<u64> {
        let (start, end) = (self.start, self.start + length);
        self.start = end;
        if self.count >= self.total {
            return (0..length).collect();
        }
        let mut found = Vec::new();
        while let Some(number) = self.waiting.take().or_else(|| self.draw()) {
            if number >= end {
                self.waiting = Some(number);
                break;
            }
            found.push(number - start);
        }
        found
    }

    fn draw(&mut self) -> Option<u64> {
        if self.drawn == self.count {
            return None;
        }
        let within = self.random.below(self.total);
        let place = u128::from(self.drawn) * u128::from(self.total) + u128::from(within);
        self.drawn += 1;
        u64::try_from(place / u128::from(self.count)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn every_part_is_drawn_from_once() {
        let mut sample = Sample::new(1_000, 10, 1);
        let mut all = Vec::new();
        let mut start = 0;
        for length in [0, 5, 500, 95, 400] {
            all.extend(sample.next(length).iter().map(|number| start + number));
            start += length;
        }
        let parts: Vec<u64> = all.iter().map(|number| number / 100).collect();
        assert_eq!(parts, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn where_all_are_wanted_all_are_taken() {
        let mut sample = Sample::new(8, 8, 1);
        assert_eq!(sample.next(3), [0, 1, 2]);
        assert_eq!(sample.next(5), [0, 1, 2, 3, 4]);
    }
}
