//! Owns items as JSON.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, CodecError, Presence};

/// Whatever serde knows, as JSON.
pub struct Json<T>(PhantomData<fn(T) -> T>);

impl<T> Json<T> {
    /// The codec.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Json<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Json<T> {}

impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json")
    }
}

impl<T: Serialize + DeserializeOwned> Codec for Json<T> {
    type Item = T;
    type Given = T;
    const NAME: &'static str = "json";

    fn encode(&self, given: &T, into: &mut Vec<u8>) -> Result<Presence, CodecError> {
        serde_json::to_writer(into, given).map_err(CodecError::new)?;
        Ok(Presence::Present)
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        serde_json::from_slice(bytes).map_err(CodecError::new)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::round_trip;
    use super::*;

    #[test]
    fn null_is_an_item() {
        assert_eq!(round_trip(&Json::<Option<u8>>::new(), &None), Some(None));
        let list = vec![1, 2];
        assert_eq!(round_trip(&Json::new(), &list), Some(list));
    }

    #[test]
    fn what_is_no_json_of_the_type_is_refused() {
        for bytes in [&b""[..], b"{", b"1 2", b"\"1\"", b"256"] {
            assert!(Json::<u8>::new().decode(bytes).is_err(), "{bytes:?}");
        }
        let map = BTreeMap::from([(vec![1], 1)]);
        let mut bytes = Vec::new();
        let said = Json::new().encode(&map, &mut bytes).unwrap_err();
        assert!(said.to_string().contains("key must be a string"), "{said}");
    }
}
