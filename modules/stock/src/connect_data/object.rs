//! A value as an object of Java: it knows its class, its text and what it equals.

use std::borrow::Cow;
use std::rc::Rc;

use berth_guest::{Schema, Value, ValueRef};

use super::structs::Struct;
use crate::java_number::{append_f32, append_f64, bigint_text, decimal_text};
use crate::java_time::date_text;

/// What a Java connector may hand over. The ABI has a form for all but the last two.
#[derive(Clone, Debug)]
pub enum Object {
    Null,
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    Boolean(bool),
    String(String),
    Bytes(Vec<u8>),
    List(Vec<Object>),
    Map(Vec<(Object, Object)>),
    Struct(Box<Struct>),
    /// `unscaled × 10^-scale`; two's complement, big endian, without needless bytes.
    Decimal {
        unscaled: Vec<u8>,
        scale: i32,
    },
    BigInteger(Vec<u8>),
    /// Milliseconds since the epoch.
    Date(i64),
    /// A heap buffer with all of its array; its content lies between position and limit.
    ByteBuffer {
        array: Vec<u8>,
        position: usize,
        limit: usize,
    },
    /// An object of a class that Connect does not know, with its text, or a String with half a surrogate pair, with the
    /// text of an OBJECT.
    Other {
        class: String,
        text: String,
    },
}

impl Object {
    pub fn is_null(&self) -> bool {
        matches!(self, Object::Null)
    }

    pub fn is_string(&self) -> bool {
        match self {
            Object::String(_) => true,
            Object::Other { class, .. } => class == "java.lang.String",
            _ => false,
        }
    }

    /// `getClass().getName()`.
    pub fn class(&self) -> &str {
        match self {
            Object::Null => "null",
            Object::Int8(_) => "java.lang.Byte",
            Object::Int16(_) => "java.lang.Short",
            Object::Int32(_) => "java.lang.Integer",
            Object::Int64(_) => "java.lang.Long",
            Object::Float32(_) => "java.lang.Float",
            Object::Float64(_) => "java.lang.Double",
            Object::Boolean(_) => "java.lang.Boolean",
            Object::String(_) => "java.lang.String",
            Object::Bytes(_) => "[B",
            Object::List(_) => "java.util.ArrayList",
            Object::Map(_) => "java.util.LinkedHashMap",
            Object::Struct(_) => "org.apache.kafka.connect.data.Struct",
            Object::Decimal { .. } => "java.math.BigDecimal",
            Object::BigInteger(_) => "java.math.BigInteger",
            Object::Date(_) => "java.util.Date",
            Object::ByteBuffer { .. } => "java.nio.HeapByteBuffer",
            Object::Other { class, .. } => class,
        }
    }

    /// `String.valueOf`. Java prints an address for bytes, here their length.
    pub fn text(&self) -> String {
        let written = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        match self {
            Object::Null => "null".into(),
            Object::Int8(n) => n.to_string(),
            Object::Int16(n) => n.to_string(),
            Object::Int32(n) => n.to_string(),
            Object::Int64(n) => n.to_string(),
            Object::Float32(n) => written(&|out| append_f32(*n, out)),
            Object::Float64(n) => written(&|out| append_f64(*n, out)),
            Object::Boolean(b) => b.to_string(),
            Object::String(text) => text.clone(),
            Object::Bytes(bytes) => format!("[B@{:x}", bytes.len()),
            Object::List(items) => format!("[{}]", joined(items.iter().map(Object::text), ", ")),
            Object::Map(entries) => {
                let entry = |(key, value): &(Object, Object)| format!("{}={}", key.text(), value.text());
                format!("{{{}}}", joined(entries.iter().map(entry), ", "))
            }
            Object::Struct(fields) => fields.text(),
            Object::Decimal { unscaled, scale } => decimal_text(*scale, unscaled),
            Object::BigInteger(bytes) => bigint_text(bytes),
            Object::Date(ms) => date_text(*ms),
            Object::ByteBuffer { array, position, limit } => {
                format!("java.nio.HeapByteBuffer[pos={position} lim={limit} cap={}]", array.len())
            }
            Object::Other { class, text } => {
                let body = Value::Object(class.clone(), text.clone()).to_body();
                let halved = ValueRef::of_item(&body).and_then(|value| value.to_text());
                halved.map_or_else(|| text.clone(), Cow::into_owned)
            }
        }
    }

