//! Owns reading directories of klevdb, the log of the Go world. May not know what a
//! tidelog is.
//!
//! A directory holds data files named after the offset they begin at, `N.log`, and index
//! files beside them, which are not needed. A data file is of one of two layouts; all
//! integers are big-endian, checksums are CRC-32C, and key and value together are at
//! most 64 MiB:
//!
//! | layout | file begins with | message |
//! |---|---|---|
//! | V1 | its first message, whose offset is that of the file's name | offset i64, time i64 in microseconds, key length i32, value length i32, checksum u32 of key and value, key, value |
//! | V2 | `ff 6b 6c 65 76 73 01 00` | checksum u32 of what follows, offset, time, key length, value length, key, value, `de ad be ef fe ed fa ce` |
//!
//! klevdb does not tell an absent key or value from an empty one, and takes a message
//! without a value for a tombstone; so here what has no bytes is absent.

mod directory;
mod messages;
mod offsets;

pub use directory::{DataFile, data_files};
pub use messages::{Broken, Message, Messages};
pub use offsets::Offsets;
