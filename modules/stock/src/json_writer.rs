//! Connect values and schemas as JsonConverter writes them.

use std::io::Write;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{
    append, assemble_parts, Builder, Dictionaries, Error, Memory, Part, Result, Schema, Scratch, Stack, Tag, Type,
    Value, ValueRef,
};

use crate::base64;
use crate::java_class::class_of;
use crate::java_number::{append_decimal, append_f32, append_f64, append_int, non_finite};
use crate::json_block::is_plain;
use crate::json_lexer::plain_prefix;
use crate::json_schema::TYPE_NAMES;
use crate::logical_types::{decimal_scale, number_of};

/// A map or struct that lies apart.
pub struct Apart<'a> {
    pub parts: &'a [Part],
    pub tag: Tag,
    pub memory: &'a Memory,
}

/// How values are written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub replace_null: bool,
    /// Decimals as numbers, not as base64.
    pub numeric: bool,
}

impl Style {
    /// Appends a value; `dict` knows the schemas that structs carry themselves.
    pub fn value(
        &self,
        value: ValueRef<'_>,
        schema: Option<&Schema>,
        dict: &mut Dictionaries,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Some(schema) = schema else { return self.schemaless(value, dict, out) };
        if value.is_null() {
            return self.null(schema, dict, out);
        }
        if let Some(name) = schema.name() {
            if let Some(done) = self.logical(name, value, schema, out) {
                return done;
            }
        }
        match (schema.kind, value.tag) {
            (Type::Int8, Tag::Int8)
            | (Type::Int16, Tag::Int16)
            | (Type::Int32, Tag::Int32)
            | (Type::Int64, Tag::Int64)
            | (Type::Float32, Tag::Float32)
            | (Type::Float64, Tag::Float64)
            | (Type::Boolean, Tag::Boolean)
            | (Type::String, Tag::String)
            | (Type::Bytes, Tag::Bytes) => self.schemaless(value, dict, out),
            (Type::String, Tag::Object) if value.is_text() => self.schemaless(value, dict, out),
            (Type::Array, Tag::Array) => self.array(value, schema.element.as_deref(), dict, out),
            (Type::Map, Tag::Map) => self.map(value, Some(schema), dict, out),
            (Type::Struct, Tag::Struct) => self.structure(value, schema, dict, out),
            (Type::Bytes, _) => Err(Error::data(format!("Invalid type for bytes type: {}", class_of(value)))),
            (kind, _) => Err(Error::data(format!("Invalid type for {kind}: {}", class_of(value)))),
        }
    }

    fn null(&self, schema: &Schema, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        match &schema.default {
            Some(default) if self.replace_null => self.default(default, schema, dict, out),
            _ if schema.optional => {
                out.extend_from_slice(b"null");
                Ok(())
            }
            _ => Err(Error::data("Conversion error: null value for field that is required and has no default value")),
        }
    }

    /// The schema of a struct that is a default has no default itself, so Connect finds that the two differ.
    fn default(&self, default: &Value, schema: &Schema, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        if matches!(default, Value::Struct(..)) {
            return Err(Error::data("Mismatching schema."));
        }
        let mut room = [0; 8];
        if let Some(scalar) = in_place(default, &mut room) {
            return self.value(scalar, Some(schema), dict, out);
        }
        let body = default.to_body();
        self.value(ValueRef::of_item(&body).unwrap_or(ValueRef::NULL), Some(schema), dict, out)
    }

