//! Owns what the records hold: bytes that only their offset decides.

/// Records of the appends, one after the other.
pub(crate) const STEPS: [u64; 5] = [1, 1, 3, 1, 40];

/// The value of the record at `offset`: up to some kilobytes.
pub(crate) fn record(offset: u64) -> Vec<u8> {
    let mixed = mix(offset);
    let len = match mixed % 16 {
        0 => mixed % 5_000,
        _ => mixed % 300,
    };
    (0..len).map(|at| mix(offset ^ (at << 32)) as u8).collect()
}

/// Whether `value` is what the record at `offset` holds.
pub(crate) fn is_record(offset: u64, value: Option<&[u8]>) -> bool {
    value == Some(record(offset).as_slice())
}

/// The finaliser of splitmix64.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
