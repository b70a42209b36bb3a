//! Owns what is known of the growing end of one blob, and how far ahead of it the
//! file is given space. Holds no file open.

use tidelog_core::limits::MANIFEST_RESERVE;
use tidelog_core::{BlobId, BlobKind};

use super::file::BlobFile;
use crate::stores::error::Reason;

/// Smallest and largest step by which a growing file is given space, once it has a
/// second append. Space counts against the quota at once.
const STEP_MIN: u64 = 4 << 10;
const STEP_MAX: u64 = 256 << 10;

/// The step of a manifest: small, since every log has two.
const MANIFEST_STEP: u64 = 16 << 10;

/// The end of one blob as this writer has made it.
#[derive(Debug)]
pub(super) struct Tail {
    kind: BlobKind,
    /// Bytes appended by this writer, or found by it.
    pub(super) appended: Option<u64>,
    /// A sync failed: what it covered may be gone.
    pub(super) failed: bool,
    given: u64,
    refused: bool,
}

impl Tail {
    pub(super) fn of(blob: BlobId) -> Self {
        Self {
            kind: blob.kind,
            appended: None,
            failed: false,
            given: 0,
            refused: false,
        }
    }

    /// Appends to `file`.
    pub(super) fn append(
        &mut self,
        file: &BlobFile,
        position: u64,
        bytes: &[u8],
    ) -> Result<(), Reason> {
        let end = position + bytes.len() as u64;
        self.prepare(file, position, end);
        file.write(position, bytes)?;
        self.appended = Some(end);
        Ok(())
    }

    /// Gives space back that was taken ahead and never used.
    pub(super) fn shrink(&mut self, file: &BlobFile) -> Result<(), Reason> {
        if let Some(end) = self.appended.filter(|end| self.given > *end) {
            file.set_len(end)?;
            self.given = 0;
        }
        Ok(())
    }

    // That there is no space to give is no failure: the append itself will tell.
    fn prepare(&mut self, file: &BlobFile, position: u64, end: u64) {
        let Some(wanted) = self.wanted(position, end) else {
            return;
        };
        match file.set_len(wanted) {
            Ok(()) => self.given = wanted,
            Err(_) => self.refused = true,
        }
    }

    fn wanted(&self, position: u64, end: u64) -> Option<u64> {
        match self.kind {
            // Always the reserve in front of its end.
            BlobKind::Manifest | BlobKind::ManifestCopy => (end + MANIFEST_RESERVE > self.given)
                .then_some(end + MANIFEST_RESERVE + MANIFEST_STEP),
            BlobKind::Segment | BlobKind::Cursors if !self.refused => {
                (position > 0 && end > self.given).then(|| end + end.clamp(STEP_MIN, STEP_MAX))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use tidelog_core::limits::MANIFEST_RESERVE;
    use tidelog_core::{BlobId, BlobKind, LogId};

    use super::{STEP_MAX, STEP_MIN, Tail};

    fn tail(kind: BlobKind) -> Tail {
        let log = LogId(1);
        let number = 1;
        Tail::of(BlobId { log, kind, number })
    }

    #[test]
    fn growing_files_take_steps_between_the_bounds() {
        let mut tail = tail(BlobKind::Segment);
        assert_eq!(tail.wanted(0, 500), None);
        assert_eq!(tail.wanted(500, 600), Some(600 + STEP_MIN));
        tail.given = 600 + STEP_MIN;
        assert_eq!(tail.wanted(600, 600 + STEP_MIN), None);
        assert_eq!(tail.wanted(600, 9_000), Some(18_000));
        let end = 5 << 20;
        assert_eq!(tail.wanted(end - 1, end), Some(end + STEP_MAX));
        tail.refused = true;
        assert_eq!(tail.wanted(end - 1, end), None);
    }

    #[test]
    fn manifests_keep_the_reserve_in_front() {
        let mut tail = tail(BlobKind::ManifestCopy);
        tail.refused = true;
        for end in (0..1_000_000).step_by(700) {
            tail.given = tail.wanted(end, end).unwrap_or(tail.given);
            assert!(tail.given >= end + MANIFEST_RESERVE);
        }
    }
}
