//! Owns the directory of one store in the origin private file system: its names,
//! which are those of the file store, its marker, and finding files. May not know
//! what is in a blob.

use js_sys::{Array, AsyncIterator, Function, Promise, Reflect, Uint8Array};
use tidelog_core::{BlobId, BlobKind, LogId};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, StorageManager,
};

use super::file::{BlobFile, HANDLES};
use crate::stores::error::Reason;

/// The file that makes a directory a tidelog directory, as in the file store.
const MARKER: &str = "tidelog";
const PROLOGUE: &str = "tidelog directory, format ";
/// The newest format of a directory this version knows.
const VERSION: u32 = 1;

/// What a missing file or directory is reported as.
const NOT_FOUND: &str = "NotFoundError";

/// Tries to read a file that its writer is changing.
const READ_TRIES: u32 = 5;

/// The directory of a store.
#[derive(Debug)]
pub(super) struct Folder {
    path: String,
    handle: FileSystemDirectoryHandle,
}

impl Folder {
    /// Opens the directory `path` below the origin's root, making it if `create`
    /// says so.
    pub(super) async fn open(path: &str, create: bool) -> Result<Self, Reason> {
        let mut handle = root().await?;
        for name in path.split('/') {
            handle =
                directory(&handle, name, create)
                    .await
                    .map_err(|reason| match reason.name() {
                        NOT_FOUND => Reason::Absent,
                        _ => reason,
                    })?;
        }
        let folder = Self {
            path: path.to_owned(),
            handle,
        };
        folder.check(create).await?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Removes the directory `path` with everything in it.
    pub(super) async fn remove_all(path: &str) -> Result<(), Reason> {
        let mut handle = root().await?;
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        for part in above.split('/').filter(|part| !part.is_empty()) {
            handle = match directory(&handle, part, false).await {
                Err(reason) if reason.name() == NOT_FOUND => return Ok(()),
                found => found?,
            };
        }
        let options = web_sys::FileSystemRemoveOptions::new();
        options.set_recursive(true);
        let removed = JsFuture::from(handle.remove_entry_with_options(name, &options)).await;
        missing_is_fine(removed)
    }

    /// The file of `blob`, made if `create` says so.
    pub(super) async fn blob(
        &self,
        blob: BlobId,
        create: bool,
    ) -> Result<Option<FileSystemFileHandle>, Reason> {
        let name = format!("{}-{}", blob.kind.as_str(), blob.number);
        let Some(log) = self.log(blob.log, create).await? else {
            return Ok(None);
        };
        found(file(&log, &name, create).await)
    }

    /// Removes the file of `blob`, if there is one.
    pub(super) async fn remove(&self, blob: BlobId) -> Result<(), Reason> {
        let name = format!("{}-{}", blob.kind.as_str(), blob.number);
        let Some(log) = self.log(blob.log, false).await? else {
            return Ok(());
        };
        missing_is_fine(JsFuture::from(log.remove_entry(&name)).await)
    }

    /// The file that the writer of `log` holds.
    pub(super) async fn lock(&self, log: LogId) -> Result<FileSystemFileHandle, Reason> {
        let folder = directory(&self.handle, &log_name(log), true).await?;
        file(&folder, "lock", true).await
    }

    /// The blobs of `log`.
    pub(super) async fn list(&self, log: LogId) -> Result<Vec<BlobId>, Reason> {
        let Some(folder) = self.log(log, false).await? else {
            return Ok(Vec::new());
        };
        let names = folder.keys();
        let mut blobs = Vec::new();
        while let Some(name) = next(&names).await? {
            blobs.extend(name.as_string().and_then(|name| parse(log, &name)));
        }
        Ok(blobs)
    }

    async fn log(
        &self,
        log: LogId,
        create: bool,
    ) -> Result<Option<FileSystemDirectoryHandle>, Reason> {
        found(directory(&self.handle, &log_name(log), create).await)
    }

    /// Reads the marker, or writes it where the directory is empty.
    async fn check(&self, create: bool) -> Result<(), Reason> {
        let text = match found(file(&self.handle, MARKER, false).await)? {
            Some(marker) => String::from_utf8_lossy(&read_all(&marker).await?).into_owned(),
            None if next(&self.handle.keys()).await?.is_some() => return Err(Reason::Foreign),
            None => String::new(),
        };
        let version = text.strip_prefix(PROLOGUE).and_then(|rest| {
            let digits = rest.strip_suffix('\n')?;
            digits.parse::<u32>().ok()
        });
        let whole = format!("{PROLOGUE}{VERSION}\n");
        match version {
            Some(version) if version <= VERSION => Ok(()),
            Some(_) => Err(Reason::Newer),
            // A creation cut short leaves the beginning of the marker.
            None if !whole.starts_with(&text) => Err(Reason::Foreign),
            None if !create => Err(Reason::Absent),
            None => {
                let marker = file(&self.handle, MARKER, true).await?;
                match BlobFile::open(&marker).await {
                    Ok(marker) => {
                        marker.write(0, whole.as_bytes())?;
                        marker.flush()
                    }
                    // Another creator is writing the same bytes.
                    Err(Reason::Locked) => Ok(()),
                    Err(reason) => Err(reason),
                }
            }
        }
    }
}

/// Reads from a file that somebody else may be writing to. Returns how many bytes
/// there are from `position` on, at most as many as fit.
pub(super) async fn read_shared(
    handle: &FileSystemFileHandle,
    position: u64,
    buf: &mut [u8],
) -> Result<u64, Reason> {
    let mut tries = 0;
    loop {
        tries += 1;
        let file: File = JsFuture::from(handle.get_file()).await?.unchecked_into();
        let (from, to) = (position as f64, position as f64 + buf.len() as f64);
        let part = file.slice_with_f64_and_f64(from, to)?;
        match JsFuture::from(part.array_buffer()).await {
            Ok(bytes) => {
                let bytes = Uint8Array::new(&bytes);
                let len = (bytes.length() as usize).min(buf.len());
                bytes.copy_to(&mut buf[..len]);
                return Ok(len as u64);
            }
            // The file changed since `get_file`.
            Err(_) if tries < READ_TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn read_all(handle: &FileSystemFileHandle) -> Result<Vec<u8>, Reason> {
    let file: File = JsFuture::from(handle.get_file()).await?.unchecked_into();
    let bytes = JsFuture::from(file.array_buffer()).await?;
    Ok(Uint8Array::new(&bytes).to_vec())
}

async fn root() -> Result<FileSystemDirectoryHandle, Reason> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    let storage = Reflect::get(&navigator, &"storage".into())?;
    let offered = |object: &JsValue, name: &str| {
        let found = Reflect::get(object, &name.into());
        found.is_ok_and(|found| found.is_function())
    };
    if !storage.is_object() || !offered(&storage, "getDirectory") {
        return Err(Reason::Missing("origin private file system"));
    }
    let class = Reflect::get(&js_sys::global(), &"FileSystemFileHandle".into())?;
    let methods = Reflect::get(&class, &"prototype".into()).unwrap_or(JsValue::UNDEFINED);
    if !methods.is_object() || !offered(&methods, "createSyncAccessHandle") {
        return Err(Reason::Missing(HANDLES));
    }
    let storage: StorageManager = storage.unchecked_into();
    Ok(JsFuture::from(storage.get_directory())
        .await?
        .unchecked_into())
}

async fn directory(
    above: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
) -> Result<FileSystemDirectoryHandle, Reason> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(create);
    let found = above.get_directory_handle_with_options(name, &options);
    Ok(JsFuture::from(found).await?.unchecked_into())
}

async fn file(
    above: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
) -> Result<FileSystemFileHandle, Reason> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(create);
    let found = above.get_file_handle_with_options(name, &options);
    Ok(JsFuture::from(found).await?.unchecked_into())
}

/// What was looked for, or `None` if it does not exist.
fn found<T>(outcome: Result<T, Reason>) -> Result<Option<T>, Reason> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(reason) if reason.name() == NOT_FOUND => Ok(None),
        Err(reason) => Err(reason),
    }
}

fn missing_is_fine(removed: Result<JsValue, JsValue>) -> Result<(), Reason> {
    found(removed.map_err(Reason::from)).map(drop)
}

/// The next of what `iterator` gives.
async fn next(iterator: &AsyncIterator) -> Result<Option<JsValue>, Reason> {
    let step: Function = Reflect::get(iterator, &"next".into())?.unchecked_into();
    let step: Promise = Reflect::apply(&step, iterator, &Array::new())?.unchecked_into();
    let step = JsFuture::from(step).await?;
    if Reflect::get(&step, &"done".into())?.is_truthy() {
        return Ok(None);
    }
    Ok(Some(Reflect::get(&step, &"value".into())?))
}

fn log_name(log: LogId) -> String {
    format!("log-{log}")
}

/// The blob of `log` that a file of this name holds, if it holds one.
fn parse(log: LogId, name: &str) -> Option<BlobId> {
    let (kind, digits) = name.rsplit_once('-')?;
    let kind = BlobKind::ALL.into_iter().find(|it| it.as_str() == kind)?;
    let number: u64 = digits.parse().ok()?;
    // "+7" and "07" parse too, but are not how a store names a file.
    (number.to_string() == digits).then_some(BlobId { log, kind, number })
}
