//! `ConnectSchema.validateValue`: whether an object may stand where a schema is.

use std::fmt;
use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Error, Result, Schema, Type};

use super::equality::schemas_equal;
use super::object::Object;

/// Where a value stands, as errors name it.
#[derive(Clone, Copy)]
pub enum Location<'a> {
    Value,
    Field(&'a str),
    /// `element of array`, `key of map` or `value of map`, and the container's location.
    Within(&'static str, &'a Location<'a>),
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Value => f.write_str("value"),
            Location::Field(name) => write!(f, "field: \"{name}\""),
            Location::Within(part, container) => write!(f, "{part} {container}"),
        }
    }
}

/// Checks a value and all within it. Errors are DataExceptions.
pub fn validate(schema: &Schema, value: &Object, location: Location<'_>) -> Result<()> {
    if value.is_null() {
        if schema.optional {
            return Ok(());
        }
        let kind = schema.kind;
        return Err(Error::data(format!("Invalid value: null used for required {location}, schema type: {kind}")));
    }
    if !expects(schema, value) {
        let name = schema.name().map_or(String::new(), |name| format!(" \"{name}\""));
        let (kind, class) = (schema.kind, value.class());
        let message = format!("Invalid Java object for schema{name} with type {kind}: class {class} for {location}");
        return Err(Error::data(message));
    }
    match (schema.kind, value) {
        (Type::Struct, Object::Struct(fields)) => {
            if !schemas_equal(fields.schema(), schema) {
                return Err(Error::data("Struct schemas do not match."));
            }
            fields.validate()
        }
        (Type::Array, Object::List(items)) => {
            let location = Location::Within("element of array", &location);
            let element = known(&schema.element, location)?;
            items.iter().try_for_each(|item| validate(element, item, location))
        }
        (Type::Map, Object::Map(entries)) => {
            let (keys, values) =
                (Location::Within("key of map", &location), Location::Within("value of map", &location));
            let (key_schema, value_schema) = (known(&schema.key, keys)?, known(&schema.element, values)?);
            entries.iter().try_for_each(|(key, value)| {
                validate(key_schema, key, keys)?;
                validate(value_schema, value, values)
            })
        }
        _ => Ok(()),
    }
}

/// The classes that a schema takes: those of its name if it is a logical type, else those of its type.
fn expects(schema: &Schema, value: &Object) -> bool {
    match schema.name() {
        Some(DECIMAL) => return matches!(value, Object::Decimal { .. }),
        Some(DATE | TIME | TIMESTAMP) => return matches!(value, Object::Date(_)),
        _ => {}
    }
    match schema.kind {
        Type::Int8 => matches!(value, Object::Int8(_)),
        Type::Int16 => matches!(value, Object::Int16(_)),
        Type::Int32 => matches!(value, Object::Int32(_)),
        Type::Int64 => matches!(value, Object::Int64(_)),
        Type::Float32 => matches!(value, Object::Float32(_)),
        Type::Float64 => matches!(value, Object::Float64(_)),
        Type::Boolean => matches!(value, Object::Boolean(_)),
        Type::String => value.is_string(),
        Type::Bytes => matches!(value, Object::Bytes(_) | Object::ByteBuffer { .. }),
        Type::Array => matches!(value, Object::List(_)),
        Type::Map => matches!(value, Object::Map(_)),
        Type::Struct => matches!(value, Object::Struct(_)),
    }
}

fn known<'s>(schema: &'s Option<Rc<Schema>>, location: Location<'_>) -> Result<&'s Schema> {
    schema.as_deref().ok_or_else(|| Error::data(format!("No schema defined for {location}")))
}
