//! BooleanConverter: one byte, 0 or 1.

use berth_guest::{CellOut, Context, Converter, Error, Make, Plugin, Result, Tag, Type, ValueRef, NONE};

use crate::converter_type;
use crate::java_class::class_of;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Converter>> {
        converter_type::definition().parse(&converter_type::fill(context))?;
        Ok(Box::new(BooleanConverter))
    };
    Plugin::new(
        "org.apache.kafka.connect.converters.BooleanConverter",
        crate::KAFKA_VERSION,
        "Booleans, as one byte.",
        Make::Converter(new),
    )
    .aliases(&["Boolean", "BooleanConverter"])
    .config(converter_type::definition())
    .for_headers()
}

#[derive(Debug)]
struct BooleanConverter;

/// The schema OPTIONAL_BOOLEAN.
const OPTIONAL_BOOLEAN: [u8; 2] = [6, 1];

impl Converter for BooleanConverter {
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        let schema = out.schema_bytes(&OPTIONAL_BOOLEAN)?;
        match (raw.is_null(), raw.payload) {
            (true, _) => out.null(schema),
            (_, [0 | 1]) => out.keep(Tag::Boolean, schema),
            (_, [byte]) => {
                return Err(broken(format!("Unexpected byte received by BooleanDeserializer: {}", *byte as i8)))
            }
            _ => return Err(broken("Size of data received by BooleanDeserializer is not 1".into())),
        }
        Ok(())
    }

    fn from_connect(&mut self, value: ValueRef<'_>, schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        if let Some(schema) = out.dict.schema(schema)? {
            if schema.kind != Type::Boolean {
                let kind = schema.kind;
                return Err(Error::data(format!("Invalid schema type for BooleanConverter: {kind}")));
            }
        }
        match value.tag {
            Tag::Null => out.null(NONE),
            Tag::Boolean => out.keep(Tag::Raw, NONE),
            _ => {
                let class = class_of(value);
                return Err(Error::data(format!("BooleanConverter is not compatible with objects of type {class}")));
            }
        }
        Ok(())
    }
}

fn broken(why: String) -> Error {
    Error::data("Failed to deserialize boolean: ")
        .caused_by("org.apache.kafka.common.errors.SerializationException", why)
}
