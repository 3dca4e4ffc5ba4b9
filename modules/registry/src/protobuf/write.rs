//! Values of the ABI written as Protobuf's binary encoding.

use std::rc::Rc;

use berth_guest::{schema, Error, Result, Schema, Tag, Type, ValueRef};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::names::*;
use crate::avro::names::scrub;
use crate::days::date_of;

/// How a type is written; made once for a Connect schema and a message.
#[derive(Clone, Debug)]
enum Step {
    Varint,
    Zigzag,
    Fixed32,
    Fixed64,
    Float,
    Double,
    Text,
    /// Number and name of each symbol.
    Enum(Vec<(i32, String)>),
    Message(Write),
    Decimal(i32),
    Date,
    Time,
    Timestamp,
}

/// How a struct is written as a message.
#[derive(Clone, Debug)]
pub struct Write {
    fields: Vec<Field>,
    what: Rc<str>,
}

#[derive(Clone, Debug)]
struct Field {
    name: Rc<str>,
    number: u32,
    shape: Shape,
    /// Written though it is the type's zero: absent would be null.
    presence: bool,
    optional: bool,
}

#[derive(Clone, Debug)]
enum Shape {
    One(Step),
    Packed(Step),
    Repeated(Step),
    Map(Box<(Step, Step)>),
    OneOf(Vec<Field>),
    /// The message has no such field: it must be null.
    Missing,
}

/// Plans the writing of a struct as a message.
pub fn plan(connect: &Schema, message: &MessageDescriptor, scrubbed: bool) -> Result<Write> {
    if connect.kind != Type::Struct {
        return Err(mismatch(connect, message.full_name()));
    }
    let named = |name: &str| if scrubbed { scrub(&name.replace('.', "_")) } else { name.to_string() };
    let mut fields = Vec::new();
    for field in &connect.fields {
        let of = &field.schema;
        let in_field = |mut error: Error| {
            error.message = format!("field {}: {}", field.name, error.message);
            error
        };
        if of.name().is_some_and(|name| name.starts_with(UNION)) {
            let members = plan(of, message, scrubbed).map_err(in_field)?.fields;
            let shape = Shape::OneOf(members);
            fields.push(Field { name: field.name.clone(), number: 0, shape, presence: true, optional: of.optional });
            continue;
        }
        let (number, shape, presence) = match message.get_field_by_name(&named(&field.name)) {
            Some(to) => (to.number(), shape(of, &to, scrubbed).map_err(in_field)?, to.supports_presence()),
            None => (0, Shape::Missing, true),
        };
        fields.push(Field { name: field.name.clone(), number, shape, presence, optional: of.optional });
    }
    Ok(Write { fields, what: connect.describe().into() })
}

fn mismatch(connect: &Schema, to: &str) -> Error {
    Error::data(format!(
        "{} can't be written as Protobuf {to}: the schema that the registry holds does not fit the record's",
        connect.describe()
    ))
}

fn shape(connect: &Schema, field: &FieldDescriptor, scrubbed: bool) -> Result<Shape> {
    let child = |schema: &Option<Rc<Schema>>, field: &FieldDescriptor| match schema {
        Some(schema) => step(schema, field, scrubbed),
        None => Err(mismatch(connect, field.full_name())),
    };
    match (connect.kind, field.kind()) {
        (Type::Map, Kind::Message(entry)) if field.is_map() => {
            let key = child(&connect.key, &entry.map_entry_key_field())?;
            let value = child(&connect.element, &entry.map_entry_value_field())?;
            Ok(Shape::Map(Box::new((key, value))))
        }
        (Type::Array, _) if field.is_list() => {
            let step = child(&connect.element, field)?;
            Ok(if field.is_packed() { Shape::Packed(step) } else { Shape::Repeated(step) })
        }
        (Type::Array | Type::Map, _) => Err(mismatch(connect, field.full_name())),
        _ if field.is_list() => Err(mismatch(connect, field.full_name())),
        _ => Ok(Shape::One(step(connect, field, scrubbed)?)),
    }
}

