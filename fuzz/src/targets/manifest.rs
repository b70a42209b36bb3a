//! Bodies of manifest frames: edits, and what they add up to.

use tidelog_core::fuzzing::edits;

use crate::Fed;

pub(crate) fn check(bytes: &[u8]) -> Fed {
    edits(bytes).is_ok().into()
}
