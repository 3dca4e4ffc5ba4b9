//! Schemas, structs, headers and the projector.

use std::rc::Rc;

use berth_guest::schema::{DATE, TIME, TIMESTAMP};
use berth_guest::{Dictionaries, Error, Schema, Type};

use super::json::Json;
use super::objects::{object, object_json};
use super::{model, thrown, Answer, Refusal};
use crate::connect_data::equality::{schemas_equal, structs_equal};
use crate::connect_data::schema_projector::project as project_value;
use crate::connect_data::schema_validation::{validate, Location};
use crate::connect_data::{logical, ConnectHeader, ConnectHeaders, Object, SchemaBuilder, Struct};

/// Plays an operation of `schema-validation`.
pub fn play(op: &str, vector: &Json) -> Answer {
    match op {
        "validateValue" => validated(vector),
        "logical" => converted(vector),
        "schemaEquals" => {
            let (a, b) = (required(vector.get("a"))?, required(vector.get("b"))?);
            Ok(Json::object([("equal", Json::Bool(schemas_equal(&a, &b)))]))
        }
        "structEquals" => {
            let a = object(vector.get("a"), Some(&required(vector.get("schemaA"))?))?;
            let b = object(vector.get("b"), Some(&required(vector.get("schemaB"))?))?;
            let (Object::Struct(a), Object::Struct(b)) = (a, b) else { return Err(Refusal::Foreign) };
            Ok(Json::object([("equal", Json::Bool(structs_equal(&a, &b)))]))
        }
        "build" => built(vector.get("script").list()),
        "struct" => struct_script(vector),
        "headers" => headers_script(vector),
        _ => Err(Refusal::Unknown),
    }
}

/// Plays a line of `schema-projector`.
pub fn project(vector: &Json) -> Answer {
    let source = required(vector.get("source"))?;
    let target = match vector.get("target").text() {
        Some("same") => source.clone(),
        _ => required(vector.get("target"))?,
    };
    let projected = project_value(&source, &object(vector.get("value"), Some(&source))?, &target)?;
    Ok(Json::object([("value", object_json(&projected, Some(&target)))]))
}

fn required(json: &Json) -> Result<Rc<Schema>, Refusal> {
    model::schema(json)?.ok_or(Refusal::Foreign)
}

fn validated(vector: &Json) -> Answer {
    let schema = required(vector.get("schema"))?;
    let declared = if vector.has("valueSchema") { None } else { Some(&schema) };
    let location = vector.get("name").text().map_or(Location::Value, Location::Field);
    validate(&schema, &object(vector.get("value"), declared)?, location)?;
    Ok(Json::object([("ok", Json::Bool(true))]))
}

fn converted(vector: &Json) -> Answer {
    let schema = required(vector.get("schema"))?;
    let call = vector.get("call").text().unwrap_or_default();
    let converted = match (call, object(vector.get("value"), None)?) {
        ("Date.fromLogical", Object::Date(ms)) => Object::Int32(logical::date_from(&schema, ms)?),
        ("Date.toLogical", Object::Int32(days)) => Object::Date(logical::date_to(&schema, days)?),
        ("Time.fromLogical", Object::Date(ms)) => Object::Int32(logical::time_from(&schema, ms)?),
        ("Time.toLogical", Object::Int32(ms)) => Object::Date(logical::time_to(&schema, ms)?),
        ("Timestamp.fromLogical", Object::Date(ms)) => Object::Int64(logical::timestamp(&schema, ms)?),
        ("Timestamp.toLogical", Object::Int64(ms)) => Object::Date(logical::timestamp(&schema, ms)?),
        ("Decimal.fromLogical", Object::Decimal { unscaled, scale }) => {
            Object::Bytes(logical::decimal_from(&schema, &unscaled, scale)?)
        }
        ("Decimal.toLogical", Object::Bytes(unscaled)) => logical::decimal_to(&schema, &unscaled)?,
        _ => return Err(Refusal::Unknown),
    };
    Ok(Json::object([("value", object_json(&converted, None))]))
}

