//! Owns the file store as the scripts of the simulator see it: a real one in the folder
//! of the machine, around which the faults of the machine happen.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::rc::Rc;

use tidelog_core::{BlobId, BlockStore, Bytes, ErrorKind, Geometry, LogId, StoreError};
use tidelog_fs::{FileOptions, FileStore, FsError, Locks};
use tidelog_testkit::engine::{Medium, Refusal};
use tidelog_testkit::sim::{Claims, Effect, Landed, Operation, SimError, SimStore};

/// Bytes that a misdirected or a stale read is off.
const MISDIRECTED: u64 = 512;

/// A file store that belongs to a process of a simulated machine.
#[derive(Clone)]
pub struct Files {
    process: SimStore,
    files: Rc<FileStore>,
}

/// Why an operation failed: the fault, or the file store itself.
#[derive(Debug)]
pub enum FilesError {
    /// The fault.
    Struck(SimError),
    /// A read found fewer bytes than there are.
    Short(u64),
    /// The file store.
    Files(FsError),
}

impl fmt::Display for FilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Struck(error) => error.fmt(f),
            Self::Short(available) => write!(f, "only {available} bytes were read"),
            Self::Files(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FilesError {}

impl StoreError for FilesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Struck(error) => error.kind(),
            Self::Short(_) => ErrorKind::OutOfRange,
            Self::Files(error) => error.kind(),
        }
    }

    fn available(&self) -> Option<u64> {
        match self {
            Self::Struck(error) => error.available(),
            Self::Short(available) => Some(*available),
            Self::Files(error) => error.available(),
        }
    }
}

impl From<SimError> for FilesError {
    fn from(error: SimError) -> Self {
        Self::Struck(error)
    }
}

impl From<FsError> for FilesError {
    fn from(error: FsError) -> Self {
        Self::Files(error)
    }
}

impl Medium for Files {
    fn of(process: SimStore) -> Result<Self, Refusal> {
        let (home, claims) = {
            let setup = process.machine().setup();
            (setup.home.clone(), setup.claims)
        };
        let options = FileOptions {
            create_if_missing: true,
            locks: match claims {
                Claims::Locks => Locks::Auto,
                Claims::Epochs => Locks::EpochFiles,
            },
            ..FileOptions::default()
        };
        let mut home = home.map_or_else(PathBuf::new, |home| home.to_path_buf());
        if process.is_elsewhere() {
            home.push("elsewhere");
        }
        let opened = FileStore::open_with(&home, options);
        let files = opened.map_err(|error| Refusal {
            kind: error.kind(),
            sentence: error.to_string(),
        })?;
        Ok(Self {
            process,
            files: Rc::new(files),
        })
    }
}

impl Files {
    /// Bytes in a file that the file store was not told of, as a write leaves them that
    /// fails half-way.
    fn spill(&self, blob: BlobId, position: u64, bytes: &[u8]) {
        let folder = self.files.directory().join(format!("log-{}", blob.log));
        let path = folder.join(format!("{}-{}", blob.kind.as_str(), blob.number));
        // Where the folder is missing, no write comes that far.
        let file = OpenOptions::new()
            .write(true)
            .create(position == 0)
            .truncate(false)
            .open(path);
        if let Ok(mut file) = file {
            let written = file
                .seek(SeekFrom::Start(position))
                .and_then(|_| file.write_all(bytes));
            written.expect("the folder of a test has space");
        }
    }

    /// Meets a fault that lets nothing of an operation happen.
    fn strike(&self, operation: Operation) -> Result<(), FilesError> {
        match self.process.strike(operation)? {
            None => Ok(()),
            Some(effect) => Err(effect.error().into()),
        }
    }
}

impl BlockStore for Files {
    type Error = FilesError;

    fn geometry(&self) -> Geometry {
        let wanted = self.process.machine().setup().geometry;
        Geometry {
            atomic_append: false,
            blast_radius: wanted.blast_radius,
            ..self.files.geometry()
        }
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, FilesError> {
        self.strike(Operation::List)?;
        Ok(self.files.list(log).await?)
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), FilesError> {
        let effect = self.process.strike(Operation::Read)?;
        let len = buf.len() as u64;
        match effect {
            Some(Effect::Fails(_) | Effect::Interrupted(_)) => {
                return Err(effect.map_or(SimError::Failed, Effect::error).into());
            }
            Some(Effect::ReadMisdirected | Effect::ReadStale) => {
                self.files.read(blob, position, buf).await?;
                let from = position.saturating_sub(MISDIRECTED);
                let elsewhere = if from == position { MISDIRECTED } else { from };
                // Where that is past the end, nothing is misdirected.
                let _ = self.files.read(blob, elsewhere, buf).await;
                return Ok(());
            }
            _ => self.files.read(blob, position, buf).await?,
        }
        match effect {
            Some(Effect::ReadFlipped(bit)) if len > 0 => {
                let bit = bit % (len * 8);
                buf[(bit / 8) as usize] ^= 1 << (bit % 8);
            }
            Some(Effect::ReadZero) => buf.fill(0),
            Some(Effect::ReadShort) => return Err(FilesError::Short(len / 2)),
            _ => {}
        }
        Ok(())
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), FilesError> {
        let Some(effect) = self.process.strike(Operation::Append)? else {
            return Ok(self.files.append(blob, position, bytes).await?);
        };
        match effect {
            Effect::Fails(Landed::Half) | Effect::Full(Landed::Half) | Effect::Interrupted(_) => {
                self.spill(blob, position, &bytes[..bytes.len() / 2]);
            }
            Effect::Full(Landed::Whole) => self.spill(blob, position, &bytes),
            Effect::Fails(Landed::Whole) => self.files.append(blob, position, bytes).await?,
            _ => {}
        }
        Err(effect.error().into())
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), FilesError> {
        match self.process.strike(Operation::Sync)? {
            None => Ok(self.files.sync(blobs).await?),
            Some(Effect::SyncLies) => Ok(()),
            Some(effect) => Err(effect.error().into()),
        }
    }

    async fn seal(&self, blob: BlobId) -> Result<(), FilesError> {
        self.strike(Operation::Seal)?;
        Ok(self.files.seal(blob).await?)
    }

    async fn remove(&self, blob: BlobId) -> Result<(), FilesError> {
        let effect = self.process.strike(Operation::Remove)?;
        if !matches!(effect, Some(Effect::Fails(Landed::Nothing))) {
            self.files.remove(blob).await?;
        }
        effect.map_or(Ok(()), |effect| Err(effect.error().into()))
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), FilesError> {
        match self.process.strike(Operation::Sync)? {
            None => Ok(self.files.sync_removals(log).await?),
            Some(Effect::SyncLies) => Ok(()),
            Some(effect) => Err(effect.error().into()),
        }
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, FilesError> {
        self.strike(Operation::Settle)?;
        Ok(self.files.settle(blob).await?)
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, FilesError> {
        self.strike(Operation::Claim)?;
        Ok(self.files.claim(log, at_least).await?)
    }

    fn release(&self, log: LogId) {
        self.files.release(log);
    }
}
