//! Owns bytes as they are.

use super::{Codec, CodecError, Presence};

/// Bytes as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bytes;

impl Codec for Bytes {
    type Item = Vec<u8>;
    type Given = [u8];
    const NAME: &'static str = "bytes";

    fn encode(&self, given: &[u8], into: &mut Vec<u8>) -> Result<Presence, CodecError> {
        into.extend_from_slice(given);
        Ok(Presence::Present)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
        Ok(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::super::round_trip;
    use super::*;

    #[test]
    fn no_bytes_are_bytes() {
        assert_eq!(round_trip(&Bytes, b""), Some(Vec::new()));
        assert_eq!(round_trip(&Bytes, b"\xff\x00"), Some(vec![0xff, 0]));
    }
}
