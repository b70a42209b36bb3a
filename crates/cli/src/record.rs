//! Owns how a record is written down, for scripts and for people.

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tidelog::Record;

use crate::rows::describe;

/// How `cat`, `tail` and `get` print a record.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// One JSON object a line.
    Json,
    /// One line for people.
    Line,
}

impl Form {
    /// The form to print in, if `json` is asked for or not.
    pub fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Line }
    }

    /// Writes `record`, and ends the line.
    ///
    /// # Errors
    /// The output's.
    pub fn write(self, out: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
        match self {
            Self::Json => {
                write_json(out, record)?;
                out.write_all(b"\n")
            }
            Self::Line => write_line(out, record),
        }
    }
}

/// Writes `record` as one JSON object, without a line end. Bytes that are
/// UTF-8 become strings, others base64 under the name's `_base64` twin, absent
/// ones null.
///
/// # Errors
/// The output's.
pub fn write_json(out: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    write!(
        out,
        "{{\"offset\":{},\"time\":{},",
        record.offset, record.time
    )?;
    write_bytes(out, "key", record.key)?;
    out.write_all(b",")?;
    write_bytes(out, "value", record.value)?;
    if !record.headers.is_empty() {
        out.write_all(b",\"headers\":[")?;
        for (at, header) in record.headers.enumerate() {
            out.write_all(if at == 0 { b"{" } else { b",{" })?;
            write_bytes(out, "name", Some(header.name))?;
            out.write_all(b",")?;
            write_bytes(out, "value", Some(header.value))?;
            out.write_all(b"}")?;
        }
        out.write_all(b"]")?;
    }
    out.write_all(b"}")
}

fn write_bytes(out: &mut impl Write, name: &str, bytes: Option<&[u8]>) -> io::Result<()> {
    match bytes.map(str::from_utf8) {
        None => write!(out, "\"{name}\":null"),
        Some(Ok(text)) => {
            write!(out, "\"{name}\":")?;
            serde_json::to_writer(out, text).map_err(io::Error::from)
        }
        Some(Err(_)) => {
            let encoded = BASE64_STANDARD.encode(bytes.unwrap_or_default());
            write!(out, "\"{name}_base64\":\"{encoded}\"")
        }
    }
}

/// Writes `record` as one line for people: offset, time, key and value between
/// tabs. What a terminal would obey is escaped; what is absent is a dash.
///
/// # Errors
/// The output's.
fn write_line(out: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    writeln!(
        out,
        "{}\t{}\t{}\t{}",
        record.offset,
        describe(record.time),
        shown(record.key),
        shown(record.value)
    )
}

fn shown(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return "-".to_owned();
    };
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Record<'a> {
        Record {
            offset: 7,
            time: 1_000_000,
            key,
            value,
            headers: tidelog::Headers::default(),
        }
    }

    fn json(record: &Record<'_>) -> String {
        let mut out = Vec::new();
        write_json(&mut out, record).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_tells_text_bytes_and_absence_apart() {
        assert_eq!(
            json(&record(Some(b"k\"\n"), Some(b""))),
            r#"{"offset":7,"time":1000000,"key":"k\"\n","value":""}"#
        );
        assert_eq!(
            json(&record(None, Some(b"\xff\x00"))),
            r#"{"offset":7,"time":1000000,"key":null,"value_base64":"/wA="}"#
        );
        assert_eq!(
            json(&record(Some(b"\x80"), None)),
            r#"{"offset":7,"time":1000000,"key_base64":"gA==","value":null}"#
        );
    }

    #[test]
    fn lines_for_people_carry_no_terminal_commands() {
        let mut out = Vec::new();
        write_line(&mut out, &record(None, Some(b"a\x1b[2Jb\xff\tc"))).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "7\t1970-01-01T00:00:01Z\t-\ta\\u{1b}[2Jb\\xff\\tc\n"
        );
    }
}
