//! Owns reading a page: bytes that may hold anything in, records that borrow from
//! them out. Everything is verified before the first record is handed out.

use alloc::vec::Vec;

use tidelog_core::limits::OFFSET_MAX;
use tidelog_core::{Header, NewRecord};

use crate::error::PageError;
use crate::layout::{Head, KEY, TIME, VALUE, u32_at, u64_at};

/// A page that was verified.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    head: Head,
    offsets: &'a [u8],
    times: &'a [u8],
    ends: &'a [u8],
    header_counts: &'a [u8],
    header_ends: &'a [u8],
    kinds: &'a [u8],
    data: &'a [u8],
}

/// A record of a page.
#[derive(Clone, Copy, Debug)]
pub struct PageRecord<'a> {
    /// Its offset, in a page of records that were read.
    pub offset: Option<u64>,
    /// Microseconds since 1970-01-01T00:00:00Z, unless the log's host is to say.
    pub time: Option<i64>,
    /// The key, if any.
    pub key: Option<&'a [u8]>,
    /// The value, if any.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: PageHeaders<'a>,
}

impl<'a> Page<'a> {
    /// Verifies a page. Allocates nothing.
    ///
    /// # Errors
    /// `invalid` if the bytes are not a page, or one that contradicts itself;
    /// `unsupported` if it is of another version of the layout.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PageError> {
        let (head, mut rest) = Head::decode(bytes)?;
        let mut column = |length: u64| {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let (column, left) = rest.split_at_checked(length).unwrap_or((&[], &[]));
            rest = left;
            column
        };
        let columns = head.columns().map(&mut column);
        let [
            offsets,
            times,
            ends,
            header_counts,
            header_ends,
            kinds,
            data,
        ] = columns;
        let page = Self {
            head,
            offsets,
            times,
            ends,
            header_counts,
            header_ends,
            kinds,
            data,
        };
        page.verify()?;
        Ok(page)
    }

    fn verify(&self) -> Result<(), PageError> {
        let bad = |what, record| PageError::Malformed { what, record };
        if self.head.next > OFFSET_MAX {
            return Err(bad("next offset", None));
        }
        let (mut end, mut headers) = (0, 0);
        for (index, kind) in self.kinds.iter().enumerate() {
            let at = Some(index);
            if kind & !(TIME | KEY | VALUE) != 0 {
                return Err(bad("kind", at));
            }
            if kind & TIME == 0 && u64_at(self.times, index) != 0 {
                return Err(bad("absent time", at));
            }
            for (part, present) in [(2 * index, KEY), (2 * index + 1, VALUE)] {
                let next = u32_at(self.ends, part);
                if next < end || next > self.head.data {
                    return Err(bad("end of a key or value", at));
                }
                if kind & present == 0 && next != end {
                    return Err(bad("absent key or value", at));
                }
                end = next;
            }
            if self.head.headers > 0 {
                let next = u32_at(self.header_counts, index);
                if next < headers {
                    return Err(bad("number of headers", at));
                }
                headers = next;
            }
        }
        if headers != self.head.headers {
            return Err(bad("number of headers", None));
        }
        for part in 0..self.header_ends.len() / 4 {
            let next = u32_at(self.header_ends, part);
            if next < end {
                return Err(bad("end of a header", None));
            }
            end = next;
        }
        if end != self.head.data {
            return Err(bad("length of data", None));
        }
        self.verify_offsets()
    }

    fn verify_offsets(&self) -> Result<(), PageError> {
        if !self.head.offsets {
            return Ok(());
        }
        let all = || (0..self.kinds.len()).map(|index| u64_at(self.offsets, index));
        let pairs = || all().zip(all().skip(1));
        let rises = pairs().next().is_none_or(|(first, second)| first < second);
        let wrong = pairs().position(|(one, other)| (one < other) != rises || one == other);
        let beyond = all().position(|offset| offset > OFFSET_MAX);
        match wrong.map(|index| index + 1).or(beyond) {
            Some(index) => Err(PageError::Malformed {
                what: "offset",
                record: Some(index),
            }),
            None => Ok(()),
        }
    }

    /// How many records it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The offset to read next, in a page of records that were read; see
    /// [`Batch::next`](tidelog_core::Batch::next).
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.head.next
    }

    /// Whether it names the offset of each record, as one that was read does.
    #[must_use]
    pub const fn has_offsets(&self) -> bool {
        self.head.offsets
    }

    /// The records, in order.
    #[must_use]
    pub const fn records(&self) -> PageRecords<'a> {
        PageRecords {
            page: *self,
            index: 0,
        }
    }

    /// The headers of all records, in order: what [`new_records`](Self::new_records)
    /// borrows from.
    #[must_use]
    pub fn headers(&self) -> Vec<Header<'a>> {
        let all = PageHeaders {
            page: *self,
            index: 0,
            end: self.head.headers as usize,
        };
        all.collect()
    }

    /// The records as [`append`](tidelog_core::Log::append) takes them. `headers` is
    /// what [`headers`](Self::headers) gave.
    #[must_use]
    pub fn new_records<'h>(&self, headers: &'h [Header<'a>]) -> Vec<NewRecord<'h>>
    where
        'a: 'h,
    {
        let of = |record: PageRecord<'a>| NewRecord {
            time: record.time,
            key: record.key,
            value: record.value,
            headers: headers
                .get(record.headers.index..record.headers.end)
                .unwrap_or_default(),
        };
        self.records().map(of).collect()
    }

    fn record(&self, index: usize) -> Option<PageRecord<'a>> {
        let kind = *self.kinds.get(index)?;
        let before = match index.checked_sub(1) {
            Some(before) => u32_at(self.ends, 2 * before + 1),
            None => 0,
        };
        let (middle, end) = (
            u32_at(self.ends, 2 * index),
            u32_at(self.ends, 2 * index + 1),
        );
        let first = match index.checked_sub(1) {
            Some(before) => u32_at(self.header_counts, before),
            None => 0,
        };
        let headers = PageHeaders {
            page: *self,
            index: first as usize,
            end: u32_at(self.header_counts, index) as usize,
        };
        Some(PageRecord {
            offset: self.head.offsets.then(|| u64_at(self.offsets, index)),
            time: (kind & TIME != 0).then(|| u64_at(self.times, index).cast_signed()),
            key: self.bytes(before, middle).filter(|_| kind & KEY != 0),
            value: self.bytes(middle, end).filter(|_| kind & VALUE != 0),
            headers,
        })
    }

    fn bytes(&self, from: u32, to: u32) -> Option<&'a [u8]> {
        self.data.get(from as usize..to as usize)
    }

    fn header(&self, index: usize) -> Option<Header<'a>> {
        let before = match (2 * index).checked_sub(1) {
            Some(before) => u32_at(self.header_ends, before),
            None => match self.kinds.len().checked_sub(1) {
                Some(last) => u32_at(self.ends, 2 * last + 1),
                None => 0,
            },
        };
        let (middle, end) = (
            u32_at(self.header_ends, 2 * index),
            u32_at(self.header_ends, 2 * index + 1),
        );
        Some(Header {
            name: self.bytes(before, middle)?,
            value: self.bytes(middle, end)?,
        })
    }
}

/// The records of a [`Page`].
#[derive(Clone, Debug)]
pub struct PageRecords<'a> {
    page: Page<'a>,
    index: usize,
}

impl<'a> Iterator for PageRecords<'a> {
    type Item = PageRecord<'a>;

    fn next(&mut self) -> Option<PageRecord<'a>> {
        let record = self.page.record(self.index)?;
        self.index += 1;
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.page.len() - self.index;
        (left, Some(left))
    }
}

impl ExactSizeIterator for PageRecords<'_> {}

/// The headers of a [`PageRecord`].
#[derive(Clone, Copy, Debug)]
pub struct PageHeaders<'a> {
    page: Page<'a>,
    index: usize,
    end: usize,
}

impl<'a> Iterator for PageHeaders<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        if self.index >= self.end {
            return None;
        }
        let header = self.page.header(self.index)?;
        self.index += 1;
        Some(header)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.index);
        (left, Some(left))
    }
}

impl ExactSizeIterator for PageHeaders<'_> {}