fn step(connect: &Schema, field: &FieldDescriptor, scrubbed: bool) -> Result<Step> {
    let is_integer = matches!(connect.kind, Type::Int8 | Type::Int16 | Type::Int32);
    let is_long = is_integer || connect.kind == Type::Int64;
    Ok(match field.kind() {
        Kind::Int32 if is_integer => Step::Varint,
        Kind::Uint32 | Kind::Int64 | Kind::Uint64 if is_long => Step::Varint,
        Kind::Sint32 if is_integer => Step::Zigzag,
        Kind::Sint64 if is_long => Step::Zigzag,
        Kind::Sfixed32 if is_integer => Step::Fixed32,
        Kind::Fixed32 if is_long => Step::Fixed32,
        Kind::Fixed64 | Kind::Sfixed64 if is_long => Step::Fixed64,
        Kind::Bool if connect.kind == Type::Boolean => Step::Varint,
        Kind::Float if connect.kind == Type::Float32 => Step::Float,
        Kind::Double if matches!(connect.kind, Type::Float32 | Type::Float64) => Step::Double,
        Kind::String if connect.kind == Type::String => Step::Text,
        Kind::Bytes if matches!(connect.kind, Type::String | Type::Bytes) => Step::Text,
        Kind::Enum(_) if is_integer => Step::Varint,
        Kind::Enum(of) if connect.kind == Type::String => {
            Step::Enum(of.values().map(|value| (value.number(), value.name().to_string())).collect())
        }
        Kind::Message(of) => match (of.full_name(), connect.name()) {
            (DECIMAL, Some(schema::DECIMAL)) => {
                Step::Decimal(connect.parameter("scale").and_then(|scale| scale.parse().ok()).unwrap_or(0))
            }
            (DATE, Some(schema::DATE)) => Step::Date,
            (TIME, Some(schema::TIME)) => Step::Time,
            (TIMESTAMP, Some(schema::TIMESTAMP)) => Step::Timestamp,
            _ => Step::Message(plan(connect, &of, scrubbed)?),
        },
        _ => return Err(mismatch(connect, field.full_name())),
    })
}

/// A number of 1 to 10 bytes.
pub fn put_varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Bytes that `write` appends, with their length in front.
fn put_sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    let at = out.len();
    write(out)?;
    let mut prefix = Vec::with_capacity(5);
    put_varint((out.len() - at) as u64, &mut prefix);
    out.splice(at..at, prefix);
    Ok(())
}

/// A message of integers, zeros left out.
fn put_numbers(numbers: &[i64], out: &mut Vec<u8>) -> Result<()> {
    put_sized(out, |out| {
        for (i, n) in numbers.iter().enumerate().filter(|(_, n)| **n != 0) {
            put_varint((i as u64 + 1) << 3, out);
            put_varint(*n as u64, out);
        }
        Ok(())
    })
}

#[cold]
fn wrong(value: ValueRef<'_>) -> Error {
    Error::data(format!("a value of class {:?} does not fit its schema", value.tag))
}

impl Step {
    fn wire_type(&self) -> u64 {
        match self {
            Step::Varint | Step::Zigzag | Step::Enum(_) => 0,
            Step::Fixed64 | Step::Double => 1,
            Step::Fixed32 | Step::Float => 5,
            _ => 2,
        }
    }

    fn value(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        let int = || match value.tag {
            Tag::Date => Err(wrong(value)),
            _ => value.int().ok_or_else(|| wrong(value)),
        };
        let instant =
            || if value.tag == Tag::Date { value.int().ok_or_else(|| wrong(value)) } else { Err(wrong(value)) };
        match self {
            Step::Varint => put_varint(int()? as u64, out),
            Step::Zigzag => {
                let n = int()?;
                put_varint(((n << 1) ^ (n >> 63)) as u64, out);
            }
            Step::Fixed32 => out.extend_from_slice(&(int()? as u32).to_le_bytes()),
            Step::Fixed64 => out.extend_from_slice(&int()?.to_le_bytes()),
            Step::Float => out.extend_from_slice(&value.float32().ok_or_else(|| wrong(value))?.to_le_bytes()),
            Step::Double => {
                let n = value.float64().or(value.float32().map(f64::from)).ok_or_else(|| wrong(value))?;
                out.extend_from_slice(&n.to_le_bytes());
            }
            Step::Text if matches!(value.tag, Tag::String | Tag::Bytes) => {
                put_varint(value.payload.len() as u64, out);
                out.extend_from_slice(value.payload);
            }
            Step::Text if value.is_text() => {
                let text = value.utf8_of_java().unwrap_or_default();
                put_varint(text.len() as u64, out);
                out.extend_from_slice(&text);
            }
            Step::Enum(values) => {
                let name = value.to_text().ok_or_else(|| wrong(value))?;
                let number = values.iter().find(|(_, symbol)| *symbol == name).ok_or_else(|| {
                    let all: Vec<&str> = values.iter().map(|(_, symbol)| symbol.as_str()).collect();
                    Error::data(format!("{name} is none of the enum's symbols: {}", all.join(", ")))
                })?;
                put_varint(i64::from(number.0) as u64, out);
            }
            Step::Message(message) => put_sized(out, |out| message.value(value, out))?,
            Step::Decimal(scale) => decimal(value, *scale, out)?,
            Step::Date => {
                let (year, month, day) = date_of(instant()?.div_euclid(86_400_000));
                put_numbers(&[year, month, day], out)?;
            }
            Step::Time => {
                let ms = instant()?;
                put_numbers(&[ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000 * 1_000_000], out)?;
            }
            Step::Timestamp => {
                let ms = instant()?;
                put_numbers(&[ms.div_euclid(1000), ms.rem_euclid(1000) * 1_000_000], out)?;
            }
            Step::Text => return Err(wrong(value)),
        }
        Ok(())
    }
}

