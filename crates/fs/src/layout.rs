//! Owns the names of everything in a directory. Touches no file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tidelog_core::{BlobId, BlobKind, LogId};

/// The file that makes a directory a tidelog directory.
pub(crate) const MARKER: &str = "tidelog";

/// Where things are in one directory.
#[derive(Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn folder(&self, log: LogId) -> PathBuf {
        self.root.join(format!("log-{log}"))
    }

    pub(crate) fn blob(&self, blob: BlobId) -> PathBuf {
        self.folder(blob.log)
            .join(format!("{}-{}", blob.kind.as_str(), blob.number))
    }

    pub(crate) fn lock(&self, log: LogId) -> PathBuf {
        self.folder(log).join("lock")
    }

    pub(crate) fn epoch(&self, log: LogId, epoch: u64) -> PathBuf {
        self.folder(log).join(format!("epoch-{epoch}"))
    }
}

/// The blob of `log` that a file of this name holds, if it holds one.
pub(crate) fn parse(log: LogId, name: &OsStr) -> Option<BlobId> {
    let (kind, digits) = name.to_str()?.rsplit_once('-')?;
    let kind = BlobKind::ALL.into_iter().find(|it| it.as_str() == kind)?;
    let number: u64 = digits.parse().ok()?;
    // "+7" and "07" parse too, but are not how this store names a file.
    (number.to_string() == digits).then_some(BlobId { log, kind, number })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use tidelog_core::{BlobId, BlobKind, LogId};

    use super::{Layout, parse};

    #[test]
    fn names_are_parsed_back_and_nothing_else_is() {
        let layout = Layout::new("root".into());
        for kind in BlobKind::ALL {
            for number in [0, 7, u64::MAX] {
                let blob = BlobId {
                    log: LogId(3),
                    kind,
                    number,
                };
                let path = layout.blob(blob);
                assert_eq!(parse(LogId(3), path.file_name().unwrap()), Some(blob));
            }
        }
        for foreign in [
            "lock",
            "epoch-1",
            "segment",
            "segment-",
            "segment-+7",
            "segment-07",
            "segment--7",
            "segment-7.bak",
            "Segment-7",
            "manifest-copy",
            "segment-18446744073709551616",
        ] {
            assert_eq!(parse(LogId(3), OsStr::new(foreign)), None, "{foreign}");
        }
    }
}
