//! Avro schemas as Connect schemas, with the plan by which data is read.

use std::rc::Rc;

use berth_guest::schema::{DATE, TIME, TIMESTAMP};
use berth_guest::{Error, Field as ConnectField, Result, Schema, Type, Value};
use serde_json::Value as Json;

use super::names::*;
use super::read::Read;
use super::schema::{split_name, Avro, Field, Kind};
use super::Options;

/// A type's Connect schema and how its data is read.
pub struct Translated {
    pub schema: Schema,
    pub read: Read,
}

pub fn translate(avro: &Avro, options: Options) -> Result<Translated> {
    let mut made = match &avro.kind {
        Kind::Union(members) => return union(members, options),
        Kind::Null => return Err(unusable("null outside of a union has no Connect type")),
        Kind::Record(fields) => record(fields, options)?,
        Kind::Array(items) => array(avro, items, options)?,
        Kind::Map(values) => {
            let values = translate(values, options)?;
            let schema = Schema::map(Schema::new(Type::String), values.schema);
            Translated { schema, read: Read::Map(Box::new(values.read)) }
        }
        Kind::Enum(symbols) => enumeration(avro, symbols),
        _ => scalar(avro)?,
    };
    annotate(avro, &mut made)?;
    Ok(made)
}

fn unusable(what: impl std::fmt::Display) -> Error {
    Error::data(format!("the Avro schema has no counterpart in Connect: {what}"))
}

fn of(kind: Type, read: Read) -> Translated {
    Translated { schema: Schema::new(kind), read }
}

fn scalar(avro: &Avro) -> Result<Translated> {
    let logical = avro.prop(LOGICAL).unwrap_or_default();
    let connect_type = avro.prop(CONNECT_TYPE).unwrap_or_default();
    let temporal = |name: &str, read| Translated { schema: Schema::temporal(name), read };
    Ok(match (&avro.kind, logical) {
        (Kind::Int, "date") => temporal(DATE, Read::Date),
        (Kind::Int, "time-millis") => temporal(TIME, Read::Time),
        (Kind::Long, "timestamp-millis") => temporal(TIMESTAMP, Read::Timestamp),
        (Kind::Bytes | Kind::Fixed(_), "decimal") => decimal(avro),
        (Kind::Int, _) if connect_type == "int8" => of(Type::Int8, Read::Int8),
        (Kind::Int, _) if connect_type == "int16" => of(Type::Int16, Read::Int16),
        (Kind::Int, _) => of(Type::Int32, Read::Int),
        (Kind::Long, _) => of(Type::Int64, Read::Long),
        (Kind::Float, _) => of(Type::Float32, Read::Float),
        (Kind::Double, _) => of(Type::Float64, Read::Double),
        (Kind::Boolean, _) => of(Type::Boolean, Read::Boolean),
        (Kind::String, _) => of(Type::String, Read::String),
        (Kind::Bytes, _) => of(Type::Bytes, Read::Bytes),
        (Kind::Fixed(size), _) => {
            let mut made = of(Type::Bytes, Read::Fixed(*size));
            made.schema.parameters = Some(vec![(FIXED_SIZE.into(), size.to_string())]);
            made
        }
        _ => return Err(unusable(avro.type_name())),
    })
}

fn decimal(avro: &Avro) -> Translated {
    let number = |key: &str, preset: u64| avro.props.get(key).and_then(Json::as_u64).unwrap_or(preset);
    let scale = number("scale", 0) as i32;
    let mut schema = Schema::decimal(scale);
    let precision = number("precision", PRECISION_PRESET);
    let parameters = schema.parameters.get_or_insert_default();
    if precision != PRECISION_PRESET {
        parameters.push((PRECISION.into(), precision.to_string()));
    }
    let size = match avro.kind {
        Kind::Fixed(size) => {
            parameters.push((FIXED_SIZE.into(), size.to_string()));
            Some(size)
        }
        _ => None,
    };
    Translated { schema, read: Read::Decimal { scale, size } }
}