/// What a failed script answers: the error, the step that threw, and what getters returned before.
fn failed(error: &Error, step: usize, got: Option<Vec<Json>>) -> Json {
    let Json::Object(mut members) = thrown(error) else { return Json::Null };
    members.push(("step".into(), Json::number_of(step)));
    members.extend(got.map(|got| ("got".into(), Json::List(got))));
    Json::Object(members)
}

/// The name of a step and its arguments.
fn call<'s>(step: &'s Json) -> (&'s str, impl Fn(usize) -> &'s Json) {
    let name = step.list().first().and_then(Json::text).unwrap_or_default();
    (name, |i| step.list().get(i + 1).unwrap_or(&Json::Null))
}

fn built(script: &[Json]) -> Answer {
    let mut builder = None;
    for (i, step) in script.iter().enumerate() {
        let outcome = match &mut builder {
            None => begin(step).map(|begun| builder = Some(begun)),
            Some(builder) => go_on(builder, step),
        };
        match outcome {
            Err(Refusal::Thrown(error)) => return Ok(failed(&error, i, None)),
            other => other?,
        }
    }
    let schema = builder.ok_or(Refusal::Foreign)?.build();
    Ok(Json::object([("schema", model::schema_json(&schema, &mut Dictionaries::default()))]))
}

fn begin(step: &Json) -> Result<SchemaBuilder, Refusal> {
    let (name, argument) = call(step);
    Ok(match name {
        "type" => SchemaBuilder::new(argument(0).text().and_then(Type::of_name))?,
        "array" => SchemaBuilder::array(model::schema(argument(0))?)?,
        "map" => SchemaBuilder::map(model::schema(argument(0))?, model::schema(argument(1))?)?,
        "decimal" => Schema::decimal(argument(0).int().ok_or(Refusal::Foreign)? as i32).into(),
        "date" => Schema::temporal(DATE).into(),
        "time" => Schema::temporal(TIME).into(),
        "timestamp" => Schema::temporal(TIMESTAMP).into(),
        _ => return Err(Refusal::Unknown),
    })
}

fn go_on(builder: &mut SchemaBuilder, step: &Json) -> Result<(), Refusal> {
    let (name, argument) = call(step);
    match name {
        "optional" => builder.optional(true)?,
        "required" => builder.optional(false)?,
        "name" => builder.name(argument(0).text())?,
        "doc" => builder.doc(argument(0).text())?,
        "version" => builder.version(argument(0).int().map(|n| n as i32))?,
        "parameter" => builder.parameter(argument(0).text().unwrap_or_default(), argument(1).text()),
        "parameters" => {
            let Json::Object(members) = argument(0) else { return Err(Refusal::Foreign) };
            members.iter().for_each(|(key, value)| builder.parameter(key, value.text()));
        }
        "default" => builder.default_value(&object(argument(0), Some(&Rc::new(builder.build())))?)?,
        "field" => builder.field(argument(0).text(), model::schema(argument(1))?)?,
        "fields" => drop(builder.fields()?),
        "getField" => drop(builder.field_of(argument(0).text().unwrap_or_default())?),
        "keySchema" | "valueSchema" | "build" => drop(builder.build()),
        _ => return Err(Refusal::Unknown),
    }
    Ok(())
}

fn struct_script(vector: &Json) -> Answer {
    let schema = required(vector.get("schema"))?;
    let mut fields = match Struct::new(&schema) {
        Ok(fields) => fields,
        Err(error) => return Ok(failed(&error, 0, Some(Vec::new()))),
    };
    let mut got = Vec::new();
    for (i, step) in vector.get("script").list().iter().enumerate() {
        match struct_step(&mut fields, step) {
            Err(Refusal::Thrown(error)) => return Ok(failed(&error, i, Some(got))),
            other => got.extend(other?),
        }
    }
    let fields = object_json(&Object::Struct(Box::new(fields)), Some(&schema));
    Ok(Json::object([("struct", fields), ("got", Json::List(got))]))
}