fn decimal(value: ValueRef<'_>, scale: i32, out: &mut Vec<u8>) -> Result<()> {
    let (own, unscaled) = value.decimal().ok_or_else(|| wrong(value))?;
    if own != scale {
        return Err(Error::data(format!(
            "BigDecimal has mismatching scale value for given Decimal schema: {own}, and the schema has {scale}"
        )));
    }
    put_sized(out, |out| {
        out.push(1 << 3 | 2);
        put_varint(unscaled.len() as u64, out);
        out.extend_from_slice(unscaled);
        if scale != 0 {
            out.push(3 << 3);
            put_varint(i64::from(scale) as u64, out);
        }
        Ok(())
    })
}

impl Write {
    /// Appends a struct's message, without its length.
    pub fn value(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        if value.tag != Tag::Struct || value.len() != self.fields.len() {
            let (tag, what) = (value.tag, &self.what);
            return Err(Error::data(format!("a value of class {tag:?} and {} fields for {what}", value.len())));
        }
        for (field, item) in self.fields.iter().zip(value.items()) {
            field.value(item, out).map_err(|mut error| {
                error.message = format!("field {}: {}", field.name, error.message);
                error
            })?;
        }
        Ok(())
    }
}

impl Field {
    fn key(&self, wire_type: u64, out: &mut Vec<u8>) {
        put_varint(u64::from(self.number) << 3 | wire_type, out);
    }

    fn value(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        if value.is_null() {
            return match self.optional {
                true => Ok(()),
                false => Err(Error::data("Invalid value: null used for required field")),
            };
        }
        match &self.shape {
            Shape::Missing => Err(Error::data("the schema in the registry has no such field")),
            Shape::One(step) => {
                let before = out.len();
                self.key(step.wire_type(), out);
                let payload = out.len();
                step.value(value, out)?;
                if !self.presence && out[payload..].iter().all(|byte| *byte == 0) {
                    out.truncate(before); // the type's zero is what an absent field reads as
                }
                Ok(())
            }
            Shape::Packed(step) if value.tag == Tag::Array => {
                if value.is_empty() {
                    return Ok(());
                }
                self.key(2, out);
                put_sized(out, |out| value.items().try_for_each(|item| step.value(item, out)))
            }
            Shape::Repeated(step) if value.tag == Tag::Array => value.items().try_for_each(|item| {
                self.key(step.wire_type(), out);
                step.value(item, out)
            }),
            Shape::Map(entry) if value.tag == Tag::Map => value.entries().try_for_each(|(key, item)| {
                self.key(2, out);
                put_sized(out, |out| {
                    put_varint(1 << 3 | entry.0.wire_type(), out);
                    entry.0.value(key, out)?;
                    put_varint(2 << 3 | entry.1.wire_type(), out);
                    entry.1.value(item, out)
                })
            }),
            Shape::OneOf(members) if value.tag == Tag::Struct => {
                match members.iter().zip(value.items()).find(|(_, item)| !item.is_null()) {
                    Some((member, item)) => member.value(item, out),
                    None => Ok(()),
                }
            }
            _ => Err(wrong(value)),
        }
    }
}
