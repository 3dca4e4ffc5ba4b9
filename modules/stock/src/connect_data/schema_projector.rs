//! `SchemaProjector`: a value of one schema as a value of a compatible one.

use std::rc::Rc;

use berth_guest::{Error, Result, Schema, Type};

use super::equality::parameters_equal;
use super::object::{joined, Object};
use super::structs::Struct;

const EXCEPTION: &str = "org.apache.kafka.connect.errors.SchemaProjectorException";

/// Projects `record`, a value of `source`, to `target`. Numbers widen, fields are dropped or take their default, names
/// and parameters must agree. Errors are SchemaProjectorExceptions, or those of a struct that refuses a value.
pub fn project(source: &Schema, record: &Object, target: &Rc<Schema>) -> Result<Object> {
    check_compatible(source, target)?;
    let must_not_be_null = source.optional && !target.optional;
    let default = Object::default_of(target);
    if must_not_be_null && default.is_none() {
        return Err(refused("Writer schema is optional, however, target schema does not provide a default value."));
    }
    match (record, default) {
        (Object::Null, Some(default)) if must_not_be_null => Ok(default),
        (Object::Null, _) => Ok(Object::Null),
        _ => project_present(source, record, target),
    }
}

fn check_compatible(source: &Schema, target: &Schema) -> Result<()> {
    let (from, to) = (source.kind, target.kind);
    if from != to && !is_promotable(from, to) {
        return Err(refused(format!("Schema type mismatch. source type: {from} and target type: {to}")));
    }
    if source.name != target.name {
        let (from, to) = (source.name().unwrap_or("null"), target.name().unwrap_or("null"));
        return Err(refused(format!("Schema name mismatch. source name: {from} and target name: {to}")));
    }
    if !parameters_equal(source, target) {
        let (from, to) = (parameters_text(source), parameters_text(target));
        return Err(refused(format!(
            "Schema parameters not equal. source parameters: {from} and target parameters: {to}"
        )));
    }
    Ok(())
}

/// Numbers widen from left to right.
const PROMOTABLE: [Type; 6] = [Type::Int8, Type::Int16, Type::Int32, Type::Int64, Type::Float32, Type::Float64];

fn is_promotable(from: Type, to: Type) -> bool {
    let place = |kind| PROMOTABLE.iter().position(|&promotable| promotable == kind);
    place(from).zip(place(to)).is_some_and(|(from, to)| from <= to)
}

fn parameters_text(schema: &Schema) -> String {
    let text = |parameters: &Vec<(String, String)>| {
        format!("{{{}}}", joined(parameters.iter().map(|(key, value)| format!("{key}={value}")), ", "))
    };
    schema.parameters.as_ref().map_or("null".into(), text)
}

fn project_present(source: &Schema, record: &Object, target: &Rc<Schema>) -> Result<Object> {
    match (target.kind, record) {
        (Type::Struct, Object::Struct(fields)) => project_struct(source, fields, target),
        (Type::Array, Object::List(items)) => {
            let (from, to) = (child(&source.element)?, child(&target.element)?);
            items.iter().map(|item| project(from, item, to)).collect::<Result<_>>().map(Object::List)
        }
        (Type::Map, Object::Map(entries)) => {
            let (keys, values) = (child(&source.key), child(&source.element));
            let (keys, values) = ((keys?, child(&target.key)?), (values?, child(&target.element)?));
            let entry = |(key, value): &(Object, Object)| {
                Ok((project(keys.0, key, keys.1)?, project(values.0, value, values.1)?))
            };
            entries.iter().map(entry).collect::<Result<_>>().map(Object::Map)
        }
        (Type::Struct | Type::Array | Type::Map, _) => {
            let message =
                format!("A value of class {} does not belong to a schema of type {}", record.class(), target.kind);
            Err(Error::data(message).class("java.lang.ClassCastException"))
        }
        _ if is_promotable(source.kind, target.kind) => Ok(widened(record, target.kind)),
        _ => Ok(record.clone()),
    }
}

fn project_struct(source: &Schema, record: &Struct, target: &Rc<Schema>) -> Result<Object> {
    let mut projected = Struct::new(target)?;
    for field in &target.fields {
        let known = source.fields.iter().find(|known| known.name == field.name);
        if let Some(known) = known {
            let value = project(&known.schema, &record.get(&field.name)?, &field.schema);
            projected.put(&field.name, value.map_err(|cause| within(&field.name, cause))?)?;
        } else if field.schema.optional {
            continue;
        } else if let Some(default) = Object::default_of(&field.schema) {
            projected.put(&field.name, default)?;
        } else {
            let (name, source) = (&field.name, source.describe());
            return Err(refused(format!("Required field `{name}` is missing from source schema: {source}")));
        }
    }
    Ok(Object::Struct(Box::new(projected)))
}

/// An error within a field, unless it is another than the projector's.
fn within(field: &str, cause: Error) -> Error {
    if cause.class != Some(EXCEPTION) {
        return cause;
    }
    let mut error = refused(format!("Error projecting {field}")).caused_by(EXCEPTION, cause.message);
    error.causes.extend(cause.causes);
    error
}

/// A number as one of a wider type; logical values stay as they are.
fn widened(record: &Object, kind: Type) -> Object {
    let (whole, real) = match *record {
        Object::Int8(n) => (i64::from(n), f64::from(n)),
        Object::Int16(n) => (i64::from(n), f64::from(n)),
        Object::Int32(n) => (i64::from(n), f64::from(n)),
        Object::Int64(n) => (n, n as f64),
        Object::Float32(n) => (n as i64, f64::from(n)),
        Object::Float64(n) => (n as i64, n),
        _ => return record.clone(),
    };
    match (kind, record) {
        (Type::Int8, _) => Object::Int8(whole as i8),
        (Type::Int16, _) => Object::Int16(whole as i16),
        (Type::Int32, _) => Object::Int32(whole as i32),
        (Type::Int64, _) => Object::Int64(whole),
        (Type::Float32, Object::Float32(_) | Object::Float64(_)) => Object::Float32(real as f32),
        // Rounding once: by way of a double it would be twice.
        (Type::Float32, _) => Object::Float32(whole as f32),
        _ => Object::Float64(real),
    }
}

fn child(schema: &Option<Rc<Schema>>) -> Result<&Rc<Schema>> {
    let unknown = || Error::data("The schema of elements is not known").class("java.lang.NullPointerException");
    schema.as_ref().ok_or_else(unknown)
}

fn refused(message: impl Into<String>) -> Error {
    Error::data(message).class(EXCEPTION)
}
