//! Owns the system calls of a victim's life: which there are, so that something can be
//! done at each of them, and what a tracer's record says about one meddled with.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The calls that are looked at, as strace spells them; those with a question mark are
/// not there on every processor.
pub const KINDS: &str = "openat,?mkdir,mkdirat,write,pwrite64,pwritev,fdatasync,fsync,\
     sync_file_range,fallocate,ftruncate,?unlink,unlinkat,?rename,renameat2,flock,close,\
     fadvise64,pread64,read,getdents64,statx";

/// Those of them that change nothing which another process could see.
const READING: &[&str] = &["pread64", "read", "getdents64", "statx"];

/// One call of a life: the `nth` of its kind, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name of the system call.
    pub kind: String,
    /// Which of them, counting every call of that kind.
    pub nth: usize,
    /// The name of the file or folder it is about.
    pub file: String,
    /// Whether it may change something.
    pub changes: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.nth)
    }
}

impl Call {
    /// As strace is told to meddle with this call: `how` is `signal=...`, `error=...` or
    /// `retval=...`.
    pub fn meddle(&self, how: &str) -> String {
        format!("{}:{how}:when={}", self.kind, self.nth)
    }

    /// The same for this call and all later ones of its kind.
    pub fn meddle_from(&self, how: &str) -> String {
        format!("{}+", self.meddle(how))
    }
}

/// The calls about anything below `folder`, in order, from a tracer's record.
///
/// # Errors
/// When the record cannot be read.
pub fn of_record(record: &Path, folder: &Path) -> Result<Vec<Call>> {
    Ok(parse(&read(record)?, &folder.display().to_string()))
}

/// The line that the victim printed next after the first call that was meddled with, as
/// far as the record shows it. `None` if no call was, or nothing was printed.
///
/// # Errors
/// When the record cannot be read.
pub fn said_after_meddling(record: &Path) -> Result<Option<String>> {
    let text = read(record)?;
    let mut after = text.lines().skip_while(|line| !line.contains("(INJECTED)"));
    let said = after.find_map(|line| line.split_once(" write(1<"));
    Ok(said.and_then(|(_, rest)| Some(rest.split_once('"')?.1.to_owned())))
}

fn read(record: &Path) -> Result<String> {
    let bytes = fs::read(record).with_context(|| format!("cannot read {}", record.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(text: &str, folder: &str) -> Vec<Call> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        // "PID name(arguments) = result"
        let called = line.split_once(' ').map(|(_, rest)| rest.trim_start());
        let Some((kind, arguments)) = called.and_then(|rest| rest.split_once('(')) else {
            continue;
        };
        let nth = counts.entry(kind).or_default();
        *nth += 1;
        let Some(file) = arguments.split(folder).nth(1) else {
            continue;
        };
        let path = file.split(['"', '>']).next().unwrap_or_default();
        calls.push(Call {
            kind: kind.to_owned(),
            nth: *nth,
            file: path.rsplit('/').next().unwrap_or_default().to_owned(),
            changes: !READING.contains(&kind)
                && (kind != "openat" || arguments.contains("O_CREAT")),
        });
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_kind_whatever_they_are_about() {
        let record = "\
7 openat(AT_FDCWD</w>, \"/lib/libc.so\", O_RDONLY) = 3</lib/libc.so>
7 openat(AT_FDCWD</w>, \"/w/logs/log-1/segment-1\", O_RDWR|O_CREAT|O_EXCL, 0666) = 4</w/logs>
7 pwrite64(4</w/logs/log-1/segment-1>, \"TIDE\"..., 72, 0) = 72
7 openat(AT_FDCWD</w>, \"/w/logs\", O_RDONLY) = 5</w/logs>
7 +++ exited with 0 +++
";
        let calls = parse(record, "/w/logs");
        let shown: Vec<_> = calls
            .iter()
            .map(|call| {
                (
                    call.kind.as_str(),
                    call.nth,
                    call.file.as_str(),
                    call.changes,
                )
            })
            .collect();
        let expected = [
            ("openat", 2, "segment-1", true),
            ("pwrite64", 1, "segment-1", true),
            ("openat", 3, "", false),
        ];
        assert_eq!(shown, expected);
        assert_eq!(
            calls[1].meddle_from("error=EIO"),
            "pwrite64:error=EIO:when=1+"
        );
    }
}
