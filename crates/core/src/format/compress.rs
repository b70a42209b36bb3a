//! Owns the codecs a frame's body may be compressed with.

use alloc::vec::Vec;

use super::Fault;

/// How the bodies of new frames are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Compression {
    /// As they are.
    #[default]
    None = 0,
    /// LZ4 block format: fast, moderate ratio.
    Lz4 = 1,
    /// DEFLATE (RFC 1951): slower, better ratio.
    Deflate = 2,
}

impl Compression {
    pub(crate) const fn from_bits(bits: u16) -> Option<Self> {
        match bits {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            2 => Some(Self::Deflate),
            _ => None,
        }
    }

    /// Whether this build contains the codec.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        match self {
            Self::None => true,
            Self::Lz4 => cfg!(feature = "lz4"),
            Self::Deflate => cfg!(feature = "deflate"),
        }
    }
}

/// No codec here expands further than this: LZ4 reaches 255, DEFLATE 1032. A
/// header that declares more is refused before anything is allocated.
pub(crate) const RATIO_MAX: usize = 1040;

/// Bytes of output for each byte of input that are made room for at once, and bytes that
/// always are. More is only asked for once that much has come out, so that a header
/// that lies costs no memory.
const LIKELY: usize = 16;
const ROOM: usize = 64 << 10;

/// The compressed form of `raw`, or `None` where that saves nothing.
pub(crate) fn compress(codec: Compression, raw: &[u8]) -> Option<Vec<u8>> {
    let packed = match codec {
        Compression::None => None,
        Compression::Lz4 => lz4::compress(raw),
        Compression::Deflate => deflate::compress(raw),
    };
    packed.filter(|packed| packed.len() < raw.len())
}

/// The `length` bytes that `packed` stands for. The caller has bounded `length`.
pub(crate) fn decompress(
    codec: Compression,
    packed: &[u8],
    length: usize,
) -> Result<Vec<u8>, Fault> {
    if length > packed.len().saturating_mul(RATIO_MAX) {
        return Err(Fault::Compression);
    }
    let mut room = length.min(ROOM.max(packed.len().saturating_mul(LIKELY)));
    loop {
        let mut raw = Vec::new();
        Fault::reserve(&mut raw, room)?;
        raw.resize(room, 0);
        let written = match codec {
            Compression::None => return Err(Fault::Compression),
            Compression::Lz4 => lz4::decompress(packed, &mut raw)?,
            Compression::Deflate => deflate::decompress(packed, &mut raw)?,
        };
        match written {
            Some(written) if written == length => return Ok(raw),
            None if room < length => room = length.min(room.saturating_mul(4)),
            _ => return Err(Fault::Compression),
        }
    }
}

#[cfg(feature = "lz4")]
mod lz4 {
    use lz4_flex::block::DecompressError;

    use super::{Fault, Vec};

    pub(super) fn compress(raw: &[u8]) -> Option<Vec<u8>> {
        Some(lz4_flex::block::compress(raw))
    }

    /// The bytes written; `None` if there are more than there is room for.
    pub(super) fn decompress(packed: &[u8], raw: &mut [u8]) -> Result<Option<usize>, Fault> {
        match lz4_flex::block::decompress_into(packed, raw) {
            Ok(written) => Ok(Some(written)),
            Err(DecompressError::OutputTooSmall { .. }) => Ok(None),
            Err(_) => Err(Fault::Compression),
        }
    }
}

#[cfg(feature = "deflate")]
mod deflate {
    use miniz_oxide::inflate::TINFLStatus;
    use miniz_oxide::inflate::core::DecompressorOxide;
    use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;

    use super::{Fault, Vec};

    const LEVEL: u8 = 6;

    pub(super) fn compress(raw: &[u8]) -> Option<Vec<u8>> {
        Some(miniz_oxide::deflate::compress_to_vec(raw, LEVEL))
    }

