//! The text of a Connect value as Java's `toString` gives it.

use berth_guest::{Dictionaries, Schema, Tag, ValueRef};

use crate::java_number::{append_bigint, append_decimal, append_f32, append_f64, append_int};
use crate::java_time::date_text;
use crate::wtf8;

/// Appends `String.valueOf(value)`, in WTF-8. The schema names the fields of structs; `dict` knows the schemas that
/// structs carry themselves.
pub fn append(value: ValueRef<'_>, schema: Option<&Schema>, dict: &mut Dictionaries, out: &mut Vec<u8>) {
    let text = |text: String, out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
    match value.tag {
        Tag::Null => out.extend_from_slice(b"null"),
        Tag::String => out.extend_from_slice(value.payload),
        Tag::Boolean => out.extend_from_slice(if value.boolean() == Some(true) { b"true" } else { b"false" }),
        Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => append_int(value.int().unwrap_or(0), out),
        Tag::Float32 => append_f32(value.float32().unwrap_or(0.0), out),
        Tag::Float64 => append_f64(value.float64().unwrap_or(0.0), out),
        Tag::Decimal => {
            let (scale, unscaled) = value.decimal().unwrap_or((0, &[0]));
            append_decimal(scale, unscaled, out);
        }
        Tag::BigInt => append_bigint(value.payload, out),
        Tag::Object if wtf8::append(value, out) => {}
        Tag::Object => out.extend_from_slice(value.object().map_or("", |(_, text)| text).as_bytes()),
        Tag::Date => text(date_text(value.int().unwrap_or(0)), out),
        Tag::Bytes | Tag::Raw => text(format!("[B@{:x}", address(value.payload)), out),
        Tag::Array => {
            let element = schema.and_then(|s| s.element.as_deref());
            append_list(value.items(), out, |item, out| append(item, element, dict, out));
        }
        Tag::Map => append_map(value, schema, dict, out),
        Tag::Struct => append_struct(value, schema, dict, out),
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

fn append_map(value: ValueRef<'_>, schema: Option<&Schema>, dict: &mut Dictionaries, out: &mut Vec<u8>) {
    out.push(b'{');
    for (i, (key, item)) in value.entries().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        append(key, schema.and_then(|s| s.key.as_deref()), dict, out);
        out.push(b'=');
        append(item, schema.and_then(|s| s.element.as_deref()), dict, out);
    }
    out.push(b'}');
}

fn append_struct(value: ValueRef<'_>, schema: Option<&Schema>, dict: &mut Dictionaries, out: &mut Vec<u8>) {
    let own = dict.schema(value.struct_schema()).ok().flatten();
    let fields = own.as_deref().or(schema).map_or(&[][..], |s| &s.fields);
    out.extend_from_slice(b"Struct{");
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
        append(item, Some(&field.schema), dict, out);
    }
    out.push(b'}');
}

/// Java's `String.trim`: everything up to U+0020.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// `Field.toString`.
pub fn field(name: &str, index: i64, schema: &Schema) -> String {
    format!("Field{{name={name}, index={index}, schema={}}}", schema.describe())
}

/// Appends `new String(bytes, UTF_8)`: a malformed sequence becomes U+FFFD, cut as Java cuts it, which takes half of a
/// surrogate pair for one.
pub fn decode_utf8(mut bytes: &[u8], out: &mut Vec<u8>) {
    loop {
        let error = match std::str::from_utf8(bytes) {
            Ok(_) => return out.extend_from_slice(bytes),
            Err(error) => error,
        };
        let (text, rest) = bytes.split_at(error.valid_up_to());
        out.extend_from_slice(text);
        out.extend_from_slice("\u{FFFD}".as_bytes());
        let cut = match rest {
            [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => 3,
            [0xED, 0xA0..=0xBF, ..] => 2,
            _ => error.error_len().unwrap_or(rest.len()),
        };
        bytes = &rest[cut..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_utf_8_is_cut_as_in_java() {
        let cases: [(&[u8], &str); 8] = [
            (b"plain", "plain"),
            (b"a\x80b", "a\u{FFFD}b"),
            (b"\xED\xA0\x80", "\u{FFFD}"),
            (b"\xED\xA0a", "\u{FFFD}a"),
            (b"\xED\xA0", "\u{FFFD}"),
            (b"\xE0\x80\xAF", "\u{FFFD}\u{FFFD}\u{FFFD}"),
            (b"\xF0\x9F\x98", "\u{FFFD}"),
            (b"\xF4\x90\x80\x80x", "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}x"),
        ];
        for (bytes, want) in cases {
            let mut out = Vec::new();
            decode_utf8(bytes, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want, "{bytes:x?}");
        }
    }
}
