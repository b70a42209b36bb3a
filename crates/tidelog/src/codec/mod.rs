//! Codecs: how the keys and the values of a [`TypedLog`](crate::TypedLog) become bytes.
//!
//! | codec | items | absent and empty |
//! |---|---|---|
//! | [`Bytes`] | `Vec<u8>` | empty bytes are empty |
//! | [`Text`] | `String` | `""` is written as absent |
//! | [`OptionalText`] | `String` | `""` is present, as JSON |
//! | [`Varint`] | `i64` | 0 is one byte |
//! | [`Json`] | what serde knows | `null` is present, as JSON |
//! | `MessagePack` (feature `messagepack`) | what serde knows | nil is present |

mod bytes;
mod json;
#[cfg(feature = "messagepack")]
mod message_pack;
mod text;
mod varint;

use std::error::Error;
use std::fmt;

pub use bytes::Bytes;
pub use json::Json;
#[cfg(feature = "messagepack")]
pub use message_pack::MessagePack;
pub use text::{OptionalText, Text};
pub use varint::Varint;

/// Writes items as bytes, and reads them back.
///
/// A key or a value that is not there is none of its business: that is an `Option`
/// around its items, so that absent and empty stay different.
pub trait Codec {
    /// What is read.
    type Item;
    /// What is written: the item, or what it is borrowed as.
    type Given: ?Sized;
    /// What errors call it.
    const NAME: &'static str;

    /// Appends the bytes of `given` to `into`, or says that it is written as absent.
    ///
    /// # Errors
    /// There is no way to write it.
    fn encode(&self, given: &Self::Given, into: &mut Vec<u8>) -> Result<Presence, CodecError>;

    /// The item that these bytes are, all of them.
    ///
    /// # Errors
    /// They are none.
    fn decode(&self, bytes: &[u8]) -> Result<Self::Item, CodecError>;
}

/// Whether an item is written at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is written as bytes, which may be none.
    Present,
    /// The record does not have it.
    Absent,
}

/// What is wrong with an item, or with bytes, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecError(String);

impl CodecError {
    /// The reason.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for CodecError {}

#[cfg(test)]
pub(crate) fn round_trip<C: Codec>(codec: &C, given: &C::Given) -> Option<C::Item> {
    let mut bytes = Vec::new();
    match codec.encode(given, &mut bytes).unwrap() {
        Presence::Present => Some(codec.decode(&bytes).unwrap()),
        Presence::Absent => None,
    }
}
