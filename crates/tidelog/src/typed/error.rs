//! Owns the errors of typed logs, and how errors of the layers below become them.

use std::error::Error;
use std::fmt;

use tidelog_core::{AppendError, ErrorKind, LookupError, StoreError};

use crate::codec::CodecError;

/// A part of a record that a codec is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// An item that its codec cannot write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The place in the batch, from 0; `None` for a key that was asked for.
    pub index: Option<usize>,
    /// Which part.
    pub field: Field,
    /// The codec.
    pub codec: &'static str,
    /// Why.
    pub source: CodecError,
}

/// A record whose bytes are no item of its codec. The others can be read, and so can
/// this one through [`TypedLog::raw`](crate::TypedLog::raw).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The record's offset.
    pub offset: u64,
    /// Which part.
    pub field: Field,
    /// The codec.
    pub codec: &'static str,
    /// Why.
    pub source: CodecError,
}

/// Why a typed batch was not appended.
#[derive(Debug)]
#[non_exhaustive]
pub enum TypedAppendError<E> {
    /// An item cannot be written; nothing of the batch was.
    Encode(EncodeError),
    /// The log refused the batch.
    Append(AppendError<E>),
}

/// Why no typed record was found.
#[derive(Debug)]
#[non_exhaustive]
pub enum TypedLookupError<E> {
    /// The key asked for cannot be written.
    Encode(EncodeError),
    /// The log has no answer.
    Lookup(LookupError<E>),
}

impl EncodeError {
    /// What the caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

impl DecodeError {
    /// What the caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

impl<E: StoreError> TypedAppendError<E> {
    /// What the caller should do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Encode(source) => source.kind(),
            Self::Append(source) => source.kind(),
        }
    }
}

impl<E: StoreError> TypedLookupError<E> {
    /// What the caller should do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Encode(source) => source.kind(),
            Self::Lookup(source) => source.kind(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Value => "value",
        })
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            field,
            codec,
            source,
        } = self;
        match index {
            Some(index) => write!(f, "the {field} of record {index} of the batch")?,
            None => write!(f, "the {field} asked for")?,
        }
        write!(f, " cannot be written as {codec}: {source}")
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            offset,
            field,
            codec,
            source,
        } = self;
        write!(f, "the {field} at offset {offset} is no {codec}: {source}")
    }
}

impl<E: StoreError> fmt::Display for TypedAppendError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(source) => source.fmt(f),
            Self::Append(source) => source.fmt(f),
        }
    }
}

impl<E: StoreError> fmt::Display for TypedLookupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(source) => source.fmt(f),
            Self::Lookup(source) => source.fmt(f),
        }
    }
}

impl Error for EncodeError {}
impl Error for DecodeError {}
impl<E: StoreError> Error for TypedAppendError<E> {}
impl<E: StoreError> Error for TypedLookupError<E> {}

impl<E> From<EncodeError> for TypedAppendError<E> {
    fn from(source: EncodeError) -> Self {
        Self::Encode(source)
    }
}

impl<E> From<AppendError<E>> for TypedAppendError<E> {
    fn from(source: AppendError<E>) -> Self {
        Self::Append(source)
    }
}

impl<E> From<EncodeError> for TypedLookupError<E> {
    fn from(source: EncodeError) -> Self {
        Self::Encode(source)
    }
}

impl<E> From<LookupError<E>> for TypedLookupError<E> {
    fn from(source: LookupError<E>) -> Self {
        Self::Lookup(source)
    }
}
