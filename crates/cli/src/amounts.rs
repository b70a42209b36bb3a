//! Owns how amounts are written on the command line: spans of time, bytes, and the
//! absence of a limit.

use std::str::FromStr;

use jiff::{Span, SpanRelativeTo};

/// A limit, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub Option<u64>);

/// Reads a span of time in microseconds: 90s, 12h, 30d, 2w.
///
/// # Errors
/// A sentence that says what was expected.
pub fn span(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no span of time: expected one such as 90s, 12h or 30d");
    let span = Span::from_str(text).map_err(|_| wrong())?;
    let days = SpanRelativeTo::days_are_24_hours();
    let span = span.to_duration(days).map_err(|_| wrong())?;
    u64::try_from(span.as_micros()).map_err(|_| wrong())
}

/// Reads a number of bytes: 4096, 64KiB, 1MiB, 10GiB.
///
/// # Errors
/// A sentence that says what was expected.
pub fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u32); 4] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let unit = UNITS.iter().find_map(|(unit, power)| {
        let number = text.strip_suffix(unit)?;
        Some((number.trim_end(), *power))
    });
    let (number, power) = unit.unwrap_or((text, 0));
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << power))
        .ok_or_else(|| {
            format!("{text:?} is no number of bytes: expected one such as 4096, 64KiB or 1GiB")
        })
}

/// Reads a span of time as a limit, or "none".
///
/// # Errors
/// A sentence that says what was expected.
pub fn span_or_none(text: &str) -> Result<Limit, String> {
    or_none(text, span)
}

/// Reads a number of bytes as a limit, or "none".
///
/// # Errors
/// A sentence that says what was expected.
pub fn bytes_or_none(text: &str) -> Result<Limit, String> {
    or_none(text, bytes)
}

/// Reads a number as a limit, or "none".
///
/// # Errors
/// A sentence that says what was expected.
pub fn number_or_none(text: &str) -> Result<Limit, String> {
    or_none(text, |text| {
        text.parse()
            .map_err(|_| format!("{text:?} is no number, and not none"))
    })
}

fn or_none(text: &str, read: impl Fn(&str) -> Result<u64, String>) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(None)),
        text => read(text).map(Some).map(Limit),
    }
}

/// A span of time in words, from microseconds.
pub fn describe_span(micros: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (86_400_000_000, "d"),
        (3_600_000_000, "h"),
        (60_000_000, "m"),
        (1_000_000, "s"),
        (1_000, "ms"),
    ];
    let whole = UNITS
        .iter()
        .find(|(unit, _)| micros >= *unit && micros.is_multiple_of(*unit));
    match whole {
        Some((unit, name)) => format!("{}{name}", micros / unit),
        None => format!("{micros}us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, micros) in [
            ("90s", 90_000_000),
            ("12h", 43_200_000_000),
            ("30d", 2_592_000_000_000),
            ("1500ms", 1_500_000),
            ("7us", 7),
        ] {
            assert_eq!(span(text), Ok(micros));
            assert_eq!(span(&describe_span(micros)), Ok(micros));
        }
        assert_eq!(span("2w"), Ok(1_209_600_000_000));
        assert_eq!(span("1d 1h"), Ok(90_000_000_000));
        assert_eq!(describe_span(0), "0us");
        for text in ["", "5", "-5s", "soon", "1 month"] {
            assert!(span(text).unwrap_err().contains("12h"), "{text:?}");
        }
    }

    #[test]
    fn bytes_are_counted_in_powers_of_two() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("64KiB"), Ok(65_536));
        assert_eq!(bytes("1 GiB"), Ok(1 << 30));
        for text in ["", "-1", "1.5MiB", "5 MB", "99999999999TiB", "KiB"] {
            assert!(bytes(text).unwrap_err().contains("64KiB"), "{text:?}");
        }
    }

    #[test]
    fn no_limit_is_said_in_a_word() {
        assert_eq!(span_or_none("none"), Ok(Limit(None)));
        assert_eq!(bytes_or_none("1KiB"), Ok(Limit(Some(1024))));
        assert_eq!(number_or_none("3"), Ok(Limit(Some(3))));
        assert!(number_or_none("-3").is_err());
    }
}
