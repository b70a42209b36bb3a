//! Owns reading of blobs whose length nobody vouches for.

use alloc::vec::Vec;

use super::error::Unread;
use crate::ErrorKind;
use crate::limits::SHRINKS_MAX;
use crate::store::{BlobId, BlockStore, StoreError};

/// Bytes asked for at once: what a stored length says is not allocated before the
/// bytes were found to exist.
const PIECE: usize = 1 << 20;

/// Reads up to `want` bytes from `position` on: fewer where the blob ends, none
/// where it does not exist. The end is found by asking, never by a length.
pub(crate) async fn read_up_to<S: BlockStore>(
    store: &S,
    blob: BlobId,
    position: u64,
    want: usize,
) -> Result<Vec<u8>, Unread<S::Error>> {
    let mut bytes = Vec::new();
    read_behind(store, blob, position, want, &mut bytes).await?;
    Ok(bytes)
}

/// The same, behind the `bytes` that there are already. Returns how many more.
pub(crate) async fn read_behind<S: BlockStore>(
    store: &S,
    blob: BlobId,
    position: u64,
    want: usize,
    bytes: &mut Vec<u8>,
) -> Result<usize, Unread<S::Error>> {
    let before = bytes.len();
    let mut read = 0;
    while read < want {
        let have = before + read;
        let whole = (want - read).min(PIECE);
        let mut piece = whole;
        let mut shrinks = 0;
        Unread::reserve(bytes, piece)?;
        while piece > 0 {
            bytes.resize(have + piece, 0);
            let buf = bytes.get_mut(have..).unwrap_or(&mut []);
            match store
                .read(blob, position.saturating_add(read as u64), buf)
                .await
            {
                Ok(()) => break,
                Err(error) => {
                    shrinks += u32::from(error.available().is_some());
                    if shrinks > SHRINKS_MAX {
                        return Err(Unread::Store(error));
                    }
                    piece = fewer(piece, error)?;
                }
            }
        }
        bytes.truncate(have + piece);
        read += piece;
        if piece < whole {
            break;
        }
    }
    Ok(read)
}

/// How many bytes to ask for after `piece` were too many.
fn fewer<E: StoreError>(piece: usize, error: E) -> Result<usize, E> {
    match error.kind() {
        ErrorKind::NotFound => Ok(0),
        ErrorKind::OutOfRange => {
            let hint = error
                .available()
                .and_then(|hint| usize::try_from(hint).ok());
            Ok(hint.filter(|hint| *hint < piece).unwrap_or(piece / 2))
        }
        _ => Err(error),
    }
}
