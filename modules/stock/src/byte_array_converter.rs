//! ByteArrayConverter: bytes as they stand.

use berth_guest::{CellOut, Context, Converter, Error, Make, Plugin, Result, Tag, Type, ValueRef, NONE};

use crate::converter_type;
use crate::java_class::class_of;

pub fn plugin() -> Plugin {
    // Its configuration is never looked at, not even converter.type.
    let new = |_: &Context| -> Result<Box<dyn Converter>> { Ok(Box::new(ByteArrayConverter)) };
    Plugin::new(
        "org.apache.kafka.connect.converters.ByteArrayConverter",
        crate::KAFKA_VERSION,
        "Passes bytes through unchanged.",
        Make::Converter(new),
    )
    .aliases(&["ByteArray", "ByteArrayConverter"])
    .config(converter_type::definition())
    .for_headers()
}

#[derive(Debug)]
struct ByteArrayConverter;

/// The schema OPTIONAL_BYTES.
const OPTIONAL_BYTES: [u8; 2] = [8, 1];

impl Converter for ByteArrayConverter {
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        let schema = out.schema_bytes(&OPTIONAL_BYTES)?;
        match raw.is_null() {
            true => out.null(schema),
            false => out.keep(Tag::Bytes, schema),
        }
        Ok(())
    }

    fn from_connect(&mut self, value: ValueRef<'_>, schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        if let Some(schema) = out.dict.schema(schema)? {
            if schema.kind != Type::Bytes {
                let kind = schema.kind;
                return Err(Error::data(format!("Invalid schema type for ByteArrayConverter: {kind}")));
            }
        }
        match value.tag {
            Tag::Null => out.null(NONE),
            Tag::Bytes => out.keep(Tag::Raw, NONE),
            _ => {
                let class = class_of(value);
                return Err(Error::data(format!("ByteArrayConverter is not compatible with objects of type {class}")));
            }
        }
        Ok(())
    }
}
