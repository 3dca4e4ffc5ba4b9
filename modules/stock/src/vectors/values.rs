//! Connect's `Values` and SimpleHeaderConverter.

use berth_guest::{Dictionaries, Value, ValueRef, NONE};

use super::json::Json;
use super::model;
use super::{Answer, Refusal};
use crate::java_text::decode_utf8;
use crate::values_convert::{self, Given};
use crate::{base64, values, values_infer, values_text, wtf8};

/// Plays an operation of this family.
pub fn play(op: &str, vector: &Json) -> Answer {
    match op {
        "parseString" => Ok(parsed(vector.get("text").text().ok_or(Refusal::Foreign)?)),
        "headerToConnect" => {
            let bytes = vector.get("bytes").text().map(base64::decode).transpose().map_err(|_| Refusal::Foreign)?;
            let Some(bytes) = bytes else { return Ok(none()) };
            let mut text = Vec::new();
            decode_utf8(&bytes, &mut text);
            Ok(parsed(std::str::from_utf8(&text).unwrap_or_default()))
        }
        "headerFromConnect" => {
            let text = text(vector)?;
            Ok(Json::object([("bytes", text.map_or(Json::Null, |text| model::base64_json(&text)))]))
        }
        "inferSchema" => inferred(vector),
        _ => converted(op, vector),
    }
}

fn converted(op: &str, vector: &Json) -> Answer {
    let mut dict = Dictionaries::default();
    let schema = model::schema(vector.get("schema"))?;
    let body = model::value(vector.get("value"), schema.as_deref(), &mut dict)?.to_body();
    let value = ValueRef::of_item(&body).unwrap_or(ValueRef::NULL);
    let scale = vector.get("scale").int().unwrap_or(0) as i32;
    let given = &mut Given { value, schema: schema.as_deref(), dict: &mut dict };
    let null = Value::Null;
    let result = match op {
        "convertToBoolean" => values_convert::boolean(given)?.map_or(null, Value::Boolean),
        "convertToByte" => values_convert::byte(given)?.map_or(null, Value::Int8),
        "convertToShort" => values_convert::short(given)?.map_or(null, Value::Int16),
        "convertToInteger" => values_convert::integer(given)?.map_or(null, Value::Int32),
        "convertToLong" => values_convert::long(given)?.map_or(null, Value::Int64),
        "convertToFloat" => values_convert::float(given)?.map_or(null, Value::Float32),
        "convertToDouble" => values_convert::double(given)?.map_or(null, Value::Float64),
        "convertToString" => values_convert::string(given)?,
        "convertToList" => values_convert::list(given)?,
        "convertToMap" => values_convert::map(given)?,
        "convertToStruct" => values_convert::structure(given)?,
        "convertToDate" => Value::Date(values_convert::date(given)?),
        "convertToTime" => Value::Date(values_convert::time(given)?),
        "convertToTimestamp" => Value::Date(values_convert::timestamp(given)?),
        "convertToDecimal" => {
            let (scale, unscaled) = values_convert::decimal(given, scale)?;
            Value::Decimal(scale, unscaled)
        }
        _ => return Err(Refusal::Unknown),
    };
    let result = match (result, &schema) {
        (Value::Struct(NONE, items), Some(schema)) => Value::Struct(dict.intern_schema(schema)?, items),
        (result, _) => result,
    };
    Ok(Json::object([("value", model::owned_json(&result, None, &mut dict))]))
}

fn inferred(vector: &Json) -> Answer {
    let mut dict = Dictionaries::default();
    let body = model::value(vector.get("value"), None, &mut dict)?.to_body();
    let inferred = values_infer::infer(ValueRef::of_item(&body).unwrap_or(ValueRef::NULL), None, &mut dict)?;
    Ok(Json::object([("schema", inferred.map_or(Json::Null, |schema| model::schema_json(&schema, &mut dict)))]))
}

/// A value without a schema.
fn none() -> Json {
    Json::object([("schema", Json::Null), ("value", Json::Null)])
}

fn parsed(text: &str) -> Json {
    let Some(typed) = values::parse(text) else { return Json::object([("none", Json::Bool(true))]) };
    let mut dict = Dictionaries::default();
    let value = model::owned_json(&typed.value, Some(&typed.schema), &mut dict);
    Json::object([("schema", model::schema_json(&typed.schema, &mut dict)), ("value", value)])
}

fn text(vector: &Json) -> Result<Option<Vec<u8>>, Refusal> {
    let mut dict = Dictionaries::default();
    let schema = model::schema(vector.get("schema"))?;
    let body = model::value(vector.get("value"), schema.as_deref(), &mut dict)?.to_body();
    let value = ValueRef::of_item(&body).unwrap_or(ValueRef::NULL);
    if value.is_null() {
        return Ok(None);
    }
    let mut out = Vec::new();
    values_text::append(value, schema.as_deref(), &mut dict, &mut out)?;
    wtf8::encode(&mut out, 0);
    Ok(Some(out))
}
