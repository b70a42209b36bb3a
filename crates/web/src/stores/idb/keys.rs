//! Owns how blobs and places in them are named in the database. Keys are bytes, so
//! that every number of 64 bits has one and their order is the numbers'.

use js_sys::Uint8Array;
use tidelog_core::{BlobId, BlobKind, LogId};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::IdbKeyRange;

use crate::stores::error::Reason;

/// The blobs that exist: key `log kind number`, no value worth reading.
pub(super) const BLOBS: &str = "blobs";
/// Their bytes in pieces: key `log kind number end`, where the piece ends in its blob.
pub(super) const PIECES: &str = "pieces";
/// The epoch of each log's writer: key `log`.
pub(super) const EPOCHS: &str = "epochs";

const BLOB_LEN: usize = 17;
const PIECE_LEN: usize = 25;

fn blob_bytes(blob: BlobId) -> [u8; BLOB_LEN] {
    let mut bytes = [0; BLOB_LEN];
    bytes[..8].copy_from_slice(&blob.log.0.to_be_bytes());
    bytes[8] = blob.kind as u8;
    bytes[9..].copy_from_slice(&blob.number.to_be_bytes());
    bytes
}

fn piece_bytes(blob: BlobId, end: u64) -> [u8; PIECE_LEN] {
    let mut bytes = [0; PIECE_LEN];
    bytes[..BLOB_LEN].copy_from_slice(&blob_bytes(blob));
    bytes[BLOB_LEN..].copy_from_slice(&end.to_be_bytes());
    bytes
}

fn key(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

pub(super) fn log(log: LogId) -> JsValue {
    key(&log.0.to_be_bytes())
}

pub(super) fn blob(blob: BlobId) -> JsValue {
    key(&blob_bytes(blob))
}

pub(super) fn piece(blob: BlobId, end: u64) -> JsValue {
    key(&piece_bytes(blob, end))
}

/// The pieces of `blob` that end between `first` and `last`, both included.
pub(super) fn pieces(blob: BlobId, first: u64, last: u64) -> Result<JsValue, Reason> {
    Ok(IdbKeyRange::bound(&piece(blob, first), &piece(blob, last))?.into())
}

/// The blobs of `log`.
pub(super) fn blobs_of(log: LogId) -> Result<JsValue, Reason> {
    let mut last = [0xFF; BLOB_LEN];
    last[..8].copy_from_slice(&log.0.to_be_bytes());
    Ok(IdbKeyRange::bound(&self::log(log), &key(&last))?.into())
}

fn bytes(key: &JsValue) -> Vec<u8> {
    let buffer = key.dyn_ref::<js_sys::ArrayBuffer>();
    buffer.map_or_else(Vec::new, |buffer| Uint8Array::new(buffer).to_vec())
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// The blob a key of [`BLOBS`] names, if this version knows its kind.
pub(super) fn parse_blob(key: &JsValue) -> Option<BlobId> {
    let bytes = bytes(key);
    let kind = *bytes.get(8)?;
    Some(BlobId {
        log: LogId(number(bytes.get(..8)?)?),
        kind: BlobKind::ALL.into_iter().find(|it| *it as u8 == kind)?,
        number: number(bytes.get(9..)?)?,
    })
}

/// Where the piece a key of [`PIECES`] names ends.
pub(super) fn parse_end(key: &JsValue) -> Option<u64> {
    number(bytes(key).get(BLOB_LEN..)?)
}
