//! Results of expressions as values of a schema.

use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Builder, Schema, Tag, Type};
use cel::common::types::{CelBool, CelBytes, CelDouble, CelDuration, CelString, Kind};
use cel::common::value::Val;

use crate::nested::is_null;
use crate::output::{instant, int, key_text, seconds, with_list, with_map};

/// Types that `set.….type` may name.
pub const DECLARED: [&str; 11] =
    ["boolean", "int8", "int16", "int32", "int64", "float32", "float64", "string", "bytes", "timestamp", "date"];

/// The schema of a declared type; always optional.
pub fn declared(name: &str) -> Result<Schema, String> {
    let name = name.trim().to_ascii_lowercase();
    if !DECLARED.contains(&name.as_str()) {
        return Err(format!("no type is named {name}; there are {}", DECLARED.join(", ")));
    }
    Ok(match name.as_str() {
        "timestamp" => Schema::temporal(TIMESTAMP),
        "date" => Schema::temporal(DATE),
        _ => Schema::new(Type::of_name(&name.to_ascii_uppercase()).unwrap_or(Type::String)),
    }
    .optional())
}

/// The schema that a value suggests; `None` for null. Always optional, as the next record may have null there.
pub fn infer(value: &dyn Val) -> Result<Option<Schema>, String> {
    if is_null(value) {
        return Ok(None);
    }
    let schema = match value.get_type().kind() {
        Kind::Boolean => Schema::new(Type::Boolean),
        Kind::Int | Kind::UInt => Schema::new(Type::Int64),
        Kind::Double => Schema::new(Type::Float64),
        Kind::String | Kind::Duration => Schema::new(Type::String),
        Kind::Bytes => Schema::new(Type::Bytes),
        Kind::Timestamp => Schema::temporal(TIMESTAMP),
        Kind::List => {
            let element = with_list(value, |items| common(items.iter().map(|item| &**item)));
            Schema::array(element.unwrap_or(Ok(None))?.ok_or_else(|| nothing_in("list"))?)
        }
        Kind::Map => {
            let element = with_map(value, |entries| common(entries.iter().map(|(_, item)| *item)));
            let element = element.unwrap_or(Ok(None))?.ok_or_else(|| nothing_in("map"))?;
            Schema::map(Schema::new(Type::String), element)
        }
        _ => return Err(format!("a {} has no schema: make a text of it", value.get_type().name())),
    };
    Ok(Some(schema.optional()))
}

/// The schema of all items; `None` if there is none that is not null.
fn common<'i>(items: impl Iterator<Item = &'i (dyn Val + 'i)>) -> Result<Option<Schema>, String> {
    let mut all: Option<Schema> = None;
    for item in items {
        match (&all, infer(item)?) {
            (Some(all), Some(schema)) if *all != schema => {
                let (one, other) = (all.describe(), schema.describe());
                return Err(format!("{one} and {other} in one list or map: make a text of it with toJson()"));
            }
            (None, schema) => all = schema,
            _ => {}
        }
    }
    Ok(all)
}

fn nothing_in(what: &str) -> String {
    format!("a {what} without a value tells no schema: make a text of it with toJson()")
}

/// Whether a field of the schema can hold such values, so that it keeps its schema.
pub fn accepts(schema: &Schema, value: &dyn Val) -> bool {
    let kind = value.get_type().kind();
    match (schema.kind, schema.name()) {
        (_, Some(TIMESTAMP | DATE)) => kind == Kind::Timestamp,
        (_, Some(TIME)) => kind == Kind::Duration,
        (_, Some(DECIMAL)) => false,
        (Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64, _) => matches!(kind, Kind::Int | Kind::UInt),
        (Type::Float32 | Type::Float64, _) => matches!(kind, Kind::Double | Kind::Int | Kind::UInt),
        (Type::Boolean, _) => kind == Kind::Boolean,
        (Type::String, _) => matches!(kind, Kind::String | Kind::Duration),
        (Type::Bytes, _) => kind == Kind::Bytes,
        (Type::Array, _) => kind == Kind::List,
        (Type::Map, _) => kind == Kind::Map,
        (Type::Struct, _) => false,
    }
}

