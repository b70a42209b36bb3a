//! Owns rows that are the elements of one JSON array, read one at a time.

use std::fmt;
use std::io::BufReader;

use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::source::RowBound;
use super::{Fields, Mapping, Place, Sink, Source, compact};
use crate::error::Failure;

/// Reads rows.
pub fn read(source: Source, mapping: &Mapping, sink: &mut Sink<'_>) -> Result<(), Failure> {
    let mut walk = Walk {
        bound: source.bound(),
        mapping,
        sink,
        elements: 0,
        failure: None,
    };
    let mut json =
        serde_json::Deserializer::from_reader(BufReader::with_capacity(64 << 10, source));
    let read = json.deserialize_seq(&mut walk).and_then(|()| json.end());
    match (walk.failure, read) {
        (Some(failure), _) => Err(failure),
        (None, Ok(())) => Ok(()),
        // Behind a broken element no next one can be found.
        (None, Err(error)) if error.is_data() => Err(Failure::usage(format!(
            "the file is no JSON array ({error}); for one value a line give --format ndjson"
        ))),
        (None, Err(error)) => Err(Failure::input(Place::Element(walk.elements + 1), error)),
    }
}

struct Walk<'w, 's> {
    bound: RowBound,
    mapping: &'w Mapping,
    sink: &'w mut Sink<'s>,
    elements: u64,
    /// Why the walk ended early: the deserializer's error type cannot carry it.
    failure: Option<Failure>,
}

impl<'de> Visitor<'de> for &mut Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut value = Vec::new();
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            self.bound.next_row();
            self.elements += 1;
            let place = Place::Element(self.elements);
            value.clear();
            compact(element.get(), &mut value);
            let told = match Fields::pick(element.get(), self.mapping) {
                Ok(fields) => (self.sink)(place, Ok(fields.row(&value))),
                Err(wrong) => (self.sink)(place, Err(wrong)),
            };
            if let Err(failure) = told {
                self.failure = Some(failure);
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressBar;

    use super::*;

    fn rows(text: &'static str, keep: usize) -> (Vec<String>, Result<(), Failure>) {
        let source = Source::over(text.as_bytes(), ProgressBar::hidden());
        let mapping = Mapping {
            key: Some("k".to_owned()),
            ..Mapping::default()
        };
        let mut seen = Vec::new();
        let read = read(source, &mapping, &mut |place, row| {
            if seen.len() == keep {
                return Err(Failure::usage("enough".to_owned()));
            }
            let value = row.map(|row| String::from_utf8_lossy(row.value).into_owned());
            seen.push(format!("{place} {}", value.unwrap_or_else(|wrong| wrong)));
            Ok(())
        });
        (seen, read)
    }

    #[test]
    fn elements_are_rows_and_a_wrong_one_is_told() {
        let (seen, read) = rows("[ {\"k\": 1, \"x\": [1, 2]},\n 5, {\"k\": 2} ]\n", 9);
        read.unwrap();
        assert_eq!(seen[0], "element 1 {\"k\":1,\"x\":[1,2]}");
        assert!(seen[1].starts_with("element 2 the row is no JSON object"));
        assert_eq!(seen[2], "element 3 {\"k\":2}");
    }

    #[test]
    fn the_sink_stops_the_walk_with_its_own_failure() {
        let (seen, read) = rows("[{\"k\":1},{\"k\":2},", 1);
        assert_eq!(seen.len(), 1);
        assert_eq!(read.unwrap_err().to_string(), "enough");
    }

    #[test]
    fn broken_and_unfinished_files_are_told_with_the_place() {
        for (text, said) in [
            ("[{\"k\":1},{\"k\":}]", "element 2"),
            ("[{\"k\":1}", "element 2"),
            ("[{\"k\":1}] x", "line 1 column 11"),
            ("{\"k\":1}", "--format ndjson"),
            ("", "element 1"),
        ] {
            let failure = rows(text, 9).1.unwrap_err().to_string();
            assert!(failure.contains(said), "{text}: {failure}");
        }
    }
}
