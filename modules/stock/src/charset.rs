//! Character sets under Java's names, decoded and encoded as Java does: what a set can't hold becomes `?`, what is no
//! text becomes U+FFFD.

use encoding_rs::{DecoderResult, EncoderResult, Encoding};

use crate::java_text::decode_utf8;

/// A character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    Ascii,
    Latin1,
    /// Without an order: as the byte order mark says, else big endian; written with a mark.
    Utf16(Option<Endian>),
    /// Without an order: as the byte order mark says, else big endian; written without a mark.
    Utf32(Option<Endian>),
    Other(&'static Encoding),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    Big,
    Little,
}

/// Whether a set could have that name: letters, digits and, but for the first place, `-+:_.` (java.nio.charset.Charset).
pub fn is_legal_name(name: &str) -> bool {
    let rest = name.strip_prefix(|c: char| c.is_ascii_alphanumeric());
    rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric() || "-+:_.".contains(c)))
}

impl Charset {
    /// The set of that name or alias, in any case; `None` if it is not known.
    pub fn of(name: &str) -> Option<Charset> {
        Some(match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" | "UNICODE-1-1-UTF-8" => Charset::Utf8,
            "US-ASCII" | "ASCII" | "ISO646-US" | "646" | "ISO_646.IRV:1991" | "ANSI_X3.4-1968" | "ANSI_X3.4-1986"
            | "ISO_646.IRV:1983" | "ISO-IR-6" | "IBM367" | "CP367" | "CSASCII" | "US" | "ASCII7" | "DEFAULT" => {
                Charset::Ascii
            }
            "ISO-8859-1" | "ISO8859_1" | "LATIN1" | "ISO8859-1" | "L1" | "8859_1" | "ISO_8859-1" | "ISO_8859_1"
            | "ISO_8859-1:1987" | "ISO-IR-100" | "IBM819" | "IBM-819" | "CP819" | "819" | "CSISOLATIN1" => {
                Charset::Latin1
            }
            "UTF-16" | "UTF16" | "UTF_16" | "UNICODE" | "UNICODEBIG" => Charset::Utf16(None),
            "UTF-16BE" | "UTF_16BE" | "X-UTF-16BE" | "ISO-10646-UCS-2" | "UNICODEBIGUNMARKED" => {
                Charset::Utf16(Some(Endian::Big))
            }
            "UTF-16LE" | "UTF_16LE" | "X-UTF-16LE" | "UNICODELITTLEUNMARKED" => Charset::Utf16(Some(Endian::Little)),
            "UTF-32" | "UTF32" | "UTF_32" | "ISO-10646-UCS-4" => Charset::Utf32(None),
            "UTF-32BE" | "UTF_32BE" | "X-UTF-32BE" => Charset::Utf32(Some(Endian::Big)),
            "UTF-32LE" | "UTF_32LE" | "X-UTF-32LE" => Charset::Utf32(Some(Endian::Little)),
            _ => Charset::Other(table(name)?),
        })
    }

    /// Appends the UTF-8 of the bytes.
    pub fn decode(self, raw: &[u8], out: &mut Vec<u8>) {
        match self {
            Charset::Utf8 => decode_utf8(raw, out),
            Charset::Ascii => raw.iter().for_each(|b| push(if *b < 128 { *b as char } else { '\u{FFFD}' }, out)),
            Charset::Latin1 => raw.iter().for_each(|b| push(*b as char, out)),
            Charset::Utf16(endian) => decode_utf16(raw, endian, out),
            Charset::Utf32(endian) => decode_utf32(raw, endian, out),
            Charset::Other(encoding) => decode_table(encoding, raw, out),
        }
    }

    /// Appends the bytes of a text.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) {
        let mut narrow = |limit: u32| {
            out.extend(text.chars().map(|c| if (c as u32) < limit { c as u8 } else { b'?' }));
        };
        match self {
            Charset::Utf8 => out.extend_from_slice(text.as_bytes()),
            Charset::Ascii => narrow(128),
            Charset::Latin1 => narrow(256),
            Charset::Utf16(Some(Endian::Little)) => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Charset::Utf16(endian) => {
                if endian.is_none() && !text.is_empty() {
                    out.extend_from_slice(&[0xFE, 0xFF]);
                }
                out.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
            }
            Charset::Utf32(Some(Endian::Little)) => out.extend(text.chars().flat_map(|c| (c as u32).to_le_bytes())),
            Charset::Utf32(_) => out.extend(text.chars().flat_map(|c| (c as u32).to_be_bytes())),
            Charset::Other(encoding) => encode_table(encoding, text, out),
        }
    }

    /// Appends the bytes of a text in UTF-16, which may hold half a surrogate pair: UTF-16 and UTF-32 have U+FFFD
    /// in its place.
    pub fn encode_utf16(self, units: &[u16], out: &mut Vec<u8>) {
        let substitute = match self {
            Charset::Utf16(_) | Charset::Utf32(_) => '\u{FFFD}',
            _ => '?',
        };
        let text: String = char::decode_utf16(units.iter().copied()).map(|c| c.unwrap_or(substitute)).collect();
        self.encode(&text, out);
    }
}

