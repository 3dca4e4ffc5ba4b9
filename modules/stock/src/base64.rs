//! Base64 with the standard alphabet and padding, as Jackson and as the JDK read it.

use crate::java_text::trim;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the text of the bytes.
pub fn append(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    let (threes, rest) = bytes.as_chunks::<3>();
    for [a, b, c] in threes {
        out.extend_from_slice(&digits(*a, *b, *c));
    }
    match *rest {
        [a, b] => {
            let [first, second, third, _] = digits(a, b, 0);
            out.extend_from_slice(&[first, second, third, b'=']);
        }
        [a] => {
            let [first, second, ..] = digits(a, 0, 0);
            out.extend_from_slice(&[first, second, b'=', b'=']);
        }
        _ => {}
    }
}

#[inline]
fn digits(a: u8, b: u8, c: u8) -> [u8; 4] {
    let n = u32::from_be_bytes([0, a, b, c]);
    [18, 12, 6, 0].map(|shift| ALPHABET[(n >> shift) as usize & 63])
}

/// Values of the bytes; 64 for those that are not of the alphabet.
const VALUES: [u8; 256] = {
    let mut values = [64; 256];
    let mut i = 0;
    while i < 64 {
        values[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    values
};

/// Reads a text with its padding; the error names the offending character as Jackson does not.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    decode_to(text.as_bytes(), &mut out)?;
    Ok(out)
}

/// As [`decode`], appended.
pub fn decode_to(text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let padding = text.iter().rev().take_while(|b| **b == b'=').count();
    append_bytes(&text[..text.len() - padding], out)?;
    if !text.len().is_multiple_of(4) || padding > 2 {
        return Err("Unexpected end of base64-encoded text".into());
    }
    Ok(())
}

fn append_bytes(body: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    out.reserve(body.len() * 3 / 4);
    for chunk in body.chunks(4) {
        let mut n = 0u32;
        for byte in chunk {
            let six = VALUES[*byte as usize];
            if six == 64 {
                return Err(format!("Illegal base64 character {byte:x}"));
            }
            n = (n << 6) | six as u32;
        }
        let bytes = (n << (6 * (4 - chunk.len()))).to_be_bytes();
        out.extend_from_slice(&bytes[1..chunk.len()]);
    }
    Ok(())
}

/// `TextNode.binaryValue` of Jackson: four characters at a time, with white space around each four.
pub fn decode_jackson(text: &str) -> Result<Vec<u8>, String> {
    let text = trim(text);
    if let Ok(bytes) = decode(text) {
        return Ok(bytes);
    }
    let mut out = Vec::new();
    let mut rest = text.trim_start_matches(|c| c <= ' ');
    while !rest.is_empty() {
        let end = rest.char_indices().nth(4).map_or(rest.len(), |(end, _)| end);
        append_unit(&rest[..end], &mut out)?;
        rest = rest[end..].trim_start_matches(|c| c <= ' ');
    }
    Ok(out)
}

/// Appends the bytes of up to four characters.
fn append_unit(unit: &str, out: &mut Vec<u8>) -> Result<(), String> {
    let (mut n, mut digits) = (0u32, 0);
    for (at, c) in unit.chars().enumerate() {
        let six = u8::try_from(c).map_or(64, |byte| VALUES[byte as usize]);
        match (six, c) {
            (64, '=') if at >= 2 => {}
            (64, _) => return Err(misplaced(c, at)),
            _ if digits < at => return Err(format!("{}: expected padding character '='", misplaced(c, at))),
            _ => digits += 1,
        }
        n = (n << 6) | (six & 63) as u32;
    }
    if unit.chars().count() < 4 {
        return Err("Unexpected end of base64-encoded String: expects padding ('=') at the end".into());
    }
    out.extend_from_slice(&n.to_be_bytes()[1..digits]);
    Ok(())
}

fn misplaced(c: char, at: usize) -> String {
    let (code, place) = (c as u32, format!("as character #{} of 4-char base64 unit", at + 1));
    match c {
        '\0'..=' ' => {
            format!("Illegal white space character (code 0x{code:x}) {place}: can only used between units")
        }
        '=' => format!("Unexpected padding character ('=') {place}: padding only legal as 3rd or 4th character"),
        _ if c.is_control() => format!("Illegal character (code 0x{code:x}) in base64 content"),
        _ => format!("Illegal character '{c}' (code 0x{code:x}) in base64 content"),
    }
}

/// `Base64.getDecoder().decode`: padding may be left out altogether. Characters beyond Latin 1 are as good as `?`.
pub fn decode_java(text: &str) -> Result<Vec<u8>, String> {
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c as u32).unwrap_or(b'?')).collect();
    if bytes.len() == 1 {
        return Err("Input byte[] should at least have 2 bytes for base64 bytes".into());
    }
    let end = bytes.iter().position(|b| *b == b'=').unwrap_or(bytes.len());
    let mut out = Vec::new();
    append_bytes(&bytes[..end], &mut out)?;
    let (padding, ending) = (&bytes[end..], "Input byte array has wrong 4-byte ending unit");
    match (end % 4, padding) {
        (0 | 2 | 3, []) | (3, [b'=']) | (2, [b'=', b'=']) => Ok(out),
        (1, []) => Err("Last unit does not have enough valid bits".into()),
        (3, [_, ..]) => Err(format!("Input byte array has incorrect ending byte at {}", end + 1)),
        (2, [_, b'=', ..]) => Err(format!("Input byte array has incorrect ending byte at {}", end + 2)),
        _ => Err(ending.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_round_trip() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"\xFF\xFE", "//4=")]
        {
            let mut out = Vec::new();
            append(bytes, &mut out);
            assert_eq!(out, text.as_bytes());
            assert_eq!(decode(text).unwrap(), bytes);
        }
        assert!(decode("a b=").is_err());
        assert!(decode("Zg=").is_err());
        assert!(decode("Zg===").is_err());
    }

    #[test]
    fn jackson_reads_four_characters_at_a_time() {
        for (text, bytes) in [("Zm9v", &b"foo"[..]), (" Zm9v\n Zg==\t", b"foof"), ("Zg==Zg==", b"ff"), ("", b"")] {
            assert_eq!(decode_jackson(text).unwrap(), bytes, "{text:?}");
        }
        for (text, why) in [
            ("Zm9vZ", "Unexpected end"),
            ("Zg", "Unexpected end"),
            ("%", "Illegal character '%' (code 0x25)"),
            ("Zg=", "Unexpected end"),
            ("not base64!", "Illegal white space character (code 0x20) as character #4"),
            ("=g==", "Unexpected padding character ('=') as character #1"),
            ("Zg=A", "Illegal character 'A' (code 0x41) in base64 content: expected padding"),
            ("é000", "Illegal character 'é' (code 0xe9)"),
            ("0\u{1}00", "Illegal white space character (code 0x1)"),
            ("0\u{7f}00", "Illegal character (code 0x7f)"),
        ] {
            let error = decode_jackson(text).unwrap_err();
            assert!(error.starts_with(why), "{text:?}: {error}");
        }
    }
}
