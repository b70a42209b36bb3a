//! The fuzz targets: what each is given, and what must hold of it whatever that is.
//! libFuzzer drives them in one instrumented build (`cargo xtask fuzz`); everything
//! it ever kept is replayed by the tests of this crate in any build.

#[cfg(not(fuzzing))]
pub mod bombs;
mod checksum;
mod heap;
mod image;
mod repair;
#[cfg(not(fuzzing))]
pub mod seeds;
mod targets;
mod witness;

/// Something that is fed bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, stable: the corpus is kept by it.
    pub name: &'static str,
    /// Bytes worth feeding it at most.
    pub longest: usize,
    /// Bytes of memory it may take at most, beside [`EXPANSION`] times its input.
    heap: usize,
    check: fn(&[u8]) -> Fed,
}

/// What became of an input.
struct Fed {
    /// Whether it was taken, and not refused.
    taken: bool,
    /// Bytes that packed bodies in it may unpack to.
    unpacks: usize,
}

impl From<bool> for Fed {
    fn from(taken: bool) -> Self {
        Self { taken, unpacks: 0 }
    }
}

/// Bytes of memory for each byte of input, packed or not: a record of three bytes takes
/// a slot of eight and an offset of eight, in a vector that doubles as it grows.
const EXPANSION: usize = 16;

const MIB: usize = 1 << 20;

/// Every target.
pub const ALL: &[Target] = &[
    Target {
        name: "header",
        longest: 128,
        heap: MIB,
        check: targets::header::check,
    },
    Target {
        name: "frame",
        longest: 4096,
        heap: MIB,
        check: targets::frame::check,
    },
    Target {
        name: "footer",
        longest: 8192,
        heap: MIB,
        check: targets::footer::check,
    },
    Target {
        name: "manifest",
        longest: 4096,
        heap: MIB,
        check: targets::manifest::check,
    },
    Target {
        name: "mask",
        longest: 16384,
        heap: MIB,
        check: targets::mask::check,
    },
    Target {
        name: "decompress",
        longest: 4096,
        heap: MIB,
        check: targets::decompress::check,
    },
    Target {
        name: "catalog",
        longest: 2048,
        heap: 8 * MIB,
        check: targets::catalog::check,
    },
    Target {
        name: "image",
        longest: 16384,
        heap: 8 * MIB,
        check: targets::image::check,
    },
    Target {
        name: "salvage",
        longest: 16384,
        heap: 8 * MIB,
        check: targets::salvage::check,
    },
    Target {
        name: "operations",
        longest: 256,
        heap: 64 * MIB,
        check: targets::operations::check,
    },
];

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|target| target.name == name)
    }

    /// Feeds it these bytes. Whether they were taken: refusing them is as good, but seeds
    /// that are refused lead nowhere.
    ///
    /// # Panics
    /// When something does not hold, or it took more memory than it may.
    pub fn feed(&self, bytes: &[u8]) -> bool {
        let bytes = &bytes[..bytes.len().min(self.longest)];
        let (fed, peak) = heap::peak_of(|| (self.check)(bytes));
        let allowed = self.heap + EXPANSION * (bytes.len() + fed.unpacks);
        assert!(
            peak <= allowed,
            "{} took {peak} bytes of memory for {} of input; {allowed} are allowed",
            self.name,
            bytes.len()
        );
        fed.taken
    }
}
