//! Owns picking the key and the time out of a JSON row without building a tree
//! of it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Mapping, Row};

/// The two fields of a row that a record needs beside its value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    /// The bytes of the key.
    pub key: Option<Cow<'a, str>>,
    /// Microseconds since 1970.
    pub time: Option<i64>,
}

impl<'a> Fields<'a> {
    /// Reads what `mapping` asks for from `row`, which must be valid JSON.
    ///
    /// # Errors
    /// A sentence that says which field is missing, or holds the wrong thing.
    pub fn pick(row: &'a str, mapping: &Mapping) -> Result<Self, String> {
        if mapping.key.is_none() && mapping.time.is_none() {
            return Ok(Self::default());
        }
        let mut json = serde_json::Deserializer::from_str(row);
        let (key, time) = Picker(mapping)
            .deserialize(&mut json)
            .map_err(|_| "the row is no JSON object, so it has no fields".to_owned())?;
        let key = match &mapping.key {
            Some(name) => scalar(name, key)?,
            None => None,
        };
        let time = match &mapping.time {
            Some(name) => scalar(name, time)?
                .map(|text| mapping.rule.read(&text))
                .transpose()
                .map_err(|error| format!("field {name:?}: {error}"))?,
            None => None,
        };
        Ok(Self { key, time })
    }

    /// The row of these fields whose value is `value`.
    pub fn row<'r>(&'r self, value: &'r [u8]) -> Row<'r> {
        Row {
            time: self.time,
            key: self.key.as_deref().map(str::as_bytes),
            value,
        }
    }
}

/// The text of a scalar, `None` for null.
fn scalar<'a>(name: &str, field: Option<&'a RawValue>) -> Result<Option<Cow<'a, str>>, String> {
    let raw = field
        .ok_or_else(|| format!("the row has no field {name:?}"))?
        .get();
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<Text<'a>>(raw)
            .map(|text| Some(text.0))
            .map_err(|error| format!("field {name:?}: {error}")),
        Some(b'{' | b'[') => Err(format!(
            "field {name:?} holds a list or an object; a key or a time is text or a number"
        )),
        _ if raw == "null" => Ok(None),
        _ => Ok(Some(Cow::Borrowed(raw))),
    }
}

/// Text that stays in the row unless it holds escapes. (`Cow` alone would
/// always be copied.)
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Picker<'m>(&'m Mapping);

type Picked<'a> = (Option<&'a RawValue>, Option<&'a RawValue>);

impl<'a> DeserializeSeed<'a> for Picker<'_> {
    type Value = Picked<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Picked<'a>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Picker<'_> {
    type Value = Picked<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Picked<'a>, A::Error> {
        let (mut key, mut time) = (None, None);
        while let Some(Text(name)) = map.next_key()? {
            let is_key = self.0.key.as_deref() == Some(&*name);
            let is_time = self.0.time.as_deref() == Some(&*name);
            if !is_key && !is_time {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value()?;
            if is_key {
                key = Some(value);
            }
            if is_time {
                time = Some(value);
            }
        }
        Ok((key, time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(key: Option<&str>, time: Option<&str>) -> Mapping {
        Mapping {
            key: key.map(str::to_owned),
            time: time.map(str::to_owned),
            ..Mapping::default()
        }
    }

    #[test]
    fn keys_are_the_text_of_a_scalar() {
        let by_key = mapping(Some("k"), None);
        let key = |row| Fields::pick(row, &by_key).map(|fields| fields.key.map(Cow::into_owned));
        assert_eq!(
            key(r#"{"a":[{"k":1}],"k":4.50}"#),
            Ok(Some("4.50".to_owned()))
        );
        assert_eq!(key(r#"{"k":"a\nb"}"#), Ok(Some("a\nb".to_owned())));
        assert_eq!(key(r#"{"k":true}"#), Ok(Some("true".to_owned())));
        assert_eq!(key(r#"{"k":null}"#), Ok(None));
        assert_eq!(key(r#"{"k":""}"#), Ok(Some(String::new())));
        assert!(key(r#"{"K":1}"#).unwrap_err().contains("no field \"k\""));
        assert!(key(r#"{"k":[1]}"#).unwrap_err().contains("list"));
        assert!(key("[1]").unwrap_err().contains("no JSON object"));
    }

    #[test]
    fn one_field_may_be_both() {
        let fields = Fields::pick(r#"{"t":5}"#, &mapping(Some("t"), Some("t"))).unwrap();
        assert_eq!(fields.key.as_deref(), Some("5"));
        assert_eq!(fields.time, Some(5));
    }

    #[test]
    fn text_without_escapes_is_not_copied() {
        let fields = Fields::pick(r#"{"k":"plain"}"#, &mapping(Some("k"), None)).unwrap();
        assert!(matches!(fields.key, Some(Cow::Borrowed("plain"))));
    }

    #[test]
    fn any_row_will_do_when_nothing_is_asked_for() {
        assert_eq!(
            Fields::pick("17", &mapping(None, None)),
            Ok(Fields::default())
        );
    }
}
