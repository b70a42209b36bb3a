//! `append`: records from lines of the standard input.

use std::borrow::Cow;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::args::{Appending, Shared, batch};
use crate::batch::{Batches, too_large};
use crate::creation::Creation;
use crate::error::Failure;
use crate::rows::{Lines, Place, Source, not_json};
use crate::{opening, output};

/// Append lines of the standard input.
#[derive(Debug, Args)]
pub struct Append {
    /// The log; it is created if there is none.
    log: String,
    /// The key of records that bring none.
    #[arg(long)]
    key: Option<String>,
    /// What a line is.
    #[arg(long, value_enum, default_value_t = LineFormat::Text)]
    format: LineFormat,
    /// Records in a batch, which is all or nothing.
    #[arg(long, default_value = "1", value_parser = batch)]
    batch: usize,
    #[command(flatten)]
    appending: Appending,
    #[command(flatten)]
    creation: Creation,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LineFormat {
    /// The value of a record.
    Text,
    /// A JSON object with "time" (microseconds since 1970), "key" or
    /// "key_base64", "value" or "value_base64", each optional: what cat and
    /// export print. Without a value the record is a tombstone.
    Ndjson,
}

impl Append {
    /// Appends every line.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let mut lines = Lines::new(Source::open(Path::new("-"))?);
        let log = opening::to_append(shared, &self.log, &self.creation)?;
        let appending = &self.appending;
        let mut batches = Batches::new(&log, self.batch, appending.level(), appending.acks);
        let pushed = self.push_all(&mut lines, &mut batches);
        // What came before a bad line is whole, and stays.
        let appended = pushed.and(batches.append());
        let closed = log.close().map_err(Failure::from);
        let done = batches.done();
        appended
            .and(closed)
            .map_err(|failure| failure.and_note(&done.to_string()))?;
        output::conclude(shared.json, appending.acks, &done, &done.to_string())
    }

    fn push_all(&self, lines: &mut Lines, batches: &mut Batches<'_>) -> Result<(), Failure> {
        let key = self.key.as_deref().map(str::as_bytes);
        while let Some((number, line)) = lines.next()? {
            let wrong = |wrong: String| Failure::input(Place::Line(number), wrong);
            match self.format {
                LineFormat::Text => {
                    too_large(key, Some(line)).map_or(Ok(()), |said| Err(wrong(said)))?;
                    batches.push(None, key, Some(line))?;
                }
                LineFormat::Ndjson if line.trim_ascii().is_empty() => {}
                LineFormat::Ndjson => {
                    let record = LineRecord::parse(line).map_err(wrong)?;
                    let key = record.key.as_deref().or(key);
                    let value = record.value.as_deref();
                    too_large(key, value).map_or(Ok(()), |said| Err(wrong(said)))?;
                    batches.push(record.time, key, value)?;
                }
            }
        }
        Ok(())
    }
}

/// A record as a line of JSON gives it.
struct LineRecord<'a> {
    time: Option<i64>,
    key: Option<Cow<'a, [u8]>>,
    value: Option<Cow<'a, [u8]>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    /// Accepted and left out: an append gives offsets, it takes none.
    #[serde(default, rename = "offset")]
    _offset: Option<IgnoredAny>,
    time: Option<i64>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key_base64: Option<Cow<'a, str>>,
    #[serde(borrow)]
    value: Option<Cow<'a, str>>,
    #[serde(borrow)]
    value_base64: Option<Cow<'a, str>>,
}

impl<'a> LineRecord<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, String> {
        let line: Line<'a> = serde_json::from_slice(line).map_err(|error| not_json(&error))?;
        Ok(Self {
            time: line.time,
            key: bytes("key", line.key, line.key_base64)?,
            value: bytes("value", line.value, line.value_base64)?,
        })
    }
}

fn bytes<'a>(
    name: &str,
    text: Option<Cow<'a, str>>,
    base64: Option<Cow<'a, str>>,
) -> Result<Option<Cow<'a, [u8]>>, String> {
    match (text, base64) {
        (Some(_), Some(_)) => Err(format!("{name} and {name}_base64 exclude each other")),
        (Some(Cow::Borrowed(text)), None) => Ok(Some(Cow::Borrowed(text.as_bytes()))),
        (Some(Cow::Owned(text)), None) => Ok(Some(Cow::Owned(text.into_bytes()))),
        (None, Some(encoded)) => BASE64_STANDARD
            .decode(encoded.as_bytes())
            .map(|bytes| Some(Cow::Owned(bytes)))
            .map_err(|error| format!("{name}_base64 is no base64: {error}")),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_json_are_what_cat_prints() {
        let parsed =
            LineRecord::parse(br#"{"offset":7,"time":-5,"key_base64":"gA==","value":"a\nb"}"#)
                .unwrap();
        assert_eq!(parsed.time, Some(-5));
        assert_eq!(parsed.key.as_deref(), Some(&b"\x80"[..]));
        assert_eq!(parsed.value.as_deref(), Some(&b"a\nb"[..]));
        let tombstone = LineRecord::parse(br#"{"key":"k","value":null}"#).unwrap();
        assert_eq!(tombstone.key.as_deref(), Some(&b"k"[..]));
        assert_eq!(tombstone.value, None);
    }

    #[test]
    fn what_a_line_may_not_hold_is_named() {
        for (line, said) in [
            (r#"{"vaule":"x"}"#, "unknown field `vaule`"),
            (
                r#"{"value":"x","value_base64":"eA=="}"#,
                "exclude each other",
            ),
            (r#"{"key_base64":"?"}"#, "key_base64 is no base64"),
            (r#"{"time":1.5}"#, "floating point `1.5`"),
            ("[]", "column"),
            ("x", "not valid JSON"),
        ] {
            let Err(wrong) = LineRecord::parse(line.as_bytes()) else {
                panic!("{line} was accepted");
            };
            assert!(wrong.contains(said), "{line}: {wrong}");
        }
    }
}
