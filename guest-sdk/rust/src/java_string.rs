//! Texts that Java's String holds and UTF-8 does not: those with half a surrogate pair. In the ABI they are an OBJECT
//! of class `java.lang.String` (section 2), so that every STRING stays UTF-8; nearly no text is one.

use std::borrow::Cow;

use crate::builder::Builder;
use crate::value::{Tag, Value, ValueRef};

const CLASS: &str = "java.lang.String";

/// The OBJECT's text: half a pair is `\uXXXX`, a backslash `\\`.
fn escaped(units: &[u16]) -> String {
    let mut text = String::with_capacity(units.len() + 8);
    for c in char::decode_utf16(units.iter().copied()) {
        match c {
            Ok('\\') => text.push_str("\\\\"),
            Ok(c) => text.push(c),
            Err(half) => text.push_str(&format!("\\u{:04X}", half.unpaired_surrogate())),
        }
    }
    text
}

/// UTF-16 of an OBJECT's text. A backslash before anything that [`escaped`] does not write stands for itself.
fn units(text: &str) -> Vec<u16> {
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        units.extend(rest[..at].encode_utf16());
        rest = &rest[at + 1..];
        let digits = rest.strip_prefix('u').and_then(|rest| rest.get(..4));
        let half = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        match half.filter(|unit| (0xD800..0xE000).contains(unit)) {
            Some(unit) => {
                units.push(unit);
                rest = &rest[5..];
            }
            None => {
                units.push('\\' as u16);
                rest = rest.strip_prefix('\\').unwrap_or(rest);
            }
        }
    }
    units.extend(rest.encode_utf16());
    units
}

impl<'a> ValueRef<'a> {
    /// Whether it is a String in Java: a STRING, or a text with half a surrogate pair.
    #[inline]
    pub fn is_text(&self) -> bool {
        self.tag == Tag::String || self.is_halved()
    }

    fn is_halved(&self) -> bool {
        self.tag == Tag::Object && self.object().is_some_and(|(class, _)| class == CLASS)
    }

    /// UTF-16 of a text with half a surrogate pair; `None` for every other value, a STRING among them.
    pub fn halved(&self) -> Option<Vec<u16>> {
        self.object().filter(|(class, _)| *class == CLASS).map(|(_, text)| units(text))
    }

    /// The bytes that Java's UTF-8 makes of what is a String there: half a surrogate pair is `?`.
    pub fn utf8_of_java(&self) -> Option<Cow<'a, [u8]>> {
        if self.tag == Tag::String {
            return Some(Cow::Borrowed(self.payload));
        }
        let chars = char::decode_utf16(self.halved()?).map(|c| c.unwrap_or('?'));
        Some(Cow::Owned(chars.collect::<String>().into_bytes()))
    }

    /// The text of what is a String in Java, with U+FFFD for half a surrogate pair; `None` for everything else.
    pub fn to_text(&self) -> Option<Cow<'a, str>> {
        match self.tag {
            Tag::String => self.str().map(Cow::Borrowed),
            _ => self.halved().map(|units| Cow::Owned(String::from_utf16_lossy(&units))),
        }
    }
}

impl Value {
    /// A text in UTF-16: a STRING, unless it holds half a surrogate pair.
    pub fn utf16(units: &[u16]) -> Value {
        match String::from_utf16(units) {
            Ok(text) => Value::String(text),
            Err(_) => Value::Object(CLASS.into(), escaped(units)),
        }
    }
}

impl Builder<'_> {
    /// As [`Value::utf16`].
    pub fn utf16(&mut self, units: &[u16]) {
        let value = Value::utf16(units);
        self.with(value.tag(), |out| value.encode(out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Stack;

    fn utf16(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn texts_with_half_a_pair_are_objects_and_others_are_not() {
        let high = [&utf16("a\\")[..], &[0xD83D], &utf16("\\u😀")].concat();
        for (units, want, text) in [
            (utf16("😀\\"), Value::str("😀\\"), "😀\\"),
            (vec![0xDC00], Value::Object(CLASS.into(), "\\uDC00".into()), "\u{FFFD}"),
            (high, Value::Object(CLASS.into(), "a\\\\\\uD83D\\\\u😀".into()), "a\\\u{FFFD}\\u😀"),
        ] {
            let value = Value::utf16(&units);
            assert_eq!(value, want);
            let body = value.to_body();
            let read = ValueRef::of_item(&body).unwrap();
            assert!(read.check().is_ok() && read.is_text(), "{value:?}");
            assert_eq!(read.halved(), (value.tag() == Tag::Object).then_some(units.clone()), "{value:?}");
            assert_eq!(read.to_text().as_deref(), Some(text));
            assert_eq!(read.utf8_of_java().as_deref(), Some(text.replace('\u{FFFD}', "?").as_bytes()));
            let (mut out, mut stack) = (Vec::new(), Stack::default());
            let mut b = Builder::new(&mut out, &mut stack);
            b.utf16(&units);
            assert_eq!((b.tag(), &out[..]), (value.tag(), read.payload));
        }
    }

    #[test]
    fn what_nobody_would_write_is_read_as_it_stands() {
        for text in ["\\", "\\u", "\\uD8", "\\u0041", "\\n", "\\uD80ä", "\\u+D80"] {
            assert_eq!(units(text), utf16(text), "{text}");
        }
        assert_eq!(units("\\\\uD800"), utf16("\\uD800"));
    }

    #[test]
    fn objects_of_other_classes_are_no_texts() {
        let body = Value::Object("java.util.UUID".into(), "0".into()).to_body();
        let uuid = ValueRef::of_item(&body).unwrap();
        assert_eq!((uuid.is_text(), uuid.halved(), uuid.to_text()), (false, None, None));
        assert_eq!(uuid.utf8_of_java(), None);
        assert_eq!(ValueRef::new(Tag::Bytes, b"a").to_text(), None);
    }
}
