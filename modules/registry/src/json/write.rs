//! Values of the ABI written as JSON.

use std::rc::Rc;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Error, Result, Schema, Tag, Type, Value, ValueRef};

use super::names::ONE_OF;
use super::Options;
use crate::avro::to_connect::DAY_MS;
use crate::text::decimal_text;

/// How values of a Connect schema are written; made once for it.
#[derive(Clone, Debug)]
pub struct Write {
    step: Step,
    optional: bool,
    /// Written where the value is null.
    default: Option<(Tag, Vec<u8>)>,
    what: Rc<str>,
}

#[derive(Clone, Debug)]
enum Step {
    Plain(Type),
    /// As numbers, or as base64.
    Decimal(bool),
    Days,
    Milliseconds,
    Array(Box<Write>),
    Object(Box<Write>),
    Entries(Box<(Write, Write)>),
    /// Each field with its name and a colon.
    Struct(Vec<(Vec<u8>, Write)>),
    OneOf(Vec<Write>),
}

impl Write {
    pub fn plan(schema: &Schema, options: Options) -> Result<Write> {
        let child = |schema: &Option<Rc<Schema>>| match schema {
            Some(schema) => Write::plan(schema, options),
            None => Err(Error::data("an array or a map whose items have no schema can't be written as JSON")),
        };
        let step = match (schema.kind, schema.name()) {
            (Type::Bytes, Some(DECIMAL)) => Step::Decimal(options.numeric),
            (Type::Int32, Some(DATE)) => Step::Days,
            (Type::Int32, Some(TIME)) | (Type::Int64, Some(TIMESTAMP)) => Step::Milliseconds,
            (Type::Array, _) => Step::Array(Box::new(child(&schema.element)?)),
            (Type::Map, _) if schema.key.as_ref().is_some_and(|key| key.kind == Type::String && !key.optional) => {
                Step::Object(Box::new(child(&schema.element)?))
            }
            (Type::Map, _) => Step::Entries(Box::new((child(&schema.key)?, child(&schema.element)?))),
            (Type::Struct, Some(ONE_OF)) => {
                Step::OneOf(schema.fields.iter().map(|f| Write::plan(&f.schema, options)).collect::<Result<_>>()?)
            }
            (Type::Struct, _) => {
                let fields = schema.fields.iter().map(|field| {
                    let mut name = Vec::new();
                    put_text(&field.name, &mut name)?;
                    name.push(b':');
                    Ok((name, Write::plan(&field.schema, options)?))
                });
                Step::Struct(fields.collect::<Result<_>>()?)
            }
            (kind, _) => Step::Plain(kind),
        };
        let default = schema.default.as_ref().map(|value: &Value| {
            let mut payload = Vec::new();
            value.encode(&mut payload);
            (value.tag(), payload)
        });
        Ok(Write { step, optional: schema.optional, default, what: schema.describe().into() })
    }

    /// Appends a value.
    pub fn value(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        if value.is_null() {
            return self.null(out);
        }
        match (&self.step, value.tag) {
            (Step::Plain(kind), _) => self.plain(*kind, value, out)?,
            (Step::Decimal(numeric), Tag::Decimal) => {
                let (scale, unscaled) = value.decimal().ok_or_else(|| self.wrong(value))?;
                match numeric {
                    true => out.extend_from_slice(decimal_text(unscaled, scale).as_bytes()),
                    false => put_base64(unscaled, out),
                }
            }
            (Step::Days, Tag::Date) => put_number(value.int().unwrap_or(0).div_euclid(DAY_MS), out),
            (Step::Milliseconds, Tag::Date) => put_number(value.int().unwrap_or(0), out),
            (Step::Array(items), Tag::Array) => {
                list(b"[]", value.items(), out, |item, out| items.value(item, out))?;
            }
            (Step::Object(values), Tag::Map) => list(b"{}", value.entries(), out, |(key, item), out| {
                self.text(key, out)?;
                out.push(b':');
                values.value(item, out)
            })?,
            (Step::Entries(entry), Tag::Map) => list(b"[]", value.entries(), out, |(key, item), out| {
                out.extend_from_slice(b"{\"key\":");
                entry.0.value(key, out)?;
                out.extend_from_slice(b",\"value\":");
                entry.1.value(item, out)?;
                out.push(b'}');
                Ok(())
            })?,
            (Step::Struct(fields), Tag::Struct) if fields.len() == value.len() => {
                list(b"{}", fields.iter().zip(value.items()), out, |((name, plan), item), out| {
                    out.extend_from_slice(name);
                    plan.value(item, out).map_err(|mut error| {
                        error.message = format!("field {}: {}", String::from_utf8_lossy(name), error.message);
                        error
                    })
                })?;
            }
            (Step::OneOf(members), Tag::Struct) => {
                match members.iter().zip(value.items()).find(|(_, item)| !item.is_null()) {
                    Some((member, item)) => member.value(item, out)?,
                    None => return self.null(out),
                }
            }
            _ => return Err(self.wrong(value)),
        }
        Ok(())
    }

