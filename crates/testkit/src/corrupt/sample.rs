//! Owns the golden images as they lie in the repository, of every version of the
//! format: their blobs, and what must be read from them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tidelog_core::{BlobId, BlobKind, LogId};

use super::shelf::Blobs;
use crate::golden::{Expected, ExpectedRecord};

/// One golden image.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Version and name, such as `v1/values`.
    pub name: String,
    /// Its log.
    pub log: LogId,
    /// Its blobs.
    pub blobs: Blobs,
    /// What must be read.
    pub expected: Expected,
}

/// Every image below `folder`, which holds one folder for each version.
///
/// # Errors
/// When something cannot be read, or is not what it should be.
pub fn samples(folder: &Path) -> io::Result<Vec<Sample>> {
    let mut found = Vec::new();
    for version in sorted(folder)?.into_iter().filter(|path| path.is_dir()) {
        for file in sorted(&version)? {
            if file
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                found.push(sample(folder, &file)?);
            }
        }
    }
    if found.is_empty() {
        return Err(wrong(folder, "holds no golden image"));
    }
    Ok(found)
}

fn sample(root: &Path, file: &Path) -> io::Result<Sample> {
    let image = file.with_extension("");
    let value: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let (log, expected) = expected(&value).ok_or_else(|| wrong(file, "is not as expected"))?;
    let folder = image.join(format!("log-{log}"));
    let mut blobs = Blobs::new();
    for path in sorted(&folder)? {
        let id = blob(log, &path).ok_or_else(|| wrong(&path, "is no blob"))?;
        blobs.insert(id, Arc::new(fs::read(&path)?));
    }
    let name = image.strip_prefix(root).unwrap_or(&image);
    Ok(Sample {
        name: name.display().to_string(),
        log,
        blobs,
        expected,
    })
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn wrong(path: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{} {what}", path.display()))
}

fn blob(log: LogId, path: &Path) -> Option<BlobId> {
    let (kind, number) = path.file_name()?.to_str()?.rsplit_once('-')?;
    let kind = BlobKind::ALL.into_iter().find(|one| one.as_str() == kind)?;
    let number = number.parse().ok()?;
    Some(BlobId { log, kind, number })
}

fn expected(value: &Value) -> Option<(LogId, Expected)> {
    let records = |name: &str| -> Option<Vec<ExpectedRecord>> {
        value[name].as_array()?.iter().map(record).collect()
    };
    let lost = value["lost"].as_array()?.iter();
    let lost = lost.map(|range| Some((range[0].as_u64()?, range[1].as_u64()?)));
    let expected = Expected {
        next: value["next"].as_u64()?,
        records: records("records")?,
        lost: lost.collect::<Option<_>>()?,
        gone: records("gone")?,
    };
    Some((LogId(value["log"].as_u64()?), expected))
}

fn record(value: &Value) -> Option<ExpectedRecord> {
    let optional = |name: &str| match &value[name] {
        Value::Null => Some(None),
        bytes => unhex(bytes).map(Some),
    };
    let headers = value["headers"].as_array()?.iter();
    let headers = headers.map(|header| Some((unhex(&header[0])?, unhex(&header[1])?)));
    Some(ExpectedRecord {
        offset: value["offset"].as_u64()?,
        time: value["time"].as_i64()?,
        key: optional("key")?,
        value: optional("value")?,
        headers: headers.collect::<Option<_>>()?,
    })
}

fn unhex(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?.as_bytes();
    let digit = |byte: u8| (byte as char).to_digit(16);
    let bytes = text.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    });
    bytes.collect()
}