/// The sets with a table, by the Web's labels, which hold Java's names once underscores are dashes. Where the Web took
/// a larger set under a smaller one's name, the larger one it is.
fn table(name: &str) -> Option<&'static Encoding> {
    let found = Encoding::for_label(name.as_bytes())
        .or_else(|| Encoding::for_label(name.replace('_', "-").as_bytes()))
        .or_else(|| Encoding::for_label(name.to_ascii_lowercase().strip_prefix("x-")?.as_bytes()))?;
    let foreign = [encoding_rs::REPLACEMENT, encoding_rs::X_USER_DEFINED, encoding_rs::UTF_16LE, encoding_rs::UTF_16BE];
    (!foreign.contains(&found)).then_some(found)
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn decode_utf16(raw: &[u8], endian: Option<Endian>, out: &mut Vec<u8>) {
    let (endian, raw) = match (endian, raw) {
        (Some(endian), _) => (endian, raw),
        (None, [0xFF, 0xFE, rest @ ..]) => (Endian::Little, rest),
        (None, [0xFE, 0xFF, rest @ ..]) => (Endian::Big, rest),
        _ => (Endian::Big, raw),
    };
    let unit = |at: usize| {
        let pair = [*raw.get(at)?, *raw.get(at + 1)?];
        Some(if endian == Endian::Big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    };
    let mut at = 0;
    while let Some(first) = unit(at) {
        at += 2;
        let c = match first {
            0xD800..=0xDBFF => match unit(at) {
                Some(second @ 0xDC00..=0xDFFF) => {
                    at += 2;
                    char::from_u32(0x10000 + ((first as u32 - 0xD800) << 10) + (second as u32 - 0xDC00))
                }
                Some(_) => None,
                // What is left is one malformed end.
                None => {
                    at = raw.len();
                    None
                }
            },
            // A byte order mark the wrong way round is no text.
            0xFFFE => None,
            _ => char::from_u32(first as u32),
        };
        push(c.unwrap_or('\u{FFFD}'), out);
    }
    if at < raw.len() {
        push('\u{FFFD}', out);
    }
}

fn decode_utf32(raw: &[u8], endian: Option<Endian>, out: &mut Vec<u8>) {
    let (endian, raw) = match (endian, raw) {
        (Some(endian), _) => (endian, raw),
        (None, [0xFF, 0xFE, 0, 0, rest @ ..]) => (Endian::Little, rest),
        (None, [0, 0, 0xFE, 0xFF, rest @ ..]) => (Endian::Big, rest),
        _ => (Endian::Big, raw),
    };
    for four in raw.chunks(4) {
        let c = four.try_into().ok().and_then(|four| {
            char::from_u32(if endian == Endian::Big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
        });
        push(c.unwrap_or('\u{FFFD}'), out);
    }
}

fn decode_table(encoding: &'static Encoding, raw: &[u8], out: &mut Vec<u8>) {
    let windows = encoding.name().starts_with("windows-");
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let (mut rest, mut room) = (raw, [0u8; 1024]);
    loop {
        let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut room, true);
        rest = &rest[read..];
        let text = std::str::from_utf8(&room[..written]).unwrap_or("\u{FFFD}");
        match windows {
            // The Web fills the gaps of these tables with control characters.
            true => {
                text.chars().for_each(|c| push(if ('\u{80}'..'\u{A0}').contains(&c) { '\u{FFFD}' } else { c }, out))
            }
            false => out.extend_from_slice(text.as_bytes()),
        }
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => push('\u{FFFD}', out),
        }
    }
}