/// Plays a call; what a getter returns is the answer.
fn struct_step(fields: &mut Struct, step: &Json) -> Result<Option<Json>, Refusal> {
    let (name, argument) = call(step);
    let field = argument(0).text().unwrap_or_default();
    let typed = name.strip_prefix("get").and_then(|kind| Type::of_name(&kind.to_uppercase()));
    let shown = |value: &Object| Some(object_json(value, None));
    Ok(match (name, typed) {
        ("put", _) => {
            let declared = fields.schema().index_of(field).map(|i| fields.schema().fields[i].schema.clone());
            fields.put(field, object(argument(1), declared.as_ref())?)?;
            None
        }
        ("validate", _) => {
            fields.validate()?;
            None
        }
        ("get", _) => shown(&fields.get(field)?),
        ("getWithoutDefault", _) => shown(fields.get_without_default(field)?),
        ("getBytes", _) => shown(&fields.get_bytes(field)?),
        ("toString", _) => Some(Json::Text(fields.text())),
        (_, Some(kind)) => shown(fields.get_typed(field, kind)?),
        _ => return Err(Refusal::Unknown),
    })
}

fn headers_script(vector: &Json) -> Answer {
    let mut headers = ConnectHeaders::default();
    for header in vector.get("headers").list() {
        let schema = model::schema(header.get("schema"))?;
        let value = object(header.get("value"), schema.as_ref())?;
        headers.push(header.get("key").text().unwrap_or_default(), value, schema);
    }
    let mut got = Vec::new();
    for (i, step) in vector.get("script").list().iter().enumerate() {
        match headers_step(&mut headers, step) {
            Err(Refusal::Thrown(error)) => return Ok(failed(&error, i, Some(got))),
            other => got.extend(other?),
        }
    }
    let headers = Json::List(headers.headers().iter().map(header_json).collect());
    Ok(Json::object([("headers", headers), ("got", Json::List(got))]))
}

fn headers_step(headers: &mut ConnectHeaders, step: &Json) -> Result<Option<Json>, Refusal> {
    let (name, argument) = call(step);
    let key = argument(0).text().unwrap_or_default();
    let schema = model::schema(argument(2))?;
    let value = || object(argument(1), schema.as_ref());
    let plain = name.strip_prefix("add").and_then(primitive);
    match name {
        "size" => return Ok(Some(Json::number_of(headers.headers().len()))),
        "toString" => return Ok(Some(Json::Text(headers.text()))),
        "remove" => headers.remove(key),
        "clear" => headers.clear(),
        "retainLatest" => headers.retain_latest(argument(0).text()),
        "add" => headers.add(key, value()?, schema.clone())?,
        "addString" => headers.add_text_or_bytes(key, value()?, Type::String),
        "addBytes" => headers.add_text_or_bytes(key, value()?, Type::Bytes),
        "addDecimal" => headers.add_decimal(key, value()?),
        "addDate" => headers.add_temporal(key, value()?, DATE)?,
        "addTime" => headers.add_temporal(key, value()?, TIME)?,
        "addTimestamp" => headers.add_temporal(key, value()?, TIMESTAMP)?,
        "addList" => headers.add_container(key, value()?, schema.clone(), Type::Array)?,
        "addMap" => headers.add_container(key, value()?, schema.clone(), Type::Map)?,
        "addStruct" => {
            let value = value()?;
            let own = if let Object::Struct(fields) = &value { Some(fields.schema().clone()) } else { None };
            headers.add_container(key, value, own, Type::Struct)?;
        }
        _ => {
            let kind = plain.ok_or(Refusal::Unknown)?;
            headers.push(key, value()?, Some(Rc::new(Schema::new(kind))));
        }
    }
    Ok(None)
}

/// The type behind `addByte` and its kin.
fn primitive(java: &str) -> Option<Type> {
    Some(match java {
        "Byte" => Type::Int8,
        "Short" => Type::Int16,
        "Int" => Type::Int32,
        "Long" => Type::Int64,
        "Float" => Type::Float32,
        "Double" => Type::Float64,
        "Boolean" => Type::Boolean,
        _ => return None,
    })
}

fn header_json(header: &ConnectHeader) -> Json {
    let schema = header.schema.as_ref().map(|schema| model::schema_json(schema, &mut Dictionaries::default()));
    Json::object([
        ("key", Json::text_of(header.key.as_str())),
        ("schema", schema.unwrap_or(Json::Null)),
        ("value", object_json(&header.value, header.schema.as_deref())),
    ])
}
