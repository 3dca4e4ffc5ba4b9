//! Protobuf messages as Connect schemas, with the plan by which data is read.

use std::rc::Rc;

use berth_guest::schema;
use berth_guest::{Error, Field, Result, Schema, Type};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, Value as Reflected};

use super::names::*;
use super::read::{Read, ReadField, Scalar};
use super::Options;

/// A Connect schema has no more levels.
const DEPTH: usize = 30;

/// The Connect schema of a message, and how its data is read.
pub fn translate(message: &MessageDescriptor, options: Options) -> Result<(Schema, Read)> {
    structure(message, options, 0)
}

fn structure(message: &MessageDescriptor, options: Options, depth: usize) -> Result<(Schema, Read)> {
    if depth > DEPTH {
        let name = message.full_name();
        return Err(Error::data(format!("message {name} contains itself, which a Connect schema can't")));
    }
    let name = if options.enhanced { message.full_name() } else { message.name() };
    let mut schema = Schema::new(Type::Struct).named(name);
    let mut fields = Vec::new();
    if !options.flatten_unions {
        let real = message.oneofs().filter(|oneof| !oneof.is_synthetic());
        for (index, oneof) in real.enumerate() {
            let mut union = Schema::new(Type::Struct).named(&format!("{UNION}{}", oneof.name())).optional();
            let mut members = Vec::new();
            for field in oneof.fields() {
                let (of, read) = one(&field, options, depth)?;
                union.fields.push(Field { name: field.name().into(), schema: Rc::new(of) });
                members.push(read);
            }
            schema = schema.field(&format!("{}_{index}", oneof.name()), union);
            fields.push(ReadField::OneOf(members));
        }
    }
    for field in message.fields() {
        let in_oneof = field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic());
        if in_oneof && !options.flatten_unions {
            continue;
        }
        let (of, read) = one(&field, options, depth)?;
        schema.fields.push(Field { name: field.name().into(), schema: Rc::new(of) });
        fields.push(read);
    }
    Ok((schema, Read::message(fields)))
}

/// One field.
fn one(field: &FieldDescriptor, options: Options, depth: usize) -> Result<(Schema, ReadField)> {
    let number = field.number();
    let (mut schema, read) = if field.is_map() {
        let Kind::Message(entry) = field.kind() else { return Err(Error::internal("a map without entries")) };
        let (key, read_key) = kind(&entry.map_entry_key_field(), options, depth)?;
        let (value, read_value) = kind(&entry.map_entry_value_field(), options, depth)?;
        (
            Schema::map(key.optional(), value.optional()),
            ReadField::Map { number, entry: Box::new((read_key, read_value)) },
        )
    } else {
        let (schema, read) = kind(field, options, depth)?;
        match field.is_list() {
            true => (Schema::array(schema.optional()), ReadField::Repeated { number, read }),
            false => (schema, ReadField::Singular { number, read, presence: field.supports_presence() }),
        }
    };
    let keyword = field.containing_oneof().is_some_and(|oneof| oneof.is_synthetic());
    schema.optional = !options.optional_keyword || keyword || field.containing_oneof().is_some();
    schema.parameters.get_or_insert_default().push((TAG.into(), number.to_string()));
    Ok((schema, read))
}

/// A field's type, without regard to how often it occurs.
fn kind(field: &FieldDescriptor, options: Options, depth: usize) -> Result<(Schema, Read)> {
    let plain = |kind, scalar| (Schema::new(kind), Read::Scalar(scalar));
    Ok(match field.kind() {
        Kind::Int32 => integer(field, Scalar::Int32),
        Kind::Sint32 => integer(field, Scalar::Sint32),
        Kind::Sfixed32 => integer(field, Scalar::Sfixed32),
        Kind::Uint32 => plain(Type::Int64, Scalar::Uint32),
        Kind::Fixed32 => plain(Type::Int64, Scalar::Fixed32),
        Kind::Int64 | Kind::Uint64 => plain(Type::Int64, Scalar::Int64),
        Kind::Sint64 => plain(Type::Int64, Scalar::Sint64),
        Kind::Fixed64 | Kind::Sfixed64 => plain(Type::Int64, Scalar::Fixed64),
        Kind::Float => plain(Type::Float32, Scalar::Float),
        Kind::Double => plain(Type::Float64, Scalar::Double),
        Kind::Bool => plain(Type::Boolean, Scalar::Bool),
        Kind::String => plain(Type::String, Scalar::String),
        Kind::Bytes => plain(Type::Bytes, Scalar::Bytes),
        Kind::Enum(of) => {
            let values: Vec<(i32, String)> = of.values().map(|v| (v.number(), v.name().to_string())).collect();
            let mut parameters = vec![(ENUM.to_string(), of.name().to_string())];
            parameters.extend(values.iter().map(|(n, name)| (format!("{ENUM}.{name}"), n.to_string())));
            let (mut schema, read) = match options.int_for_enums {
                true => plain(Type::Int32, Scalar::Int32),
                false => (Schema::new(Type::String), Read::Enum(values)),
            };
            schema.parameters = Some(parameters);
            (schema, read)
        }
        Kind::Message(of) => match of.full_name() {
            DECIMAL => {
                let scale = meta(field, "scale").and_then(|scale| scale.parse().ok()).unwrap_or(0);
                (Schema::decimal(scale), Read::Decimal(scale))
            }
            DATE => (Schema::temporal(schema::DATE), Read::Date),
            TIME => (Schema::temporal(schema::TIME), Read::Time),
            TIMESTAMP => (Schema::temporal(schema::TIMESTAMP), Read::Timestamp),
            _ => structure(&of, options, depth + 1)?,
        },
    })
}

/// An integer of 32 bits, unless Connect noted that it was a narrower one.
fn integer(field: &FieldDescriptor, scalar: Scalar) -> (Schema, Read) {
    match meta(field, CONNECT_TYPE).as_deref() {
        Some("int8") => (Schema::new(Type::Int8), Read::Scalar(Scalar::Int8)),
        Some("int16") => (Schema::new(Type::Int16), Read::Scalar(Scalar::Int16)),
        _ => (Schema::new(Type::Int32), Read::Scalar(scalar)),
    }
}

/// What Connect noted on a field under a key.
pub fn meta(field: &FieldDescriptor, key: &str) -> Option<String> {
    let options = field.options();
    let extension = field.parent_pool().get_extension_by_name(FIELD_META)?;
    if !options.has_extension(&extension) {
        return None;
    }
    let value = options.get_extension(&extension);
    let params = value.as_message()?.get_field_by_name("params")?.into_owned();
    let Reflected::Map(entries) = params else { return None };
    entries.get(&prost_reflect::MapKey::String(key.into()))?.as_str().map(String::from)
}
