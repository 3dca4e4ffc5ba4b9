//! StringConverter: text in Kafka, STRING in Connect.

use berth_guest::{
    is_utf8, CellOut, ConfigDef, ConfigKey, ConfigType, Context, Converter, Error, Importance, Make, Plugin, Result,
    Tag, ValueRef,
};

use crate::converter_type;
use crate::java_text;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Converter>> {
        let config = definition().parse(&converter_type::fill(context))?;
        Ok(Box::new(StringConverter { charset: Charset::of(&config.string("converter.encoding"))? }))
    };
    Plugin::new(
        "org.apache.kafka.connect.storage.StringConverter",
        crate::KAFKA_VERSION,
        "Keys, values and headers as text.",
        Make::Converter(new),
    )
    .aliases(&["String", "StringConverter"])
    .config(definition())
    .for_headers()
}

fn definition() -> ConfigDef {
    let mut encoding = ConfigKey::new("converter.encoding", ConfigType::String, "Name of the character set in Kafka.")
        .default("UTF-8")
        .importance(Importance::High);
    (encoding.width, encoding.display) = ("MEDIUM", "Encoding");
    ConfigDef::new(vec![converter_type::key(), encoding])
}

/// Character sets that every Java has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    Utf8,
    Ascii,
    Latin1,
    Utf16(Option<Endian>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endian {
    Big,
    Little,
}

impl Charset {
    fn of(name: &str) -> Result<Charset> {
        Ok(match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" | "UNICODE-1-1-UTF-8" => Charset::Utf8,
            "US-ASCII" | "ASCII" | "ISO646-US" | "646" => Charset::Ascii,
            "ISO-8859-1" | "ISO8859_1" | "LATIN1" | "ISO8859-1" | "L1" => Charset::Latin1,
            "UTF-16" | "UTF16" | "UTF_16" => Charset::Utf16(None),
            "UTF-16BE" | "UTF_16BE" | "UNICODEBIGUNMARKED" => Charset::Utf16(Some(Endian::Big)),
            "UTF-16LE" | "UTF_16LE" | "UNICODELITTLEUNMARKED" => Charset::Utf16(Some(Endian::Little)),
            _ => {
                return Err(Error::config(format!("Unsupported encoding {name}"))
                    .class("org.apache.kafka.common.errors.SerializationException"))
            }
        })
    }

    fn decode(self, raw: &[u8], out: &mut Vec<u8>) {
        let text = match self {
            Charset::Utf8 => String::from_utf8_lossy(raw).into_owned(),
            Charset::Ascii => raw.iter().map(|b| if *b < 128 { *b as char } else { '\u{FFFD}' }).collect(),
            Charset::Latin1 => raw.iter().map(|b| *b as char).collect(),
            Charset::Utf16(endian) => decode_utf16(raw, endian),
        };
        out.extend_from_slice(text.as_bytes());
    }

    fn encode(self, text: &str, out: &mut Vec<u8>) {
        let narrow = |limit: u32, out: &mut Vec<u8>| {
            out.extend(text.chars().map(|c| if (c as u32) < limit { c as u8 } else { b'?' }));
        };
        match self {
            Charset::Utf8 => out.extend_from_slice(text.as_bytes()),
            Charset::Ascii => narrow(128, out),
            Charset::Latin1 => narrow(256, out),
            Charset::Utf16(Some(Endian::Little)) => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Charset::Utf16(endian) => {
                if endian.is_none() && !text.is_empty() {
                    out.extend_from_slice(&[0xFE, 0xFF]);
                }
                out.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
            }
        }
    }
}

fn decode_utf16(raw: &[u8], endian: Option<Endian>) -> String {
    let (endian, raw) = match (endian, raw) {
        (Some(endian), _) => (endian, raw),
        (None, [0xFF, 0xFE, rest @ ..]) => (Endian::Little, rest),
        (None, [0xFE, 0xFF, rest @ ..]) => (Endian::Big, rest),
        _ => (Endian::Big, raw),
    };
    let units = raw.chunks_exact(2).map(|pair| match endian {
        Endian::Big => u16::from_be_bytes([pair[0], pair[1]]),
        Endian::Little => u16::from_le_bytes([pair[0], pair[1]]),
    });
    let mut text: String = char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).collect();
    if raw.len() % 2 == 1 {
        text.push('\u{FFFD}');
    }
    text
}

#[derive(Debug)]
struct StringConverter {
    charset: Charset,
}

/// The schema OPTIONAL_STRING.
const OPTIONAL_STRING: [u8; 2] = [7, 1];

impl Converter for StringConverter {
    #[inline]
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        let schema = out.schema_bytes(&OPTIONAL_STRING)?;
        if raw.is_null() {
            out.null(schema);
            return Ok(());
        }
        if self.charset == Charset::Utf8 && is_utf8(raw.payload) {
            out.keep(Tag::String, schema);
            return Ok(());
        }
        let charset = self.charset;
        out.write(Tag::String, schema, |out| {
            charset.decode(raw.payload, out);
            Ok(())
        })
    }

    #[inline]
    fn from_connect(&mut self, value: ValueRef<'_>, schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        let none = berth_guest::NONE;
        match value.tag {
            Tag::Null => out.null(none),
            Tag::String if self.charset == Charset::Utf8 => out.keep(Tag::Raw, none),
            _ => {
                let schema = out.dict.schema(schema)?;
                let charset = self.charset;
                return out.write(Tag::Raw, none, |out| {
                    if charset == Charset::Utf8 {
                        java_text::append(value, schema.as_deref(), out);
                        return Ok(());
                    }
                    let mut text = Vec::new();
                    java_text::append(value, schema.as_deref(), &mut text);
                    charset.encode(&String::from_utf8_lossy(&text), out);
                    Ok(())
                });
            }
        }
        Ok(())
    }
}
