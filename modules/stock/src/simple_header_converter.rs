//! SimpleHeaderConverter: header values as readable text, typed by their shape when read.

use berth_guest::{CellOut, ConfigDef, Context, Converter, Make, Plugin, Result, Tag, Value, ValueRef, NONE};

use crate::java_text::decode_utf8;
use crate::values;
use crate::values_text;
use crate::wtf8;

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

/// The schema STRING.
const STRING: [u8; 2] = [7, 0];

impl Converter for SimpleHeaderConverter {
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        if raw.is_null() {
            out.null(NONE);
            return Ok(());
        }
        if let Ok(text) = std::str::from_utf8(raw.payload) {
            return read(text, out);
        }
        let mut repaired = Vec::new();
        decode_utf8(raw.payload, &mut repaired);
        parse(std::str::from_utf8(&repaired).unwrap_or_default(), out)
    }

    fn from_connect(&mut self, value: ValueRef<'_>, schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        match value.tag {
            Tag::Null => out.null(NONE),
            Tag::String => out.keep(Tag::Raw, NONE),
            _ => {
                let schema = out.dict.schema(schema)?;
                let dict = &mut *out.dict;
                *out.cell = out.arena.write(Tag::Raw, NONE, |out| {
                    let start = out.len();
                    values_text::append(value, schema.as_deref(), dict, out)?;
                    wtf8::encode(out, start);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Reads the text of the cell. Plain texts stay where they are, and whole numbers need no parser.
fn read(text: &str, out: &mut CellOut<'_>) -> Result<()> {
    if values::is_plain(text) {
        let schema = out.schema_bytes(&STRING)?;
        out.keep(Tag::String, schema);
        return Ok(());
    }
    if let Some(n) = values::whole_number(text) {
        let (kind, value) = values::smallest(n);
        let schema = out.schema_bytes(&[kind as u8, 0])?;
        return write(schema, &value, out);
    }
    parse(text, out)
}

fn parse(text: &str, out: &mut CellOut<'_>) -> Result<()> {
    let Some(typed) = values::parse(text) else {
        out.null(NONE);
        return Ok(());
    };
    let schema = out.dict.intern_schema(&typed.schema)?;
    write(schema, &typed.value, out)
}

fn write(schema: u32, value: &Value, out: &mut CellOut<'_>) -> Result<()> {
    out.write(value.tag(), schema, |out| {
        value.encode(out);
        Ok(())
    })
}
