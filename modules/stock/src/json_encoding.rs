//! The text of JSON in whichever encoding of Unicode it came.

use crate::charset::{Charset, Endian};
use crate::json_lexer::Problem;

/// The text of the bytes; `room` holds it where they are not UTF-8 already.
#[inline]
pub fn text<'a>(raw: &'a [u8], room: &'a mut Vec<u8>) -> Result<&'a str, Problem> {
    match raw {
        // An ASCII character and one that is not NUL: no other encoding starts like this.
        [1..=0x7F, 1..=0x7F, ..] => {}
        _ => {
            if let Some((charset, mark)) = foreign(raw) {
                room.clear();
                charset.decode(&raw[mark..], room);
                return std::str::from_utf8(room).map_err(|e| Problem::Syntax(e.to_string()));
            }
        }
    }
    let raw = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    match std::str::from_utf8(raw) {
        Ok(text) => Ok(text),
        Err(_) => {
            room.clear();
            join_surrogates(raw, room);
            std::str::from_utf8(room).map_err(|e| Problem::Syntax(e.to_string()))
        }
    }
}

/// UTF-16 or UTF-32, by its byte order mark or by where the zeros of the first character are, as Jackson tells them
/// apart; with the length of the mark.
fn foreign(raw: &[u8]) -> Option<(Charset, usize)> {
    use Endian::{Big, Little};
    Some(match raw {
        [0, 0, 0xFE, 0xFF, ..] => (Charset::Utf32(Some(Big)), 4),
        [0xFF, 0xFE, 0, 0, ..] => (Charset::Utf32(Some(Little)), 4),
        [0xFE, 0xFF, ..] => (Charset::Utf16(Some(Big)), 2),
        [0xFF, 0xFE, ..] => (Charset::Utf16(Some(Little)), 2),
        [0, 0, 0, _, ..] => (Charset::Utf32(Some(Big)), 0),
        [_, 0, 0, 0, ..] => (Charset::Utf32(Some(Little)), 0),
        [0, _, ..] => (Charset::Utf16(Some(Big)), 0),
        [_, 0, ..] => (Charset::Utf16(Some(Little)), 0),
        _ => return None,
    })
}

/// Copies bytes, surrogates of three bytes made one character of four: Jackson reads such pairs. Half a pair becomes
/// an escape, which means the same within a text and is no JSON elsewhere; behind a backslash, where it would be
/// another escape, U+FFFD, which is as wrong there.
fn join_surrogates(raw: &[u8], out: &mut Vec<u8>) {
    let unit = |high: u8, low: u8| 0xD000 | (high as u32 & 0x3F) << 6 | (low as u32 & 0x3F);
    let mut rest = raw;
    while let [first, ..] = rest {
        let taken = match rest {
            [0xED, a @ 0xA0..=0xAF, b @ 0x80..=0xBF, 0xED, c @ 0xB0..=0xBF, d @ 0x80..=0xBF, ..] => {
                let code = 0x10000 + ((unit(*a, *b) - 0xD800) << 10) + (unit(*c, *d) - 0xDC00);
                push(char::from_u32(code).unwrap_or('\u{FFFD}'), out);
                6
            }
            [0xED, a @ 0xA0..=0xBF, b @ 0x80..=0xBF, ..] => {
                match out.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 {
                    0 => out.extend_from_slice(format!("\\u{:04X}", unit(*a, *b)).as_bytes()),
                    _ => push('\u{FFFD}', out),
                }
                3
            }
            _ => {
                out.push(*first);
                1
            }
        };
        rest = &rest[taken..];
    }
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_unicode_is_read() {
        let utf16 = |order: fn(u16) -> [u8; 2]| "{\"ü\":1}".encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let utf32 = |order: fn(u32) -> [u8; 4]| "{\"ü\":1}".chars().flat_map(|c| order(c as u32)).collect::<Vec<u8>>();
        let (big, little) = (utf16(u16::to_be_bytes), utf16(u16::to_le_bytes));
        let plain = "{\"ü\":1}".as_bytes().to_vec();
        for bytes in [
            plain.clone(),
            [b"\xEF\xBB\xBF", &plain[..]].concat(),
            big.clone(),
            little.clone(),
            [b"\xFE\xFF", &big[..]].concat(),
            [b"\xFF\xFE", &little[..]].concat(),
            utf32(u32::to_be_bytes),
            utf32(u32::to_le_bytes),
        ] {
            assert_eq!(text(&bytes, &mut Vec::new()), Ok("{\"ü\":1}"), "{bytes:x?}");
        }
        assert_eq!(text(b"", &mut Vec::new()), Ok(""));
        assert_eq!(text(b"1", &mut Vec::new()), Ok("1"));
    }

    #[test]
    fn surrogates_of_three_bytes_are_joined_or_escaped() {
        assert_eq!(text(b"\"\xED\xA0\xBD\xED\xB8\x80\"", &mut Vec::new()), Ok("\"😀\""));
        assert_eq!(text(b"\"\xED\xA0\x80\xED\xBF\xBF\xED\xBF\xBF\"", &mut Vec::new()), Ok("\"\u{103FF}\\uDFFF\""));
        assert_eq!(text(b"\"\\\\\xED\xA0\x80\"", &mut Vec::new()), Ok("\"\\\\\\uD800\""));
        assert_eq!(text(b"\"\\\xED\xA0\x80\"", &mut Vec::new()), Ok("\"\\\u{FFFD}\""));
        assert!(text(b"\"\xFF\"", &mut Vec::new()).is_err());
    }
}
