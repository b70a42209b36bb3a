//! Masks: a probe of eight bytes, then bodies of mask frames, each behind its length in
//! two bytes.

use arbitrary::Unstructured;
use tidelog_core::fuzzing::mask;

use crate::Fed;

/// Every offset is below this.
const OFFSETS: u64 = 1 << 53;

pub(crate) fn check(bytes: &[u8]) -> Fed {
    let mut rest = Unstructured::new(bytes);
    let Ok(probe) = rest.arbitrary::<u64>() else {
        return false.into();
    };
    let mut bodies = Vec::new();
    while let Ok(length) = rest.arbitrary::<u16>()
        && !rest.is_empty()
    {
        let length = usize::from(length).min(rest.len());
        bodies.extend(rest.bytes(length));
    }
    let taken = !bodies.is_empty() && mask(&bodies, probe % OFFSETS).is_ok();
    taken.into()
}
