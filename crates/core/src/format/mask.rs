//! Owns masks: sets of deleted offsets, in memory and in the body of a mask frame.
//!
//! # Format
//!
//! Offsets in pages of 65536, by rising page. Per page: its number less that of the
//! page before less 1 (the first as it is), and a form. *Runs*: how many, and for each
//! its first offset less the last of the run before less 2 (the first as it is), and
//! its length less 1. *Bitmap*: 8192 bytes, bit i of byte b being offset 8 b + i of
//! the page.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::Fault;
use super::wire::{Input, put_varint};
use crate::limits;

/// Offsets of a page.
const PAGE: u64 = 1 << 16;
const WORDS: usize = 1 << 10;
const BITMAP_BYTES: usize = 8 << 10;
/// Runs above which a page is a bitmap: it takes no more room then.
const RUNS_MAX: usize = 1 << 11;
const RUNS_FORM: u8 = 0;
const BITMAP_FORM: u8 = 1;

/// The deleted offsets of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Page {
    /// First and last of each run, rising, with something between them.
    Runs(Vec<(u16, u16)>),
    Bitmap(Box<[u64; WORDS]>),
}

/// A set of offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask {
    pages: BTreeMap<u64, Page>,
}

impl Mask {
    /// The set of these offsets, which rise.
    pub(crate) fn of(offsets: impl IntoIterator<Item = u64>) -> Self {
        let mut mask = Self::default();
        for offset in offsets {
            mask.insert(offset);
        }
        mask
    }

    /// Adds an offset. Returns whether it was not there. Cheapest in rising order.
    pub(crate) fn insert(&mut self, offset: u64) -> bool {
        let (number, low) = split(offset);
        let page = self
            .pages
            .entry(number)
            .or_insert_with(|| Page::Runs(Vec::new()));
        page.insert(low)
    }

    pub(crate) fn contains(&self, offset: u64) -> bool {
        let (number, low) = split(offset);
        self.pages
            .get(&number)
            .is_some_and(|page| page.contains(low))
    }

    /// How many offsets it holds.
    pub(crate) fn len(&self) -> u64 {
        self.pages.values().map(Page::len).sum()
    }

    /// Bytes it takes in memory.
    pub(crate) fn weight(&self) -> usize {
        let page = |page: &Page| match page {
            Page::Runs(runs) => size_of::<Page>() + runs.capacity() * size_of::<(u16, u16)>(),
            Page::Bitmap(_) => size_of::<Page>() + BITMAP_BYTES,
        };
        size_of::<Self>() + self.pages.values().map(page).sum::<usize>()
    }

    /// The lowest offset at or above `from` that is not in it.
    pub(crate) fn next_absent(&self, from: u64) -> u64 {
        let mut offset = from;
        loop {
            let (number, low) = split(offset);
            let Some(page) = self.pages.get(&number) else {
                return offset;
            };
            match page.next(low, false) {
                Some(low) => return number * PAGE + u64::from(low),
                None => offset = (number + 1) * PAGE,
            }
        }
    }

    /// The lowest offset at or above `from` that is in it.
    pub(crate) fn next_present(&self, from: u64) -> Option<u64> {
        let (first, low) = split(from);
        self.pages.range(first..).find_map(|(number, page)| {
            let low = if *number == first { low } else { 0 };
            let found = page.next(low, true)?;
            Some(number * PAGE + u64::from(found))
        })
    }

    /// The highest offset below `below` that is not in it, if there is one.
    pub(crate) fn last_absent(&self, below: u64) -> Option<u64> {
        let mut offset = below.checked_sub(1)?;
        loop {
            let (number, low) = split(offset);
            let Some(page) = self.pages.get(&number) else {
                return Some(offset);
            };
            match page.last_absent(low) {
                Some(low) => return Some(number * PAGE + u64::from(low)),
                None => offset = (number * PAGE).checked_sub(1)?,
            }
        }
    }

    /// How many of its offsets are in [`from`, `to`).
    pub(crate) fn count(&self, from: u64, to: u64) -> u64 {
        self.iter_from(from)
            .take_while(|offset| *offset < to)
            .count() as u64
    }

