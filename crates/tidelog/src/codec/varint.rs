//! Owns integers as varints.

use super::{Codec, CodecError, Presence};

/// Integers in as few bytes as they need: zig-zag, then seven bits a byte, the lowest
/// first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Varint;

impl Codec for Varint {
    type Item = i64;
    type Given = i64;
    const NAME: &'static str = "varint";

    fn encode(&self, given: &i64, into: &mut Vec<u8>) -> Result<Presence, CodecError> {
        let mut left = ((given << 1) ^ (given >> 63)) as u64;
        while left >= 0x80 {
            into.push(left as u8 | 0x80);
            left >>= 7;
        }
        into.push(left as u8);
        Ok(Presence::Present)
    }

    fn decode(&self, bytes: &[u8]) -> Result<i64, CodecError> {
        let mut whole = 0_u64;
        for (place, byte) in bytes.iter().enumerate() {
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if place > 9 || (place == 9 && bits > 1) {
                return Err(CodecError::new("the number is beyond 64 bits"));
            }
            whole |= bits << (7 * place);
            if *byte < 0x80 {
                return match bytes.len() - place - 1 {
                    0 => Ok((whole >> 1) as i64 ^ -((whole & 1) as i64)),
                    left => Err(CodecError::new(format_args!("{left} bytes are left over"))),
                };
            }
        }
        Err(CodecError::new("the bytes end within the number"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::round_trip;
    use super::*;

    #[test]
    fn small_numbers_are_short_and_all_come_back() {
        for (number, bytes) in [
            (0, &[0][..]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[126]),
            (-64, &[127]),
            (64, &[128, 1]),
            (i64::MAX, &[254, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
            (i64::MIN, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ] {
            let mut written = Vec::new();
            Varint.encode(&number, &mut written).unwrap();
            assert_eq!(written, bytes);
            assert_eq!(round_trip(&Varint, &number), Some(number));
        }
        for power in 0..63 {
            for number in [1 << power, -(1 << power)] {
                assert_eq!(round_trip(&Varint, &number), Some(number));
            }
        }
    }

    #[test]
    fn short_long_and_overflowing_bytes_are_told_apart() {
        for (bytes, said) in [
            (&[][..], "end within"),
            (&[0x80], "end within"),
            (&[0xff; 9], "end within"),
            (&[0xff; 10], "beyond 64"),
            (
                &[0xff, 255, 255, 255, 255, 255, 255, 255, 255, 2],
                "beyond 64",
            ),
            (&[0x80; 11], "beyond 64"),
            (&[0, 0], "1 bytes are left"),
        ] {
            let wrong = Varint.decode(bytes).unwrap_err().to_string();
            assert!(wrong.contains(said), "{bytes:?}: {wrong}");
        }
    }
}
