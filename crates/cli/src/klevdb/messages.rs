//! Owns the two layouts of a data file. Nothing read is trusted: a length is bounded
//! before it is read, and memory by the bytes that are there.

use std::fmt;
use std::io::{self, Read};

use crc32c::crc32c;

const MAGIC: [u8; 6] = *b"\xffklevs";
const FILE_HEADER: usize = 8;
/// Offset, time, both lengths and the checksum: the same in both layouts, in another
/// order.
const MESSAGE_HEADER: usize = 28;
const TRAILER: [u8; 8] = 0xDEAD_BEEF_FEED_FACE_u64.to_be_bytes();
/// Key and value of a message.
const BODY_MAX: u64 = 64 << 20;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its offset in klevdb.
    pub offset: u64,
    /// Microseconds since 1970.
    pub time: i64,
    /// The key, unless it has no bytes.
    pub key: Option<&'a [u8]>,
    /// The value, unless it has no bytes.
    pub value: Option<&'a [u8]>,
}

/// Why there is no next message.
#[derive(Debug)]
pub enum Broken {
    /// The file cannot be read.
    Io(io::Error),
    /// What is at this position, in bytes, is no message.
    Damaged {
        /// Where.
        position: u64,
        /// What is wrong there.
        wrong: Wrong,
    },
}

/// What is wrong with a file or a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The file begins with neither layout.
    NoLayout,
    /// The file is of a layout that is not known.
    Layout(u8),
    /// The file ends within a message.
    Short,
    /// A length is negative, or beyond 64 MiB.
    Length,
    /// The checksum is another one.
    Checksum,
    /// The bytes after a message are not those that must be there.
    Trailer,
    /// The offset is not above the one before, or negative.
    Offset,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoLayout => "the file begins neither as klevdb's V1 nor as its V2",
            Self::Layout(version) => {
                return write!(f, "the file is of klevdb's layout {version}, not V1 or V2");
            }
            Self::Short => "the file ends within a message",
            Self::Length => "a length is negative or beyond 64 MiB",
            Self::Checksum => "a checksum does not match",
            Self::Trailer => "the mark at the end of a message is missing",
            Self::Offset => "an offset is not above the one before",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    V1,
    V2,
}

/// The messages of one data file, in order.
pub struct Messages<R> {
    input: R,
    layout: Layout,
    position: u64,
    /// What was read already to learn the layout.
    ahead: Vec<u8>,
    /// The message being read, behind its checksum.
    payload: Vec<u8>,
    /// The lowest offset that may come.
    at_least: u64,
}

impl<R: Read> Messages<R> {
    /// The messages of a file whose name says that it begins at offset `base`.
    ///
    /// # Errors
    /// It cannot be read, or is of neither layout.
    pub fn open(mut input: R, base: u64) -> Result<Self, Broken> {
        let mut ahead = Vec::new();
        take(&mut input, FILE_HEADER as u64, &mut ahead)?;
        let damaged = |wrong| Broken::Damaged { position: 0, wrong };
        let layout = match ahead.as_slice() {
            [] => Layout::V1,
            [magic @ .., 1, 0] if magic == MAGIC => Layout::V2,
            [magic @ .., version, _] if magic == MAGIC => {
                return Err(damaged(Wrong::Layout(*version)));
            }
            first if first == base.to_be_bytes() => Layout::V1,
            [..] if ahead.len() < FILE_HEADER => return Err(damaged(Wrong::Short)),
            [..] => return Err(damaged(Wrong::NoLayout)),
        };
        let position = match layout {
            Layout::V1 => 0,
            Layout::V2 => {
                ahead.clear();
                FILE_HEADER as u64
            }
        };
        Ok(Self {
            input,
            layout,
            position,
            ahead,
            payload: Vec::new(),
            at_least: base,
        })
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// It cannot be read, or what is there is no message.
    pub fn next(&mut self) -> Result<Option<Message<'_>>, Broken> {
        let position = self.position;
        let damaged = |wrong| Broken::Damaged { position, wrong };
        let mut header = std::mem::take(&mut self.ahead);
        let missing = MESSAGE_HEADER - header.len();
        take(&mut self.input, missing as u64, &mut header)?;
        if header.is_empty() {
            return Ok(None);
        }
        let header: [u8; MESSAGE_HEADER] = header.try_into().map_err(|_| damaged(Wrong::Short))?;
        let (facts, checksum) = match self.layout {
            Layout::V1 => (&header[..24], &header[24..]),
            Layout::V2 => (&header[4..], &header[..4]),
        };
        let (offset, time) = (word(&facts[..8]), word(&facts[8..16]).cast_signed());
        let (keys, values) = (word(&facts[16..20]), word(&facts[20..]));
        let body = keys + values;
        // What is negative is far beyond the bound, read as a number without a sign.
        if keys > BODY_MAX || values > BODY_MAX || body > BODY_MAX {
            return Err(damaged(Wrong::Length));
        }
        self.payload.clear();
        let (before, after) = match self.layout {
            Layout::V1 => (0, 0),
            Layout::V2 => {
                self.payload.extend_from_slice(facts);
                (facts.len(), TRAILER.len())
            }
        };
        let wanted = body + after as u64;
        take(&mut self.input, wanted, &mut self.payload)?;
        if self.payload.len() as u64 != before as u64 + wanted {
            return Err(damaged(Wrong::Short));
        }
        if u64::from(crc32c(&self.payload)) != word(checksum) {
            return Err(damaged(Wrong::Checksum));
        }
        let (body, trailer) = self.payload[before..].split_at(body as usize);
        if self.layout == Layout::V2 && trailer != TRAILER {
            return Err(damaged(Wrong::Trailer));
        }
        if offset < self.at_least || offset > i64::MAX.cast_unsigned() {
            return Err(damaged(Wrong::Offset));
        }
        self.at_least = offset + 1;
        self.position += MESSAGE_HEADER as u64 + wanted;
        let (key, value) = body.split_at(keys as usize);
        let present = |bytes: &'_ [u8]| !bytes.is_empty();
        Ok(Some(Message {
            offset,
            time,
            key: Some(key).filter(|key| present(key)),
            value: Some(value).filter(|value| present(value)),
        }))
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The lowest offset that may come next.
    pub fn at_least(&self) -> u64 {
        self.at_least
    }
}

/// Adds up to `count` bytes to `into`: fewer only if the input ends.
fn take(input: &mut impl Read, count: u64, into: &mut Vec<u8>) -> Result<(), Broken> {
    // Grows with what is there, whatever the count claims.
    let read = input.take(count).read_to_end(into);
    read.map(drop).map_err(Broken::Io)
}

/// The number that these bytes are.
fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
