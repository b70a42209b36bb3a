//! Owns searching among sorted items of which the values are spread about evenly: the
//! first guess is nearly always right, or next to right, and touches little memory.

/// Where among `items` evenly spread ones, from 0 up to `span`, the one at `own` would be.
#[inline]
pub(crate) fn guess(own: u64, span: u64, items: usize) -> usize {
    // So that nothing overflows: there are fewer items than 2^31.
    let shift = (u64::BITS - span.leading_zeros()).saturating_sub(32);
    let place = (own.min(span) >> shift) * items as u64 / (span >> shift).max(1);
    usize::try_from(place).unwrap_or(0)
}

/// The same for times, of which the distances may be larger than their type.
#[inline]
pub(crate) fn guess_time(own: i64, first: i64, last: i64, items: usize) -> usize {
    let from_first = |time: i64| time.max(first).abs_diff(first);
    guess(from_first(own), from_first(last), items)
}

/// How many of `length` items at the start `below` is true for; it must be true for a
/// prefix. Quick where that is near `guess`.
#[inline]
pub(crate) fn partition_near(length: usize, guess: usize, below: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, length);
    let (mut at, mut step) = (guess, 1);
    while low < high {
        at = at.clamp(low, high - 1);
        let before = below(at);
        if before {
            low = at + 1;
        } else {
            high = at;
        }
        at = match before {
            // What is not close by may be anywhere.
            _ if step > 16 => low.midpoint(high),
            true => at + step,
            false => at.saturating_sub(step),
        };
        step *= 2;
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_partition_point_is_found_from_any_guess() {
        for length in [0usize, 1, 2, 3, 50, 1000] {
            let items: Vec<usize> = (0..length).map(|i| i / 3).collect();
            for below in 0..=length / 3 + 1 {
                let expected = items.partition_point(|item| *item < below);
                for guess in [
                    0,
                    expected,
                    expected + 7,
                    length / 2,
                    length,
                    usize::MAX - 40,
                ] {
                    let found = partition_near(length, guess, |at| items[at] < below);
                    assert_eq!(found, expected, "{below} of {length} from {guess}");
                }
            }
        }
    }

    #[test]
    fn guesses_are_right_where_things_are_even_and_never_overflow() {
        assert_eq!(guess(500, 1000, 100), 50);
        assert_eq!(guess(0, 0, 100), 0);
        assert_eq!(guess(u64::MAX, u64::MAX, 1 << 30), 1 << 30);
        assert_eq!(guess_time(-5, 0, 1000, 100), 0);
        assert_eq!(guess_time(750, 500, 1000, 100), 50);
        assert_eq!(guess_time(0, i64::MIN, i64::MAX, 100), 50);
        assert_eq!(guess_time(i64::MAX, 7, 7, 100), 0);
        assert_eq!(guess_time(0, 7, i64::MIN, 100), 0);
    }
}
