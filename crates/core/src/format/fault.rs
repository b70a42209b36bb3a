//! Owns the reasons for which bytes are not what the format says they must be.

use alloc::vec::Vec;
use core::fmt;

use crate::ErrorKind;

/// Why stored bytes were refused. The place is given beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end before the structure does.
    Short,
    /// Nothing was ever written here: the bytes are zero.
    Blank,
    /// The checksum does not match: damaged, torn, or belonging elsewhere.
    Checksum,
    /// The magic number is not tidelog's.
    Magic,
    /// A format version this build does not know.
    Version(u16),
    /// Features this build does not know but must, as bits.
    Feature(u32),
    /// The checksum holds, yet a field contradicts the format.
    Malformed(&'static str),
    /// A compressed body that does not decompress to what its header says.
    Compression,
    /// A codec or cipher this build does not contain.
    Codec(&'static str),
    /// Records that must be here are missing.
    Gap,
    /// The bytes belong to another blob or another writer.
    Foreign,
    /// Memory for so many bytes was refused: nothing is known to be wrong here.
    Memory(usize),
}

impl Fault {
    /// `unsupported` for a version, feature or codec this build does not know,
    /// `unavailable` where memory was refused, `corrupt` for everything else.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Version(_) | Self::Feature(_) | Self::Codec(_) => ErrorKind::Unsupported,
            Self::Memory(_) => ErrorKind::Unavailable,
            _ => ErrorKind::Corrupt,
        }
    }

    /// Room for so many more items, or [`Fault::Memory`]. Whoever asks has held the
    /// number against the bytes present, or a limit.
    pub(crate) fn reserve<T>(items: &mut Vec<T>, more: usize) -> Result<(), Self> {
        let refused = |_| Self::Memory(more.saturating_mul(size_of::<T>()));
        items.try_reserve(more).map_err(refused)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the bytes end too early"),
            Self::Blank => f.write_str("nothing is written here"),
            Self::Checksum => f.write_str("the checksum does not match"),
            Self::Magic => f.write_str("this is not a tidelog blob"),
            Self::Version(version) => {
                write!(
                    f,
                    "format version {version} is not known to this build (it knows 1)"
                )
            }
            Self::Feature(bits) => {
                write!(f, "required features {bits:#x} are not known to this build")
            }
            Self::Malformed(what) => write!(f, "the {what} contradicts the format"),
            Self::Compression => f.write_str("the compressed body does not decompress"),
            Self::Codec(name) => write!(f, "this build does not contain {name}"),
            Self::Gap => f.write_str("records are missing"),
            Self::Foreign => f.write_str("the bytes belong to another blob"),
            Self::Memory(bytes) => write!(f, "memory for {bytes} bytes was refused"),
        }
    }
}

impl core::error::Error for Fault {}
