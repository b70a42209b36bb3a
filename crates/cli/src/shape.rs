//! Owns what a file outside of the logs' directory may be.

use std::ffi::OsStr;
use std::path::Path;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::rows::Format;

/// What is exported to, or imported from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A file of rows.
    Rows(Format),
    /// A directory of klevdb.
    Klevdb,
    /// A whole log.
    Log,
}

impl Shape {
    /// The shape that the extension of `path` names.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension().and_then(OsStr::to_str)?;
        match extension.eq_ignore_ascii_case("tidelog") {
            true => Some(Self::Log),
            false => Format::of(path).map(Self::Rows),
        }
    }
}

impl ValueEnum for Shape {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Rows(Format::Ndjson),
            Self::Rows(Format::Csv),
            Self::Rows(Format::Json),
            Self::Klevdb,
            Self::Log,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Rows(format) => format.to_possible_value(),
            Self::Klevdb => {
                Some(PossibleValue::new("klevdb").help("A directory of klevdb, V1 or V2"))
            }
            Self::Log => {
                let help = "A whole log in one file that can be verified";
                Some(PossibleValue::new("tidelog").help(help))
            }
        }
    }
}
