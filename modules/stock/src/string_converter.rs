//! StringConverter: text in Kafka, STRING in Connect.

use berth_guest::{
    is_utf8, CellOut, ConfigDef, ConfigKey, ConfigType, Context, Converter, Error, FixedSchema, Importance, Make,
    Plugin, Result, Tag, ValueRef,
};

use crate::charset::{self, Charset};
use crate::converter_type;
use crate::java_text;
use crate::wtf8;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Converter>> {
        let config = definition().parse(&converter_type::fill(context))?;
        let charset = charset(&config.string("converter.encoding"))?;
        Ok(Box::new(StringConverter { charset, schema: FixedSchema::new(&OPTIONAL_STRING), text: Vec::new() }))
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

fn charset(name: &str) -> Result<Charset> {
    Charset::of(name).ok_or_else(|| {
        let cause = match charset::is_legal_name(name) {
            true => "java.nio.charset.UnsupportedCharsetException",
            false => "java.nio.charset.IllegalCharsetNameException",
        };
        Error::config(format!("Unsupported encoding {name}"))
            .class("org.apache.kafka.common.errors.SerializationException")
            .caused_by(cause, name)
    })
}

#[derive(Debug)]
struct StringConverter {
    charset: Charset,
    schema: FixedSchema,
    /// Room for the text of a value that is none.
    text: Vec<u8>,
}

/// The schema OPTIONAL_STRING.
const OPTIONAL_STRING: [u8; 2] = [7, 1];

impl Converter for StringConverter {
    fn keeps_null(&self) -> bool {
        true
    }

    #[inline]
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        let schema = self.schema.index(out.dict)?;
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
            Tag::String => {
                let (charset, text) = (self.charset, value.str().unwrap_or_default());
                return out.write(Tag::Raw, none, |out| {
                    charset.encode(text, out);
                    Ok(())
                });
            }
            _ => {
                let schema = out.dict.schema(schema)?;
                let (charset, dict, text) = (self.charset, &mut *out.dict, &mut self.text);
                *out.cell = out.arena.write(Tag::Raw, none, |out| {
                    if charset == Charset::Utf8 {
                        let start = out.len();
                        java_text::append(value, schema.as_deref(), dict, out);
                        wtf8::encode(out, start);
                        return Ok(());
                    }
                    text.clear();
                    java_text::append(value, schema.as_deref(), dict, text);
                    match wtf8::utf16(text) {
                        Some(units) => charset.encode_utf16(&units, out),
                        None => charset.encode(str::from_utf8(text).unwrap_or_default(), out),
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}
