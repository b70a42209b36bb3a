//! Owns one open file, which nobody else can have open at the same time.

use std::cell::Cell;

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemFileHandle, FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use crate::stores::error::Reason;

/// What the platform calls a file that can be used without waiting.
pub(super) const HANDLES: &str = "sync access handles (dedicated workers have them)";

/// A file held open. Dropped, it is closed.
#[derive(Debug)]
pub(super) struct BlobFile {
    handle: FileSystemSyncAccessHandle,
    /// Something may not be durable yet.
    unsynced: Cell<bool>,
}

impl BlobFile {
    /// Opens `file`: `locked` if somebody has it open.
    pub(super) async fn open(file: &FileSystemFileHandle) -> Result<Self, Reason> {
        let opened = JsFuture::from(file.create_sync_access_handle()).await;
        let handle = opened.map_err(|error| match Reason::thrown(&error) {
            taken if taken.name() == "NoModificationAllowedError" => Reason::Locked,
            other => other,
        })?;
        Ok(Self {
            handle: handle.unchecked_into(),
            unsynced: Cell::new(true),
        })
    }

    /// Writes all of `bytes`.
    pub(super) fn write(&self, position: u64, bytes: &[u8]) -> Result<(), Reason> {
        self.unsynced.set(true);
        let options = at(position);
        let written = self
            .handle
            .write_with_u8_array_and_options(bytes, &options)?;
        if written < bytes.len() as f64 {
            return Err(Reason::Short);
        }
        Ok(())
    }

    /// Reads from `position` on, and returns how many bytes there were.
    pub(super) fn read(&self, position: u64, buf: &mut [u8]) -> Result<u64, Reason> {
        let options = at(position);
        let read = self.handle.read_with_u8_array_and_options(buf, &options)?;
        Ok(read as u64)
    }

    /// Makes what was written durable, unless it is.
    pub(super) fn flush(&self) -> Result<(), Reason> {
        if self.unsynced.get() {
            self.handle.flush()?;
            self.unsynced.set(false);
        }
        Ok(())
    }

    pub(super) fn len(&self) -> Result<u64, Reason> {
        Ok(self.handle.get_size()? as u64)
    }

    /// Makes the file that long, with zeros where nothing was written.
    pub(super) fn set_len(&self, len: u64) -> Result<(), Reason> {
        self.unsynced.set(true);
        Ok(self.handle.truncate_with_f64(len as f64)?)
    }
}

impl Drop for BlobFile {
    fn drop(&mut self) {
        self.handle.close();
    }
}

fn at(position: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    options.set_at_f64(position as f64);
    options
}
