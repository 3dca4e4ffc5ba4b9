//! What the elements of a list or map have in common, as `Values.parseString` finds it.

use std::rc::Rc;

use berth_guest::schema::{DATE, TIMESTAMP};
use berth_guest::{Error, Result, Schema, Type, Value};

use crate::java_time::DAY_MS;
use crate::values::Typed;

/// The schema that fits all elements seen.
#[derive(Default)]
pub struct Common {
    schema: Option<Rc<Schema>>,
    mixed: bool,
}

impl Common {
    pub fn add(&mut self, item: &Option<Typed>) {
        let Some(item) = item else { return };
        self.schema = match self.schema.take() {
            None => Some(item.schema.clone()),
            Some(previous) => wider(previous, item.schema.clone()),
        };
        self.mixed |= self.schema.is_none();
    }

    pub fn schema(self) -> Option<Rc<Schema>> {
        self.schema.filter(|_| !self.mixed)
    }
}

fn rank(kind: Type) -> Option<usize> {
    [Type::Int8, Type::Int16, Type::Int32, Type::Int64, Type::Float32, Type::Float64].iter().position(|t| *t == kind)
}

fn wider(previous: Rc<Schema>, new: Rc<Schema>) -> Option<Rc<Schema>> {
    if previous.kind == new.kind {
        return match previous.optional == new.optional {
            true if previous.optional => Some(previous),
            true => Some(new),
            false => (previous == new).then_some(previous),
        };
    }
    let (a, b) = (rank(previous.kind)?, rank(new.kind)?);
    Some(if a > b { previous } else { new })
}

/// `Values.convertTo` for the conversions that a common schema can ask for.
pub fn align(schema: &Schema, value: Value) -> Result<Value> {
    let float = match value {
        Value::Float32(x) => Some(x as f64),
        Value::Float64(x) => Some(x),
        _ => value.as_int().map(|n| n as f64),
    };
    let int = value.as_int();
    Ok(match (schema.kind, int, float) {
        _ if value == Value::Null => {
            return Err(Error::data("Unable to convert a null value to a schema that requires a value"))
        }
        _ if matches!(value, Value::Date(_)) => value,
        (Type::Int8, Some(n), _) => Value::Int8(n as i8),
        (Type::Int16, Some(n), _) => Value::Int16(n as i16),
        (Type::Int32, Some(n), _) if schema.name.is_none() => Value::Int32(n as i32),
        (Type::Int64, Some(n), _) if schema.name() == Some(TIMESTAMP) => Value::Date(n),
        (Type::Int64, Some(n), _) => Value::Int64(n),
        (Type::Int32, Some(n), _) if schema.name() == Some(DATE) => Value::Date(n * DAY_MS),
        (Type::Int32, Some(n), _) => Value::Date(n),
        (Type::Float32, _, Some(x)) => Value::Float32(x as f32),
        (Type::Float64, _, Some(x)) => Value::Float64(x),
        _ => value,
    })
}
