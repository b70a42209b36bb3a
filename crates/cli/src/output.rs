//! Owns what is said on the standard outputs beside records.

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;
use serde_json::json;

use crate::error::Failure;

/// The standard output, buffered. Flush it before the verb ends.
pub fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(64 << 10, io::stdout().lock())
}

/// Says one thing on the standard output: `object` if `json` is asked for, else
/// `text`.
///
/// # Errors
/// The output's.
pub fn say(json: bool, object: &impl Serialize, text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let said = if json {
        serde_json::to_writer(&mut out, object)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        writeln!(out, "{text}")
    };
    said.and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// Says what appending came to. Where acknowledgements fill the standard output,
/// the text for people goes beside it.
///
/// # Errors
/// The output's.
pub fn conclude(
    json: bool,
    acks: bool,
    object: &impl Serialize,
    text: &str,
) -> Result<(), Failure> {
    if acks && !json {
        note(text);
        return Ok(());
    }
    say(json, object, text)
}

/// Says on the standard error output why a verb failed.
pub fn tell(failure: &Failure, json: bool) {
    if failure.is_silent() {
        return;
    }
    let message = failure.to_string();
    if json {
        let kind = failure.kind().as_str();
        note(&json!({ "error": { "kind": kind, "message": message } }).to_string());
    } else {
        note(&format!("tidelog: {message}"));
    }
}

/// Writes a line to the standard error output. If nobody reads it, the exit code
/// still speaks.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
