//! Connect schemas as JSON Schemas: the text that is registered.

use std::rc::Rc;

use berth_guest::schema::DECIMAL;
use berth_guest::{Error, Result, Schema, Type, Value};
use serde_json::{json, Map, Value as Json};

use super::names::*;
use super::write::Write;
use super::Options;

/// The JSON Schema of a Connect schema.
pub fn translate(schema: &Schema, options: Options) -> Result<String> {
    Ok(one(schema, None, options)?.to_string())
}

fn one(schema: &Schema, index: Option<usize>, options: Options) -> Result<Json> {
    let mut object = body(schema, options)?;
    if let Some(name) = schema.name() {
        object.insert("title".into(), json!(name));
    }
    if let Some(doc) = &schema.doc {
        object.insert("description".into(), json!(&**doc));
    }
    if let Some(version) = schema.version {
        object.insert(CONNECT_VERSION.into(), json!(version));
    }
    if let Some(parameters) = schema.parameters.as_ref().filter(|p| !p.is_empty()) {
        let parameters: Map<String, Json> = parameters.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        object.insert(CONNECT_PARAMETERS.into(), Json::Object(parameters));
    }
    if let Some(default) = &schema.default {
        object.insert("default".into(), default_json(default, schema, options)?);
    }
    if schema.optional {
        object = Map::from_iter([("oneOf".to_string(), json!([{"type": "null"}, object]))]);
    }
    if let Some(index) = index {
        object.insert(CONNECT_INDEX.into(), json!(index));
    }
    Ok(Json::Object(object))
}

fn body(schema: &Schema, options: Options) -> Result<Map<String, Json>> {
    let simple = |kind: &str, connect: &str| {
        let mut object = Map::from_iter([("type".to_string(), json!(kind))]);
        if !connect.is_empty() {
            object.insert(CONNECT_TYPE.into(), json!(connect));
        }
        object
    };
    Ok(match schema.kind {
        Type::Int8 => simple("integer", "int8"),
        Type::Int16 => simple("integer", "int16"),
        Type::Int32 => simple("integer", "int32"),
        Type::Int64 => simple("integer", "int64"),
        Type::Float32 => simple("number", "float32"),
        Type::Float64 => simple("number", "float64"),
        Type::Boolean => simple("boolean", ""),
        Type::String => simple("string", ""),
        Type::Bytes if schema.name() == Some(DECIMAL) => simple("number", "bytes"),
        Type::Bytes => simple("string", "bytes"),
        Type::Array => {
            let mut object = simple("array", "");
            object.insert("items".into(), child(&schema.element, None, options)?);
            object
        }
        Type::Map => map(schema, options)?,
        Type::Struct => structure(schema, options)?,
    })
}

fn child(schema: &Option<Rc<Schema>>, index: Option<usize>, options: Options) -> Result<Json> {
    match schema {
        Some(schema) => one(schema, index, options),
        None => Err(Error::data("an array or a map whose items have no schema can't be written with a JSON Schema")),
    }
}

/// Objects have texts as keys; maps with others are arrays of entries.
fn map(schema: &Schema, options: Options) -> Result<Map<String, Json>> {
    let mut object = Map::new();
    if schema.key.as_ref().is_some_and(|key| key.kind == Type::String && !key.optional) {
        object.insert("type".into(), json!("object"));
        object.insert(CONNECT_TYPE.into(), json!("map"));
        object.insert("additionalProperties".into(), child(&schema.element, None, options)?);
        return Ok(object);
    }
    let (key, value) = (child(&schema.key, Some(0), options)?, child(&schema.element, Some(1), options)?);
    object.insert("type".into(), json!("array"));
    object.insert(CONNECT_TYPE.into(), json!("map"));
    object.insert("items".into(), json!({"type": "object", "properties": {"key": key, "value": value}}));
    Ok(object)
}

fn structure(schema: &Schema, options: Options) -> Result<Map<String, Json>> {
    let mut object = Map::new();
    if schema.name() == Some(ONE_OF) {
        let members = schema
            .fields
            .iter()
            .enumerate()
            .map(|(i, field)| one(&Schema { optional: false, ..(*field.schema).clone() }, Some(i), options));
        object.insert("oneOf".into(), Json::Array(members.collect::<Result<_>>()?));
        return Ok(object);
    }
    let mut properties = Map::new();
    for (i, field) in schema.fields.iter().enumerate() {
        properties.insert(field.name.to_string(), one(&field.schema, Some(i), options)?);
    }
    object.insert("type".into(), json!("object"));
    object.insert("properties".into(), Json::Object(properties));
    if !options.additional {
        object.insert("additionalProperties".into(), json!(false));
    }
    Ok(object)
}

fn default_json(value: &Value, schema: &Schema, options: Options) -> Result<Json> {
    let mut payload = Vec::new();
    value.encode(&mut payload);
    let mut text = Vec::new();
    let plain = Schema { default: None, ..schema.clone() };
    Write::plan(&plain, options)?.value(berth_guest::ValueRef::new(value.tag(), &payload), &mut text)?;
    serde_json::from_slice(&text).map_err(|error| Error::internal(format!("a default as JSON: {error}")))
}
