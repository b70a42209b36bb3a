//! Owns the real data the demo imports: where each file is, how it is imported,
//! and what must be read back.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use crate::tidelog::Tidelog;

/// 2001-01-01T00:00:00Z in microseconds since 1970.
const YEAR_2001: i64 = 978_307_200_000_000;

const HOUR: f64 = 3_600_000_000.0;

/// One file of rows, and the log it goes into.
pub struct Dataset {
    pub log: &'static str,
    pub file: &'static str,
    pub rows: Vec<Value>,
    path: PathBuf,
    key: &'static str,
    time: Time,
}

/// Where a row's time comes from.
enum Time {
    /// Hours since the start of 2001.
    Hours(&'static str),
    /// A date, or date and time, as text.
    Text(&'static str),
}

impl Dataset {
    /// 231,083 flights of 2001: delay, distance, time in hours.
    ///
    /// # Errors
    /// When the file is not what it was when this was written.
    pub fn flights_200k(data: &Path) -> Result<Self> {
        Self::load(
            data,
            "flights-200k",
            "flights-200k.json",
            231_083,
            "distance",
            Time::Hours("time"),
        )
    }

    /// 20,000 flights: date, origin, destination.
    ///
    /// # Errors
    /// When the file is not what it was when this was written.
    pub fn flights_20k(data: &Path) -> Result<Self> {
        Self::load(
            data,
            "flights-20k",
            "flights-20k.json",
            20_000,
            "origin",
            Time::Text("date"),
        )
    }

    /// 10,000 collisions of birds with aircraft, as CSV.
    ///
    /// # Errors
    /// When the file is not what it was when this was written.
    pub fn birdstrikes(data: &Path) -> Result<Self> {
        Self::load(
            data,
            "birdstrikes",
            "birdstrikes.csv",
            10_000,
            "Origin State",
            Time::Text("Flight Date"),
        )
    }

    fn load(
        data: &Path,
        log: &'static str,
        file: &'static str,
        count: usize,
        key: &'static str,
        time: Time,
    ) -> Result<Self> {
        let path = data.join("node_modules/vega-datasets/data").join(file);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let rows = if file.ends_with(".csv") {
            csv_rows(&text)?
        } else {
            serde_json::from_str(&text).with_context(|| format!("{file} is no JSON array"))?
        };
        ensure!(
            rows.len() == count,
            "{file} has {} rows, not {count}",
            rows.len()
        );
        Ok(Self {
            log,
            file,
            rows,
            path,
            key,
            time,
        })
    }

    /// The arguments that import it, and these.
    pub fn import<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let path = self.path.to_str().unwrap_or_default();
        let mut arguments = vec!["import", self.log, path, "--key-field", self.key];
        match self.time {
            Time::Hours(field) => arguments.extend([
                "--time-field",
                field,
                "--time-unit",
                "h",
                "--time-base",
                "2001-01-01",
            ]),
            Time::Text(field) => arguments.extend(["--time-field", field]),
        }
        arguments.extend(more);
        arguments
    }

    /// Reads the log from `from` on and compares each record with its row.
    /// Returns how many rows were found equal up to the end of the log, or what
    /// the first difference is.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn compare(&self, tidelog: &Tidelog, from: u64) -> Result<Result<u64, String>> {
        let mut next = from;
        let mut difference = None;
        tidelog.records(self.log, from, |record| {
            if difference.is_none() {
                match self.difference(next, &record) {
                    None => next += 1,
                    found => difference = found,
                }
            }
            Ok(())
        })?;
        Ok(difference.map_or(Ok(next), Err))
    }

    fn difference(&self, offset: u64, record: &Value) -> Option<String> {
        let row = usize::try_from(offset)
            .ok()
            .and_then(|index| self.rows.get(index));
        let Some(row) = row else {
            return Some(format!("a record that no row made: {record}"));
        };
        let value = record["value"]
            .as_str()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        let key = match &row[self.key] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let same = record["offset"] == offset
            && value.as_ref() == Some(row)
            && record["key"] == *key
            && self.time(row).is_some_and(|time| {
                // Hours are floats: the last microsecond may round either way.
                record["time"]
                    .as_i64()
                    .is_some_and(|found| found.abs_diff(time) <= 1)
            });
        (!same).then(|| format!("row {offset} is {row}, but the record is {record}"))
    }

    fn time(&self, row: &Value) -> Option<i64> {
        match self.time {
            Time::Hours(field) => Some(YEAR_2001 + (row[field].as_f64()? * HOUR).round() as i64),
            Time::Text(field) => parse_time(row[field].as_str()?),
        }
    }
}

/// `YYYY-MM-DD` or `YYYY/MM/DD`, with ` HH:MM` or without, in microseconds.
fn parse_time(text: &str) -> Option<i64> {
    let mut numbers = text
        .split(['-', '/', ' ', ':'])
        .map(|part| part.parse::<i64>());
    let mut next = || numbers.next()?.ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let (hour, minute) = (next().unwrap_or(0), next().unwrap_or(0));
    // Days from civil: years start in March, so that leap days come last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469;
    Some((days * 1440 + hour * 60 + minute) * 60_000_000)
}

/// Each line as an object of the header's fields, all of them text.
fn csv_rows(text: &str) -> Result<Vec<Value>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    reader
        .records()
        .map(|record| {
            let record = record?;
            let fields = header.iter().zip(&record);
            let object: Map<String, Value> = fields
                .map(|(name, field)| (name.to_owned(), field.into()))
                .collect();
            Ok(Value::Object(object))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_microseconds_since_1970() {
        assert_eq!(parse_time("1970-01-01"), Some(0));
        assert_eq!(parse_time("2001-01-01"), Some(YEAR_2001));
        assert_eq!(parse_time("2001/01/13 14:56"), Some(979_397_760_000_000));
        assert_eq!(parse_time("2000-02-29"), Some(951_782_400_000_000));
        assert_eq!(parse_time("yesterday"), None);
    }
}
