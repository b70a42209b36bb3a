//! Owns rows that are lines of a CSV file below a line of headers.

use csv::{ByteRecord, ErrorKind, Position, Reader, StringRecord};

use super::{Mapping, Place, Row, Sink, Source};
use crate::error::Failure;

/// Reads rows; each becomes a JSON object of strings in the order of the columns.
pub fn read(source: Source, mapping: &Mapping, sink: &mut Sink<'_>) -> Result<(), Failure> {
    let bound = source.bound();
    let mut reader = Reader::from_reader(source);
    let headers = reader
        .headers()
        .map_err(|error| Failure::input(Place::Line(1), error))?
        .clone();
    let columns = Columns::of(&headers, mapping)?;
    let mut record = ByteRecord::new();
    let mut value = Vec::new();
    loop {
        bound.next_row();
        let place = Place::Line(reader.position().line());
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let place = record.position().map_or(place, line);
                match columns.row(&record, mapping, &mut value) {
                    Ok(row) => sink(place, Ok(row)),
                    Err(wrong) => sink(place, Err(wrong)),
                }?;
            }
            Err(error) => match error.kind() {
                ErrorKind::UnequalLengths {
                    pos,
                    expected_len,
                    len,
                } => {
                    let place = pos.as_ref().map_or(place, line);
                    let wrong = format!("{len} fields where the header names {expected_len}");
                    sink(place, Err(wrong))?;
                }
                _ => return Err(Failure::input(place, error)),
            },
        }
    }
}

fn line(position: &Position) -> Place {
    Place::Line(position.line())
}

/// The columns of a file, and which of them are more than a part of the value.
struct Columns {
    /// What stands before each field in the JSON object, from the opening brace
    /// or comma to the colon.
    prefixes: Vec<Vec<u8>>,
    key: Option<usize>,
    time: Option<usize>,
}

impl Columns {
    fn of(headers: &StringRecord, mapping: &Mapping) -> Result<Self, Failure> {
        let at = |name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => match headers.iter().position(|header| header == name) {
                Some(column) => Ok(Some(column)),
                None => Err(Failure::usage(format!(
                    "the file has no column {name:?}; its header names {}",
                    headers.iter().collect::<Vec<_>>().join(", ")
                ))),
            },
        };
        let (key, time) = (at(&mapping.key)?, at(&mapping.time)?);
        let mut prefixes = Vec::with_capacity(headers.len());
        for (column, header) in headers.iter().enumerate() {
            if headers.iter().take(column).any(|other| other == header) {
                return Err(Failure::usage(format!(
                    "two columns are named {header:?}; rename one, a row keeps one value per name"
                )));
            }
            let mut prefix = vec![if column == 0 { b'{' } else { b',' }];
            write_text(header, &mut prefix);
            prefix.push(b':');
            prefixes.push(prefix);
        }
        Ok(Self {
            prefixes,
            key,
            time,
        })
    }

    fn row<'r>(
        &self,
        record: &'r ByteRecord,
        mapping: &Mapping,
        value: &'r mut Vec<u8>,
    ) -> Result<Row<'r>, String> {
        value.clear();
        for (at, (prefix, field)) in self.prefixes.iter().zip(record).enumerate() {
            let text = str::from_utf8(field).map_err(|_| {
                let number = at + 1;
                format!("field {number} is not UTF-8; convert the file first")
            })?;
            value.extend_from_slice(prefix);
            write_text(text, value);
        }
        value.push(b'}');
        let field = |column: Option<usize>| record.get(column?);
        let time = field(self.time)
            .filter(|field| !field.is_empty())
            .map(|field| mapping.rule.read(&String::from_utf8_lossy(field)))
            .transpose()?;
        Ok(Row {
            time,
            key: field(self.key),
            value,
        })
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressBar;

    use super::*;

    fn rows(text: &'static str, mapping: &Mapping) -> Result<Vec<String>, Failure> {
        let source = Source::over(text.as_bytes(), ProgressBar::hidden());
        let mut seen = Vec::new();
        read(source, mapping, &mut |place, row| {
            seen.push(match row {
                Ok(row) => {
                    let key = row.key.map(String::from_utf8_lossy);
                    format!(
                        "{place} {:?} {key:?} {}",
                        row.time,
                        String::from_utf8_lossy(row.value)
                    )
                }
                Err(wrong) => format!("{place} {wrong}"),
            });
            Ok(())
        })?;
        Ok(seen)
    }

    fn mapping() -> Mapping {
        Mapping {
            key: Some("k".to_owned()),
            time: Some("t".to_owned()),
            ..Mapping::default()
        }
    }

    #[test]
    fn rows_become_objects_of_strings() {
        let text = "k,n,t\nTEXAS,007,1970-01-01\n\"say \"\"hi\"\"\",\"a\nb\",\nlast,1.50,2";
        assert_eq!(
            rows(text, &mapping()).unwrap(),
            [
                r#"line 2 Some(0) Some("TEXAS") {"k":"TEXAS","n":"007","t":"1970-01-01"}"#,
                r#"line 3 None Some("say \"hi\"") {"k":"say \"hi\"","n":"a\nb","t":""}"#,
                r#"line 5 Some(2) Some("last") {"k":"last","n":"1.50","t":"2"}"#,
            ]
        );
    }

    #[test]
    fn a_row_of_the_wrong_length_is_told_and_the_next_one_read() {
        let seen = rows("k,t\na,1\nb\nc,2,3\nd,x\ne,4\n", &mapping()).unwrap();
        assert_eq!(seen.len(), 5);
        assert_eq!(seen[1], "line 3 1 fields where the header names 2");
        assert_eq!(seen[2], "line 4 3 fields where the header names 2");
        assert!(
            seen[3].starts_with("line 5 \"x\" is no time"),
            "{}",
            seen[3]
        );
        assert!(seen[4].starts_with("line 6 Some(4)"), "{}", seen[4]);
    }

    #[test]
    fn columns_must_exist_and_differ() {
        let missing = rows("a,t\n1,2\n", &mapping()).unwrap_err();
        assert!(
            missing
                .to_string()
                .contains("no column \"k\"; its header names a, t"),
            "{missing}"
        );
        let twins = rows("k,t,k\n1,2,3\n", &mapping()).unwrap_err();
        assert!(
            twins.to_string().contains("two columns are named \"k\""),
            "{twins}"
        );
    }
}