    /// Appends a value that shows its type itself.
    pub fn schemaless(&self, value: ValueRef<'_>, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        match value.tag {
            Tag::Null => out.extend_from_slice(b"null"),
            Tag::String => append_string(value.payload, out),
            Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => append_int(value.int().unwrap_or(0), out),
            Tag::Float32 => {
                let n = value.float32().unwrap_or(0.0);
                float(n as f64, out, |out| append_f32(n, out));
            }
            Tag::Float64 => {
                let n = value.float64().unwrap_or(0.0);
                float(n, out, |out| append_f64(n, out));
            }
            Tag::Boolean => out.extend_from_slice(if value.boolean() == Some(true) { b"true" } else { b"false" }),
            Tag::Bytes | Tag::Raw => append_base64(value.payload, out),
            Tag::Array => return self.array(value, None, dict, out),
            Tag::Map => return self.map(value, None, dict, out),
            Tag::Struct => return Err(Error::data("Mismatching schema.")),
            Tag::Object if value.is_text() => append_halved(&value.halved().unwrap_or_default(), out),
            Tag::Decimal | Tag::Date | Tag::BigInt | Tag::Object => {
                let class = class_of(value);
                return Err(Error::data(format!("Java class {class} does not have corresponding schema type.")));
            }
        }
        Ok(())
    }

    fn array(
        &self,
        value: ValueRef<'_>,
        element: Option<&Schema>,
        dict: &mut Dictionaries,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.push(b'[');
        for (i, item) in value.items().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            self.value(item, element, dict, out)?;
        }
        out.push(b']');
        Ok(())
    }

    fn map(
        &self,
        value: ValueRef<'_>,
        schema: Option<&Schema>,
        dict: &mut Dictionaries,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let (key, element) = schema.map_or((None, None), |s| (s.key.as_deref(), s.element.as_deref()));
        let object = match key {
            Some(key) => key.kind == Type::String,
            None => {
                let items = value.items();
                (0..value.len()).all(|i| items.get(2 * i).is_none_or(|k| k.is_text()))
            }
        };
        out.push(if object { b'{' } else { b'[' });
        for (i, (name, item)) in value.entries().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            match (object, name.tag) {
                (true, Tag::String) => append_string(name.payload, out),
                (true, Tag::Null) => {
                    let mut text = Vec::new();
                    self.value(name, key, dict, &mut text)?;
                    match text.first() {
                        Some(b'"') => out.extend_from_slice(&text),
                        _ => append_string(&text, out),
                    }
                }
                (true, _) => self.value(name, key, dict, out)?,
                (false, _) => {
                    out.push(b'[');
                    self.value(name, key, dict, out)?;
                }
            }
            out.push(if object { b':' } else { b',' });
            self.value(item, element, dict, out)?;
            if !object {
                out.push(b']');
            }
        }
        out.push(if object { b'}' } else { b']' });
        Ok(())
    }

    fn structure(
        &self,
        value: ValueRef<'_>,
        schema: &Schema,
        dict: &mut Dictionaries,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if let Some(own) = dict.schema(value.struct_schema())? {
            if !std::ptr::eq(&*own, schema) && *own != *schema {
                return Err(Error::data("Mismatching schema."));
            }
        }
        out.push(b'{');
        for (i, (field, item)) in schema.fields.iter().zip(value.items()).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            append_string(field.name.as_bytes(), out);
            out.push(b':');
            self.value(item, Some(&field.schema), dict, out)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// Appends a map or struct that lies apart.
    pub fn apart(
        &self,
        value: &Apart<'_>,
        schema: Option<&Schema>,
        dict: &mut Dictionaries,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let is_object = value.tag == Tag::Map && value.parts.iter().all(|part| part.name_tag == Tag::String as u8);
        if !is_object || schema.is_some() {
            return self.assembled(value, schema, dict, out);
        }
        out.push(b'{');
        for (i, part) in value.parts.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            append_string(part.name(value.memory).payload, out);
            out.push(b':');
            match part.is_unread() && part.canonical {
                true => out.extend_from_slice(part.stored(value.memory).payload),
                false => self.value(part.value(value.memory, scratch), None, dict, out)?,
            }
        }
        out.push(b'}');
        Ok(())
    }

    /// A map or struct that only the general writer understands.
    fn assembled(
        &self,
        value: &Apart<'_>,
        schema: Option<&Schema>,
        dict: &mut Dictionaries,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let (mut whole, mut stack) = (Vec::new(), Stack::default());
        assemble_parts(value.parts, value.tag, value.memory, &mut Builder::new(&mut whole, &mut stack));
        self.value(ValueRef::new(value.tag, &whole), schema, dict, out)
    }

    fn logical(&self, name: &str, value: ValueRef<'_>, schema: &Schema, out: &mut Vec<u8>) -> Option<Result<()>> {
        let what = match name {
            DECIMAL => return Some(self.decimal(value, schema, out)),
            DATE => "Date",
            TIME => "Time",
            TIMESTAMP => "Timestamp",
            _ => return None,
        };
        if value.tag != Tag::Date {
            let class = class_of(value);
            return Some(Err(Error::data(format!("Invalid type for {what}, expected Date but was {class}"))));
        }
        let number = number_of(name, value.int().unwrap_or(0))?;
        Some(number.map(|n| append_int(n, out)))
    }

    fn decimal(&self, value: ValueRef<'_>, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
        let Some((scale, unscaled)) = value.decimal() else {
            let class = class_of(value);
            return Err(Error::data(format!("Invalid type for Decimal, expected BigDecimal but was {class}")));
        };
        if self.numeric {
            append_decimal(scale, unscaled, out);
            return Ok(());
        }
        let declared = decimal_scale(schema)?;
        if declared != scale {
            return Err(Error::data(format!(
                "Decimal value has mismatching scale for given Decimal schema. \
                 Schema has scale {declared}, value has scale {scale}."
            )));
        }
        append_base64(unscaled, out);
        Ok(())
    }

    /// Appends a schema; `field` is its name within a struct.
    pub fn schema(
        &self,
        schema: &Schema,
        field: Option<&str>,
        dict: &mut Dictionaries,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let _ = write!(out, "{{\"type\":\"{}\"", TYPE_NAMES[schema.kind as usize]);
        let children = match schema.kind {
            Type::Array => &[("items", &schema.element)][..],
            Type::Map => &[("keys", &schema.key), ("values", &schema.element)],
            _ => &[],
        };
        for (key, child) in children {
            let _ = write!(out, ",\"{key}\":");
            match child {
                Some(child) => self.schema(child, None, dict, out)?,
                None => out.extend_from_slice(b"null"),
            }
        }
        if schema.kind == Type::Struct {
            out.extend_from_slice(b",\"fields\":[");
            for (i, field) in schema.fields.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                self.schema(&field.schema, Some(&field.name), dict, out)?;
            }
            out.push(b']');
        }
        let _ = write!(out, ",\"optional\":{}", schema.optional);
        self.attributes(schema, dict, out)?;
        if let Some(field) = field {
            out.extend_from_slice(b",\"field\":");
            append_string(field.as_bytes(), out);
        }
        out.push(b'}');
        Ok(())
    }

    fn attributes(&self, schema: &Schema, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
        if let Some(name) = &schema.name {
            out.extend_from_slice(b",\"name\":");
            append_string(name.as_bytes(), out);
        }
        if let Some(version) = schema.version {
            let _ = write!(out, ",\"version\":{version}");
        }
        if let Some(doc) = &schema.doc {
            out.extend_from_slice(b",\"doc\":");
            append_string(doc.as_bytes(), out);
        }
        if let Some(parameters) = &schema.parameters {
            out.extend_from_slice(b",\"parameters\":{");
            for (i, (key, value)) in parameters.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                append_string(key.as_bytes(), out);
                out.push(b':');
                append_string(value.as_bytes(), out);
            }
            out.push(b'}');
        }
        if let Some(default) = &schema.default {
            out.extend_from_slice(b",\"default\":");
            self.default(default, schema, dict, out)?;
        }
        Ok(())
    }
}

