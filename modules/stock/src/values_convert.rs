//! Connect's `Values.convertTo…`: any value to one type.

use berth_guest::schema::{DATE, TIME, TIMESTAMP};
use berth_guest::{Dictionaries, Error, Result, Schema, Tag, Type, Value, ValueRef};

use crate::decimal::Decimal;
use crate::java_class::class_of;
use crate::java_number::shorten;
use crate::java_time::DAY_MS;
use crate::{java_text, logical_types, values, values_text, wtf8};

/// What is converted: a value, its schema, and the dictionary that knows the schemas of structs in it.
#[derive(Debug)]
pub struct Given<'a> {
    pub value: ValueRef<'a>,
    pub schema: Option<&'a Schema>,
    pub dict: &'a mut Dictionaries,
}

/// `convertToBoolean`: null stays null, words are read, numbers are true unless zero.
pub fn boolean(given: &mut Given<'_>) -> Result<Option<bool>> {
    match given.value.tag {
        Tag::Null => return Ok(None),
        Tag::Boolean => return Ok(given.value.boolean()),
        _ if given.value.is_text() => {
            if let Some(Value::Boolean(read)) = parsed(given.value)? {
                return Ok(Some(read));
            }
        }
        _ => {}
    }
    Ok(Some(as_long(given)? != 0))
}

/// `convertToByte`: the low bits of the number.
pub fn byte(given: &mut Given<'_>) -> Result<Option<i8>> {
    Ok(long(given)?.map(|n| n as i8))
}

/// `convertToShort`: the low bits of the number.
pub fn short(given: &mut Given<'_>) -> Result<Option<i16>> {
    Ok(long(given)?.map(|n| n as i16))
}

/// `convertToInteger`: the low bits of the number.
pub fn integer(given: &mut Given<'_>) -> Result<Option<i32>> {
    Ok(long(given)?.map(|n| n as i32))
}

/// `convertToLong`: what is behind the point is cut off.
pub fn long(given: &mut Given<'_>) -> Result<Option<i64>> {
    match given.value.tag {
        Tag::Null => Ok(None),
        _ => as_long(given).map(Some),
    }
}

/// `convertToFloat`.
pub fn float(given: &mut Given<'_>) -> Result<Option<f32>> {
    match given.value.float32() {
        Some(n) => Ok(Some(n)),
        None => Ok(double(given)?.map(|n| n as f32)),
    }
}

/// `convertToDouble`.
pub fn double(given: &mut Given<'_>) -> Result<Option<f64>> {
    match given.value.tag {
        Tag::Null => Ok(None),
        _ => as_double(given).map(Some),
    }
}

/// `convertToString`.
pub fn string(given: &mut Given<'_>) -> Result<Value> {
    if given.value.is_null() {
        return Ok(Value::Null);
    }
    let mut out = Vec::new();
    values_text::append(given.value, given.schema, given.dict, &mut out)?;
    Ok(wtf8::value(&out))
}

/// `convertToList`; a text is read first.
pub fn list(given: &mut Given<'_>) -> Result<Value> {
    collection(given, Tag::Array, Type::Array)
}

/// `convertToMap`; a text is read first.
pub fn map(given: &mut Given<'_>) -> Result<Value> {
    collection(given, Tag::Map, Type::Map)
}

fn collection(given: &mut Given<'_>, tag: Tag, wanted: Type) -> Result<Value> {
    required(given.value)?;
    let misfit = |value, schema, dict: &mut Dictionaries| {
        unable(&mut Given { value, schema, dict }, &Schema::new(wanted).describe(), None)
    };
    if given.value.tag == tag {
        return Value::decode(given.value);
    }
    match parsed(given.value)? {
        Some(read) if read.tag() == tag => Ok(read),
        Some(read) => {
            let body = read.to_body();
            Err(misfit(ValueRef::of_item(&body).unwrap_or(given.value), None, given.dict))
        }
        None => Err(misfit(given.value, given.schema, given.dict)),
    }
}

/// `convertToStruct`: nothing else is made a struct.
pub fn structure(given: &mut Given<'_>) -> Result<Value> {
    required(given.value)?;
    match given.value.tag {
        Tag::Struct => Value::decode(given.value),
        _ => Err(unable(given, &Schema::new(Type::Struct).describe(), None)),
    }
}

/// `convertToDate`, in milliseconds; numbers count days.
pub fn date(given: &mut Given<'_>) -> Result<i64> {
    temporal(
        given,
        |name, ms| match name {
            DATE => Some(Ok(ms)),
            // Java's division rounds towards the epoch.
            TIMESTAMP => Some(Ok((ms / DAY_MS) as i32 as i64 * DAY_MS)),
            _ => None,
        },
        |n| Ok(n as i32 as i64 * DAY_MS),
    )
}

/// `convertToTime`, in milliseconds of the day.
pub fn time(given: &mut Given<'_>) -> Result<i64> {
    temporal(
        given,
        |name, ms| match name {
            TIME => Some(Ok(ms)),
            TIMESTAMP => Some(Ok(ms.rem_euclid(DAY_MS))),
            _ => None,
        },
        |n| logical_types::time_of(n as i32 as i64),
    )
}

/// `convertToTimestamp`, in milliseconds.
pub fn timestamp(given: &mut Given<'_>) -> Result<i64> {
    temporal(
        given,
        |name, ms| match name {
            TIMESTAMP | TIME => Some(Ok(ms)),
            DATE => Some(Ok(ms.div_euclid(DAY_MS) * DAY_MS)),
            _ => None,
        },
        Ok,
    )
}

