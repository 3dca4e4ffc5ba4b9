//! The converters of one number each: Short, Integer, Long, Float, Double. Big-endian bytes in Kafka.

use berth_guest::{CellOut, Context, Converter, Error, Make, New, Plugin, Result, Tag, ValueRef, NONE};

use crate::converter_type;
use crate::java_class::{class_name, class_of};

/// What the five differ in.
#[derive(Debug)]
struct Kind {
    /// Name in messages.
    name: &'static str,
    tag: Tag,
    size: usize,
    /// The optional schema.
    schema: [u8; 2],
    /// What Kafka's deserializer calls itself.
    deserializer: &'static str,
}

const SHORT: Kind = Kind { name: "short", tag: Tag::Int16, size: 2, schema: [1, 1], deserializer: "ShortDeserializer" };
const INTEGER: Kind =
    Kind { name: "integer", tag: Tag::Int32, size: 4, schema: [2, 1], deserializer: "IntegerDeserializer" };
const LONG: Kind = Kind { name: "long", tag: Tag::Int64, size: 8, schema: [3, 1], deserializer: "LongDeserializer" };
const FLOAT: Kind = Kind { name: "float", tag: Tag::Float32, size: 4, schema: [4, 1], deserializer: "Deserializer" };
const DOUBLE: Kind = Kind { name: "double", tag: Tag::Float64, size: 8, schema: [5, 1], deserializer: "Deserializer" };

pub fn plugins() -> Vec<Plugin> {
    vec![
        plugin(
            "org.apache.kafka.connect.converters.ShortConverter",
            &["Short", "ShortConverter"],
            "Numbers of 16 bits, as two bytes.",
            |context| made(context, &SHORT),
        ),
        plugin(
            "org.apache.kafka.connect.converters.IntegerConverter",
            &["Integer", "IntegerConverter"],
            "Numbers of 32 bits, as four bytes.",
            |context| made(context, &INTEGER),
        ),
        plugin(
            "org.apache.kafka.connect.converters.LongConverter",
            &["Long", "LongConverter"],
            "Numbers of 64 bits, as eight bytes.",
            |context| made(context, &LONG),
        ),
        plugin(
            "org.apache.kafka.connect.converters.FloatConverter",
            &["Float", "FloatConverter"],
            "Floating point numbers of 32 bits, as four bytes.",
            |context| made(context, &FLOAT),
        ),
        plugin(
            "org.apache.kafka.connect.converters.DoubleConverter",
            &["Double", "DoubleConverter"],
            "Floating point numbers of 64 bits, as eight bytes.",
            |context| made(context, &DOUBLE),
        ),
    ]
}

fn plugin(class: &'static str, aliases: &[&'static str], doc: &'static str, new: New<dyn Converter>) -> Plugin {
    Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Converter(new))
        .aliases(aliases)
        .config(converter_type::definition())
        .for_headers()
}

fn made(context: &Context, kind: &'static Kind) -> Result<Box<dyn Converter>> {
    converter_type::definition().parse(&converter_type::fill(context))?;
    Ok(Box::new(NumberConverter { kind }))
}

#[derive(Debug)]
struct NumberConverter {
    kind: &'static Kind,
}

impl Converter for NumberConverter {
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        let Kind { name, tag, size, schema, deserializer } = self.kind;
        let schema = out.schema_bytes(schema)?;
        if raw.is_null() {
            out.null(schema);
            return Ok(());
        }
        if raw.payload.len() != *size {
            return Err(Error::data(format!("Failed to deserialize {name}: ")).caused_by(
                "org.apache.kafka.common.errors.SerializationException",
                format!("Size of data received by {deserializer} is not {size}"),
            ));
        }
        out.write(*tag, schema, |out| {
            out.extend(raw.payload.iter().rev());
            Ok(())
        })
    }

    /// The class of the value decides; its schema is not looked at.
    fn from_connect(&mut self, value: ValueRef<'_>, _: u32, out: &mut CellOut<'_>) -> Result<()> {
        if value.is_null() {
            out.null(NONE);
            return Ok(());
        }
        if value.tag != self.kind.tag {
            return Err(self.misfit(value));
        }
        out.write(Tag::Raw, NONE, |out| {
            // Java keeps one bit pattern for NaN when it takes a number apart.
            match (value.float32(), value.float64()) {
                (Some(n), _) if n.is_nan() => out.extend(0x7FC0_0000u32.to_be_bytes()),
                (_, Some(n)) if n.is_nan() => out.extend(0x7FF8_0000_0000_0000u64.to_be_bytes()),
                _ => out.extend(value.payload.iter().rev()),
            }
            Ok(())
        })
    }
}

impl NumberConverter {
    fn misfit(&self, value: ValueRef<'_>) -> Error {
        let number = matches!(
            value.tag,
            Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 | Tag::Float32 | Tag::Float64 | Tag::Decimal | Tag::BigInt
        );
        let (class, wanted) = (class_of(value), if number { class_name(self.kind.tag) } else { "java.lang.Number" });
        Error::data(format!("Failed to serialize to {} (was {class}): ", self.kind.name))
            .caused_by("java.lang.ClassCastException", format!("{class} cannot be cast to class {wanted}"))
    }
}
