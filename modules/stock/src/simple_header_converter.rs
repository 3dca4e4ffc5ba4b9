//! SimpleHeaderConverter: header values as readable text, typed by their shape when read.

use berth_guest::{CellOut, ConfigDef, Context, Converter, Make, Plugin, Result, Tag, Value, ValueRef, NONE};

use crate::java_text::decode_utf8;
use crate::values;
use crate::values_text;

pub fn plugin() -> Plugin {
    let new = |_: &Context| -> Result<Box<dyn Converter>> { Ok(Box::new(SimpleHeaderConverter)) };
    Plugin::new(
        "org.apache.kafka.connect.storage.SimpleHeaderConverter",
        crate::KAFKA_VERSION,
        "Header values as text; numbers, booleans, dates, lists and maps are recognised when read.",
        Make::Converter(new),
    )
    .aliases(&["Simple", "SimpleHeaderConverter"])
    .config(ConfigDef::default())
    .only_headers()
}

#[derive(Debug)]
struct SimpleHeaderConverter;

impl Converter for SimpleHeaderConverter {
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        if raw.is_null() {
            out.null(NONE);
            return Ok(());
        }
        let mut repaired = Vec::new();
        let text = std::str::from_utf8(raw.payload).unwrap_or_else(|_| {
            decode_utf8(raw.payload, &mut repaired);
            std::str::from_utf8(&repaired).unwrap_or_default()
        });
        match values::parse(text) {
            None => out.null(NONE),
            Some(typed) => {
                let schema = out.dict.intern_schema(&typed.schema)?;
                if matches!(&typed.value, Value::String(same) if same.as_bytes() == raw.payload) {
                    out.keep(Tag::String, schema);
                    return Ok(());
                }
                out.write(typed.value.tag(), schema, |out| {
                    typed.value.encode(out);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn from_connect(&mut self, value: ValueRef<'_>, schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        match value.tag {
            Tag::Null => out.null(NONE),
            Tag::String => out.keep(Tag::Raw, NONE),
            _ => {
                let schema = out.dict.schema(schema)?;
                let dict = &mut *out.dict;
                *out.cell = out.arena.write(Tag::Raw, NONE, |out| {
                    values_text::append(value, schema.as_deref(), dict, out);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}
