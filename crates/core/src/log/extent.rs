//! Owns reading of blobs whose length nobody vouches for.

use alloc::vec::Vec;

use crate::ErrorKind;
use crate::store::{BlobId, BlockStore, StoreError};

/// Reads up to `want` bytes from `position` on: fewer where the blob ends, none
/// where it does not exist. The end is found by asking, never by a length.
pub(crate) async fn read_up_to<S: BlockStore>(
    store: &S,
    blob: BlobId,
    position: u64,
    want: usize,
) -> Result<Vec<u8>, S::Error> {
    let mut want = want;
    let mut bytes = Vec::new();
    while want > 0 {
        bytes.resize(want, 0);
        match store.read(blob, position, &mut bytes).await {
            Ok(()) => return Ok(bytes),
            Err(error) => match error.kind() {
                ErrorKind::NotFound => break,
                ErrorKind::OutOfRange => {
                    let hint = error
                        .available()
                        .and_then(|hint| usize::try_from(hint).ok());
                    want = match hint {
                        Some(hint) if hint < want => hint,
                        _ => want / 2,
                    };
                }
                _ => return Err(error),
            },
        }
    }
    Ok(Vec::new())
}
