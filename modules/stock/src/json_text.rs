//! Texts and names of JSON that hold escapes.

use std::borrow::Cow;

use berth_guest::{Builder, Value};

/// A text or a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Text<'a> {
    /// With U+FFFD for half a surrogate pair.
    pub shown: Cow<'a, str>,
    /// UTF-16 of a text that holds half a pair.
    pub halved: Option<Box<[u16]>>,
}

impl Text<'_> {
    /// The text as a Connect value.
    pub fn value(&self) -> Value {
        match &self.halved {
            Some(units) => Value::utf16(units),
            None => Value::str(&*self.shown),
        }
    }

    pub fn build(&self, b: &mut Builder<'_>) {
        match &self.halved {
            Some(units) => b.utf16(units),
            None => b.str(&self.shown),
        }
    }
}

/// The UTF-16 unit of the four digits that a text begins with.
pub fn unit(text: &str) -> Option<u32> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// UTF-16 of a text whose escapes are sound.
pub fn utf16(raw: &str) -> Vec<u16> {
    let (mut units, mut rest) = (Vec::with_capacity(raw.len()), raw);
    while let Some(at) = rest.find('\\') {
        units.extend(rest[..at].encode_utf16());
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(0);
        rest = rest.get(at + 2..).unwrap_or("");
        units.push(match escape {
            b'n' => '\n' as u16,
            b't' => '\t' as u16,
            b'r' => '\r' as u16,
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let unit = unit(rest).unwrap_or(0xFFFD) as u16;
                rest = rest.get(4..).unwrap_or("");
                unit
            }
            _ => escape as u16,
        });
    }
    units.extend(rest.encode_utf16());
    units
}
