//! Owns the marker that makes a directory a tidelog directory, and the syncing of
//! directories.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{DirectoryError, Operation, Reason};
use crate::layout::MARKER;
use crate::options::FileOptions;

/// The newest format of a directory this version knows.
const VERSION: u32 = 1;
const PROLOGUE: &str = "tidelog directory, format ";

enum Found {
    Marker(u32),
    /// The beginning of a marker, as a creation cut short leaves it.
    Unfinished,
    Foreign,
    Missing,
}

/// Checks that `root` is a tidelog directory, or makes it one.
pub(crate) fn open(root: &Path, options: &FileOptions) -> Result<(), DirectoryError> {
    let creates = options.create_if_missing && !options.read_only;
    match look(root)? {
        Found::Marker(version) if version <= VERSION => Ok(()),
        Found::Marker(version) => Err(DirectoryError::Newer {
            path: root.to_owned(),
            version,
        }),
        Found::Foreign => Err(DirectoryError::NotTidelog(root.to_owned())),
        Found::Unfinished if creates => finish(root),
        Found::Unfinished => Err(DirectoryError::NotTidelog(root.to_owned())),
        Found::Missing => match first_entry(root) {
            Ok(None) if creates => finish(root),
            Ok(_) => Err(DirectoryError::NotTidelog(root.to_owned())),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound if creates => {
                    create_folders(root)?;
                    finish(root)
                }
                io::ErrorKind::NotFound => Err(DirectoryError::Missing(root.to_owned())),
                io::ErrorKind::NotADirectory => Err(DirectoryError::NotTidelog(root.to_owned())),
                _ => Err(Reason::from(error).at(Operation::Open, root).into()),
            },
        },
    }
}

fn first_entry(root: &Path) -> io::Result<Option<fs::DirEntry>> {
    fs::read_dir(root)?.next().transpose()
}

fn look(root: &Path) -> Result<Found, DirectoryError> {
    let path = root.join(MARKER);
    let mut text = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(64).read_to_end(&mut text));
    match read {
        Ok(_) => Ok(parse(&text)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(Found::Missing),
            io::ErrorKind::IsADirectory => Ok(Found::Foreign),
            _ => Err(Reason::from(error).at(Operation::Open, &path).into()),
        },
    }
}

fn parse(text: &[u8]) -> Found {
    let number = str::from_utf8(text).ok().and_then(|text| {
        text.strip_prefix(PROLOGUE)?
            .strip_suffix('\n')?
            .parse()
            .ok()
    });
    match number {
        Some(version) => Found::Marker(version),
        None if marker().as_bytes().starts_with(text) => Found::Unfinished,
        None => Found::Foreign,
    }
}

fn marker() -> String {
    format!("{PROLOGUE}{VERSION}\n")
}

/// Writes the marker and makes it and the directory durable. Two creators at once
/// write the same bytes.
fn finish(root: &Path) -> Result<(), DirectoryError> {
    let path = root.join(MARKER);
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        file.write_all(marker().as_bytes())?;
        file.sync_all()?;
        sync(root)?;
        sync_parent(root)
    };
    write().map_err(|error: io::Error| Reason::from(error).at(Operation::Open, &path).into())
}

/// Creates `root` and what is missing above it, and makes the names durable.
fn create_folders(root: &Path) -> Result<(), DirectoryError> {
    let missing: Vec<&Path> = root
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        let created = match fs::create_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            created => created.and_then(|()| sync_parent(folder)),
        };
        created.map_err(|error| Reason::from(error).at(Operation::Open, folder))?;
    }
    Ok(())
}

/// Makes the name of `folder` durable. Where the folder above may be entered but
/// not opened, its owner is the one to do that.
pub(crate) fn sync_parent(folder: &Path) -> io::Result<()> {
    match sync(&parent(folder)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

fn parent(folder: &Path) -> PathBuf {
    match folder.parent() {
        Some(above) if above.as_os_str() == OsStr::new("") => PathBuf::from("."),
        Some(above) => above.to_owned(),
        None => folder.to_owned(),
    }
}

/// Makes the names in a directory durable.
#[cfg(unix)]
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes the names in a directory durable as far as the platform lets a program
/// ask for it: Windows does not, and keeps its own journal of names.
#[cfg(not(unix))]
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
    Ok(())
}
