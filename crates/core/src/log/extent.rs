//! Owns reading of blobs whose length nobody vouches for.

use alloc::vec::Vec;

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
) -> Result<Vec<u8>, S::Error> {
    let mut bytes = Vec::new();
    while bytes.len() < want {
        let have = bytes.len();
        let mut piece = (want - have).min(PIECE);
        let mut shrinks = 0;
        while piece > 0 {
            bytes.resize(have + piece, 0);
            let buf = bytes.get_mut(have..).unwrap_or(&mut []);
            match store
                .read(blob, position.saturating_add(have as u64), buf)
                .await
            {
                Ok(()) => break,
                Err(error) => {
                    shrinks += u32::from(error.available().is_some());
                    if shrinks > SHRINKS_MAX {
                        return Err(error);
                    }
                    piece = fewer(piece, error)?;
                }
            }
        }
        bytes.truncate(have + piece);
        if piece < (want - have).min(PIECE) {
            break;
        }
    }
    Ok(bytes)
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
