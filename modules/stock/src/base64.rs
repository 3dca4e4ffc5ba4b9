//! Base64 with the standard alphabet and padding.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the text of the bytes.
pub fn append(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| (n << 8) | *b as u32) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let six = (n >> (18 - 6 * i)) as usize & 63;
            out.push(if i <= chunk.len() { ALPHABET[six] } else { b'=' });
        }
    }
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
}