/// A scalar without a copy of its own; numbers are laid out in `room`.
fn in_place<'v>(value: &'v Value, room: &'v mut [u8; 8]) -> Option<ValueRef<'v>> {
    let payload = match value {
        Value::String(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        Value::Boolean(b) => fixed([*b as u8], room),
        Value::Int8(n) => fixed(n.to_le_bytes(), room),
        Value::Int16(n) => fixed(n.to_le_bytes(), room),
        Value::Int32(n) => fixed(n.to_le_bytes(), room),
        Value::Int64(n) | Value::Date(n) => fixed(n.to_le_bytes(), room),
        Value::Float32(n) => fixed(n.to_le_bytes(), room),
        Value::Float64(n) => fixed(n.to_le_bytes(), room),
        _ => return None,
    };
    Some(ValueRef::new(value.tag(), payload))
}

fn fixed<const N: usize>(bytes: [u8; N], room: &mut [u8; 8]) -> &[u8] {
    room[..N].copy_from_slice(&bytes);
    &room[..N]
}

fn float(n: f64, out: &mut Vec<u8>, finite: impl FnOnce(&mut Vec<u8>)) {
    if n.is_finite() {
        finite(out);
    } else {
        append_string(non_finite(n).as_bytes(), out);
    }
}

/// Appends bytes as a quoted text.
pub fn append_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    base64::append(bytes, out);
    out.push(b'"');
}

/// Jackson writes characters beyond the basic plane as two escapes. Returns the length of the character.
fn append_surrogates(text: &[u8], out: &mut Vec<u8>) -> usize {
    let four = text.get(..4).unwrap_or(text);
    for unit in String::from_utf8_lossy(four).encode_utf16() {
        append_unit(unit, out);
    }
    four.len()
}

/// Appends a quoted string, with Jackson's escapes.
pub fn append_string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    if is_plain(text) {
        append(text, out);
    } else {
        append_escaped(text, out);
    }
    out.push(b'"');
}

/// Appends a quoted string in UTF-16; half a surrogate pair is an escape.
fn append_halved(units: &[u16], out: &mut Vec<u8>) {
    out.push(b'"');
    for c in char::decode_utf16(units.iter().copied()) {
        match c {
            Ok(c) => append_escaped(c.encode_utf8(&mut [0; 4]).as_bytes(), out),
            Err(half) => append_unit(half.unpaired_surrogate(), out),
        }
    }
    out.push(b'"');
}

fn append_unit(unit: u16, out: &mut Vec<u8>) {
    let _ = write!(out, "\\u{unit:04X}");
}

fn append_escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        let plain = plain_prefix::<true>(rest);
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        let Some(byte) = rest.first() else { break };
        let mut taken = 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            0xF0.. => taken = append_surrogates(rest, out),
            0x80.. => out.push(*byte),
            _ => append_unit(u16::from(*byte), out),
        }
        rest = &rest[taken..];
    }
}
