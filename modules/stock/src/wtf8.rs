//! Java's strings as bytes: UTF-8, but for half a surrogate pair, which has three bytes of its own (WTF-8). It is how
//! texts are put together, as the halves of two may meet; whoever puts one together says what becomes of halves.

use std::borrow::Cow;

use berth_guest::{Builder, Tag, Value, ValueRef};

/// Appends what is a String in Java; false: it is not one.
pub fn append(value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    if value.tag == Tag::String {
        out.extend_from_slice(value.payload);
        return true;
    }
    let Some(units) = value.halved() else { return false };
    for c in char::decode_utf16(units) {
        match c {
            Ok(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(half) => {
                let unit = half.unpaired_surrogate();
                out.extend([0xED, 0x80 | (unit >> 6) as u8 & 0x3F, 0x80 | unit as u8 & 0x3F]);
            }
        }
    }
    true
}

/// UTF-16 of a text that was put together of halves; `None`: it is UTF-8.
pub fn utf16(text: &[u8]) -> Option<Vec<u16>> {
    let (mut at, mut rest) = (half(text)?, text);
    let mut units = Vec::with_capacity(text.len());
    loop {
        units.extend(str::from_utf8(&rest[..at]).unwrap_or_default().encode_utf16());
        let Some([_, high, low]) = rest.get(at..at + 3) else { return Some(units) };
        units.push(0xD000 | u16::from(high & 0x3F) << 6 | u16::from(low & 0x3F));
        rest = &rest[at + 3..];
        at = half(rest).unwrap_or(rest.len());
    }
}

/// Where half a pair begins.
fn half(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(0xED, text).find(|at| text.get(at + 1).is_some_and(|next| *next >= 0xA0))
}

/// Makes what was appended from `start` on the bytes that Java's UTF-8 writes: half a pair is a question mark.
pub fn encode(out: &mut Vec<u8>, start: usize) {
    if let Some(units) = utf16(&out[start..]) {
        out.truncate(start);
        let chars = char::decode_utf16(units).map(|c| c.unwrap_or('?'));
        chars.for_each(|c| out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()));
    }
}

/// The text for people, with U+FFFD for half a pair.
pub fn shown(text: &[u8]) -> Cow<'_, str> {
    match utf16(text) {
        Some(units) => Cow::Owned(String::from_utf16_lossy(&units)),
        None => String::from_utf8_lossy(text),
    }
}

/// The text as a Connect value.
pub fn value(text: &[u8]) -> Value {
    match utf16(text) {
        Some(units) => Value::utf16(&units),
        None => Value::str(String::from_utf8_lossy(text)),
    }
}

/// Writes the text as a Connect value.
pub fn build(text: &[u8], b: &mut Builder<'_>) {
    match utf16(text) {
        Some(units) => b.utf16(&units),
        None => b.with(Tag::String, |out| out.extend_from_slice(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use berth_guest::Stack;

    fn joined(texts: &[Vec<u16>]) -> Vec<u8> {
        let mut joined = Vec::new();
        for text in texts {
            let body = Value::utf16(text).to_body();
            assert!(append(ValueRef::of_item(&body).unwrap(), &mut joined));
        }
        joined
    }

    #[test]
    fn halves_that_meet_are_one_character() {
        let of = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        for (texts, encoded, text) in [
            (vec![of("a\\"), of("힣😀")], "a\\힣😀", "a\\힣😀"),
            (vec![of("a"), vec![0xD83D], vec![0xDE00], of("b")], "a😀b", "a😀b"),
            (vec![vec![0xDE00, 0xD83D], vec![0xD83D, 0x5C], vec![0xDFFF]], "???\\?", "���\\�"),
        ] {
            let joined = joined(&texts);
            let (mut out, mut stack) = (Vec::new(), Stack::default());
            let mut b = Builder::new(&mut out, &mut stack);
            build(&joined, &mut b);
            let tag = b.tag();
            let want = Value::utf16(&texts.concat());
            assert_eq!(Value::decode(ValueRef::new(tag, &out)).unwrap(), want);
            assert_eq!((value(&joined), &*shown(&joined)), (want, text));
            let mut bytes = [b"\xED\xA0\x80", &joined[..]].concat();
            encode(&mut bytes, 3);
            assert_eq!(&bytes[3..], encoded.as_bytes());
        }
        assert!(!append(ValueRef::new(Tag::Bytes, b"a"), &mut Vec::new()));
    }
}
