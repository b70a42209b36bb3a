//! Owns the growing end of one blob: what this writer appended to it and what of
//! that is durable. May not decide which files stay open.

use std::path::{Path, PathBuf};
use std::{fs, io};

use tidelog_core::BlobId;

use crate::error::Reason;
use crate::file::BlobFile;
use crate::preallocation::Preallocation;
use crate::writeback::Writeback;

/// The end of one blob as this writer has made it.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    // Open while something is unsynced: a file opened anew may not be told that
    // writing back its bytes failed.
    file: Option<BlobFile>,
    appended: Option<u64>,
    space: Preallocation,
    writeback: Writeback,
    unsynced: bool,
    named: bool,
    failed: bool,
}

impl Tail {
    /// Of a blob about which this writer knows nothing yet, so that all of it
    /// counts as unsynced.
    pub(crate) fn unknown(blob: BlobId, path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            appended: None,
            space: Preallocation::none(blob.kind),
            writeback: Writeback::default(),
            unsynced: true,
            named: false,
            failed: false,
        }
    }

    /// Where this writer's next append continues, if it appended at all.
    pub(crate) fn appended(&self) -> Option<u64> {
        self.appended
    }

    /// Whether the blob's name is known to be durable.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// Notes that the folder with the blob's name in it was synced.
    pub(crate) fn set_named(&mut self) {
        self.named = true;
    }

    /// Notes that what the blob holds is unknown from now on.
    pub(crate) fn set_failed(&mut self) {
        self.failed = true;
    }

    pub(crate) fn append(&mut self, position: u64, bytes: &[u8]) -> Result<(), Reason> {
        if self.failed {
            return Err(Reason::FailedBefore);
        }
        match self.appended {
            Some(end) if position == end && position > 0 => {}
            Some(end) => return Err(Reason::Conflict { end, position }),
            None if position == 0 => self.create()?,
            None => self.take_over(position)?,
        }
        let end = position.saturating_add(bytes.len() as u64);
        let file = opened(&mut self.file, &self.path)?;
        self.space.prepare(file, position, end);
        self.unsynced = true;
        if let Err(error) = file.write_at(position, bytes) {
            let reason = Reason::from(error);
            self.failed = !reason.is_full();
            return Err(reason);
        }
        self.writeback.grown(file, end);
        self.appended = Some(end);
        Ok(())
    }

    /// Makes the blob's bytes durable; its name is the folder's business.
    pub(crate) fn sync(&mut self) -> Result<(), Reason> {
        if self.failed {
            return Err(Reason::FailedBefore);
        }
        if !self.unsynced {
            return Ok(());
        }
        if let Err(error) = opened(&mut self.file, &self.path)?.sync() {
            // The system may have thrown the bytes away and say yes next time.
            self.failed = true;
            return Err(error.into());
        }
        self.unsynced = false;
        Ok(())
    }

    /// Gives space back that was taken ahead and never used.
    pub(crate) fn shrink(&mut self) -> Result<(), Reason> {
        if let Some(end) = self.appended.filter(|end| self.space.end() > *end) {
            opened(&mut self.file, &self.path)?.set_len(end)?;
            self.space.forget();
            self.unsynced = true;
        }
        Ok(())
    }

    /// Closes the file, syncing it first so that no failure goes unseen: the next
    /// append or sync tells.
    pub(crate) fn close(&mut self) {
        if self.file.is_some() && self.sync().is_err() {
            self.failed = true;
        }
        self.file = None;
    }

    fn create(&mut self) -> Result<(), Reason> {
        let created = match BlobFile::create(&self.path) {
            Err(Reason::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(folder) = self.path.parent() {
                    fs::create_dir(folder)?;
                }
                BlobFile::create(&self.path)
            }
            created => created,
        };
        self.file = Some(created?);
        self.appended = Some(0);
        Ok(())
    }

    // What an earlier writer left behind `position` is torn, and is written over.
    fn take_over(&mut self, position: u64) -> Result<(), Reason> {
        let end = match opened(&mut self.file, &self.path) {
            Ok(file) => file.len()?,
            Err(Reason::Io(error)) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(reason) => return Err(reason),
        };
        if position > end {
            return Err(Reason::Conflict { end, position });
        }
        Ok(())
    }
}

fn opened<'a>(file: &'a mut Option<BlobFile>, path: &Path) -> Result<&'a BlobFile, Reason> {
    match file {
        Some(file) => Ok(file),
        None => Ok(file.insert(BlobFile::open_to_write(path)?)),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::OpenOptions;

    use tidelog_core::{BlobId, BlobKind, LogId};

    use super::Tail;
    use crate::error::Reason;
    use crate::file::BlobFile;

    fn over(device: &str) -> Tail {
        let blob = BlobId {
            log: LogId(1),
            kind: BlobKind::Segment,
            number: 1,
        };
        let file = OpenOptions::new().read(true).write(true).open(device);
        Tail {
            file: Some(BlobFile::over(file.unwrap())),
            appended: Some(10),
            ..Tail::unknown(blob, device.into())
        }
    }

    #[test]
    fn a_failed_sync_is_never_tried_again() {
        // The null device takes bytes and cannot be synced.
        let mut tail = over("/dev/null");
        tail.append(10, b"bytes").unwrap();
        assert!(matches!(tail.sync(), Err(Reason::Io(_))));
        for _ in 0..2 {
            assert!(matches!(tail.sync(), Err(Reason::FailedBefore)));
        }
        let appended = tail.append(15, b"more");
        assert!(matches!(appended, Err(Reason::FailedBefore)));
    }

    #[test]
    fn a_sync_that_failed_while_closing_is_told_later() {
        let mut tail = over("/dev/null");
        tail.append(10, b"bytes").unwrap();
        tail.close();
        assert!(matches!(tail.sync(), Err(Reason::FailedBefore)));
    }

    #[test]
    fn a_full_device_refuses_and_forgets_nothing() {
        let mut tail = over("/dev/full");
        assert!(tail.append(10, b"bytes").unwrap_err().is_full());
        assert_eq!(tail.appended(), Some(10));
        assert!(tail.append(10, b"bytes").unwrap_err().is_full());
    }
}
