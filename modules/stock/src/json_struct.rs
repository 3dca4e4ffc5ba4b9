//! Structs that lie apart as JsonConverter writes them. What does not depend on a record (the envelope's schema, names
//! of fields, what a field's schema means) is worked out once per schema.

use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Appender, Dictionaries, Memory, Part, Result, Schema, Tag, Type, ValueRef};

use crate::java_number::append_int;
use crate::json_block::is_plain;
use crate::json_writer::{append_base64, append_string, Style};
use crate::logical_types::{decimal_scale, is_logical};

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
    /// An array of texts.
    Texts,
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
        let mut end = Appender::new(out, self.before.len() + LIKELY_BYTES * parts.len());
        for (field, part) in self.fields.iter().zip(parts) {
            end = self.append_before(start, field.end, end);
            start = field.end;
            end = field.write(part.stored(memory), self.style, dict, end)?;
        }
        self.append_before(start, self.end, end).run(self.behind).finish();
        Ok(())
    }

    /// Appends a range of what stands in front of values, mostly shorter than a block: a copy of known size takes no call.
    #[inline(always)]
    fn append_before<'v>(&self, start: usize, end: usize, to: Appender<'v>) -> Appender<'v> {
        let n = end - start;
        match self.before.get(start..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
            Some(block) if n <= BLOCK => to.first(n, block),
            _ => to.run(&self.before[start..end]),
        }
    }
}

/// Size of what is copied at once; there are as many bytes behind all names.
const BLOCK: usize = 32;

/// What the text of a value takes at a guess: with room for all of it the end of the vector moves less often.
const LIKELY_BYTES: usize = 32;

impl FieldWriter {
    #[inline(always)]
    fn write<'v>(
        &self,
        value: ValueRef<'_>,
        style: Style,
        dict: &mut Dictionaries,
        end: Appender<'v>,
    ) -> Result<Appender<'v>> {
        match (self.form, value.tag) {
            (Form::Plain(Tag::String), Tag::String) => Ok(append_text(value.payload, end)),
            (Form::Plain(Tag::Boolean), Tag::Boolean) => Ok(match value.boolean() {
                Some(true) => end.run(b"true"),
                _ => end.run(b"false"),
            }),
            (Form::Texts, Tag::Array) if value.items().all(|item| item.tag == Tag::String) => {
                Ok(append_texts(value, end))
            }
            _ => {
                let out = end.finish();
                self.write_other(value, style, dict, out)?;
                Ok(Appender::new(out, 0))
            }
        }
    }

    fn write_other(&self, value: ValueRef<'_>, style: Style, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        match (self.form, value.tag) {
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

/// As [`append_string`].
#[inline(always)]
fn append_text<'v>(text: &[u8], end: Appender<'v>) -> Appender<'v> {
    match is_plain(text) {
        true => end.byte(b'"').run(text).byte(b'"'),
        false => {
            let out = end.finish();
            append_string(text, out);
            Appender::new(out, 0)
        }
    }
}

/// Appends an array that holds texts alone.
#[inline(never)]
fn append_texts<'v>(array: ValueRef<'_>, end: Appender<'v>) -> Appender<'v> {
    let mut end = end.byte(b'[');
    for (i, item) in array.items().enumerate() {
        if i > 0 {
            end = end.byte(b',');
        }
        end = append_text(item.payload, end);
    }
    end.byte(b']')
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
            Type::Array if schema.element.as_ref().is_some_and(|items| is_plain_text(items)) => return Form::Texts,
            Type::Array | Type::Map | Type::Struct => return Form::Any,
        })
    }
}

/// Whether a schema's texts mean no more than they say.
fn is_plain_text(schema: &Schema) -> bool {
    schema.kind == Type::String && !is_logical(schema)
}
