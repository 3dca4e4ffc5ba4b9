//! JSON as values of the ABI.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use berth_guest::{Builder, Error, Result, Stack, Tag, Type, Value, ValueRef, NONE};
use serde_json::Value as Json;

use crate::avro::to_connect::{shortest, DAY_MS};
use crate::text::unscaled_of;

/// How a type is read; made once per schema.
#[derive(Clone, Debug)]
pub enum Read {
    Plain(Type),
    Decimal(i32),
    Days,
    Milliseconds,
    Array(Box<Read>),
    Object(Box<Read>),
    Entries(Box<(Read, Read)>),
    Struct(Vec<(String, Read)>),
    OneOf(Vec<Read>),
}

/// The JSON of a payload.
pub fn parse(payload: &[u8]) -> Result<Json> {
    serde_json::from_slice(payload).map_err(|error| {
        Error::data(format!(
            "behind the schema's id there is no JSON: {error}; choose the converter that fits the topic"
        ))
    })
}

/// A default of a schema.
pub fn default_value(plan: &Read, json: &Json) -> Result<Value> {
    let (mut payload, mut stack) = (Vec::new(), Stack::default());
    let mut builder = Builder::new(&mut payload, &mut stack);
    plan.value(json, &mut builder)?;
    let tag = builder.tag();
    Value::decode(ValueRef::new(tag, &payload))
}

impl Read {
    /// Appends a value.
    pub fn value(&self, json: &Json, out: &mut Builder<'_>) -> Result<()> {
        match (self, json) {
            (_, Json::Null) => out.null(),
            (Read::Plain(kind), _) => plain(*kind, json, out)?,
            (Read::Decimal(scale), Json::Number(n)) => {
                out.decimal(*scale, &unscaled_of(&n.to_string(), *scale).ok_or_else(|| self.wrong(json))?);
            }
            (Read::Decimal(scale), Json::String(text)) => {
                out.decimal(*scale, shortest(&STANDARD.decode(text).map_err(|_| self.wrong(json))?));
            }
            (Read::Days, _) => {
                let days = json.as_i64().and_then(|days| days.checked_mul(DAY_MS));
                out.date(days.ok_or_else(|| self.wrong(json))?);
            }
            (Read::Milliseconds, _) => out.date(json.as_i64().ok_or_else(|| self.wrong(json))?),
            (Read::Array(items), Json::Array(list)) => {
                out.open(Tag::Array);
                list.iter().try_for_each(|item| items.value(item, out))?;
                out.close_array();
            }
            (Read::Object(values), Json::Object(object)) => {
                out.open(Tag::Map);
                for (key, value) in object {
                    out.str(key);
                    values.value(value, out)?;
                }
                out.close_map();
            }
            (Read::Entries(entry), Json::Array(list)) => {
                out.open(Tag::Map);
                for item in list {
                    entry.0.value(item.get("key").unwrap_or(&Json::Null), out)?;
                    entry.1.value(item.get("value").unwrap_or(&Json::Null), out)?;
                }
                out.close_map();
            }
            (Read::Struct(fields), Json::Object(object)) => {
                out.open(Tag::Struct);
                for (name, plan) in fields {
                    plan.value(object.get(name).unwrap_or(&Json::Null), out).map_err(|mut error| {
                        error.message = format!("property {name}: {}", error.message);
                        error
                    })?;
                }
                out.close_struct(NONE);
            }
            (Read::OneOf(members), _) => {
                let chosen = members.iter().position(|member| member.fits(json)).ok_or_else(|| self.wrong(json))?;
                out.open(Tag::Struct);
                for (i, member) in members.iter().enumerate() {
                    if i == chosen {
                        member.value(json, out)?;
                    } else {
                        out.null();
                    }
                }
                out.close_struct(NONE);
            }
            _ => return Err(self.wrong(json)),
        }
        Ok(())
    }

    /// Whether a value has the form of the type, for `oneOf`.
    fn fits(&self, json: &Json) -> bool {
        match self {
            Read::Plain(Type::Boolean) => json.is_boolean(),
            Read::Plain(Type::String | Type::Bytes) => json.is_string(),
            Read::Plain(Type::Float32 | Type::Float64) => json.is_number(),
            Read::Decimal(_) => json.is_number() || json.is_string(),
            Read::Plain(_) | Read::Days | Read::Milliseconds => json.is_i64(),
            Read::Array(items) => json.as_array().is_some_and(|list| list.iter().all(|item| items.fits(item))),
            Read::Entries(_) => json.is_array(),
            Read::Object(values) => json.as_object().is_some_and(|all| all.values().all(|value| values.fits(value))),
            Read::Struct(fields) => json
                .as_object()
                .is_some_and(|object| object.keys().all(|key| fields.iter().any(|(name, _)| name == key))),
            Read::OneOf(members) => members.iter().any(|member| member.fits(json)),
        }
    }

    #[cold]
    fn wrong(&self, json: &Json) -> Error {
        let what = match self {
            Read::Plain(kind) => kind.name(),
            Read::Decimal(_) => "a decimal of its schema's scale, a number or base64",
            Read::Days => "a number of days",
            Read::Milliseconds => "a number of milliseconds",
            Read::Array(_) | Read::Entries(_) => "an array",
            Read::Object(_) | Read::Struct(_) => "an object",
            Read::OneOf(_) => "one of the types that the schema allows",
        };
        let mut shown = json.to_string();
        if let Some((cut, _)) = shown.char_indices().nth(80) {
            shown.truncate(cut);
            shown.push('…');
        }
        Error::data(format!("{shown} stands where the JSON Schema wants {what}"))
    }
}

fn plain(kind: Type, json: &Json, out: &mut Builder<'_>) -> Result<()> {
    let wrong = || Read::Plain(kind).wrong(json);
    // A whole number may be written with a fraction of zero.
    let int =
        || json.as_i64().or_else(|| json.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64)).ok_or_else(wrong);
    match kind {
        Type::Int8 => out.i8(i8::try_from(int()?).map_err(|_| wrong())?),
        Type::Int16 => out.i16(i16::try_from(int()?).map_err(|_| wrong())?),
        Type::Int32 => out.i32(i32::try_from(int()?).map_err(|_| wrong())?),
        Type::Int64 => out.i64(int()?),
        Type::Float32 => out.f32(float(json).ok_or_else(wrong)? as f32),
        Type::Float64 => out.f64(float(json).ok_or_else(wrong)?),
        Type::Boolean => out.boolean(json.as_bool().ok_or_else(wrong)?),
        Type::String => out.str(json.as_str().ok_or_else(wrong)?),
        Type::Bytes => {
            let text = json.as_str().ok_or_else(wrong)?;
            out.bytes(&STANDARD.decode(text).map_err(|_| wrong())?);
        }
        Type::Array | Type::Map | Type::Struct => return Err(Error::internal("a container that is read as a scalar")),
    }
    Ok(())
}

fn float(json: &Json) -> Option<f64> {
    match json.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => json.as_f64(),
    }
}
