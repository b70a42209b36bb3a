//! Owns the one owned, shareable byte buffer that crosses the store boundary.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

/// An immutable, cheaply cloned run of bytes.
///
/// A store may keep it past the call that handed it over, for example while a
/// write that nobody waits for any more runs to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(Arc<Vec<u8>>);

impl Bytes {
    /// The buffer itself, if no other handle shares it: its allocation can then
    /// be used again.
    #[must_use]
    pub fn into_vec(self) -> Option<Vec<u8>> {
        Arc::try_unwrap(self.0).ok()
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
