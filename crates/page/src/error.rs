//! Owns why bytes are not a page, or records do not fit into one.

use core::fmt;

use tidelog_core::ErrorKind;

/// Why bytes are not a page, or records do not fit into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageError {
    /// The bytes do not begin as a page does.
    Magic,
    /// The page is of another version of the layout.
    Version(u8),
    /// The header asks for another number of bytes than there are.
    Length {
        /// Bytes that a page of this header has; `u64::MAX` if no page could.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A field of the header, or a column, holds what it may not.
    Malformed {
        /// Which one.
        what: &'static str,
        /// The record it concerns, from 0; `None` for the page as a whole.
        record: Option<usize>,
    },
    /// The records have more bytes, or there are more of them, than a page can name.
    TooLarge,
}

impl PageError {
    /// What the caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Version(_) => ErrorKind::Unsupported,
            Self::TooLarge => ErrorKind::TooLarge,
            Self::Magic | Self::Length { .. } | Self::Malformed { .. } => ErrorKind::Invalid,
        }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("these bytes are not a page of records"),
            Self::Version(version) => write!(
                f,
                "the page has layout version {version}, and this build knows version 1: \
                 bring both sides to the same release"
            ),
            Self::Length { expected, found } => write!(
                f,
                "the page has {found} bytes, and its header asks for {expected}"
            ),
            Self::Malformed {
                what,
                record: Some(record),
            } => write!(f, "the page holds a bad {what} at record {record}"),
            Self::Malformed { what, record: None } => write!(f, "the page holds a bad {what}"),
            Self::TooLarge => f.write_str("the records do not fit into one page; send fewer"),
        }
    }
}

impl core::error::Error for PageError {}