/// Writes a value under a schema; the error says what does not fit.
pub fn write(value: &dyn Val, schema: &Schema, out: &mut Builder<'_>) -> Result<(), String> {
    if is_null(value) {
        return match schema.optional {
            true => {
                out.null();
                Ok(())
            }
            false => Err("null for a field that requires a value".to_string()),
        };
    }
    if !accepts(schema, value) {
        return Err(misfit(value, schema));
    }
    match (schema.kind, schema.name()) {
        (_, Some(TIMESTAMP)) => out.date(instant(value).ok_or_else(|| misfit(value, schema))?),
        (_, Some(DATE)) => {
            let ms = instant(value).ok_or_else(|| misfit(value, schema))?;
            out.date(ms.div_euclid(DAY_MS) * DAY_MS);
        }
        (_, Some(TIME)) => {
            let time = value.downcast_ref::<CelDuration>().map(|d| d.inner().num_milliseconds());
            out.date(time.filter(|ms| (0..DAY_MS).contains(ms)).ok_or("a time of day lies within 0s and 24h")?);
        }
        (Type::Array, _) => write_array(value, schema, out)?,
        (Type::Map, _) => write_map(value, schema, out)?,
        _ => write_scalar(value, schema, out)?,
    }
    Ok(())
}

const DAY_MS: i64 = 86_400_000;

fn write_scalar(value: &dyn Val, schema: &Schema, out: &mut Builder<'_>) -> Result<(), String> {
    let misfit = || misfit(value, schema);
    match schema.kind {
        Type::Int8 => out.i8(narrow(value, schema)?),
        Type::Int16 => out.i16(narrow(value, schema)?),
        Type::Int32 => out.i32(narrow(value, schema)?),
        Type::Int64 => out.i64(narrow(value, schema)?),
        Type::Float32 => out.f32(double(value).ok_or_else(misfit)? as f32),
        Type::Float64 => out.f64(double(value).ok_or_else(misfit)?),
        Type::Boolean => out.boolean(*value.downcast_ref::<CelBool>().ok_or_else(misfit)?.inner()),
        Type::Bytes => out.bytes(value.downcast_ref::<CelBytes>().ok_or_else(misfit)?.inner()),
        _ => match (value.downcast_ref::<CelString>(), value.downcast_ref::<CelDuration>()) {
            (Some(text), _) => out.str(text.inner()),
            (_, Some(duration)) => out.str(&seconds(duration)),
            _ => return Err(misfit()),
        },
    }
    Ok(())
}

fn narrow<T: TryFrom<i64>>(value: &dyn Val, schema: &Schema) -> Result<T, String> {
    let int = int(value).ok_or_else(|| misfit(value, schema))?;
    T::try_from(int).map_err(|_| format!("{int} does not fit the field's type {}", schema.kind))
}

fn double(value: &dyn Val) -> Option<f64> {
    value.downcast_ref::<CelDouble>().map(|d| *d.inner()).or(int(value).map(|int| int as f64))
}

fn write_array(value: &dyn Val, schema: &Schema, out: &mut Builder<'_>) -> Result<(), String> {
    let element = child(&schema.element)?;
    out.open(Tag::Array);
    with_list(value, |items| items.iter().try_for_each(|item| write(&**item, element, out)))
        .unwrap_or_else(|| Err(misfit(value, schema)))?;
    out.close_array();
    Ok(())
}

fn write_map(value: &dyn Val, schema: &Schema, out: &mut Builder<'_>) -> Result<(), String> {
    let (key, element) = (child(&schema.key)?, child(&schema.element)?);
    if key.kind != Type::String {
        return Err(format!("a map with keys of type {} can only be copied", key.kind));
    }
    out.open(Tag::Map);
    with_map(value, |entries| {
        entries.iter().try_for_each(|(key, item)| {
            out.str(&key_text(key));
            write(*item, element, out)
        })
    })
    .unwrap_or_else(|| Err(misfit(value, schema)))?;
    out.close_map();
    Ok(())
}

fn child(schema: &Option<Rc<Schema>>) -> Result<&Schema, String> {
    schema.as_deref().ok_or_else(|| "the schema does not say of what the field consists".to_string())
}

fn misfit(value: &dyn Val, schema: &Schema) -> String {
    let (got, want) = (value.get_type().name(), schema.describe());
    format!("a value of type {got} where {want} is needed: convert it, or declare the field's type")
}
