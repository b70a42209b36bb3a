//! Owns bytes as the scripts write them: `{"utf8"}` or `{"hex"}`, each with an optional
//! `times`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// The longest run of bytes a script may ask for: enough to go beyond every limit of a
/// record or a batch.
const LONGEST: usize = 64 << 20;

/// Some bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    utf8: Option<String>,
    hex: Option<String>,
    times: Option<usize>,
}

impl Bytes {
    /// The bytes that an object stands for; `None` if it is not written as bytes are.
    pub fn parse(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        if !object.contains_key("utf8") && !object.contains_key("hex") {
            return None;
        }
        serde_json::from_value(value.clone()).ok()
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(from)?;
        let unit = match (written.utf8, written.hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => unhex(&text).ok_or_else(|| {
                D::Error::custom(format!("{text:?} is no pairs of digits 0-9 and a-f"))
            })?,
            _ => return Err(D::Error::custom("bytes are one of utf8 and hex")),
        };
        let times = written.times.unwrap_or(1);
        match unit.len().checked_mul(times) {
            Some(length) if length <= LONGEST => Ok(Self(unit.repeat(times))),
            _ => Err(D::Error::custom("bytes are 64 MiB at most")),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let first = self.0.first().copied();
        let uniform = self.0.len() > 16 && self.0.iter().all(|byte| Some(*byte) == first);
        let shown = if uniform { &self.0[..1] } else { &self.0[..] };
        let mut value = match std::str::from_utf8(shown) {
            Ok(text) if !text.chars().any(char::is_control) => json!({ "utf8": text }),
            _ => {
                let hex: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
                json!({ "hex": hex })
            }
        };
        if uniform {
            value["times"] = json!(self.0.len());
        }
        value.serialize(to)
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Bytes: as text or as hexadecimal digits, repeated `times` times.",
            "type": "object",
            "properties": {
                "utf8": { "type": "string" },
                "hex": { "type": "string", "pattern": "^([0-9a-f]{2})*$" },
                "times": { "type": "integer", "minimum": 0 },
            },
            "oneOf": [{ "required": ["utf8"] }, { "required": ["hex"] }],
            "additionalProperties": false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let read = |value| serde_json::from_value::<Bytes>(value);
        assert_eq!(read(json!({"utf8": "ab"})).unwrap().0, b"ab");
        assert_eq!(read(json!({"hex": "00ff"})).unwrap().0, [0, 255]);
        assert_eq!(read(json!({"hex": "61", "times": 3})).unwrap().0, b"aaa");
        for bytes in [vec![], vec![0, 255], b"text".to_vec(), vec![b'a'; 4000]] {
            let written = json!(Bytes(bytes.clone()));
            assert_eq!(Bytes::parse(&written).unwrap().0, bytes, "{written}");
        }
        for wrong in [
            json!({}),
            json!({"utf8": "a", "hex": "61"}),
            json!({"hex": "6"}),
            json!({"hex": "FF"}),
            json!({"utf8": "a", "more": 1}),
            json!({"utf8": "a", "times": LONGEST + 1}),
            json!("a"),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
