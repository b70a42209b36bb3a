//! Owns the names of what a store holds.

use core::fmt;

/// The number of a log inside its store. 0 is the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub u64);

impl LogId {
    /// The log that maps names to logs.
    pub const CATALOG: Self = Self(0);
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a blob is for. Stores need it only to name blobs, and to keep the
/// manifest's reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BlobKind {
    /// Batches of records.
    Segment = 0,
    /// The edits that say what is live.
    Manifest = 1,
    /// The second, identical copy of a manifest.
    ManifestCopy = 2,
    /// The deleted offsets of one segment.
    Mask = 3,
    /// The index of a segment that carries none, or an outdated one.
    Index = 4,
    /// Named cursors and checkpoints.
    Cursors = 5,
}

impl BlobKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Segment,
        Self::Manifest,
        Self::ManifestCopy,
        Self::Mask,
        Self::Index,
        Self::Cursors,
    ];

    /// A short stable name, fit for a file name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Manifest => "manifest",
            Self::ManifestCopy => "manifest-copy",
            Self::Mask => "mask",
            Self::Index => "index",
            Self::Cursors => "cursors",
        }
    }
}

/// The name of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId {
    /// The log it belongs to.
    pub log: LogId,
    /// What it is for.
    pub kind: BlobKind,
    /// Its number, allocated by the manifest and never used again.
    pub number: u64,
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} of log {}",
            self.kind.as_str(),
            self.number,
            self.log
        )
    }
}