fn enumeration(avro: &Avro, symbols: &[String]) -> Translated {
    let name = avro.type_name();
    let mut parameters = Vec::new();
    if let Some(doc) = &avro.doc {
        parameters.push((format!("{ENUM_DOC}{}", split_name(name).1), doc.clone()));
    }
    parameters.push((ENUM.into(), name.into()));
    parameters.extend(symbols.iter().map(|symbol| (format!("{ENUM}.{symbol}"), symbol.clone())));
    let mut made = of(Type::String, Read::Enum(symbols.to_vec()));
    made.schema.parameters = Some(parameters);
    made
}

/// Whether a record stands for an entry of a map: how Connect writes maps whose keys are not texts.
pub fn is_map_entry(avro: &Avro) -> bool {
    avro.name.as_deref() == Some(&format!("{NAMESPACE}.{MAP_ENTRY}")[..])
        || avro.prop(CONNECT_INTERNAL) == Some(MAP_ENTRY)
}

fn array(avro: &Avro, items: &Avro, options: Options) -> Result<Translated> {
    if let (true, Kind::Record(fields)) = (is_map_entry(items), &items.kind) {
        let [key, value] = &fields[..] else {
            return Err(unusable(format!("{} must have the fields key and value", items.type_name())));
        };
        let (key, value) = (translate(&key.schema, options)?, translate(&value.schema, options)?);
        let mut schema = Schema::map(key.schema, value.schema);
        if items.prop(CONNECT_INTERNAL).is_some() {
            schema.name = avro.prop(CONNECT_NAME).or(items.name.as_deref()).map(Into::into);
        }
        return Ok(Translated { schema, read: Read::Entries(Box::new((key.read, value.read))) });
    }
    let items = translate(items, options)?;
    Ok(Translated { schema: Schema::array(items.schema), read: Read::Array(Box::new(items.read)) })
}

fn record(fields: &[Field], options: Options) -> Result<Translated> {
    let mut schema = Schema::new(Type::Struct);
    let mut reads = Vec::with_capacity(fields.len());
    for field in fields {
        let in_field = |mut error: Error| {
            error.message = format!("field {}: {}", field.name, error.message);
            error
        };
        let mut made = translate(&field.schema, options).map_err(in_field)?;
        if let (Some(doc), None) = (&field.doc, &made.schema.doc) {
            made.schema.doc = Some(doc.as_str().into());
        }
        if let Some(default) = field.default.as_ref().filter(|default| !default.is_null()) {
            let first = match &field.schema.kind {
                Kind::Union(members) => &members[0], // whose type a default has
                _ => &field.schema,
            };
            made.schema.default = value_of(default, first).map_err(in_field)?;
        }
        schema.fields.push(ConnectField { name: field.name.as_str().into(), schema: Rc::new(made.schema) });
        reads.push(made.read);
    }
    Ok(Translated { schema, read: Read::Record(reads) })
}

/// A union with null is an optional type, any other one a struct with a field for each member.
fn union(members: &[Rc<Avro>], options: Options) -> Result<Translated> {
    let null = members.iter().position(|m| m.kind == Kind::Null);
    if let (2, Some(null)) = (members.len(), null) {
        let made = translate(&members[1 - null], options)?;
        return Ok(Translated {
            schema: made.schema.optional(),
            read: Read::Optional { null, some: Box::new(made.read) },
        });
    }
    let mut schema = Schema::new(Type::Struct).named(UNION);
    schema.optional = null.is_some();
    let mut reads = Vec::new();
    for member in members {
        if member.kind == Kind::Null {
            reads.push(None);
            continue;
        }
        let made = translate(member, options)?;
        schema = schema.field(member_name(member, options), made.schema.optional());
        reads.push(Some(made.read));
    }
    Ok(Translated { schema, read: Read::Union(reads) })
}

/// Name of the field for a union's member.
pub fn member_name(member: &Avro, options: Options) -> &str {
    match (&member.name, options.enhanced) {
        (Some(name), false) => split_name(name).1,
        _ => member.type_name(),
    }
}

