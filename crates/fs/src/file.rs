//! Owns the file of one blob: how it is opened, read and written at a position.
//! The only place that knows how platforms differ in this.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::error::Reason;

/// An open blob file. Reads and writes name their position.
#[derive(Debug)]
pub(crate) struct BlobFile {
    #[cfg(unix)]
    file: File,
    // Without positional I/O the place in the file is shared state.
    #[cfg(not(unix))]
    file: std::sync::Mutex<File>,
}

impl BlobFile {
    pub(crate) fn open_to_read(path: &Path) -> Result<Self, Reason> {
        Self::open(OpenOptions::new().read(true), path)
    }

    pub(crate) fn open_to_write(path: &Path) -> Result<Self, Reason> {
        Self::open(OpenOptions::new().read(true).write(true), path)
    }

    /// Creates the file, which must not exist.
    pub(crate) fn create(path: &Path) -> Result<Self, Reason> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        Ok(Self::over(file))
    }

    #[cfg(unix)]
    fn open(options: &mut OpenOptions, path: &Path) -> Result<Self, Reason> {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        use rustix::io::Errno;

        // Without NONBLOCK, opening a pipe of this name would wait for ever.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
        let file = match options.open(path) {
            Ok(file) => file,
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                return Err(Reason::NotAFile);
            }
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Err(Reason::NotAFile);
        }
        Ok(Self::over(file))
    }

    #[cfg(not(unix))]
    fn open(options: &mut OpenOptions, path: &Path) -> Result<Self, Reason> {
        if !std::fs::symlink_metadata(path)?.is_file() {
            return Err(Reason::NotAFile);
        }
        Ok(Self::over(options.open(path)?))
    }

    /// Reads until `buf` is full or the file ends; returns how much there was.
    pub(crate) fn read_at(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_some(position + filled as u64, rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        Ok(self.with(|file| file.metadata())?.len())
    }

    pub(crate) fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|file| file.set_len(len))
    }

    /// Makes the file's bytes durable, and of its metadata what reading them needs.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.with(|file| file.sync_data())
    }
}

#[cfg(unix)]
impl BlobFile {
    pub(crate) fn over(file: File) -> Self {
        Self { file }
    }

    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&File) -> R) -> R {
        use_it(&self.file)
    }

    fn read_some(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buf, position)
    }

    pub(crate) fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, position)
    }
}

#[cfg(not(unix))]
impl BlobFile {
    pub(crate) fn over(file: File) -> Self {
        Self {
            file: std::sync::Mutex::new(file),
        }
    }

    // Every use seeks first, so a place left behind by a panic does no harm.
    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&File) -> R) -> R {
        use_it(
            &self
                .file
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    fn read_some(&self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};

        self.with(|mut file| {
            file.seek(SeekFrom::Start(position))?;
            file.read(buf)
        })
    }

    pub(crate) fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        use std::io::{Seek, SeekFrom, Write};

        self.with(|mut file| {
            file.seek(SeekFrom::Start(position))?;
            file.write_all(bytes)
        })
    }
}
