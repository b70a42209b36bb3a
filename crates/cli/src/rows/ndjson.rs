//! Owns reading lines, and rows that are one JSON value a line.

use std::io::{BufRead, BufReader};

use serde_json::value::RawValue;

use super::source::RowBound;
use super::{Fields, Mapping, Place, Sink, Source, compact};
use crate::error::Failure;

/// Lines of a source, numbered, without their ends.
pub struct Lines {
    source: BufReader<Source>,
    bound: RowBound,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// The lines of `source`.
    pub fn new(source: Source) -> Self {
        Self {
            bound: source.bound(),
            source: BufReader::with_capacity(64 << 10, source),
            line: Vec::new(),
            number: 0,
        }
    }

    /// The next line with its number, from 1. A last line needs no end.
    ///
    /// # Errors
    /// The source cannot be read, or the line is too long to be one.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>, Failure> {
        self.line.clear();
        self.number += 1;
        self.bound.next_row();
        self.source
            .read_until(b'\n', &mut self.line)
            .map_err(|error| Failure::input(Place::Line(self.number), error))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.number, line)))
    }
}

/// Reads rows; empty lines are none.
pub fn read(source: Source, mapping: &Mapping, sink: &mut Sink<'_>) -> Result<(), Failure> {
    let mut lines = Lines::new(source);
    let mut value = Vec::new();
    while let Some((number, line)) = lines.next()? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = Place::Line(number);
        match parse(line, mapping, &mut value) {
            Ok(fields) => sink(place, Ok(fields.row(&value))),
            Err(wrong) => sink(place, Err(wrong)),
        }?;
    }
    Ok(())
}

/// Puts the row into `value`, and returns what else it holds.
fn parse<'a>(line: &'a [u8], mapping: &Mapping, value: &mut Vec<u8>) -> Result<Fields<'a>, String> {
    let row: &RawValue = serde_json::from_slice(line).map_err(|error| not_json(&error))?;
    value.clear();
    compact(row.get(), value);
    Fields::pick(row.get(), mapping)
}

/// Says what is wrong with a line, of which only the column is worth telling.
pub fn not_json(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let what = said.split(" at line ").next().unwrap_or(&said);
    format!("not valid JSON: {what} (column {})", error.column())
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressBar;

    use super::*;

    fn rows(text: &'static [u8]) -> Vec<String> {
        let source = Source::over(text, ProgressBar::hidden());
        let mut seen = Vec::new();
        read(source, &Mapping::default(), &mut |place, row| {
            let what = row.map(|row| String::from_utf8_lossy(row.value).into_owned());
            seen.push(format!("{place}: {what:?}"));
            Ok(())
        })
        .unwrap();
        seen
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        assert_eq!(
            rows(b"{\"a\": 1}\r\n\n  \n{\"a\": 2}"),
            [
                "line 1: Ok(\"{\\\"a\\\":1}\")",
                "line 4: Ok(\"{\\\"a\\\":2}\")"
            ]
        );
    }

    #[test]
    fn a_bad_line_is_told_and_the_next_one_read() {
        let seen = rows(b"{\"a\":\n{\"a\":1} x\n\"\xff\"\n3\n");
        assert_eq!(seen.len(), 4);
        assert!(
            seen[0].starts_with("line 1: Err(\"not valid JSON: EOF"),
            "{}",
            seen[0]
        );
        assert!(seen[1].contains("column 9"), "{}", seen[1]);
        assert!(seen[2].starts_with("line 3: Err"), "{}", seen[2]);
        assert_eq!(seen[3], "line 4: Ok(\"3\")");
    }
}
