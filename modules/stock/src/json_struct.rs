//! Structs that lie apart, or are sketched, as JsonConverter writes them. What does not depend on a record (the envelope's schema, names
//! of fields, what a field's schema means) is worked out once per schema.

use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{
    is_utf8, Appender, Dictionaries, Error, Memory, Part, Result, Schema, SketchFields, SketchWriter, Tag, Type,
    ValueRef,
};

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

/// The fields of a struct, in order.
pub trait Fields {
    fn get(&mut self, i: usize) -> Option<ValueRef<'_>>;
}

/// Those of one that lies apart. They are never texts that nobody has looked at.
pub struct Listed<'a> {
    pub parts: &'a [Part],
    pub memory: &'a Memory,
}

impl Fields for Listed<'_> {
    #[inline(always)]
    fn get(&mut self, i: usize) -> Option<ValueRef<'_>> {
        self.parts.get(i).map(|part| part.stored(self.memory))
    }
}

impl Fields for SketchFields<'_> {
    #[inline(always)]
    fn get(&mut self, i: usize) -> Option<ValueRef<'_>> {
        SketchFields::get(self, i)
    }
}

impl SketchWriter for StructWriter {
    fn checks_text(&self, i: usize) -> bool {
        self.fields.get(i).is_some_and(|field| matches!(field.form, Form::Plain(Tag::String)))
    }

    fn write(&self, fields: &mut SketchFields<'_>, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        StructWriter::write(self, fields, dict, out)
    }
}

/// Appends an envelope up to the payload.
fn append_envelope(style: Style, schema: &Schema, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(b"{\"schema\":");
    style.schema(schema, None, dict, out)?;
    out.extend_from_slice(b",\"payload\":");
    Ok(())
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
            append_envelope(style, schema, dict, &mut before)?;
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

    /// Writes values of one schema, as if each were the field of a struct that is not seen.
    pub fn of_value(
        style: Style,
        schema: &Rc<Schema>,
        envelope: bool,
        dict: &mut Dictionaries,
    ) -> Result<StructWriter> {
        let mut before = Vec::new();
        if envelope {
            append_envelope(style, schema, dict, &mut before)?;
        }
        let end = before.len();
        before.resize(end + BLOCK, 0);
        let fields = vec![FieldWriter { end, form: Form::of(schema, style), schema: schema.clone() }];
        Ok(StructWriter { style, before, end, fields, behind: if envelope { b"}" } else { b"" } })
    }

    /// Appends a struct, up to a field that is not there.
    #[inline]
    pub fn write(&self, values: &mut impl Fields, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        let mut start = 0;
        let mut end = Appender::new(out, self.before.len() + LIKELY_BYTES * self.fields.len());
        for (i, field) in self.fields.iter().enumerate() {
            let Some(value) = values.get(i) else { break };
            end = self.append_before(start, field.end, end);
            start = field.end;
            end = field.write(value, self.style, dict, end)?;
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
            (Form::Plain(Tag::String), Tag::String) if is_plain(value.payload) => Ok(append_plain(value.payload, end)),
            (Form::Plain(Tag::Boolean), Tag::Boolean) => Ok(match value.boolean() {
                Some(true) => end.run(b"true"),
                _ => end.run(b"false"),
            }),
            (Form::Texts, Tag::Array) if value.items().all(|item| item.tag == Tag::String) => {
                let out = end.finish();
                append_texts(value, out);
                Ok(Appender::new(out, 0))
            }
            (Form::Plain(Tag::Int32), Tag::Int32) => Ok(append_number(value, end)),
            (Form::Plain(Tag::Int64), Tag::Int64) | (Form::Timestamp, Tag::Date) => Ok(append_number(value, end)),
            _ => {
                let out = end.finish();
                self.write_other(value, style, dict, out)?;
                Ok(Appender::new(out, 0))
            }
        }
    }

    fn write_other(&self, value: ValueRef<'_>, style: Style, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        match (self.form, value.tag) {
            (Form::Plain(Tag::String), Tag::String) if !is_utf8(value.payload) => {
                Err(Error::data("a text is not UTF-8"))
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

#[inline(always)]
fn append_plain<'v>(text: &[u8], end: Appender<'v>) -> Appender<'v> {
    end.byte(b'"').run(text).byte(b'"')
}

/// As [`append_string`].
#[inline(always)]
fn append_text<'v>(text: &[u8], end: Appender<'v>) -> Appender<'v> {
    match is_plain(text) {
        true => append_plain(text, end),
        false => {
            let out = end.finish();
            append_string(text, out);
            Appender::new(out, 0)
        }
    }
}

/// Appends an array that holds texts alone.
#[inline(never)]
fn append_texts(array: ValueRef<'_>, out: &mut Vec<u8>) {
    let mut end = Appender::new(out, array.payload.len()).byte(b'[');
    for (i, item) in array.items().enumerate() {
        if i > 0 {
            end = end.byte(b',');
        }
        end = append_text(item.payload, end);
    }
    end.byte(b']').finish();
}

#[inline(always)]
fn append_number<'v>(number: ValueRef<'_>, end: Appender<'v>) -> Appender<'v> {
    let out = end.finish();
    append_int(number.int().unwrap_or(0), out);
    Appender::new(out, 0)
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
