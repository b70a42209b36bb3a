//! Owns what the fuzz targets are let into of the log: the step from bytes to a
//! verified frame, and from edits to what is live.

use alloc::vec::Vec;

use super::frames::verify;
use super::manifest::ManifestState;
use crate::format::{Edit, Fault, Seed};

/// The unpacked body of the frame at `position`, if everything in it verifies.
pub(crate) fn verified_body(seed: Seed, position: u64, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let frame = verify(seed, position, bytes).map_err(|bad| bad.fault)?;
    let mut seen = frame.header.base_offset;
    frame.records(|record| {
        assert!(seen <= record.offset && record.offset < frame.header.next_offset());
        seen = record.offset + 1;
    })?;
    assert!(frame.header.record_count == 0 || seen == frame.header.next_offset());
    Ok(frame.body.into_owned())
}

/// A manifest of these edits says the same once it was replaced by its snapshot.
pub(crate) fn manifest_keeps(edits: &[Edit]) {
    let Some(state) = state_of(edits) else {
        return;
    };
    let again = state_of(&state.snapshot());
    assert_eq!(
        again.as_ref().map(|again| &again.segments),
        Some(&state.segments)
    );
    let Some(again) = again else { return };
    assert_eq!(
        (again.masks, again.producers),
        (state.masks, state.producers)
    );
    assert_eq!(again.facts, state.facts);
}

fn state_of(edits: &[Edit]) -> Option<ManifestState> {
    let (first, rest) = edits.split_first()?;
    let Edit::Snapshot(facts) = first else {
        return None;
    };
    let mut state = ManifestState::new(*facts);
    rest.iter().for_each(|edit| state.apply(edit));
    Some(state)
}
