//! Owns putting the bytes of a blob together from its pieces.

use js_sys::{Array, Uint8Array};
use tidelog_core::BlobId;
use wasm_bindgen::JsCast;

use super::events::Answer;
use super::tail::PIECE_MAX;
use super::transaction::{Mode, Transaction};
use super::{Inner, keys};
use crate::stores::error::Reason;

impl Inner {
    /// Fills `buf` from `position` on, or fails.
    pub(super) async fn read(
        &self,
        blob: BlobId,
        position: u64,
        buf: &mut [u8],
    ) -> Result<(), Reason> {
        match self.try_read(blob, position, buf).await {
            Err(reason) if reason.is_lost_connection() => {
                self.connection.give_up();
                self.try_read(blob, position, buf).await
            }
            outcome => outcome,
        }
    }

    /// Where `blob` ends; `None` if it does not exist.
    pub(super) async fn end(&self, blob: BlobId) -> Result<Option<u64>, Reason> {
        let transaction = self.begin(Mode::Read).await?;
        let end = end(&transaction, blob).await?;
        transaction.commit().await?;
        Ok(end)
    }

    async fn try_read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), Reason> {
        let transaction = self.begin(Mode::Read).await?;
        // The piece with the last byte of `buf` ends less than a piece behind it.
        let last = position
            .saturating_add(buf.len() as u64)
            .saturating_add(PIECE_MAX as u64 - 1);
        let mut filled = 0;
        if !buf.is_empty() {
            let range = keys::pieces(blob, position.saturating_add(1), last)?;
            let ends = Answer::of(transaction.pieces.get_all_keys_with_key(&range)?);
            let pieces = Answer::of(transaction.pieces.get_all_with_key(&range)?);
            let ends: Array = ends.get().await?.unchecked_into();
            let pieces: Array = pieces.get().await?.unchecked_into();
            filled = fill(position, buf, &ends, &pieces);
        }
        if filled < buf.len() || buf.is_empty() {
            let end = end(&transaction, blob).await?.ok_or(Reason::NotFound)?;
            let available = end.saturating_sub(position).min(filled as u64);
            if filled < buf.len() || position > end {
                return Err(Reason::PastEnd { available });
            }
        }
        transaction.commit().await
    }
}

/// Copies what the pieces hold from `position` on, and returns how many bytes that
/// were: fewer than asked for at the end of the blob, or where a piece is missing.
fn fill(position: u64, buf: &mut [u8], ends: &Array, pieces: &Array) -> usize {
    let mut filled = 0;
    for (end, piece) in ends.iter().zip(pieces.iter()) {
        let (Some(end), Some(piece)) = (keys::parse_end(&end), piece.dyn_ref::<Uint8Array>())
        else {
            break;
        };
        let wanted = position + filled as u64;
        let Some(skipped) = wanted.checked_sub(end.saturating_sub(u64::from(piece.length())))
        else {
            break;
        };
        let Ok(skipped) = u32::try_from(skipped) else {
            break;
        };
        let rest = &mut buf[filled..];
        let len = rest.len().min((piece.length() - skipped) as usize);
        let to = skipped + len as u32;
        piece.subarray(skipped, to).copy_to(&mut rest[..len]);
        filled += len;
        if filled == buf.len() {
            break;
        }
    }
    filled
}

/// Where `blob` ends; `None` if it does not exist.
async fn end(transaction: &Transaction, blob: BlobId) -> Result<Option<u64>, Reason> {
    let exists = Answer::of(transaction.blobs.get_key(&keys::blob(blob))?);
    let last = transaction.last_key(&keys::pieces(blob, 0, u64::MAX)?)?;
    if exists.get().await?.is_undefined() {
        return Ok(None);
    }
    let cursor = last.get().await?;
    if cursor.is_null() {
        return Ok(Some(0));
    }
    let key = cursor.unchecked_into::<web_sys::IdbCursor>().key()?;
    Ok(Some(keys::parse_end(&key).unwrap_or(0)))
}
