//! Owns when an answer is what a step expects.

use serde_json::Value;

use crate::bytes::Bytes;

/// What of `actual` is not as `expected`; `None` if all is.
///
/// Of objects only the fields that are expected are looked at; lists agree in length and
/// order; bytes are compared as bytes, however they are written.
pub fn difference(expected: &Value, actual: &Value) -> Option<String> {
    differs(expected, actual, "the answer")
}

fn differs(expected: &Value, actual: &Value, place: &str) -> Option<String> {
    if let (Some(wanted), Some(found)) = (Bytes::parse(expected), Bytes::parse(actual)) {
        return (wanted != found).then(|| unlike(expected, actual, place));
    }
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(found)) => wanted.iter().find_map(|(name, value)| {
            let place = format!("{place}.{name}");
            match found.get(name) {
                Some(field) => differs(value, field, &place),
                None => Some(format!("{place} does not exist")),
            }
        }),
        (Value::Array(wanted), Value::Array(found)) => {
            let pairs = wanted.iter().zip(found).enumerate();
            let first = pairs
                .map(|(index, (value, item))| differs(value, item, &format!("{place}[{index}]")))
                .find_map(|difference| difference);
            first.or_else(|| {
                let (wanted, found) = (wanted.len(), found.len());
                (wanted != found).then(|| format!("{place} has {found} items, not {wanted}"))
            })
        }
        _ => (expected != actual).then(|| unlike(expected, actual, place)),
    }
}

fn unlike(expected: &Value, actual: &Value, place: &str) -> String {
    format!("{place} is {actual}, not {expected}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::difference;

    #[test]
    fn only_what_is_expected_is_compared() {
        let actual = json!({"next": 3, "records": [{"key": null, "value": {"utf8": "a"}}]});
        for same in [
            json!({}),
            json!({"next": 3}),
            json!({"records": [{}]}),
            json!({"records": [{"key": null}]}),
            json!({"records": [{"value": {"hex": "61"}}]}),
        ] {
            assert_eq!(difference(&same, &actual), None, "{same}");
        }
        for other in [
            json!({"next": 4}),
            json!({"next": "3"}),
            json!({"nxet": 3}),
            json!({"records": []}),
            json!({"records": [{}, {}]}),
            json!({"records": [{"key": {"utf8": ""}}]}),
            json!({"records": [{"value": null}]}),
            json!({"records": [{"value": {"hex": "62"}}]}),
            json!({"records": [{"value": {}}, 1]}),
        ] {
            assert!(difference(&other, &actual).is_some(), "{other}");
        }
    }
}
