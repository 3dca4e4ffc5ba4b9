//! Numbers: their texts, their parsers, and how Java narrows them.

use berth_guest::{Dictionaries, Value};

use super::json::Json;
use super::model;
use super::{Answer, Refusal};
use crate::decimal::Decimal;
use crate::java_number::{append_f32, append_f64, decimal_plain_text, decimal_text};
use crate::java_parse;

/// Plays an operation of this family.
pub fn play(op: &str, vector: &Json) -> Answer {
    let text = vector.get("text").text().unwrap_or_default();
    let bits = || u64::from_str_radix(vector.get("bits").text().unwrap_or_default(), 16).map_err(|_| Refusal::Foreign);
    Ok(match op {
        "Float.toString" => {
            let n = f32::from_bits(bits()? as u32);
            written(|out| append_f32(n, out))
        }
        "Double.toString" => {
            let n = f64::from_bits(bits()?);
            written(|out| append_f64(n, out))
        }
        "Double.parseDouble" => value(Value::Float64(java_parse::double(text)?)),
        "Float.parseFloat" => value(Value::Float32(java_parse::float(text)?)),
        "Byte.parseByte" => value(Value::Int8(java_parse::byte(text)?)),
        "Short.parseShort" => value(Value::Int16(java_parse::short(text)?)),
        "Integer.parseInt" => value(Value::Int32(java_parse::integer(text)?)),
        "Long.parseLong" => value(Value::Int64(java_parse::long(text)?)),
        "BigInteger.new" => value(Value::BigInt(java_parse::big_integer(text)?)),
        "Boolean.parseBoolean" => value(Value::Boolean(text.eq_ignore_ascii_case("true"))),
        "BigDecimal.new" => decimal(&Decimal::read(text)?, true),
        "BigDecimal.valueOf" => match given(vector)? {
            Value::Float64(n) => decimal(&Decimal::of_f64(n)?, false),
            _ => return Err(Refusal::Foreign),
        },
        "BigDecimal.toString" => match given(vector)? {
            Value::Decimal(scale, unscaled) => numbers_of(scale, &unscaled),
            _ => return Err(Refusal::Foreign),
        },
        "cast" => narrowed(&given(vector)?)?,
        _ => return Err(Refusal::Unknown),
    })
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Json {
    let mut out = Vec::new();
    write(&mut out);
    Json::object([("text", Json::text_of(String::from_utf8_lossy(&out)))])
}

fn given(vector: &Json) -> Result<Value, Refusal> {
    Ok(model::value(vector.get("value"), None, &mut Dictionaries::default())?)
}

fn json(value: Value) -> Json {
    model::owned_json(&value, None, &mut Dictionaries::default())
}

fn value(value: Value) -> Json {
    Json::object([("value", json(value))])
}

/// Scales from which on the recorder left out what takes a text of that length.
const LONG: u32 = 200;

fn plain(scale: i32, unscaled: &[u8]) -> Json {
    match scale.unsigned_abs() {
        LONG.. => Json::Null,
        _ => Json::text_of(decimal_plain_text(scale, unscaled)),
    }
}

fn decimal(decimal: &Decimal, with_plain: bool) -> Json {
    let (scale, unscaled) = (decimal.scale, decimal.unscaled());
    let text = Json::text_of(decimal_text(scale, &unscaled));
    let mut members = vec![("toString", text)];
    if with_plain {
        members.push(("toPlainString", plain(scale, &unscaled)));
    }
    members.push(("value", json(Value::Decimal(scale, unscaled))));
    Json::object(members)
}

fn numbers_of(scale: i32, unscaled: &[u8]) -> Json {
    let decimal = Decimal::of(scale, unscaled);
    let long = decimal.long_value();
    let mut members = vec![
        ("toString", Json::text_of(decimal_text(scale, unscaled))),
        ("toPlainString", plain(scale, unscaled)),
        ("double", json(Value::Float64(decimal.double_value()))),
        ("float", json(Value::Float32(decimal.float_value()))),
        ("unscaledBytes", model::base64_json(unscaled)),
    ];
    if scale.unsigned_abs() < LONG {
        members.extend([("long", json(Value::Int64(long))), ("int", json(Value::Int32(long as i32)))]);
    }
    Json::object(members)
}

/// `byteValue` … `doubleValue` of a number. Reals become an int before they become anything smaller.
fn narrowed(value: &Value) -> Result<Json, Refusal> {
    let (int, long, float, double) = match *value {
        Value::Float32(n) => (n as i32, n as i64, n, n as f64),
        Value::Float64(n) => (n as i32, n as i64, n as f32, n),
        _ => {
            let n = value.as_int().ok_or(Refusal::Foreign)?;
            (n as i32, n, n as f32, n as f64)
        }
    };
    Ok(Json::object([
        ("byte", json(Value::Int8(int as i8))),
        ("short", json(Value::Int16(int as i16))),
        ("int", json(Value::Int32(int))),
        ("long", json(Value::Int64(long))),
        ("float", json(Value::Float32(float))),
        ("double", json(Value::Float64(double))),
    ]))
}