fn encode_table(encoding: &'static Encoding, text: &str, out: &mut Vec<u8>) {
    let mut encoder = encoding.new_encoder();
    let (mut rest, mut room) = (text, [0u8; 1024]);
    loop {
        let (result, read, written) = encoder.encode_from_utf8_without_replacement(rest, &mut room, true);
        rest = &rest[read..];
        out.extend_from_slice(&room[..written]);
        match result {
            EncoderResult::InputEmpty => return,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(_) => out.push(b'?'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(name: &str, text: &str) -> (Vec<u8>, String) {
        let (charset, mut bytes, mut back) = (Charset::of(name).unwrap(), Vec::new(), Vec::new());
        charset.encode(text, &mut bytes);
        charset.decode(&bytes, &mut back);
        (bytes, String::from_utf8(back).unwrap())
    }

    #[test]
    fn every_set_reads_what_it_wrote() {
        for name in ["UTF-8", "utf16", "UTF-16BE", "UTF-16LE", "UTF-32", "UTF_32LE", "GB18030"] {
            assert_eq!(round(name, "ü中😀").1, "ü中😀", "{name}");
        }
        for (name, back) in
            [("ascii", "?"), ("Cp1252", "ü"), ("ISO8859_2", "ü"), ("KOI8_R", "?"), ("x-windows-949", "?")]
        {
            assert_eq!(round(name, "ü").1, back, "{name}");
        }
        assert_eq!(round("Shift_JIS", "ü中😀").0, [0x3F, 0x92, 0x86, 0x3F]);
        assert_eq!(round("EUC_JP", "中").1, "中");
        let long = "é中".repeat(3000);
        assert_eq!(round("GBK", &long).1, long);
        assert_eq!(Charset::of("nope"), None);
        assert_eq!(Charset::of("x-user-defined"), None);
    }

    #[test]
    fn names_are_those_that_java_takes() {
        for (name, legal) in [
            ("nope", true),
            ("8859_1", true),
            ("x-a+b:c.d", true),
            ("", false),
            ("-a", false),
            ("utf 8", false),
            ("ü", false),
        ] {
            assert_eq!(is_legal_name(name), legal, "{name:?}");
        }
    }

    #[test]
    fn what_is_no_text_becomes_the_replacement_character() {
        let read = |name: &str, bytes: &[u8]| {
            let mut out = Vec::new();
            Charset::of(name).unwrap().decode(bytes, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(read("UTF-16", &[0xD8, 0, 0, 0x61]), "\u{FFFD}a");
        assert_eq!(read("UTF-16", &[0, 0x61, 0xD8, 0, 0]), "a\u{FFFD}");
        assert_eq!(read("UTF-16LE", &[0x61, 0, 0x62]), "a\u{FFFD}");
        assert_eq!(read("UTF-16BE", &[0xFF, 0xFE]), "\u{FFFD}");
        assert_eq!(read("UTF-32", &[0, 0x11, 0, 0, 0]), "\u{FFFD}\u{FFFD}");
        assert_eq!(read("windows-1252", &[0x80, 0x81, 0xE4]), "€\u{FFFD}ä");
        assert_eq!(read("Shift_JIS", &[0x92]), "\u{FFFD}");
    }
}
