//! Owns writing JSON without the white space between its parts.

/// Appends `json`, which must be valid, to `out` without insignificant white
/// space. Everything else stays byte for byte: the order of fields, repeated
/// fields, and the digits of numbers.
pub fn compact(json: &str, out: &mut Vec<u8>) {
    let mut in_string = false;
    let mut escaped = false;
    for &byte in json.as_bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::compact;

    fn compacted(json: &str) -> String {
        let mut out = Vec::new();
        compact(json, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_white_space_between_parts_goes() {
        assert_eq!(
            compacted("{ \"a b\" :\t[ 1.50 ,\r\n \"x \\\" y \\\\\" , null ] }"),
            "{\"a b\":[1.50,\"x \\\" y \\\\\",null]}"
        );
    }

    #[test]
    fn digits_and_repeated_fields_stay() {
        let json = "{\"n\":123456789012345678901234567890.10,\"n\":1e400}";
        assert_eq!(compacted(json), json);
    }
}
