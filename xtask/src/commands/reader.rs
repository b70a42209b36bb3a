//! `cargo xtask reader`: a second reader, written from the format document alone,
//! passes its own tests and reads every golden image, and images with a flipped bit.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::call::Call;
use crate::outcome::Outcome;
use crate::tools;
use crate::workspace::Workspace;

const READER: &str = "tests/reader";

/// Tests the reader, reads and compares. `quick` flips no bits.
///
/// # Errors
/// When there is no Python, or no image.
pub fn run(workspace: &Workspace, quick: bool) -> Result<Outcome> {
    if tools::version("python3").is_none() {
        bail!("python3 is missing: install Python 3.8 or newer");
    }
    let images = images(&workspace.root.join("tests").join("golden"))?;
    if images.is_empty() {
        bail!("there is no golden image; `cargo xtask golden` writes them");
    }
    let scratch = workspace.scratch("reader")?;
    let folder = workspace.root.join(READER);
    let reader = folder.join("tidelog_reader.py");
    let mut outcome = Outcome::default();
    let (status, _) = Call::new("python3")
        .args(["-m", "unittest", "discover", "--failfast", "-s"])
        .arg(&folder)
        .answer()?;
    outcome.claim(
        status.success(),
        "the reader passes its own tests".to_owned(),
    );
    let (mut flips, mut unnoticed) = (0, Vec::new());
    for image in &images {
        let text = fs::read_to_string(image.with_extension("json"))?;
        let expected: Value = serde_json::from_str(&text)?;
        let events = read(&reader, image, &expected)?;
        let shown = image.strip_prefix(&workspace.root).unwrap_or(image);
        let same = events.is_some_and(|events| is_expected(&events, &expected));
        outcome.claim(same, format!("{} is read as expected", shown.display()));
        let blobs = files(image)?;
        for file in blobs.iter().filter(|file| !quick && !is_marker(file)) {
            let copy = scratch.join("image");
            copy_folder(image, &copy)?;
            let path = copy.join(file.strip_prefix(image)?);
            let mut bytes = fs::read(&path)?;
            let at = fastrand::usize(..bytes.len());
            let bit = fastrand::u8(..8);
            bytes[at] ^= 1 << bit;
            fs::write(&path, bytes)?;
            flips += 1;
            let events = read(&reader, &copy, &expected)?.unwrap_or_default();
            if !invents_nothing(&events, &expected) {
                unnoticed.push(format!("bit {bit} of byte {at} of {}", file.display()));
            }
        }
    }
    outcome.claim(
        unnoticed.is_empty(),
        format!("{flips} flipped bits give no record that was not written {unnoticed:?}"),
    );
    Ok(outcome)
}

/// What the reader printed; `None` if it refused.
fn read(reader: &Path, image: &Path, expected: &Value) -> Result<Option<Vec<Value>>> {
    let (status, text) = Call::new("python3")
        .arg(reader)
        .arg(image)
        .args(["--log", &expected["log"].to_string()])
        .answer()?;
    match status.code() {
        Some(0 | 1) => {}
        Some(2) => return Ok(None),
        _ => bail!("the reader failed on {}: {status}", image.display()),
    }
    let lines = text.lines().map(serde_json::from_str);
    Ok(Some(lines.collect::<Result<_, _>>()?))
}

fn is_expected(events: &[Value], expected: &Value) -> bool {
    let records: Vec<&Value> = with(events, "offset").collect();
    let lost: Vec<&Value> = with(events, "lost").map(|event| &event["lost"]).collect();
    let same = |found: &[&Value], name: &str| {
        expected[name]
            .as_array()
            .is_some_and(|list| list.iter().eq(found.iter().copied()))
    };
    let next = events.last().map(|event| &event["next"]);
    let as_stored = ["footer", "wrong"]
        .iter()
        .all(|name| with(events, name).next().is_none());
    as_stored && same(&records, "records") && same(&lost, "lost") && next == Some(&expected["next"])
}

fn invents_nothing(events: &[Value], expected: &Value) -> bool {
    let written: Vec<&Value> = ["records", "gone"]
        .iter()
        .filter_map(|name| expected[name].as_array())
        .flatten()
        .collect();
    with(events, "offset").all(|record| written.contains(&record))
}

fn with<'a>(events: &'a [Value], field: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| !event[field].is_null())
}

/// The file that makes a directory one of tidelog's holds no part of a log.
fn is_marker(path: &Path) -> bool {
    path.file_name() == Some(OsStr::new("tidelog"))
}

/// Every folder that has a JSON file beside it.
fn images(golden: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = files(golden)?
        .into_iter()
        .filter(|path| path.extension() == Some(OsStr::new("json")))
        .map(|path| path.with_extension(""))
        .collect();
    found.sort();
    Ok(found)
}

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    for file in files(from)? {
        let copy = to.join(file.strip_prefix(from)?);
        if let Some(parent) = copy.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(&file, &copy)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_missing_an_other_and_an_invented_record_are_noticed() {
        let record = |value: &str| json!({ "offset": 0, "value": value });
        let expected = json!({ "next": 1, "lost": [], "records": [record("aa")] });
        let end = json!({ "next": 1 });
        let good = [record("aa"), end.clone()];
        let other = [record("ab"), end.clone()];
        assert!(is_expected(&good, &expected) && invents_nothing(&good, &expected));
        assert!(!is_expected(&other, &expected) && !invents_nothing(&other, &expected));
        assert!(!is_expected(&[end], &expected) && !is_expected(&[], &expected));
    }
}
