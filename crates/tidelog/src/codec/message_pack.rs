//! Owns items as MessagePack.

use std::fmt;
use std::marker::PhantomData;

use rmp_serde::{Deserializer, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, CodecError, Presence};

/// Whatever serde knows, as MessagePack; structs as maps, so that fields may come and
/// go.
pub struct MessagePack<T>(PhantomData<fn(T) -> T>);

impl<T> MessagePack<T> {
    /// The codec.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for MessagePack<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for MessagePack<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for MessagePack<T> {}

impl<T> fmt::Debug for MessagePack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessagePack")
    }
}

impl<T: Serialize + DeserializeOwned> Codec for MessagePack<T> {
    type Item = T;
    type Given = T;
    const NAME: &'static str = "messagepack";

    fn encode(&self, given: &T, into: &mut Vec<u8>) -> Result<Presence, CodecError> {
        encode::write_named(into, given).map_err(CodecError::new)?;
        Ok(Presence::Present)
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        let mut reader = Deserializer::new(bytes);
        let item = T::deserialize(&mut reader).map_err(CodecError::new)?;
        match reader.get_ref().len() {
            0 => Ok(item),
            left => Err(CodecError::new(format_args!("{left} bytes are left over"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::round_trip;
    use super::*;

    #[test]
    fn nil_is_an_item() {
        let none = MessagePack::<Option<u8>>::new();
        assert_eq!(round_trip(&none, &None), Some(None));
        let map = BTreeMap::from([("a".to_owned(), vec![1, 2])]);
        assert_eq!(round_trip(&MessagePack::new(), &map), Some(map));
    }

    #[test]
    fn what_is_none_of_the_type_is_refused() {
        let long = [0xdb, 0xff, 0xff, 0xff, 0xff, b'x'];
        for bytes in [&b""[..], b"\xa2a", b"\xa1ab", b"\x01", &long] {
            assert!(
                MessagePack::<String>::new().decode(bytes).is_err(),
                "{bytes:?}"
            );
        }
        let long = [0xdd, 0xff, 0xff, 0xff, 0xff, 1];
        assert!(MessagePack::<Vec<u64>>::new().decode(&long).is_err());
    }
}
