//! Owns strings, with and without a difference between empty and absent.

use super::{Codec, CodecError, Json, Presence};

/// Strings as their UTF-8, without a difference between empty and absent: `""` is
/// written as absent, and what is absent is read as such.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

/// Strings as JSON strings, so that `""` is present, and different from absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct OptionalText;

impl Codec for Text {
    type Item = String;
    type Given = str;
    const NAME: &'static str = "text";

    fn encode(&self, given: &str, into: &mut Vec<u8>) -> Result<Presence, CodecError> {
        into.extend_from_slice(given.as_bytes());
        Ok(match given {
            "" => Presence::Absent,
            _ => Presence::Present,
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<String, CodecError> {
        str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(CodecError::new)
    }
}

impl Codec for OptionalText {
    type Item = String;
    type Given = str;
    const NAME: &'static str = "optional text";

    fn encode(&self, given: &str, into: &mut Vec<u8>) -> Result<Presence, CodecError> {
        serde_json::to_writer(into, given).map_err(CodecError::new)?;
        Ok(Presence::Present)
    }

    fn decode(&self, bytes: &[u8]) -> Result<String, CodecError> {
        Json::new().decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::round_trip;
    use super::*;

    #[test]
    fn text_has_no_empty_string() {
        assert_eq!(round_trip(&Text, ""), None);
        assert_eq!(round_trip(&Text, "\u{e9}").as_deref(), Some("\u{e9}"));
        let said = Text.decode(b"ab\xff").unwrap_err().to_string();
        assert!(said.contains("index 2"), "{said}");
        assert_eq!(Text.decode(b"").unwrap(), "", "as somebody else wrote it");
    }

    #[test]
    fn optional_text_has_one() {
        assert_eq!(round_trip(&OptionalText, "").as_deref(), Some(""));
        assert_eq!(round_trip(&OptionalText, "a\"\n").as_deref(), Some("a\"\n"));
        let mut bytes = Vec::new();
        OptionalText.encode("", &mut bytes).unwrap();
        assert_eq!(bytes, b"\"\"");
        for bytes in [&b""[..], b"a", b"null", b"\"a\" x", b"\"a"] {
            assert!(OptionalText.decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
