//! Owns the model of a backup: the pictures of a log, of which a crash may leave one.

use std::rc::Rc;

use super::history::Seen;
use crate::random::mix;
use crate::sim::Cut;

/// What the backup of one log may be.
#[derive(Clone, Debug)]
pub struct Backup {
    /// The records that it may hold: all of one of these. What it was made of last comes
    /// last.
    pictures: Vec<Rc<[Seen]>>,
}

impl Default for Backup {
    /// Nothing.
    fn default() -> Self {
        Self {
            pictures: vec![Rc::new([])],
        }
    }
}

impl Backup {
    /// It is about to become a picture of these records.
    pub fn begin(&mut self, seen: Vec<Seen>) {
        self.pictures.push(seen.into());
    }

    /// It was acknowledged: it is durable.
    pub fn done(&mut self) {
        self.pictures.drain(..self.pictures.len() - 1);
    }

    /// Whether it may hold these records.
    ///
    /// # Errors
    /// A sentence, if it may not.
    pub fn check(&self, seen: &[Seen]) -> Result<(), String> {
        if self.pictures.iter().any(|picture| **picture == *seen) {
            return Ok(());
        }
        let count = |picture: &Rc<[Seen]>| picture.len().to_string();
        let counts: Vec<String> = self.pictures.iter().map(count).collect();
        Err(format!(
            "a backup of {} records is none of those that were made, of {}",
            seen.len(),
            counts.join(" and ")
        ))
    }

    /// As [`check`](Self::check) after a crash of this sort: what a power cut has left
    /// stays.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn reopen(&mut self, seen: &[Seen], cut: Cut) -> Result<(), String> {
        self.check(seen)?;
        if cut == Cut::Power {
            self.pictures.retain(|picture| **picture == *seen);
            self.pictures.truncate(1);
        }
        Ok(())
    }

    /// A hash of what it may be.
    pub(super) fn digest(&self) -> u64 {
        let records = self.pictures.iter().flat_map(|picture| {
            let end = picture.last().map_or(0, |record| record.offset + 1);
            [picture.len() as u64, end]
        });
        records.fold(1, |digest, number| mix(digest ^ number))
    }
}
