//! Owns writing a page: records in, bytes out.

use alloc::vec::Vec;

use tidelog_core::limits::OFFSET_MAX;
use tidelog_core::{Batch, Header, NewRecord, Record};

use crate::error::PageError;
use crate::layout::{Head, KEY, TIME, VALUE};

/// A page in the making.
#[derive(Clone, Debug, Default)]
pub struct PageWriter {
    names_offsets: bool,
    offsets: Vec<u8>,
    times: Vec<u8>,
    ends: Vec<u8>,
    header_counts: Vec<u8>,
    header_ends: Vec<u8>,
    kinds: Vec<u8>,
    data: Vec<u8>,
    header_data: Vec<u8>,
    last: Option<u64>,
    rises: Option<bool>,
}

impl PageWriter {
    /// A page of records to append: they have no offsets yet.
    #[must_use]
    pub fn appending() -> Self {
        Self::default()
    }

    /// A page of records that were read.
    #[must_use]
    pub fn reading() -> Self {
        Self {
            names_offsets: true,
            ..Self::default()
        }
    }

    /// The page of a batch that was read.
    ///
    /// # Errors
    /// `too-large` if the batch has more bytes than a page can name.
    pub fn batch(batch: &Batch) -> Result<Vec<u8>, PageError> {
        let mut writer = Self::reading();
        writer.kinds.reserve(batch.len());
        for record in batch {
            writer.push(&record)?;
        }
        writer.finish(batch.next())
    }

    /// Adds a record to append, to a page of such.
    ///
    /// # Errors
    /// `invalid` in a page of records that were read, `too-large`.
    pub fn push_new(&mut self, record: &NewRecord<'_>) -> Result<(), PageError> {
        if self.names_offsets {
            return Err(self.bad("missing offset"));
        }
        let headers = record.headers.iter().copied();
        self.add(record.time, record.key, record.value, headers)
    }

    /// Adds a record that was read, to a page of such. Their offsets rise, or fall.
    ///
    /// # Errors
    /// `invalid` in a page of records to append, or if the offset is out of order;
    /// `too-large`.
    pub fn push(&mut self, record: &Record<'_>) -> Result<(), PageError> {
        let offset = record.offset;
        let rises = self.last.map(|last| last < offset);
        let turns = self.rises.is_some() && self.rises != rises;
        if !self.names_offsets || offset > OFFSET_MAX || turns || self.last == Some(offset) {
            return Err(self.bad("offset"));
        }
        self.add(Some(record.time), record.key, record.value, record.headers)?;
        self.offsets.extend_from_slice(&offset.to_le_bytes());
        self.last = Some(offset);
        self.rises = rises;
        Ok(())
    }

    fn add<'a>(
        &mut self,
        time: Option<i64>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = Header<'a>>,
    ) -> Result<(), PageError> {
        let mut kind = 0;
        for (bytes, present) in [(key, KEY), (value, VALUE)] {
            if let Some(bytes) = bytes {
                kind |= present;
                self.data.extend_from_slice(bytes);
            }
            let end = small(self.data.len())?;
            self.ends.extend_from_slice(&end.to_le_bytes());
        }
        if time.is_some() {
            kind |= TIME;
        }
        for header in headers {
            for bytes in [header.name, header.value] {
                self.header_data.extend_from_slice(bytes);
                let end = small(self.header_data.len())?;
                self.header_ends.extend_from_slice(&end.to_le_bytes());
            }
        }
        let counted = small(self.header_ends.len() / 8)?;
        self.header_counts.extend_from_slice(&counted.to_le_bytes());
        let time = time.unwrap_or_default();
        self.times.extend_from_slice(&time.to_le_bytes());
        self.kinds.push(kind);
        Ok(())
    }

    /// The page. `next` is the offset to read next, and 0 in a page of records to
    /// append.
    ///
    /// # Errors
    /// `too-large` if the records have more bytes than a page can name, `invalid` if
    /// `next` is no offset.
    pub fn finish(self, next: u64) -> Result<Vec<u8>, PageError> {
        if next > OFFSET_MAX {
            return Err(PageError::Malformed {
                what: "next offset",
                record: None,
            });
        }
        let head = Head {
            offsets: self.names_offsets,
            records: small(self.kinds.len())?,
            headers: small(self.header_ends.len() / 8)?,
            data: small(self.data.len().saturating_add(self.header_data.len()))?,
            next,
        };
        let length = usize::try_from(head.length()).map_err(|_| PageError::TooLarge)?;
        let mut page = Vec::new();
        page.try_reserve_exact(length)
            .map_err(|_| PageError::TooLarge)?;
        page.extend_from_slice(&head.encode());
        page.extend_from_slice(&self.offsets);
        page.extend_from_slice(&self.times);
        page.extend_from_slice(&self.ends);
        if head.headers > 0 {
            page.extend_from_slice(&self.header_counts);
        }
        // The data of headers follows that of records.
        let before = small(self.data.len())?;
        for end in self.header_ends.as_chunks::<4>().0 {
            let end = u32::from_le_bytes(*end) + before;
            page.extend_from_slice(&end.to_le_bytes());
        }
        page.extend_from_slice(&self.kinds);
        page.extend_from_slice(&self.data);
        page.extend_from_slice(&self.header_data);
        Ok(page)
    }

    fn bad(&self, what: &'static str) -> PageError {
        PageError::Malformed {
            what,
            record: Some(self.kinds.len()),
        }
    }
}

fn small(length: usize) -> Result<u32, PageError> {
    u32::try_from(length).map_err(|_| PageError::TooLarge)
}
