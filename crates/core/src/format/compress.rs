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

#[cfg(feature = "deflate")]
const DEFLATE_LEVEL: u8 = 6;

/// No codec here expands further than this: LZ4 reaches 255, DEFLATE 1032. A
/// header that declares more is refused before anything is allocated.
const RATIO_MAX: usize = 1040;

/// The compressed form of `raw`, or `None` where that saves nothing.
pub(crate) fn compress(codec: Compression, raw: &[u8]) -> Option<Vec<u8>> {
    let packed: Vec<u8> = match codec {
        #[cfg(feature = "lz4")]
        Compression::Lz4 => lz4_flex::block::compress(raw),
        #[cfg(feature = "deflate")]
        Compression::Deflate => miniz_oxide::deflate::compress_to_vec(raw, DEFLATE_LEVEL),
        _ => return None,
    };
    (packed.len() < raw.len()).then_some(packed)
}

/// The `length` bytes that `packed` stands for. The caller has bounded `length`.
#[cfg_attr(
    not(any(feature = "lz4", feature = "deflate")),
    allow(
        unused_variables,
        unused_mut,
        reason = "a build without codecs refuses all"
    )
)]
pub(crate) fn decompress(
    codec: Compression,
    packed: &[u8],
    length: usize,
) -> Result<Vec<u8>, Fault> {
    if length > packed.len().saturating_mul(RATIO_MAX) {
        return Err(Fault::Compression);
    }
    let mut raw = Vec::new();
    raw.try_reserve_exact(length)
        .map_err(|_| Fault::Compression)?;
    match codec {
        Compression::None => raw.extend_from_slice(packed),
        #[cfg(feature = "lz4")]
        Compression::Lz4 => {
            raw.resize(length, 0);
            let written = lz4_flex::block::decompress_into(packed, &mut raw)
                .map_err(|_| Fault::Compression)?;
            raw.truncate(written);
        }
        #[cfg(feature = "deflate")]
        Compression::Deflate => {
            raw.resize(length, 0);
            let written = inflate(packed, &mut raw).ok_or(Fault::Compression)?;
            raw.truncate(written);
        }
        #[cfg(not(feature = "lz4"))]
        Compression::Lz4 => return Err(Fault::Codec("lz4")),
        #[cfg(not(feature = "deflate"))]
        Compression::Deflate => return Err(Fault::Codec("deflate")),
    }
    if raw.len() == length {
        Ok(raw)
    } else {
        Err(Fault::Compression)
    }
}

/// Inflates into exactly the room given: output beyond it is an error, so that a
/// body cannot grow past what its header declared.
#[cfg(feature = "deflate")]
fn inflate(packed: &[u8], raw: &mut [u8]) -> Option<usize> {
    use miniz_oxide::inflate::TINFLStatus;
    use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

    let mut state = alloc::boxed::Box::<DecompressorOxide>::default();
    let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, read, written) = decompress(&mut state, packed, raw, 0, flags);
    (status == TINFLStatus::Done && read == packed.len()).then_some(written)
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
    fn never_grows_past_the_declared_length() {
        let bomb = vec![0u8; 1 << 20];
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
