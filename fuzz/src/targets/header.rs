//! Blob headers. The first byte says how: repaired or not, asked for by the name that
//! is in it or by another.

use tidelog_core::fuzzing::blob_header;
use tidelog_core::{BlobId, BlobKind, LogId};

use super::{HOME, Mode};
use crate::{Fed, repair};

pub(crate) fn check(bytes: &[u8]) -> Fed {
    let Some((&mode, rest)) = bytes.split_first() else {
        return false.into();
    };
    let mut header = rest.to_vec();
    if Mode(mode).repairs() {
        repair::header(&mut header);
    }
    let named = named(&header).filter(|_| Mode(mode).fits());
    let blob = named.unwrap_or(HOME.blob);
    let Ok(place) = blob_header(blob, &header) else {
        return false.into();
    };
    assert_eq!(place.blob, blob);
    // What one bit away verifies was not checked.
    let bit = usize::from(mode) * 2 % (repair::HEADER * 8);
    header[bit / 8] ^= 1 << (bit % 8);
    assert!(
        blob_header(blob, &header).is_err(),
        "bit {bit} is not checked"
    );
    true.into()
}

fn named(header: &[u8]) -> Option<BlobId> {
    let number = |at: usize| {
        let field = header.get(at..)?.first_chunk()?;
        Some(u64::from_le_bytes(*field))
    };
    let kind = BlobKind::ALL
        .into_iter()
        .find(|kind| header.get(10) == Some(&(*kind as u8)))?;
    Some(BlobId {
        log: LogId(number(24)?),
        kind,
        number: number(32)?,
    })
}
