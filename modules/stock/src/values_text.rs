//! Connect's `Values.convertToString`: the text of a value, as SimpleHeaderConverter writes it.

use berth_guest::{Dictionaries, Schema, Tag, ValueRef};

use crate::base64;
use crate::java_number::{append_f32, append_f64, bigint_text, decimal_text};
use crate::java_time::value_text;

/// Appends `Values.convertToString` of a value that is not null; `dict` knows the schemas that structs carry themselves.
pub fn append(value: ValueRef<'_>, schema: Option<&Schema>, dict: &mut Dictionaries, out: &mut Vec<u8>) {
    append_part(value, schema, dict, false, out);
}

/// Within containers texts are quoted.
fn append_part(
    value: ValueRef<'_>,
    schema: Option<&Schema>,
    dict: &mut Dictionaries,
    embedded: bool,
    out: &mut Vec<u8>,
) {
    let push = |text: &str, out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
    match value.tag {
        Tag::Null => push("null", out),
        Tag::Boolean => push(if value.boolean() == Some(true) { "true" } else { "false" }, out),
        Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => push(&value.int().unwrap_or(0).to_string(), out),
        Tag::Float32 => append_f32(value.float32().unwrap_or(0.0), out),
        Tag::Float64 => append_f64(value.float64().unwrap_or(0.0), out),
        Tag::Decimal => {
            let (scale, unscaled) = value.decimal().unwrap_or((0, &[0]));
            push(&decimal_text(scale, unscaled), out);
        }
        Tag::BigInt => push(&bigint_text(value.payload), out),
        Tag::Date => push(&value_text(value.int().unwrap_or(0)), out),
        Tag::String if embedded => append_quoted(value.payload, out),
        Tag::String => out.extend_from_slice(value.payload),
        Tag::Bytes | Tag::Raw => {
            let quote = &b"\""[..embedded as usize];
            out.extend_from_slice(quote);
            base64::append(value.payload, out);
            out.extend_from_slice(quote);
        }
        Tag::Array | Tag::Map | Tag::Struct => append_container(value, schema, dict, out),
    }
}

fn append_quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

fn append_container(value: ValueRef<'_>, schema: Option<&Schema>, dict: &mut Dictionaries, out: &mut Vec<u8>) {
    let element = schema.and_then(|s| s.element.as_deref());
    let (open, close) = if value.tag == Tag::Array { (b'[', b']') } else { (b'{', b'}') };
    out.push(open);
    let mut first = true;
    let mut comma = |out: &mut Vec<u8>| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
    };
    match value.tag {
        Tag::Array => {
            for item in value.items() {
                comma(out);
                append_part(item, element, dict, true, out);
            }
        }
        Tag::Map => {
            for (key, item) in value.entries() {
                comma(out);
                append_part(key, schema.and_then(|s| s.key.as_deref()), dict, true, out);
                out.push(b':');
                append_part(item, element, dict, true, out);
            }
        }
        _ => {
            let own = dict.schema(value.struct_schema()).ok().flatten();
            for (field, item) in own.as_deref().or(schema).map_or(&[][..], |s| &s.fields).iter().zip(value.items()) {
                comma(out);
                append_quoted(field.name.as_bytes(), out);
                out.push(b':');
                match &field.schema.default {
                    Some(default) if item.is_null() => {
                        let body = default.to_body();
                        append_part(ValueRef::of_item(&body).unwrap_or(item), Some(&field.schema), dict, true, out);
                    }
                    _ => append_part(item, Some(&field.schema), dict, true, out),
                }
            }
        }
    }
    out.push(close);
}