    /// The bytes written; `None` if there are more than there is room for.
    pub(super) fn decompress(packed: &[u8], raw: &mut [u8]) -> Result<Option<usize>, Fault> {
        // Not a Box: asking for one could not be refused.
        let mut states = Vec::new();
        Fault::reserve(&mut states, 1)?;
        states.push(DecompressorOxide::default());
        let state = states.first_mut().ok_or(Fault::Compression)?;
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, written) =
            miniz_oxide::inflate::core::decompress(state, packed, raw, 0, flags);
        match status {
            TINFLStatus::Done if read == packed.len() => Ok(Some(written)),
            TINFLStatus::HasMoreOutput => Ok(None),
            _ => Err(Fault::Compression),
        }
    }
}

#[cfg(not(feature = "lz4"))]
use absent_lz4 as lz4;
#[cfg(not(feature = "lz4"))]
mod absent_lz4 {
    use super::{Fault, Vec};

    pub(super) const fn compress(_raw: &[u8]) -> Option<Vec<u8>> {
        None
    }

    pub(super) const fn decompress(
        _packed: &[u8],
        _raw: &mut [u8],
    ) -> Result<Option<usize>, Fault> {
        Err(Fault::Codec("lz4"))
    }
}

#[cfg(not(feature = "deflate"))]
use absent_deflate as deflate;
#[cfg(not(feature = "deflate"))]
mod absent_deflate {
    use super::{Fault, Vec};

    pub(super) const fn compress(_raw: &[u8]) -> Option<Vec<u8>> {
        None
    }

    pub(super) const fn decompress(
        _packed: &[u8],
        _raw: &mut [u8],
    ) -> Result<Option<usize>, Fault> {
        Err(Fault::Codec("deflate"))
    }
}

#[cfg(all(test, feature = "lz4", feature = "deflate"))]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn round_trips() {
        let raw: Vec<u8> = (0..10_000u32).map(|i| (i / 97 % 251) as u8).collect();
        for codec in [Compression::Lz4, Compression::Deflate] {
            let packed = compress(codec, &raw).unwrap();
            assert_eq!(decompress(codec, &packed, raw.len()), Ok(raw.clone()));
        }
    }

    #[test]
    fn what_unpacks_to_more_than_is_likely_is_there_whole() {
        for length in [ROOM - 1, ROOM, ROOM + 1, 4 * ROOM, 4 * ROOM + 1] {
            let raw = vec![7; length];
            for codec in [Compression::Lz4, Compression::Deflate] {
                let packed = compress(codec, &raw).unwrap();
                assert_eq!(decompress(codec, &packed, length), Ok(raw.clone()));
                for wrong in [length - 1, length + 1, 16 * length] {
                    let refused = Err(Fault::Compression);
                    assert_eq!(decompress(codec, &packed, wrong), refused);
                }
            }
        }
    }

    #[test]
    fn never_grows_past_the_declared_length() {
        let bomb = vec![0u8; if cfg!(miri) { 1 << 14 } else { 1 << 20 }];
        for codec in [Compression::Lz4, Compression::Deflate] {
            let packed = compress(codec, &bomb).unwrap();
            assert!(packed.len() < 10_000);
            assert_eq!(decompress(codec, &packed, 4096), Err(Fault::Compression));
            assert_eq!(
                decompress(codec, &packed, bomb.len() + 1),
                Err(Fault::Compression)
            );
            assert_eq!(
                decompress(codec, &packed[..packed.len() / 2], bomb.len()),
                Err(Fault::Compression)
            );
            assert_eq!(decompress(codec, &[], 10), Err(Fault::Compression));
        }
    }

    #[test]
    fn incompressible_stays_as_it_is() {
        let mut x = 1u64;
        let noise: Vec<u8> = (0..1000)
            .map(|_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (x >> 56) as u8
            })
            .collect();
        assert_eq!(compress(Compression::Lz4, &noise), None);
        assert_eq!(compress(Compression::None, &[0; 1000]), None);
    }
}