    /// Its offsets, rising.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        self.iter_from(0)
    }

    fn iter_from(&self, from: u64) -> impl Iterator<Item = u64> {
        let mut from = Some(from);
        core::iter::from_fn(move || {
            let found = self.next_present(from?);
            from = found.and_then(|offset| offset.checked_add(1));
            found
        })
    }

    /// Appends bodies of mask frames to `bodies`, each of at most about `body` bytes.
    pub(crate) fn encode(&self, body: usize) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let mut out = Vec::new();
        let mut expected = 0;
        for (number, page) in &self.pages {
            if out.len() >= body {
                bodies.push(core::mem::take(&mut out));
                expected = 0;
            }
            put_varint(&mut out, number - expected);
            expected = number + 1;
            page.encode(&mut out);
        }
        bodies.push(out);
        bodies
    }

    /// Adds what the body of a mask frame holds.
    pub(crate) fn decode(&mut self, body: &[u8]) -> Result<(), Fault> {
        let malformed = Fault::Malformed("mask");
        let mut input = Input::new(body);
        let mut expected = 0u64;
        while !input.is_empty() {
            let number = expected.checked_add(input.varint()?).ok_or(malformed)?;
            if number > limits::OFFSET_MAX / PAGE {
                return Err(malformed);
            }
            expected = number + 1;
            let page = Page::decode(&mut input)?;
            match self.pages.get_mut(&number) {
                Some(own) => own.add(&page),
                None => {
                    self.pages.insert(number, page);
                }
            }
        }
        Ok(())
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the low sixteen bits are what is wanted"
)]
const fn split(offset: u64) -> (u64, u16) {
    (offset / PAGE, (offset % PAGE) as u16)
}

impl Page {
    fn insert(&mut self, low: u16) -> bool {
        match self {
            Self::Bitmap(words) => {
                let Some(word) = words.get_mut(usize::from(low) / 64) else {
                    return false;
                };
                let bit = 1 << (low % 64);
                let new = *word & bit == 0;
                *word |= bit;
                new
            }
            Self::Runs(runs) => {
                let at = runs.partition_point(|run| run.0 <= low);
                let before = at.checked_sub(1).and_then(|at| runs.get(at)).copied();
                if before.is_some_and(|run| run.1 >= low) {
                    return false;
                }
                let joins = before.is_some_and(|run| run.1 + 1 == low);
                let meets = runs
                    .get(at)
                    .copied()
                    .filter(|run| low.checked_add(1) == Some(run.0));
                match (joins, meets) {
                    (true, Some(after)) => {
                        if let Some(run) = runs.get_mut(at - 1) {
                            run.1 = after.1;
                        }
                        runs.remove(at);
                    }
                    (true, None) => {
                        if let Some(run) = runs.get_mut(at - 1) {
                            run.1 = low;
                        }
                    }
                    (false, Some(_)) => {
                        if let Some(run) = runs.get_mut(at) {
                            run.0 = low;
                        }
                    }
                    (false, None) => runs.insert(at, (low, low)),
                }
                if runs.len() > RUNS_MAX {
                    self.spread();
                }
                true
            }
        }
    }

    /// Turns runs into a bitmap.
    fn spread(&mut self) {
        let Self::Runs(runs) = self else { return };
        let mut words = Box::new([0u64; WORDS]);
        for (first, last) in runs {
            for low in *first..=*last {
                if let Some(word) = words.get_mut(usize::from(low) / 64) {
                    *word |= 1 << (low % 64);
                }
            }
        }
        *self = Self::Bitmap(words);
    }

    fn add(&mut self, other: &Self) {
        let mut from = Some(0);
        while let Some(low) = from.and_then(|from| other.next(from, true)) {
            self.insert(low);
            from = low.checked_add(1);
        }
    }

    fn contains(&self, low: u16) -> bool {
        self.next(low, true) == Some(low)
    }

    fn len(&self) -> u64 {
        match self {
            Self::Runs(runs) => runs.iter().map(|run| u64::from(run.1 - run.0) + 1).sum(),
            Self::Bitmap(words) => words.iter().map(|word| u64::from(word.count_ones())).sum(),
        }
    }

    /// The lowest offset of the page, from `low` on, that is in it or is not.
    fn next(&self, low: u16, present: bool) -> Option<u16> {
        match self {
            Self::Runs(runs) => {
                let at = runs.partition_point(|run| run.1 < low);
                match (runs.get(at), present) {
                    (Some(run), true) => Some(run.0.max(low)),
                    (None, true) => None,
                    (Some(run), false) if run.0 <= low => run.1.checked_add(1),
                    (_, false) => Some(low),
                }
            }
            Self::Bitmap(words) => {
                let flip = if present { 0 } else { u64::MAX };
                let mut index = usize::from(low) / 64;
                let mut word = (words.get(index)? ^ flip) & (u64::MAX << (low % 64));
                while word == 0 {
                    index += 1;
                    word = words.get(index)? ^ flip;
                }
                u16::try_from(index * 64 + word.trailing_zeros() as usize).ok()
            }
        }
    }

