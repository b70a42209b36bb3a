//! Footers: blocks, sections, the root.

use tidelog_core::fuzzing::footer;

use super::{HOME, home_seed, placed};
use crate::{Fed, repair};

pub(crate) fn check(bytes: &[u8]) -> Fed {
    let Some((mode, position, mut bytes)) = placed(bytes) else {
        return false.into();
    };
    if mode.repairs() {
        repair::footer(home_seed(), position, &mut bytes);
    }
    if footer(HOME, position, &bytes).is_err() {
        return false.into();
    }
    assert!(footer(HOME, position + 8, &bytes).is_err());
    true.into()
}
