//! Owns what is under a log in one vector: the medium, the store of the process, the
//! clock; and what happens to them from outside.

use std::sync::Arc;

use tidelog_core::{BlobId, BlobKind, ErrorKind, LogId};

use super::clock::Clock;
use super::disk::{Disk, Extent, Shared, enter};
use super::media::Medium;
use crate::script::{Blob, Cut, Damage, Fail, PowerCut};
use crate::surface::{Failure, Outcome};

/// The machine that a vector runs on.
pub struct Machine<M: Medium> {
    medium: M,
    disk: Shared,
    store: Option<Arc<Disk<M::Store>>>,
    clock: Arc<Clock>,
    /// Where the backup is.
    other: Option<Box<Self>>,
    /// What was exported last.
    pub exported: Vec<u8>,
}

#[allow(clippy::needless_pass_by_value, reason = "it is what map_err takes")]
fn senseless(what: impl ToString) -> Failure {
    Failure::Senseless(what.to_string())
}

impl<M: Medium> Machine<M> {
    /// An empty one.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn fresh() -> Result<Self, String> {
        Ok(Self {
            medium: M::fresh().map_err(|error| error.to_string())?,
            disk: Shared::default(),
            store: None,
            clock: Arc::new(Clock::default()),
            other: None,
            exported: Vec::new(),
        })
    }

    /// The machine of the backup, which is empty at first.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn other(&mut self) -> Outcome<&mut Self> {
        if self.other.is_none() {
            self.other = Some(Box::new(Self::fresh().map_err(senseless)?));
        }
        let none = || senseless("there is no backup");
        self.other.as_deref_mut().ok_or_else(none)
    }

    /// Lets the two change places.
    pub fn swap(&mut self) -> Outcome<()> {
        self.restart();
        self.other()?.restart();
        if let Some(other) = &mut self.other {
            std::mem::swap(&mut self.medium, &mut other.medium);
            std::mem::swap(&mut self.disk, &mut other.disk);
        }
        Ok(())
    }

    /// Its clock.
    pub fn clock(&self) -> Arc<Clock> {
        Arc::clone(&self.clock)
    }

    /// The store of the process that runs on it.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn store(&mut self) -> Outcome<Arc<Disk<M::Store>>> {
        if let Some(store) = &self.store {
            return Ok(Arc::clone(store));
        }
        let medium = self.medium.store().map_err(senseless)?;
        let store = Arc::new(Disk::new(medium, Arc::clone(&self.disk)));
        self.store = Some(Arc::clone(&store));
        Ok(store)
    }

    /// The process is gone.
    pub fn restart(&mut self) {
        self.store = None;
        enter(&self.disk).faults.clear();
    }

    /// The process is gone, and what was not synced.
    pub fn power_cut(&mut self, cut: &PowerCut) -> Outcome<()> {
        self.restart();
        let blobs: Vec<(BlobId, Extent)> = self.blobs(|_| true);
        for (blob, extent) in blobs {
            let left = extent.synced.saturating_add(cut.keep.0).min(extent.length);
            self.shorten(blob, extent, left)?;
        }
        Ok(())
    }

    /// Changes a byte.
    pub fn damage(&mut self, damage: &Damage) -> Outcome<()> {
        self.restart();
        if damage.blob == Blob::Export {
            let position = counted(damage.position.0, self.exported.len() as u64);
            let index = position.and_then(|position| usize::try_from(position).ok());
            let byte = index.and_then(|index| self.exported.get_mut(index));
            let byte = byte.ok_or_else(|| senseless("the export is shorter"))?;
            *byte ^= damage.bits.unwrap_or(0xff);
            return Ok(());
        }
        for (blob, extent) in self.chosen(damage.blob, damage.which.0)? {
            let position = counted(damage.position.0, extent.length)
                .filter(|position| *position < extent.length)
                .ok_or_else(|| senseless(format!("{blob} has {} bytes", extent.length)))?;
            let mut bytes = self.bytes(blob, extent.length)?;
            let index = usize::try_from(position).map_err(senseless)?;
            bytes[index] ^= damage.bits.unwrap_or(0xff);
            self.medium.replace(blob, Some(&bytes)).map_err(senseless)?;
        }
        Ok(())
    }

    /// Removes a blob, or cuts it short.
    pub fn cut(&mut self, cut: &Cut) -> Outcome<()> {
        self.restart();
        if cut.blob == Blob::Export {
            let left = counted(
                cut.keep.map_or(0, |keep| keep.0),
                self.exported.len() as u64,
            );
            let left = left.and_then(|left| usize::try_from(left).ok());
            let left = left.ok_or_else(|| senseless("the export is shorter"))?;
            self.exported.truncate(left);
            return Ok(());
        }
        for (blob, extent) in self.chosen(cut.blob, cut.which.0)? {
            let left = match cut.keep {
                None => 0,
                Some(keep) => counted(keep.0, extent.length)
                    .ok_or_else(|| senseless(format!("{blob} has {} bytes", extent.length)))?,
            };
            self.shorten(blob, extent, left)?;
        }
        Ok(())
    }

    /// Removes everything but the catalog.
    pub fn wipe(&mut self) -> Outcome<()> {
        self.restart();
        for (blob, extent) in self.blobs(|blob| blob.log != LogId::CATALOG) {
            self.shorten(blob, extent, 0)?;
        }
        Ok(())
    }

    /// Makes an operation fail.
    pub fn fail(&mut self, fail: &Fail) -> Outcome<()> {
        let kind = ErrorKind::ALL
            .iter()
            .find(|kind| kind.as_str() == fail.kind);
        let kind = *kind.ok_or_else(|| senseless("there is no such error kind"))?;
        enter(&self.disk).faults.push_back((fail.operation, kind));
        Ok(())
    }

    fn blobs(&self, wanted: impl Fn(&BlobId) -> bool) -> Vec<(BlobId, Extent)> {
        let memory = enter(&self.disk);
        let blobs = memory.blobs.iter().filter(|(blob, _)| wanted(blob));
        blobs.map(|(blob, extent)| (*blob, *extent)).collect()
    }

    /// The blob that a script means; of a manifest, with its copy.
    fn chosen(&self, kind: Blob, which: i64) -> Outcome<Vec<(BlobId, Extent)>> {
        let (kind, copy) = match kind {
            Blob::Segment => (BlobKind::Segment, None),
            Blob::Manifest => (BlobKind::Manifest, Some(BlobKind::ManifestCopy)),
            Blob::Mask => (BlobKind::Mask, None),
            Blob::Index => (BlobKind::Index, None),
            Blob::Export => return Err(senseless("an export is no blob")),
        };
        let all = self.blobs(|blob| blob.log != LogId::CATALOG && blob.kind == kind);
        let count = all.len();
        let found = counted(which, count as u64)
            .and_then(|index| all.get(usize::try_from(index).ok()?))
            .ok_or_else(|| senseless(format!("there are {count} {}s", kind.as_str())))?;
        let number = found.0.number;
        let mut chosen = vec![*found];
        chosen.extend(self.blobs(|blob| {
            blob.log == found.0.log && Some(blob.kind) == copy && blob.number == number
        }));
        Ok(chosen)
    }

    fn bytes(&self, blob: BlobId, length: u64) -> Outcome<Vec<u8>> {
        let length = usize::try_from(length).map_err(senseless)?;
        self.medium.read(blob, length).map_err(senseless)
    }

    fn shorten(&mut self, blob: BlobId, extent: Extent, left: u64) -> Outcome<()> {
        let mut bytes = self.bytes(blob, extent.length)?;
        bytes.truncate(usize::try_from(left).map_err(senseless)?);
        let stays = left > 0;
        let replaced = self.medium.replace(blob, stays.then_some(&bytes[..]));
        replaced.map_err(senseless)?;
        let mut memory = enter(&self.disk);
        if stays {
            let extent = Extent {
                length: left,
                synced: left,
            };
            memory.blobs.insert(blob, extent);
        } else {
            memory.blobs.remove(&blob);
        }
        Ok(())
    }
}

/// A count from the front, or from the back if it is negative.
fn counted(index: i64, of: u64) -> Option<u64> {
    match u64::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => of.checked_sub(index.unsigned_abs()),
    }
}
