//! Single frames: headers, packed bodies, records.

use tidelog_core::fuzzing::frame;

use super::{HOME, home_seed, placed};
use crate::{Fed, repair};

pub(crate) fn check(bytes: &[u8]) -> Fed {
    let Some((mode, position, mut bytes)) = placed(bytes) else {
        return false.into();
    };
    if mode.repairs() {
        repair::frame(home_seed(), position, &mut bytes, mode.fits());
    }
    let unpacks = repair::unpacks_to(&bytes);
    let Ok(length) = frame(HOME, position, &bytes) else {
        return Fed {
            taken: false,
            unpacks,
        };
    };
    // The same bytes at any other place, and cut short, are refused.
    assert!(frame(HOME, position + 8, &bytes).is_err());
    assert!(frame(HOME, position, &bytes[..length - 1]).is_err());
    Fed {
        taken: true,
        unpacks,
    }
}
