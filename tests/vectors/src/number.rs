//! Owns integers as the scripts write them: JSON numbers as long as every JSON reader
//! keeps them exact, decimal strings beyond that.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// The largest magnitude that a JSON number may have here: 2^53 - 1.
pub const EXACT: u64 = (1 << 53) - 1;

/// An integer from 0 to 2^64 - 1: an offset, a count, a number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsigned(pub u64);

/// An integer from -2^63 to 2^63 - 1: a time or a span, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signed(pub i64);

/// The one way in which an integer is written.
pub fn canonical(value: i128) -> Value {
    match i64::try_from(value) {
        Ok(small) if small.unsigned_abs() <= EXACT => json!(small),
        _ => json!(value.to_string()),
    }
}

/// A decimal string, if it is the only way to write its integer.
pub fn long(text: &str) -> Option<i128> {
    let value: i128 = text.parse().ok()?;
    let canonical = value.to_string() == text && value.unsigned_abs() > u128::from(EXACT);
    canonical.then_some(value)
}

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer up to 2^53 - 1, or a decimal string of a larger one")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i128, E> {
        match value <= EXACT {
            true => Ok(value.into()),
            false => Err(E::custom(format!("{value} must be a decimal string"))),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i128, E> {
        match value.unsigned_abs() <= EXACT {
            true => Ok(value.into()),
            false => Err(E::custom(format!("{value} must be a decimal string"))),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i128, E> {
        long(text).ok_or_else(|| {
            E::custom(format!(
                "{text:?} is no decimal string of an integer beyond 2^53 - 1"
            ))
        })
    }
}

macro_rules! integer {
    ($name:ident($inner:ty), $minimum:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let value = from.deserialize_any(Integer)?;
                let fits = <$inner>::try_from(value);
                fits.map(Self)
                    .map_err(|_| D::Error::custom(format!("{value} is out of range here")))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                canonical(self.0.into()).serialize(to)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": "An integer. Beyond 2^53 - 1 it is a decimal string.",
                    "anyOf": [
                        { "type": "integer", "minimum": $minimum, "maximum": EXACT },
                        { "type": "string", "pattern": "^-?[1-9][0-9]{15,19}$" },
                    ],
                })
            }
        }
    };
}

integer!(Unsigned(u64), 0);
integer!(Signed(i64), -(EXACT as i64));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_way_to_write_an_integer() {
        let read = serde_json::from_value::<Unsigned>;
        assert_eq!(read(json!(EXACT)).unwrap(), Unsigned(EXACT));
        assert_eq!(read(json!("9007199254740992")).unwrap().0, EXACT + 1);
        assert_eq!(read(json!("18446744073709551615")).unwrap().0, u64::MAX);
        for wrong in [
            json!(EXACT + 1),
            json!("9007199254740991"),
            json!("7"),
            json!("18446744073709551616"),
            json!("+9007199254740992"),
            json!(-1),
            json!(1.5),
            json!(null),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
        let signed = serde_json::from_value::<Signed>;
        assert_eq!(signed(json!("-9223372036854775808")).unwrap().0, i64::MIN);
        assert_eq!(json!(Signed(i64::MIN)), json!("-9223372036854775808"));
        assert_eq!(json!(Unsigned(5)), json!(5));
    }
}