/// What Connect wrote beside the type, and names.
fn annotate(avro: &Avro, made: &mut Translated) -> Result<()> {
    let schema = &mut made.schema;
    let name = match (avro.prop(CONNECT_NAME), &avro.name) {
        (Some(name), _) => Some(name),
        (None, Some(name)) if *name != default_full_name() => Some(name.as_str()),
        _ => None,
    };
    if let (Some(name), None) = (name, &schema.name) {
        schema.name = Some(name.into());
    }
    if let Some(version) = avro.props.get(CONNECT_VERSION).and_then(Json::as_i64) {
        schema.version = Some(version as i32);
    }
    if let Some(doc) = avro.prop(CONNECT_DOC).or(avro.doc.as_deref()) {
        schema.doc = Some(doc.into());
    }
    if let Some(Json::Object(more)) = avro.props.get(CONNECT_PARAMETERS) {
        let parameters = schema.parameters.get_or_insert_default();
        for (key, value) in more {
            if let (Some(text), false) = (value.as_str(), parameters.iter().any(|(k, _)| k == key)) {
                parameters.push((key.clone(), text.into()));
            }
        }
    }
    if let Some(default) = avro.props.get(CONNECT_DEFAULT).filter(|default| !default.is_null()) {
        schema.default = value_of(default, avro)?;
    }
    Ok(())
}

/// A default, which Avro writes as JSON, as the value that its type has in Connect; `None`: null.
fn value_of(json: &Json, avro: &Avro) -> Result<Option<Value>> {
    let wrong = || unusable(format!("default {json} for type {}", avro.type_name()));
    let int = || json.as_i64().ok_or_else(wrong);
    // Bytes stand as a text with a character for each byte.
    let bytes = || {
        let text = json.as_str().ok_or_else(wrong)?;
        text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| wrong())).collect::<Result<Vec<u8>>>()
    };
    Ok(Some(match &avro.kind {
        Kind::Null => return Ok(None),
        Kind::Boolean => Value::Boolean(json.as_bool().ok_or_else(wrong)?),
        Kind::Int | Kind::Long => match &scalar(avro)?.read {
            Read::Date => Value::Date(int()? * DAY_MS),
            Read::Time | Read::Timestamp => Value::Date(int()?),
            Read::Int8 => Value::Int8(int()? as i8),
            Read::Int16 => Value::Int16(int()? as i16),
            Read::Int => Value::Int32(int()? as i32),
            _ => Value::Int64(int()?),
        },
        Kind::Float => Value::Float32(json.as_f64().ok_or_else(wrong)? as f32),
        Kind::Double => Value::Float64(json.as_f64().ok_or_else(wrong)?),
        Kind::Bytes | Kind::Fixed(_) => match scalar(avro)?.read {
            Read::Decimal { scale, .. } => Value::Decimal(scale, shortest(&bytes()?).to_vec()),
            _ => Value::Bytes(bytes()?),
        },
        Kind::String | Kind::Enum(_) => Value::str(json.as_str().ok_or_else(wrong)?),
        Kind::Array(items) => {
            let items = json.as_array().ok_or_else(wrong)?.iter().map(|item| nullable(item, items));
            Value::Array(items.collect::<Result<_>>()?)
        }
        Kind::Map(values) => {
            let entries = json.as_object().ok_or_else(wrong)?.iter();
            Value::Map(entries.map(|(k, v)| Ok((Value::str(k), nullable(v, values)?))).collect::<Result<_>>()?)
        }
        Kind::Union(members) => return value_of(json, &members[0]),
        Kind::Record(fields) => {
            let one = |f: &Field| match json.get(&f.name).or(f.default.as_ref()) {
                Some(json) => nullable(json, &f.schema),
                None => Err(wrong()),
            };
            Value::Struct(berth_guest::NONE, fields.iter().map(one).collect::<Result<_>>()?)
        }
    }))
}

fn nullable(json: &Json, avro: &Avro) -> Result<Value> {
    Ok(value_of(json, avro)?.unwrap_or(Value::Null))
}

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// A two's complement, big-endian number without bytes to spare; none is zero.
pub fn shortest(mut number: &[u8]) -> &[u8] {
    while let [first, second, ..] = number {
        match (*first, *second >= 0x80) {
            (0, false) | (0xFF, true) => number = &number[1..],
            _ => break,
        }
    }
    if number.is_empty() {
        return &[0];
    }
    number
}
