//! Owns which names a log may have.

use core::fmt;

use crate::limits::NAME_MAX;

/// Why a name is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It has no characters.
    Empty,
    /// It has more than [`NAME_MAX`] bytes.
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// It has a control character at this byte.
    Control {
        /// The byte's index.
        at: usize,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a log's name has at least one character"),
            Self::TooLong { bytes } => {
                write!(
                    f,
                    "a log's name has at most {NAME_MAX} bytes, this one has {bytes}"
                )
            }
            Self::Control { at } => {
                write!(
                    f,
                    "a log's name has no control characters, this one has one at byte {at}"
                )
            }
        }
    }
}

impl core::error::Error for NameError {}

/// Whether a log may be called `name`: 1 to [`NAME_MAX`] bytes of UTF-8 without
/// control characters. Names are compared byte by byte, and never become names of
/// files.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_MAX {
        return Err(NameError::TooLong { bytes: name.len() });
    }
    match name.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(NameError::Control { at }),
        None => Ok(()),
    }
}
