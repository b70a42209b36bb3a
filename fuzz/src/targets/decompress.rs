//! Packed bodies. The first byte says which codec, and whether what follows is packed or
//! is to be packed; two more say how long it claims to be.

use tidelog_core::Compression;
use tidelog_core::fuzzing::{pack, unpacked};

use crate::Fed;

/// Lengths that are claimed are in units of this, less a few.
const UNIT: usize = 64;

pub(crate) fn check(bytes: &[u8]) -> Fed {
    let Some((&[mode, low, high], rest)) = bytes.split_first_chunk() else {
        return false.into();
    };
    let codec = match mode & 3 {
        0 => Compression::None,
        1 | 2 => Compression::Lz4,
        _ => Compression::Deflate,
    };
    if mode & 4 != 0 {
        pack(codec, rest);
        return true.into();
    }
    let claimed = usize::from(u16::from_le_bytes([low, high]));
    let claimed = match mode & 8 {
        0 => claimed,
        _ => claimed * UNIT + usize::from(mode >> 4),
    };
    Fed {
        taken: unpacked(codec, rest, claimed).is_ok(),
        unpacks: claimed,
    }
}
