//! Owns turning a file into rows, one at a time. May not know what a log is: a
//! row is a time, a key and a value, or the reason why it is none of that.

mod compact;
mod csv;
mod fields;
mod json;
mod ndjson;
mod source;
mod time;

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use clap::ValueEnum;

use crate::error::Failure;

pub use compact::compact;
pub use fields::Fields;
pub use ndjson::{Lines, not_json};
pub use source::Source;
pub use time::{TimeRule, TimeUnit, describe, parse_base};

/// How rows are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON value a line.
    Ndjson,
    /// A header line, then one row a line.
    Csv,
    /// One JSON array; every element is a row.
    Json,
}

impl Format {
    /// The format that the extension of `path` names.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension().and_then(OsStr::to_str)?;
        match extension.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// What becomes a record.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Microseconds since 1970, or `None` for the time of the append.
    pub time: Option<i64>,
    /// The key, if rows have one.
    pub key: Option<&'a [u8]>,
    /// The row as compact JSON.
    pub value: &'a [u8],
}

/// Where a row stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line, from 1.
    Line(u64),
    /// An element of an array, from 1.
    Element(u64),
    /// A byte of a file that is no text, from 0.
    Byte(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Element(number) => write!(f, "element {number}"),
            Self::Byte(position) => write!(f, "byte {position}"),
        }
    }
}

/// Which fields of a row become its record's key and time.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// The field that holds the key.
    pub key: Option<String>,
    /// The field that holds the time.
    pub time: Option<String>,
    /// How a time is read.
    pub rule: TimeRule,
}

/// Takes rows one by one: a row, or what is wrong with it. Its failure ends the
/// reading.
pub type Sink<'s> = dyn FnMut(Place, Result<Row<'_>, String>) -> Result<(), Failure> + 's;

/// Hands every row of `source` to `sink`, in order.
///
/// # Errors
/// The sink's failure, a failure to read, or input so broken that no next row
/// can be found.
pub fn read(
    format: Format,
    source: Source,
    mapping: &Mapping,
    sink: &mut Sink<'_>,
) -> Result<(), Failure> {
    match format {
        Format::Ndjson => ndjson::read(source, mapping, sink),
        Format::Csv => csv::read(source, mapping, sink),
        Format::Json => json::read(source, mapping, sink),
    }
}
