//! Owns which files of a directory hold messages, and in which order.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Failure;

/// A data file.
#[derive(Debug)]
pub struct DataFile {
    /// The offset that its name says it begins at.
    pub base: u64,
    /// Its length in bytes when the directory was read.
    pub bytes: u64,
    /// Where it is.
    pub path: PathBuf,
}

/// The data files of the klevdb directory at `path`, in the order of their offsets.
///
/// # Errors
/// It cannot be read, or is no directory of klevdb.
pub fn data_files(path: &Path) -> Result<Vec<DataFile>, Failure> {
    let failed = |error| Failure::io("read", path, &error);
    let mut files = Vec::new();
    let mut others = false;
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".log")) else {
            others = true;
            continue;
        };
        let digits = !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit());
        let base = stem.parse().ok().filter(|_| digits);
        let base = base.ok_or_else(|| {
            Failure::usage(format!(
                "{} is no directory of klevdb: it has a file {name:?}, \
                 and its data files are named by offsets",
                path.display()
            ))
        })?;
        files.push(DataFile {
            base,
            bytes: entry.metadata().map_err(failed)?.len(),
            path: entry.path(),
        });
    }
    if files.is_empty() && others {
        return Err(Failure::usage(format!(
            "{} is no directory of klevdb: it has no file named by an offset, such as \
             00000000000000000000.log",
            path.display()
        )));
    }
    files.sort_by_key(|file| file.base);
    Ok(files)
}
