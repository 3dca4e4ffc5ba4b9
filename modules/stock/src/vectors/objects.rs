//! Objects of Java in the vectors' form.

use std::rc::Rc;

use berth_guest::{Dictionaries, Schema, Value};

use super::json::Json;
use super::model::{self, Foreign};
use crate::base64;
use crate::connect_data::equality::schemas_equal;
use crate::connect_data::{Object, Struct};
use crate::java_number::{bigint_bytes, bigint_text};

/// An object; `declared` is the schema of structs that don't bring their own.
pub fn object(json: &Json, declared: Option<&Rc<Schema>>) -> Result<Object, Foreign> {
    if json == &Json::Null {
        return Ok(Object::Null);
    }
    let v = json.get("v");
    let text = v.text().unwrap_or_default();
    let number = |name: &str| json.get(name).int().ok_or(Foreign);
    let bits = || u64::from_str_radix(json.get("bits").text().unwrap_or(""), 16).map_err(|_| Foreign);
    let bytes = || base64::decode(text).map_err(|_| Foreign);
    Ok(match json.get("t").text().unwrap_or_default() {
        "int8" => Object::Int8(number("v")? as i8),
        "int16" => Object::Int16(number("v")? as i16),
        "int32" => Object::Int32(number("v")? as i32),
        "int64" => Object::Int64(number("v")?),
        "float32" => Object::Float32(f32::from_bits(bits()? as u32)),
        "float64" => Object::Float64(f64::from_bits(bits()?)),
        "bool" => Object::Boolean(v == &Json::Bool(true)),
        "string" if json.has("utf16") => Object::of(&Value::utf16(&model::units(json.get("utf16"))?), None),
        "string" => Object::String(text.to_string()),
        "bytes" => Object::Bytes(bytes()?),
        "bytebuffer" => Object::ByteBuffer {
            array: bytes()?,
            position: number("position")? as usize,
            limit: number("limit")? as usize,
        },
        "decimal" => {
            let unscaled = bigint_bytes(json.get("unscaled").text().unwrap_or("")).ok_or(Foreign)?;
            Object::Decimal { unscaled, scale: number("scale")? as i32 }
        }
        "bigint" => Object::BigInteger(bigint_bytes(text).ok_or(Foreign)?),
        "date" => Object::Date(number("ms")?),
        "list" => {
            let element = declared.and_then(|schema| schema.element.as_ref());
            Object::List(v.list().iter().map(|item| object(item, element)).collect::<Result<_, _>>()?)
        }
        "map" => {
            let (key, element) = declared.map_or((None, None), |s| (s.key.as_ref(), s.element.as_ref()));
            let entry = |pair: &Json| {
                let [k, item] = pair.list() else { return Err(Foreign) };
                Ok((object(k, key)?, object(item, element)?))
            };
            Object::Map(v.list().iter().map(entry).collect::<Result<_, _>>()?)
        }
        "struct" => {
            let own = model::schema(json.get("schema"))?;
            let schema = own.as_ref().or(declared).ok_or(Foreign)?;
            let mut fields = Struct::new(schema).map_err(|_| Foreign)?;
            for field in &schema.fields {
                let value = object(v.get(&field.name), Some(&field.schema))?;
                fields.set(&field.name, value).map_err(|_| Foreign)?;
            }
            Object::Struct(Box::new(fields))
        }
        "java" => Object::Other { class: json.get("class").text().ok_or(Foreign)?.into(), text: text.into() },
        _ => return Err(Foreign),
    })
}

/// The vectors' form of an object; `declared` is the schema around it.
pub fn object_json(object: &Object, declared: Option<&Schema>) -> Json {
    let of = |t: &str, v: Json| Json::object([("t", Json::text_of(t)), ("v", v)]);
    let element = declared.and_then(|schema| schema.element.as_deref());
    match object {
        Object::Null => Json::Null,
        Object::ByteBuffer { array, position, limit } => Json::object([
            ("t", Json::text_of("bytebuffer")),
            ("v", model::base64_json(array)),
            ("position", Json::number_of(position)),
            ("limit", Json::number_of(limit)),
        ]),
        Object::List(items) => of("list", Json::List(items.iter().map(|item| object_json(item, element)).collect())),
        Object::Map(entries) => {
            let key = declared.and_then(|schema| schema.key.as_deref());
            let entry = |(k, v): &(Object, Object)| Json::List(vec![object_json(k, key), object_json(v, element)]);
            of("map", Json::List(entries.iter().map(entry).collect()))
        }
        Object::Struct(fields) => struct_json(fields, declared),
        Object::BigInteger(bytes) => of("bigint", Json::text_of(bigint_text(bytes))),
        Object::Other { class, text } if !object.is_string() => Json::object([
            ("t", Json::text_of("java")),
            ("class", Json::text_of(class.as_str())),
            ("v", Json::text_of(text.as_str())),
        ]),
        scalar => {
            let value = scalar.to_value().unwrap_or(berth_guest::Value::Null);
            model::owned_json(&value, declared, &mut Dictionaries::default())
        }
    }
}

fn struct_json(fields: &Struct, declared: Option<&Schema>) -> Json {
    let mut members = vec![("t", Json::text_of("struct"))];
    if !declared.is_some_and(|declared| schemas_equal(declared, fields.schema())) {
        members.push(("schema", model::schema_json(fields.schema(), &mut Dictionaries::default())));
    }
    let pairs = fields.schema().fields.iter().zip(fields.values());
    let pairs = pairs.map(|(field, value)| (field.name.to_string(), object_json(value, Some(&field.schema))));
    members.push(("v", Json::Object(pairs.collect())));
    Json::object(members)
}
