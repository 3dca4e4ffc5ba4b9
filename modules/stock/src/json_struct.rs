//! Structs that lie apart as JsonConverter writes them. What does not depend on a record (the envelope's schema, names
//! of fields, what a field's schema means) is worked out once per schema.

use std::ops::Range;
use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Dictionaries, Memory, Part, Result, Schema, Tag, Type, ValueRef};

use crate::java_number::append_int;
use crate::json_writer::{append_base64, append_string, Style};
use crate::logical_types::decimal_scale;

/// Writes structs of one schema.
pub struct StructWriter {
    style: Style,
    /// What stands in front of each value, one behind the other, and a block more.
    before: Vec<u8>,
    /// Where the block begins.
    end: usize,
    fields: Vec<FieldWriter>,
    behind: &'static [u8],
}

struct FieldWriter {
    /// Where the bytes in front of the next value begin.
    end: usize,
    form: Form,
    schema: Rc<Schema>,
}

/// How values of a field are written that are as its schema says.
#[derive(Clone, Copy)]
enum Form {
    Plain(Tag),
    /// Milliseconds since the epoch.
    Timestamp,
    /// Base64 of numbers of that scale.
    Decimal(i32),
    /// As the general writer does.
    Any,
}

impl StructWriter {
    /// `schema` is a struct's, and no logical type. `envelope`: the value is written within one.
    pub fn new(style: Style, schema: &Schema, envelope: bool, dict: &mut Dictionaries) -> Result<StructWriter> {
        let mut before = Vec::new();
        if envelope {
            before.extend_from_slice(b"{\"schema\":");
            style.schema(schema, None, dict, &mut before)?;
            before.extend_from_slice(b",\"payload\":");
        }
        let mut fields = Vec::new();
        for (i, field) in schema.fields.iter().enumerate() {
            before.push(if i == 0 { b'{' } else { b',' });
            append_string(field.name.as_bytes(), &mut before);
            before.push(b':');
            let (form, schema) = (Form::of(&field.schema, style), field.schema.clone());
            fields.push(FieldWriter { end: before.len(), form, schema });
        }
        let behind = match (fields.is_empty(), envelope) {
            (false, true) => &b"}}"[..],
            (false, false) => b"}",
            (true, true) => b"{}}",
            (true, false) => b"{}",
        };
        let end = before.len();
        before.resize(end + BLOCK, 0);
        Ok(StructWriter { style, before, end, fields, behind })
    }

    /// Appends a struct. Its parts are never texts that nobody has looked at.
    pub fn write(&self, parts: &[Part], memory: &Memory, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        let mut start = 0;
        for (field, part) in self.fields.iter().zip(parts) {
            append_block(&self.before, start..field.end, out);
            start = field.end;
            field.write(part.stored(memory), self.style, dict, out)?;
        }
        append_block(&self.before, start..self.end, out);
        out.extend_from_slice(self.behind);
        Ok(())
    }
}

/// Size of what is copied at once; there are as many bytes behind all names.
const BLOCK: usize = 32;

/// Appends a range, most of which are shorter than a block: a copy of known size takes no call.
#[inline(always)]
fn append_block(bytes: &[u8], range: Range<usize>, out: &mut Vec<u8>) {
    match bytes.get(range.start..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
        Some(block) if range.len() <= BLOCK => {
            let end = out.len() + range.len();
            out.extend_from_slice(block);
            out.truncate(end);
        }
        _ => out.extend_from_slice(&bytes[range]),
    }
}

impl FieldWriter {
    #[inline]
    fn write(&self, value: ValueRef<'_>, style: Style, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        match (self.form, value.tag) {
            (Form::Plain(Tag::String), Tag::String) => {
                append_string(value.payload, out);
                Ok(())
            }
            (Form::Plain(Tag::Int64), Tag::Int64) | (Form::Timestamp, Tag::Date) => {
                append_int(value.int().unwrap_or(0), out);
                Ok(())
            }
            (Form::Plain(tag), found) if tag == found => style.schemaless(value, dict, out),
            (Form::Decimal(scale), Tag::Decimal) => match value.decimal() {
                Some((found, unscaled)) if found == scale => {
                    append_base64(unscaled, out);
                    Ok(())
                }
                _ => style.value(value, Some(&self.schema), dict, out),
            },
            _ => style.value(value, Some(&self.schema), dict, out),
        }
    }
}

impl Form {
    fn of(schema: &Schema, style: Style) -> Form {
        match schema.name() {
            Some(TIMESTAMP) => return Form::Timestamp,
            Some(DECIMAL) if !style.numeric => return decimal_scale(schema).map_or(Form::Any, Form::Decimal),
            Some(DECIMAL | DATE | TIME) => return Form::Any,
            _ => {}
        }
        Form::Plain(match schema.kind {
            Type::Int8 => Tag::Int8,
            Type::Int16 => Tag::Int16,
            Type::Int32 => Tag::Int32,
            Type::Int64 => Tag::Int64,
            Type::Float32 => Tag::Float32,
            Type::Float64 => Tag::Float64,
            Type::Boolean => Tag::Boolean,
            Type::String => Tag::String,
            Type::Bytes => Tag::Bytes,
            Type::Array | Type::Map | Type::Struct => return Form::Any,
        })
    }
}
