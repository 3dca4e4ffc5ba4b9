//! The text of a Connect value as Java's `toString` gives it.

use berth_guest::{Schema, Tag, ValueRef};

use crate::java_number::{append_f32, append_f64, bigint_text, decimal_text};
use crate::java_time::date_text;

/// Appends `String.valueOf(value)`. The schema names the fields of structs.
pub fn append(value: ValueRef<'_>, schema: Option<&Schema>, out: &mut Vec<u8>) {
    let text = |text: String, out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
    match value.tag {
        Tag::Null => out.extend_from_slice(b"null"),
        Tag::String => out.extend_from_slice(value.payload),
        Tag::Boolean => out.extend_from_slice(if value.boolean() == Some(true) { b"true" } else { b"false" }),
        Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => text(value.int().unwrap_or(0).to_string(), out),
        Tag::Float32 => append_f32(value.float32().unwrap_or(0.0), out),
        Tag::Float64 => append_f64(value.float64().unwrap_or(0.0), out),
        Tag::Decimal => {
            let (scale, unscaled) = value.decimal().unwrap_or((0, &[0]));
            text(decimal_text(scale, unscaled), out);
        }
        Tag::BigInt => text(bigint_text(value.payload), out),
        Tag::Date => text(date_text(value.int().unwrap_or(0)), out),
        Tag::Bytes | Tag::Raw => text(format!("[B@{:x}", address(value.payload)), out),
        Tag::Array => {
            let element = schema.and_then(|s| s.element.as_deref());
            append_list(value.items(), out, |item, out| append(item, element, out));
        }
        Tag::Map => append_map(value, schema, out),
        Tag::Struct => append_struct(value, schema, out),
    }
}

/// Java prints an address for an array; a number made from the content at least tells two arrays apart.
fn address(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5u32, |hash, byte| (hash ^ *byte as u32).wrapping_mul(0x0100_0193)) | 1
}

fn append_list<'a>(
    items: impl Iterator<Item = ValueRef<'a>>,
    out: &mut Vec<u8>,
    mut one: impl FnMut(ValueRef<'a>, &mut Vec<u8>),
) {
    out.push(b'[');
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        one(item, out);
    }
    out.push(b']');
}

fn append_map(value: ValueRef<'_>, schema: Option<&Schema>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (i, (key, item)) in value.entries().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        append(key, schema.and_then(|s| s.key.as_deref()), out);
        out.push(b'=');
        append(item, schema.and_then(|s| s.element.as_deref()), out);
    }
    out.push(b'}');
}

fn append_struct(value: ValueRef<'_>, schema: Option<&Schema>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Struct{");
    let fields = schema.map_or(&[][..], |s| &s.fields);
    let mut first = true;
    for (field, item) in fields.iter().zip(value.items()) {
        if item.is_null() {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.extend_from_slice(field.name.as_bytes());
        out.push(b'=');
        append(item, Some(&field.schema), out);
    }
    out.push(b'}');
}
