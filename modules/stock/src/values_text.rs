//! Connect's `Values.convertToString`: the text of a value, as SimpleHeaderConverter writes it.

use berth_guest::{Dictionaries, Error, Result, Schema, Tag, ValueRef};

use crate::base64;
use crate::java_number::{append_bigint, append_decimal, append_f32, append_f64, append_int};
use crate::java_time::value_text;
use crate::wtf8;

/// Appends `Values.convertToString` of a value that is not null, in WTF-8; `dict` knows the schemas that structs carry
/// themselves. Objects of other classes are an error.
pub fn append(value: ValueRef<'_>, schema: Option<&Schema>, dict: &mut Dictionaries, out: &mut Vec<u8>) -> Result<()> {
    append_part(value, schema, dict, false, out)
}

/// Within containers texts are quoted.
fn append_part(
    value: ValueRef<'_>,
    schema: Option<&Schema>,
    dict: &mut Dictionaries,
    embedded: bool,
    out: &mut Vec<u8>,
) -> Result<()> {
    let push = |text: &str, out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
    match value.tag {
        Tag::Null => push("null", out),
        Tag::Boolean => push(if value.boolean() == Some(true) { "true" } else { "false" }, out),
        Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => append_int(value.int().unwrap_or(0), out),
        Tag::Float32 => append_f32(value.float32().unwrap_or(0.0), out),
        Tag::Float64 => append_f64(value.float64().unwrap_or(0.0), out),
        Tag::Decimal => {
            let (scale, unscaled) = value.decimal().unwrap_or((0, &[0]));
            append_decimal(scale, unscaled, out);
        }
        Tag::BigInt => append_bigint(value.payload, out),
        Tag::Date => push(&value_text(value.int().unwrap_or(0)), out),
        Tag::String if embedded => append_quoted(value.payload, out),
        Tag::String => out.extend_from_slice(value.payload),
        Tag::Bytes | Tag::Raw => {
            let quote = &b"\""[..embedded as usize];
            out.extend_from_slice(quote);
            base64::append(value.payload, out);
            out.extend_from_slice(quote);
        }
        Tag::Array | Tag::Map | Tag::Struct => return append_container(value, schema, dict, out),
        Tag::Object => {
            let mut halved = Vec::new();
            if wtf8::append(value, &mut halved) {
                match embedded {
                    true => append_quoted(&halved, out),
                    false => out.extend_from_slice(&halved),
                }
                return Ok(());
            }
            let (class, text) = value.object().unwrap_or_default();
            return Err(Error::data(format!("Failed to serialize unexpected value type {class}: {text}")));
        }
    }
    Ok(())
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

fn append_container(
    value: ValueRef<'_>,
    schema: Option<&Schema>,
    dict: &mut Dictionaries,
    out: &mut Vec<u8>,
) -> Result<()> {
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
                append_part(item, element, dict, true, out)?;
            }
        }
        Tag::Map => {
            for (key, item) in value.entries() {
                comma(out);
                append_part(key, schema.and_then(|s| s.key.as_deref()), dict, true, out)?;
                out.push(b':');
                append_part(item, element, dict, true, out)?;
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
                        append_part(ValueRef::of_item(&body).unwrap_or(item), Some(&field.schema), dict, true, out)?;
                    }
                    _ => append_part(item, Some(&field.schema), dict, true, out)?,
                }
            }
        }
    }
    out.push(close);
    Ok(())
}
