//! Connect's `Values` and SimpleHeaderConverter.

use berth_guest::{Dictionaries, ValueRef};

use super::json::Json;
use super::model;
use super::{Answer, Refusal};
use crate::java_text::decode_utf8;
use crate::{base64, values, values_text};

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
            Ok(Json::object([("bytes", text.map_or(Json::Null, |text| model::base64_json(text.as_bytes())))]))
        }
        "convertToString" => {
            let of = |text| Json::object([("t", Json::text_of("string")), ("v", Json::Text(text))]);
            Ok(Json::object([("value", text(vector)?.map_or(Json::Null, of))]))
        }
        _ => Err(Refusal::Unknown),
    }
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

fn text(vector: &Json) -> Result<Option<String>, Refusal> {
    let mut dict = Dictionaries::default();
    let schema = model::schema(vector.get("schema"))?;
    let body = model::value(vector.get("value"), schema.as_deref(), &mut dict)?.to_body();
    let value = ValueRef::of_item(&body).unwrap_or(ValueRef::NULL);
    if value.is_null() {
        return Ok(None);
    }
    let mut out = Vec::new();
    values_text::append(value, schema.as_deref(), &mut dict, &mut out);
    Ok(Some(String::from_utf8_lossy(&out).into_owned()))
}
