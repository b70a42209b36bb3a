//! Owns the golden images: small stores of which every byte is known, and what
//! must be read from each. They show when the format changes.
//!
//! An image is kept under `tests/golden/vN/` as a directory of the file store, with
//! the records to be read from it beside it as JSON. What is expected comes from
//! what was appended, never from reading.

mod images;
mod store;
mod story;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidelog_core::LogId;

pub use images::images;

/// The log of every image.
pub const LOG: LogId = LogId(7);

/// The folder of the images of the format written today, below the root of the
/// repository.
pub const FOLDER: &str = "tests/golden/v1";

/// The file store's marker.
const MARKER: &str = "tidelog directory, format 1\n";

/// One image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name, fit for a file.
    pub name: &'static str,
    /// The blobs, by their file in the file store's layout.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// What must be read.
    pub expected: Expected,
}

/// What must be read from an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The offset after the last record.
    pub next: u64,
    /// The records, oldest first.
    pub records: Vec<ExpectedRecord>,
    /// Ranges of offsets that cannot be read, oldest first.
    pub lost: Vec<(u64, u64)>,
    /// Records that were appended and must not be read any more. Salvage may find
    /// them again.
    pub gone: Vec<ExpectedRecord>,
}

/// A record that must be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedRecord {
    /// Its offset.
    pub offset: u64,
    /// Microseconds since 1970.
    pub time: i64,
    /// The key, if any.
    pub key: Option<Vec<u8>>,
    /// The value, if any.
    pub value: Option<Vec<u8>>,
    /// Names and values.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl ExpectedRecord {
    /// One object; bytes are hexadecimal.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let headers = self.headers.iter();
        json!({
            "offset": self.offset,
            "time": self.time,
            "key": self.key.as_deref().map(hex),
            "value": self.value.as_deref().map(hex),
            "headers": headers.map(|(name, value)| [hex(name), hex(value)]).collect::<Vec<_>>(),
        })
    }
}

impl Expected {
    /// The JSON beside the image, one record a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines = |records: &[ExpectedRecord]| {
            let lines = records.iter();
            let lines = lines.map(|record| format!("\n    {}", record.to_json()));
            lines.collect::<Vec<_>>().join(",")
        };
        format!(
            "{{\n  \"log\": {},\n  \"next\": {},\n  \"lost\": {},\n  \"gone\": [{}],\n  \
             \"records\": [{}\n  ]\n}}\n",
            LOG,
            self.next,
            json!(self.lost),
            lines(&self.gone),
            lines(&self.records)
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Image {
    /// Every file of the image below [`FOLDER`], the JSON included.
    #[must_use]
    pub fn all_files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let folder = Path::new(self.name);
        let mut all: BTreeMap<PathBuf, Vec<u8>> = self
            .files
            .iter()
            .map(|(path, bytes)| (folder.join(path), bytes.clone()))
            .collect();
        all.insert(folder.join("tidelog"), MARKER.into());
        let expected = format!("{}.json", self.name);
        all.insert(expected.into(), self.expected.to_text().into());
        all
    }
}

/// Every file that belongs below [`FOLDER`].
#[must_use]
pub fn all_files() -> BTreeMap<PathBuf, Vec<u8>> {
    images().iter().flat_map(Image::all_files).collect()
}

/// Writes every image below `folder`, which is emptied first.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path) -> io::Result<()> {
    let files = all_files();
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    for (path, bytes) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// What differs between `folder` and what is written today: one sentence per file.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn differences(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = BTreeMap::new();
    gather(folder, folder, &mut found)?;
    let mut differences = Vec::new();
    for (path, bytes) in all_files() {
        let shown = path.display();
        match found.remove(&path) {
            None => differences.push(format!("{shown} is missing")),
            Some(old) if old != bytes => {
                let at = old.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
                let (old, new) = (old.len(), bytes.len());
                differences.push(format!(
                    "{shown} differs from byte {at} on ({old} bytes there, {new} written today)"
                ));
            }
            Some(_) => {}
        }
    }
    let unknown = found.keys().map(|path| path.display());
    differences.extend(unknown.map(|path| format!("{path} is not written any more")));
    Ok(differences)
}

fn gather(root: &Path, folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(root, &path, into)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            into.insert(name.to_owned(), fs::read(&path)?);
        }
    }
    Ok(())
}