    /// The default value of a schema.
    pub fn default_of(schema: &Schema) -> Option<Object> {
        let default = schema.default.as_ref().filter(|default| **default != Value::Null)?;
        // A struct was made before its schema had the default.
        let without_default = || Rc::new(Schema { default: None, default_schema: None, ..schema.clone() });
        Some(Object::of(default, Some(&schema.default_schema.clone().unwrap_or_else(without_default))))
    }

    /// A value of the ABI; `declared` is the schema of structs that don't name theirs.
    pub fn of(value: &Value, declared: Option<&Rc<Schema>>) -> Object {
        let element = declared.and_then(|schema| schema.element.as_ref());
        match value {
            Value::Null => Object::Null,
            Value::Int8(n) => Object::Int8(*n),
            Value::Int16(n) => Object::Int16(*n),
            Value::Int32(n) => Object::Int32(*n),
            Value::Int64(n) => Object::Int64(*n),
            Value::Float32(n) => Object::Float32(*n),
            Value::Float64(n) => Object::Float64(*n),
            Value::Boolean(b) => Object::Boolean(*b),
            Value::String(text) => Object::String(text.clone()),
            Value::Bytes(bytes) | Value::Raw(bytes) => Object::Bytes(bytes.clone()),
            Value::Array(items) => Object::List(items.iter().map(|item| Object::of(item, element)).collect()),
            Value::Map(entries) => {
                let key = declared.and_then(|schema| schema.key.as_ref());
                Object::Map(entries.iter().map(|(k, v)| (Object::of(k, key), Object::of(v, element))).collect())
            }
            Value::Struct(_, values) => match declared {
                Some(schema) => Object::Struct(Box::new(Struct::of_values(schema, values))),
                None => Object::Null,
            },
            Value::Decimal(scale, unscaled) => Object::Decimal { unscaled: unscaled.clone(), scale: *scale },
            Value::BigInt(bytes) => Object::BigInteger(bytes.clone()),
            Value::Object(class, text) => Object::Other { class: class.clone(), text: text.clone() },
            Value::Date(ms) => Object::Date(*ms),
        }
    }

    /// The form of the ABI, in which structs have the schema declared around them; None if there is none.
    pub fn to_value(&self) -> Option<Value> {
        Some(match self {
            Object::Null => Value::Null,
            Object::Int8(n) => Value::Int8(*n),
            Object::Int16(n) => Value::Int16(*n),
            Object::Int32(n) => Value::Int32(*n),
            Object::Int64(n) => Value::Int64(*n),
            Object::Float32(n) => Value::Float32(*n),
            Object::Float64(n) => Value::Float64(*n),
            Object::Boolean(b) => Value::Boolean(*b),
            Object::String(text) => Value::str(text.as_str()),
            Object::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Object::ByteBuffer { array, position, limit } => Value::Bytes(array.get(*position..*limit)?.to_vec()),
            Object::List(items) => Value::Array(items.iter().map(Object::to_value).collect::<Option<_>>()?),
            Object::Map(entries) => {
                let entry = |(key, value): &(Object, Object)| Some((key.to_value()?, value.to_value()?));
                Value::Map(entries.iter().map(entry).collect::<Option<_>>()?)
            }
            Object::Struct(fields) => {
                let values: Option<Vec<Value>> = fields.values().iter().map(Object::to_value).collect();
                Value::Struct(berth_guest::NONE, values?)
            }
            Object::Decimal { unscaled, scale } => Value::Decimal(*scale, unscaled.clone()),
            Object::BigInteger(bytes) => Value::BigInt(bytes.clone()),
            Object::Date(ms) => Value::Date(*ms),
            Object::Other { class, text } => Value::Object(class.clone(), text.clone()),
        })
    }
}

pub(super) fn joined(parts: impl Iterator<Item = String>, by: &str) -> String {
    parts.collect::<Vec<_>>().join(by)
}
