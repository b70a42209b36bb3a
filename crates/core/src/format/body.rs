//! Owns the body of a batch: its records, one after the other.
//!
//! # Format
//!
//! Per record: time delta to the frame's base time (signed varint); offset delta
//! to its base offset (varint, only with the gaps attribute); key length + 1 and
//! the key, 0 for absent; value length + 1 and the value, 0 for absent; with the
//! headers attribute the number of headers and for each its name and value, each
//! behind its length.

use alloc::vec::Vec;

use super::wire::{Input, put_signed, put_varint};
use super::{Attributes, Fault};
use crate::limits;
use crate::record::{Header, Headers};

/// Bytes of the shortest record.
pub(crate) const RECORD_MIN: u64 = 3;

/// Which optional fields the records of a frame carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) headers: bool,
    pub(crate) gaps: bool,
}

impl From<Attributes> for Shape {
    fn from(attributes: Attributes) -> Self {
        Self {
            headers: attributes.headers,
            gaps: attributes.gaps,
        }
    }
}

/// Writes records behind each other into a body.
pub(crate) struct BodyWriter<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) shape: Shape,
    pub(crate) base_time: i64,
}

impl BodyWriter<'_> {
    #[inline]
    pub(crate) fn push(
        &mut self,
        offset_delta: u64,
        time: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) {
        put_signed(self.out, time.wrapping_sub(self.base_time));
        if self.shape.gaps {
            put_varint(self.out, offset_delta);
        }
        self.optional(key);
        self.optional(value);
        if self.shape.headers {
            put_varint(self.out, headers.len() as u64);
            for header in headers {
                self.bytes(header.name);
                self.bytes(header.value);
            }
        }
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => {
                put_varint(self.out, bytes.len() as u64 + 1);
                self.out.extend_from_slice(bytes);
            }
            None => self.out.push(0),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        put_varint(self.out, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }
}

/// One record as it lies in a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordShape<'a> {
    pub(crate) time_delta: i64,
    /// `None` where the frame has no gaps: then the record's place tells.
    pub(crate) offset_delta: Option<u64>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Headers<'a>,
    /// Bytes it takes.
    pub(crate) length: usize,
}

impl<'a> RecordShape<'a> {
    /// Reads the record at the start of `bytes`.
    #[inline]
    pub(crate) fn decode(bytes: &'a [u8], shape: Shape) -> Result<Self, Fault> {
        let mut input = Input::new(bytes);
        let time_delta = input.signed()?;
        let offset_delta = if shape.gaps {
            Some(input.varint()?)
        } else {
            None
        };
        let key = optional(&mut input)?;
        let value = optional(&mut input)?;
        let headers = if shape.headers {
            headers(&mut input)?
        } else {
            Headers::default()
        };
        let length = bytes.len() - input.left();
        Ok(Self {
            time_delta,
            offset_delta,
            key,
            value,
            headers,
            length,
        })
    }
}

fn optional<'a>(input: &mut Input<'a>) -> Result<Option<&'a [u8]>, Fault> {
    match input.length()? {
        0 => Ok(None),
        length => input.take(length - 1).map(Some),
    }
}

fn headers<'a>(input: &mut Input<'a>) -> Result<Headers<'a>, Fault> {
    let count = input.length()?;
    if count > limits::HEADERS_MAX {
        return Err(Fault::Malformed("number of headers"));
    }
    let start = *input;
    for _ in 0..count {
        header(input)?;
    }
    let mut raw = start;
    Ok(Headers::encoded(
        raw.take(start.left() - input.left())?,
        count,
    ))
}

fn header<'a>(input: &mut Input<'a>) -> Result<Header<'a>, Fault> {
    let name = input.length()?;
    let name = input.take(name)?;
    let value = input.length()?;
    Ok(Header {
        name,
        value: input.take(value)?,
    })
}

/// The header at the start of `bytes`, and what follows it.
pub(crate) fn next_header(bytes: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let mut input = Input::new(bytes);
    let header = header(&mut input).ok()?;
    input.take(input.left()).ok().map(|rest| (header, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_empty_stay_different() {
        let headers = [
            Header {
                name: b"a",
                value: b"",
            },
            Header {
                name: b"",
                value: b"b",
            },
        ];
        for gaps in [false, true] {
            for key in [None, Some(&b""[..]), Some(&b"k"[..])] {
                for value in [None, Some(&b""[..]), Some(&b"value"[..])] {
                    for headers in [&[][..], &headers[..]] {
                        let shape = Shape {
                            headers: !headers.is_empty(),
                            gaps,
                        };
                        let mut out = Vec::new();
                        BodyWriter {
                            out: &mut out,
                            shape,
                            base_time: 10,
                        }
                        .push(4, -5, key, value, headers);
                        let length = out.len();
                        out.push(0xff);
                        let read = RecordShape::decode(&out, shape).unwrap();
                        assert_eq!((read.key, read.value), (key, value));
                        assert_eq!((read.time_delta, read.length), (-15, length));
                        assert_eq!(read.offset_delta, gaps.then_some(4));
                        assert_eq!(read.headers.into_iter().collect::<Vec<_>>(), headers);
                        for cut in 0..length {
                            assert!(RecordShape::decode(&out[..cut], shape).is_err());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn times_span_the_whole_range() {
        let shape = Shape {
            headers: false,
            gaps: false,
        };
        for (base, time) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (0, -1)] {
            let mut out = Vec::new();
            BodyWriter {
                out: &mut out,
                shape,
                base_time: base,
            }
            .push(0, time, None, None, &[]);
            let read = RecordShape::decode(&out, shape).unwrap();
            assert_eq!(base.wrapping_add(read.time_delta), time);
        }
    }
}