/// A date of a logical type goes through `by_type`, numbers and texts of numbers through `by_number`.
fn temporal(
    given: &mut Given<'_>,
    by_type: impl Fn(&str, i64) -> Option<Result<i64>>,
    by_number: impl Fn(i64) -> Result<i64>,
) -> Result<i64> {
    required(given.value)?;
    let read = parsed(given.value)?.map(|read| read.to_body());
    let value = read.as_deref().and_then(ValueRef::of_item).unwrap_or(given.value);
    if value.tag == Tag::Date {
        let ms = value.int().unwrap_or(0);
        match given.schema {
            None => return Ok(ms),
            Some(schema) => {
                if let Some(done) = schema.name().and_then(|name| by_type(name, ms)) {
                    return done;
                }
            }
        }
    }
    let n = as_long(&mut Given { value, schema: given.schema, dict: given.dict })?;
    by_number(n)
}

/// `convertToDecimal`: as a DECIMAL's scale and number. The scale counts for bytes alone.
pub fn decimal(given: &mut Given<'_>, scale: i32) -> Result<(i32, Vec<u8>)> {
    let value = given.value;
    let of = |decimal: Decimal| (decimal.scale, decimal.unscaled());
    match value.tag {
        Tag::Decimal => {
            let (scale, unscaled) = value.decimal().unwrap_or((0, &[0]));
            Ok((scale, unscaled.to_vec()))
        }
        Tag::BigInt => Ok((0, value.payload.to_vec())),
        Tag::Bytes if value.payload.is_empty() => Err(crate::decimal::malformed("Zero length BigInteger")),
        Tag::Bytes => Ok((scale, shorten(value.payload).to_vec())),
        _ if value.is_text() => Decimal::read(&value.to_text().unwrap_or_default()).map(of),
        Tag::Null => Err(required(value).unwrap_err()),
        _ => match as_number(value) {
            Some(_) => Decimal::of_f64(as_double(given)?).map(of),
            None => Err(unable(given, &Schema::decimal(scale).describe(), None)),
        },
    }
}

fn required(value: ValueRef<'_>) -> Result<()> {
    match value.tag {
        Tag::Null => Err(Error::data("Unable to convert a null value to a schema that requires a value")),
        _ => Ok(()),
    }
}

/// What a text holds, if the value is one. Connect trips over the text `null`.
fn parsed(value: ValueRef<'_>) -> Result<Option<Value>> {
    let Some(text) = value.to_text() else { return Ok(None) };
    match values::parse(&text) {
        Some(typed) => Ok(Some(typed.value)),
        None => {
            let error = Error::data(format!("Unable to convert the text {text}: it stands for no value"));
            Err(error.class("java.lang.NullPointerException"))
        }
    }
}

/// `Number.longValue` of a number.
fn as_number(value: ValueRef<'_>) -> Option<i64> {
    match value.tag {
        Tag::Float32 => value.float32().map(|n| n as i64),
        Tag::Float64 => value.float64().map(|n| n as i64),
        Tag::Decimal => value.decimal().map(|(scale, unscaled)| Decimal::of(scale, unscaled).long_value()),
        Tag::BigInt => Some(Decimal::of_bigint(value.payload).long_value()),
        Tag::Boolean | Tag::Date => None,
        _ => value.int(),
    }
}

fn as_long(given: &mut Given<'_>) -> Result<i64> {
    if let Some(n) = as_number(given.value) {
        return Ok(n);
    }
    let mut cause = None;
    if let Some(text) = given.value.to_text() {
        match Decimal::read(&text) {
            Ok(decimal) => return Ok(decimal.long_value()),
            Err(error) => cause = Some(error),
        }
    }
    let Some(schema) = given.schema else { return Err(unable(given, "a number", cause)) };
    let name = schema.name().filter(|_| given.value.tag == Tag::Date);
    match name.and_then(|name| logical_types::number_of(name, given.value.int().unwrap_or(0))) {
        Some(number) => number,
        None => Err(unable(given, &schema.describe(), cause)),
    }
}

fn as_double(given: &mut Given<'_>) -> Result<f64> {
    let value = given.value;
    Ok(match value.tag {
        Tag::Float32 => value.float32().unwrap_or(0.0) as f64,
        Tag::Float64 => value.float64().unwrap_or(0.0),
        Tag::Decimal => {
            let (scale, unscaled) = value.decimal().unwrap_or((0, &[0]));
            Decimal::of(scale, unscaled).double_value()
        }
        Tag::BigInt => Decimal::of_bigint(value.payload).double_value(),
        _ if value.is_text() => match Decimal::parse(&value.to_text().unwrap_or_default()) {
            Some(decimal) => decimal.double_value(),
            None => as_long(given)? as f64,
        },
        _ => as_long(given)? as f64,
    })
}

fn unable(given: &mut Given<'_>, target: &str, cause: Option<Error>) -> Error {
    let mut text = Vec::new();
    java_text::append(given.value, given.schema, given.dict, &mut text);
    let (text, class) = (wtf8::shown(&text), class_of(given.value));
    let mut error = Error::data(format!("Unable to convert {text} ({class}) to {target}"));
    if let Some(cause) = cause {
        error = error.caused_by(cause.class_name(), cause.message);
        error.causes.extend(cause.causes);
    }
    error
}