    /// The highest offset of the page, up to `low`, that is not in it.
    fn last_absent(&self, low: u16) -> Option<u16> {
        match self {
            Self::Runs(runs) => {
                let at = runs.partition_point(|run| run.1 < low);
                match runs.get(at).filter(|run| run.0 <= low) {
                    Some(run) => run.0.checked_sub(1),
                    None => Some(low),
                }
            }
            Self::Bitmap(words) => {
                let mut index = usize::from(low) / 64;
                let mut word = !words.get(index)? & (u64::MAX >> (63 - low % 64));
                while word == 0 {
                    index = index.checked_sub(1)?;
                    word = !*words.get(index)?;
                }
                u16::try_from(index * 64 + 63 - word.leading_zeros() as usize).ok()
            }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Runs(runs) => {
                out.push(RUNS_FORM);
                put_varint(out, runs.len() as u64);
                let mut expected = 0;
                for (first, last) in runs {
                    put_varint(out, u64::from(*first) - expected);
                    put_varint(out, u64::from(last - first));
                    // Runs that touch would be one.
                    expected = u64::from(*last) + 2;
                }
            }
            Self::Bitmap(words) => {
                out.push(BITMAP_FORM);
                for word in words.iter() {
                    out.extend_from_slice(&word.to_le_bytes());
                }
            }
        }
    }

    fn decode(input: &mut Input<'_>) -> Result<Self, Fault> {
        let malformed = Fault::Malformed("page of a mask");
        match input.u8()? {
            RUNS_FORM => {
                let count = input.length()?;
                // A run takes two bytes at least.
                if count == 0 || count > RUNS_MAX || count > input.left() / 2 {
                    return Err(malformed);
                }
                let mut runs = Vec::new();
                Fault::reserve(&mut runs, count)?;
                let mut expected = 0u64;
                for _ in 0..count {
                    let first = expected.checked_add(input.varint()?).ok_or(malformed)?;
                    let last = first.checked_add(input.varint()?).ok_or(malformed)?;
                    let run = (u16::try_from(first), u16::try_from(last));
                    let (Ok(first), Ok(last)) = run else {
                        return Err(malformed);
                    };
                    runs.push((first, last));
                    expected = u64::from(last) + 2;
                }
                Ok(Self::Runs(runs))
            }
            BITMAP_FORM => {
                let bytes = input.take(BITMAP_BYTES)?;
                // Not a Box from the start: asking for one could not be refused.
                let mut words = Vec::new();
                Fault::reserve(&mut words, WORDS)?;
                for bytes in bytes.chunks_exact(8) {
                    let bytes = bytes.first_chunk().ok_or(Fault::Short)?;
                    words.push(u64::from_le_bytes(*bytes));
                }
                let words = words.into_boxed_slice().try_into();
                Ok(Self::Bitmap(words.map_err(|_| malformed)?))
            }
            _ => Err(malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    /// A step through offsets that is neither regular nor random.
    fn scattered(count: u64, step: u64) -> impl Iterator<Item = u64> {
        (0..count).map(move |i| i * step + (i * i) % step)
    }

    #[test]
    fn is_the_set_of_what_was_inserted_in_any_order_and_form() {
        for (count, step) in [
            (0, 1),
            (1, 1),
            (70_000, 1),
            (9_000, 7),
            (40_000, 3),
            (300, 5_000),
        ] {
            let offsets: BTreeSet<u64> = scattered(count, step).collect();
            let mut mask = Mask::default();
            for offset in offsets.iter().rev().chain(&offsets) {
                mask.insert(*offset);
            }
            assert_eq!(mask, Mask::of(offsets.iter().copied()));
            assert_eq!(mask.len(), offsets.len() as u64);
            assert!(mask.iter().eq(offsets.iter().copied()));
            for body in [1, 1000, usize::MAX] {
                let mut read = Mask::default();
                for body in mask.encode(body) {
                    read.decode(&body).unwrap();
                }
                assert!(read.iter().eq(offsets.iter().copied()));
            }
            for from in [0, 1, 6, 65_535, 65_536, 65_537, 200_000] {
                let absent = (from..).find(|offset| !offsets.contains(offset));
                assert_eq!(Some(mask.next_absent(from)), absent);
                let present = offsets.range(from..).next().copied();
                assert_eq!(mask.next_present(from), present);
                assert_eq!(mask.contains(from), offsets.contains(&from));
                let absent = (0..from).rev().find(|offset| !offsets.contains(offset));
                assert_eq!(mask.last_absent(from), absent);
                let count = offsets.range(from..from + 500).count() as u64;
                assert_eq!(mask.count(from, from + 500), count);
            }
        }
    }

    #[test]
    fn refuses_pages_beyond_the_offsets_and_runs_that_touch() {
        let mut mask = Mask::default();
        let mut far = Vec::new();
        put_varint(&mut far, limits::OFFSET_MAX / PAGE + 1);
        far.extend_from_slice(&[RUNS_FORM, 1, 0, 0]);
        assert!(mask.decode(&far).is_err());
        // Offsets 0 and 65536 of one page.
        assert!(
            mask.decode(&[0, RUNS_FORM, 1, 0x80, 0x80, 0x04, 0])
                .is_err()
        );
        assert!(mask.decode(&[0, RUNS_FORM, 0]).is_err());
        assert!(mask.decode(&[0, BITMAP_FORM, 1]).is_err());
        assert!(mask.decode(&[0, 2]).is_err());
        assert_eq!(mask.len(), 0);
    }
}
