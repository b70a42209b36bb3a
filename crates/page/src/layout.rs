//! Owns the byte positions of a page, as `docs/PAGE.md` gives them. Nothing else
//! in the crate holds one.

use crate::error::PageError;

pub(crate) const MAGIC: [u8; 4] = *b"TLPG";
pub(crate) const VERSION: u8 = 1;
pub(crate) const HEADER: usize = 32;

/// The flag of a page that names the offset of each record.
pub(crate) const OFFSETS: u8 = 1;

/// What of a record is there, in its byte of the column of kinds.
pub(crate) const TIME: u8 = 1;
pub(crate) const KEY: u8 = 2;
pub(crate) const VALUE: u8 = 4;

/// The fields of a page's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) offsets: bool,
    pub(crate) records: u32,
    pub(crate) headers: u32,
    pub(crate) data: u32,
    pub(crate) next: u64,
}

impl Head {
    /// Lengths of the columns in order: offsets, times, ends, header counts, header
    /// ends, kinds, data.
    pub(crate) fn columns(&self) -> [u64; 7] {
        let (records, headers) = (u64::from(self.records), u64::from(self.headers));
        let if_any = u64::from(headers > 0);
        [
            records * 8 * u64::from(self.offsets),
            records * 8,
            records * 8,
            records * 4 * if_any,
            headers * 8,
            records,
            u64::from(self.data),
        ]
    }

    /// Bytes of the whole page.
    pub(crate) fn length(&self) -> u64 {
        HEADER as u64 + self.columns().iter().sum::<u64>()
    }

    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let fields: [&[u8]; 7] = [
            &MAGIC,
            &[VERSION, u8::from(self.offsets) * OFFSETS, 0, 0],
            &self.records.to_le_bytes(),
            &self.headers.to_le_bytes(),
            &self.data.to_le_bytes(),
            &[0; 4],
            &self.next.to_le_bytes(),
        ];
        for (place, byte) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *place = *byte;
        }
        bytes
    }

    /// The header of a page, and what follows it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), PageError> {
        let malformed = |what| PageError::Malformed { what, record: None };
        if !bytes.starts_with(&MAGIC) {
            return Err(PageError::Magic);
        }
        let short = PageError::Length {
            expected: HEADER as u64,
            found: bytes.len() as u64,
        };
        let (head, rest) = bytes.split_first_chunk::<HEADER>().ok_or(short)?;
        let [
            _,
            _,
            _,
            _,
            version,
            flags,
            zero @ ..,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
        ] = head;
        if *version != VERSION {
            return Err(PageError::Version(*version));
        }
        if flags & !OFFSETS != 0 {
            return Err(malformed("flag"));
        }
        let [0, 0, words @ .., 0, 0, 0, 0] = zero else {
            return Err(malformed("reserved byte"));
        };
        let next = head.last_chunk::<8>().copied().unwrap_or_default();
        let decoded = Self {
            offsets: flags & OFFSETS != 0,
            records: u32_at(words, 0),
            headers: u32_at(words, 1),
            data: u32_at(words, 2),
            next: u64::from_le_bytes(next),
        };
        let found = bytes.len() as u64;
        let expected = decoded.length();
        match expected == found {
            true => Ok((decoded, rest)),
            false => Err(PageError::Length { expected, found }),
        }
    }
}

/// The item with this index of a column of 32-bit integers; 0 beyond its end.
pub(crate) fn u32_at(column: &[u8], index: usize) -> u32 {
    let at = index.checked_mul(4).and_then(|at| column.get(at..));
    let bytes = at.and_then(<[u8]>::first_chunk);
    bytes.copied().map_or(0, u32::from_le_bytes)
}

/// The item with this index of a column of 64-bit integers; 0 beyond its end.
pub(crate) fn u64_at(column: &[u8], index: usize) -> u64 {
    let at = index.checked_mul(8).and_then(|at| column.get(at..));
    let bytes = at.and_then(<[u8]>::first_chunk);
    bytes.copied().map_or(0, u64::from_le_bytes)
}