    fn text(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        match value.halved() {
            Some(units) => put_halved(&units, out),
            None => put_text(value.str().ok_or_else(|| self.wrong(value))?, out),
        }
    }

    fn null(&self, out: &mut Vec<u8>) -> Result<()> {
        if let Some((tag, payload)) = &self.default {
            return self.value(ValueRef::new(*tag, payload), out);
        }
        if !self.optional {
            return Err(Error::data(format!("Invalid value: null used for required field of {}", self.what)));
        }
        out.extend_from_slice(b"null");
        Ok(())
    }

    #[cold]
    fn wrong(&self, value: ValueRef<'_>) -> Error {
        Error::data(format!("Invalid Java object for schema: a value of class {:?} for {}", value.tag, self.what))
    }

    fn plain(&self, kind: Type, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        match (kind, value.tag) {
            (Type::Int8, Tag::Int8) | (Type::Int16, Tag::Int16) => put_number(value.int().unwrap_or(0), out),
            (Type::Int32, Tag::Int32) | (Type::Int64, Tag::Int64) => put_number(value.int().unwrap_or(0), out),
            (Type::Float32, Tag::Float32) => {
                put_float(f64::from(value.float32().unwrap_or(0.0)), value.float32().map(|n| n.to_string()), out);
            }
            (Type::Float64, Tag::Float64) => {
                put_float(value.float64().unwrap_or(0.0), value.float64().map(|n| n.to_string()), out);
            }
            (Type::Boolean, Tag::Boolean) => {
                out.extend_from_slice(if value.boolean() == Some(true) { b"true" } else { b"false" });
            }
            (Type::String, _) => self.text(value, out)?,
            (Type::Bytes, Tag::Bytes) => put_base64(value.payload, out),
            _ => return Err(self.wrong(value)),
        }
        Ok(())
    }
}

fn list<T>(
    brackets: &[u8; 2],
    items: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    mut each: impl FnMut(T, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    out.push(brackets[0]);
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        each(item, out)?;
    }
    out.push(brackets[1]);
    Ok(())
}

fn put_number(n: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(n.to_string().as_bytes());
}

/// JSON has no numbers that are none: they are texts, as Jackson writes them.
fn put_float(n: f64, text: Option<String>, out: &mut Vec<u8>) {
    let text = text.unwrap_or_default();
    match n {
        n if n.is_nan() => out.extend_from_slice(b"\"NaN\""),
        n if n.is_infinite() => out.extend_from_slice(if n > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" }),
        _ if text.contains(['.', 'e']) => out.extend_from_slice(text.as_bytes()),
        _ => {
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(b".0");
        }
    }
}

fn put_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

/// A text in quotes.
/// A text with half a surrogate pair, which is an escape.
fn put_halved(units: &[u16], out: &mut Vec<u8>) -> Result<()> {
    out.push(b'"');
    for c in char::decode_utf16(units.iter().copied()) {
        match c {
            Ok(c) => {
                let mut quoted = Vec::new();
                put_text(c.encode_utf8(&mut [0; 4]), &mut quoted)?;
                out.extend_from_slice(&quoted[1..quoted.len() - 1]);
            }
            Err(half) => out.extend_from_slice(format!("\\u{:04X}", half.unpaired_surrogate()).as_bytes()),
        }
    }
    out.push(b'"');
    Ok(())
}

fn put_text(text: &str, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, text).map_err(|error| Error::internal(format!("a text as JSON: {error}")))
}
