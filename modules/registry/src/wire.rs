//! The frame around each value: byte 0, then the schema's id, 4 bytes, big endian.

use berth_guest::{Error, Result};

/// Bytes before the payload.
pub const FRAME_BYTES: usize = 5;

/// Splits a value into the id of its schema and its payload.
pub fn split(bytes: &[u8]) -> Result<(i32, &[u8])> {
    match bytes {
        [0, a, b, c, d, payload @ ..] => Ok((i32::from_be_bytes([*a, *b, *c, *d]), payload)),
        [0, ..] => Err(Error::data(format!(
            "the value ends after {} bytes, within the 5 bytes that say which schema it has; whoever wrote the record \
             cut it",
            bytes.len()
        ))),
        [magic, ..] => Err(Error::data(format!(
            "Unknown magic byte! The value begins with byte 0x{magic:02X} where 0 must stand: it was not written with \
             a schema registry; choose the converter that fits what is in the topic"
        ))),
        [] => Err(Error::data("the value is empty: it was not written with a schema registry")),
    }
}

/// Appends the frame.
pub fn begin(id: i32, out: &mut Vec<u8>) {
    out.push(0);
    out.extend_from_slice(&id.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_and_written() {
        let mut out = Vec::new();
        begin(258, &mut out);
        assert_eq!(out, [0, 0, 0, 1, 2]);
        out.push(9);
        assert_eq!(split(&out).unwrap(), (258, &[9][..]));
    }

    #[test]
    fn what_is_no_frame_is_named() {
        for (bytes, want) in [(&b"{}"[..], "byte 0x7B"), (&[0, 1][..], "ends after 2 bytes"), (&[], "is empty")] {
            let error = split(bytes).unwrap_err();
            assert!(error.message.contains(want), "{error}");
        }
    }
}
