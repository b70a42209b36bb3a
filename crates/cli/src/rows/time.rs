//! Owns reading and showing times. Everywhere else a time is a number of
//! microseconds since 1970.

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What a number counts when it is a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TimeUnit {
    /// Microseconds.
    #[default]
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
    /// Hours.
    H,
}

impl TimeUnit {
    const fn microseconds(self) -> i64 {
        match self {
            Self::Us => 1,
            Self::Ms => 1_000,
            Self::S => 1_000_000,
            Self::H => 3_600_000_000,
        }
    }
}

/// How the time of a row is read: numbers count units from a base, text is a
/// date that needs neither.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeRule {
    /// What numbers count.
    pub unit: TimeUnit,
    /// What numbers count from, in microseconds since 1970.
    pub base: i64,
}

impl TimeRule {
    /// The time that `text` names: a number, or a date in UTC unless it carries
    /// an offset of its own.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn read(&self, text: &str) -> Result<i64, String> {
        let text = text.trim();
        if let Ok(count) = text.parse::<i64>() {
            return count
                .checked_mul(self.unit.microseconds())
                .and_then(|distance| distance.checked_add(self.base))
                .ok_or_else(|| {
                    format!("the time {text} is beyond what 64 bits of microseconds hold")
                });
        }
        // Words such as "inf" are numbers to the parser, and dates to nobody.
        if !text.contains(|c: char| c.is_ascii_digit()) {
            return Err(not_a_time(text));
        }
        if let Ok(count) = text.parse::<f64>() {
            return self.fraction(count).ok_or_else(|| {
                format!("the time {text} is beyond what 64 bits of microseconds hold")
            });
        }
        date(text).ok_or_else(|| not_a_time(text))
    }

    /// Rounds to the nearest microsecond.
    fn fraction(&self, count: f64) -> Option<i64> {
        const BOUND: f64 = 9.2e18;
        let distance = (count * self.unit.microseconds() as f64).round();
        // Inside the bound the conversion is exact; NaN is outside.
        let inside = distance > -BOUND && distance < BOUND;
        inside
            .then_some(distance as i64)
            .and_then(|distance| distance.checked_add(self.base))
    }
}

fn not_a_time(text: &str) -> String {
    format!(
        "{text:?} is no time: expected a number, an RFC 3339 time, YYYY-MM-DD [HH:MM[:SS]], \
         YYYY/MM/DD [HH:MM[:SS]] or M/D/YY [H:MM[:SS]]"
    )
}

fn date(text: &str) -> Option<i64> {
    const YEAR_FIRST: [&str; 3] = ["%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d"];
    const YEAR_LAST: [&str; 6] = [
        "%m/%d/%y %H:%M",
        "%m/%d/%y %H:%M:%S",
        "%m/%d/%y",
        "%m/%d/%Y %H:%M",
        "%m/%d/%Y %H:%M:%S",
        "%m/%d/%Y",
    ];
    let slashed = |formats: &[&str]| {
        formats
            .iter()
            .find_map(|format| DateTime::strptime(format, text).ok())
    };
    let civil = match text.find('/') {
        Some(4) => slashed(&YEAR_FIRST)?,
        Some(_) => slashed(&YEAR_LAST)?,
        None => match text.parse::<Timestamp>() {
            Ok(time) => return Some(time.as_microsecond()),
            Err(_) => text.parse::<DateTime>().ok()?,
        },
    };
    let time = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(time.as_microsecond())
}

/// Reads a base given on the command line: RFC 3339 or YYYY-MM-DD.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_base(text: &str) -> Result<i64, String> {
    date(text).ok_or_else(|| "expected an RFC 3339 time or YYYY-MM-DD".to_owned())
}

/// The time as people read it, in UTC; the bare number if no calendar reaches it.
pub fn describe(time: i64) -> String {
    Timestamp::from_microsecond(time).map_or_else(|_| time.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_2001: i64 = 978_307_200_000_000;
    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn numbers_count_units_from_the_base() {
        let rule = TimeRule {
            unit: TimeUnit::H,
            base: NEW_2001,
        };
        assert_eq!(rule.read("6"), Ok(NEW_2001 + 6 * HOUR));
        assert_eq!(rule.read("0.016666666666666666"), Ok(NEW_2001 + HOUR / 60));
        assert_eq!(rule.read("-1.5"), Ok(NEW_2001 - 3 * HOUR / 2));
        assert_eq!(
            TimeRule::default().read("9223372036854775807"),
            Ok(i64::MAX)
        );
    }

    #[test]
    fn dates_are_read_in_every_form_people_write_them() {
        let rule = TimeRule::default();
        for (text, time) in [
            ("2001-01-01", NEW_2001),
            ("2001/01/01 14:56", NEW_2001 + 14 * HOUR + 56 * HOUR / 60),
            ("2001/01/01", NEW_2001),
            ("1/1/01 4:30", NEW_2001 + 4 * HOUR + HOUR / 2),
            (
                "1/1/2001 04:30:36",
                NEW_2001 + 4 * HOUR + HOUR / 2 + HOUR / 100,
            ),
            ("01/01/01", NEW_2001),
            ("2001-01-01T01:00:00Z", NEW_2001 + HOUR),
            ("2001-01-01T01:00:00.000001+01:00", NEW_2001 + 1),
            ("2001-01-01 01:00", NEW_2001 + HOUR),
            ("1990-01-08", 631_756_800_000_000),
        ] {
            assert_eq!(rule.read(text), Ok(time), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_named() {
        let rule = TimeRule {
            unit: TimeUnit::H,
            base: 0,
        };
        for text in [
            "",
            "inf",
            "NaN",
            "soon",
            "2001/13/01",
            "1/1/1/1",
            "2001-02-30",
            "9223372036854775807",
            "1e300",
        ] {
            let said = rule.read(text).unwrap_err();
            assert!(said.contains(text), "{said}");
        }
    }

    #[test]
    fn bases_are_dates_only() {
        assert_eq!(parse_base("2001-01-01"), Ok(NEW_2001));
        assert_eq!(parse_base("2001-01-01T00:00:00Z"), Ok(NEW_2001));
        assert!(parse_base("978307200").is_err());
    }

    #[test]
    fn times_beyond_every_calendar_are_still_shown() {
        assert_eq!(describe(NEW_2001), "2001-01-01T00:00:00Z");
        assert_eq!(describe(i64::MAX), "9223372036854775807");
    }
}
