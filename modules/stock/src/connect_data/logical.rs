//! Logical types: between the objects of plugins and the values of the types beneath.

use berth_guest::schema::{DATE, TIME, TIMESTAMP};
use berth_guest::{Error, Result, Schema};

use super::object::Object;
use crate::logical_types::decimal_scale;

const MS_PER_DAY: i64 = 86_400_000;

/// `Date.fromLogical`: days since the epoch. As in Java, days beyond 32 bits wrap around.
pub fn date_from(schema: &Schema, ms: i64) -> Result<i32> {
    named(schema, DATE, "Date")?;
    match ms % MS_PER_DAY {
        0 => Ok((ms / MS_PER_DAY) as i32),
        _ => Err(Error::data("Kafka Connect Date type should not have any time fields set to non-zero values.")),
    }
}

/// `Date.toLogical`: milliseconds since the epoch.
pub fn date_to(schema: &Schema, days: i32) -> Result<i64> {
    named(schema, DATE, "Date")?;
    Ok(i64::from(days) * MS_PER_DAY)
}

/// `Time.fromLogical`: milliseconds of the day, of which the last is the first of the next.
pub fn time_from(schema: &Schema, ms: i64) -> Result<i32> {
    named(schema, TIME, "Time")?;
    match ms {
        0..=MS_PER_DAY => Ok(ms as i32),
        _ => Err(Error::data("Kafka Connect Time type should not have any date fields set to non-zero values.")),
    }
}

/// `Time.toLogical`; Connect names the wrong type if the schema is another.
pub fn time_to(schema: &Schema, ms: i32) -> Result<i64> {
    named(schema, TIME, "Date")?;
    match i64::from(ms) {
        ms @ 0..=MS_PER_DAY => Ok(ms),
        _ => {
            let range = "number of milliseconds greater than 0 and less than 86400000";
            Err(Error::data(format!("Time values must use {range}")))
        }
    }
}

/// `Timestamp.fromLogical` and `toLogical`: milliseconds since the epoch either way.
pub fn timestamp(schema: &Schema, ms: i64) -> Result<i64> {
    named(schema, TIMESTAMP, "Timestamp")?;
    Ok(ms)
}

/// `Decimal.fromLogical`: the unscaled number, big endian.
pub fn decimal_from(schema: &Schema, unscaled: &[u8], scale: i32) -> Result<Vec<u8>> {
    let wanted = decimal_scale(schema)?;
    if scale != wanted {
        return Err(Error::data(format!(
            "Decimal value has mismatching scale for given Decimal schema. Schema has scale {wanted}, \
             value has scale {scale}."
        )));
    }
    Ok(unscaled.to_vec())
}

/// `Decimal.toLogical`.
pub fn decimal_to(schema: &Schema, unscaled: &[u8]) -> Result<Object> {
    let scale = decimal_scale(schema)?;
    if unscaled.is_empty() {
        return Err(Error::data("Zero length BigInteger").class("java.lang.NumberFormatException"));
    }
    Ok(Object::Decimal { unscaled: crate::java_number::shorten(unscaled).to_vec(), scale })
}

fn named(schema: &Schema, name: &str, noun: &str) -> Result<()> {
    match schema.name() == Some(name) {
        true => Ok(()),
        false => Err(Error::data(format!("Requested conversion of {noun} object but the schema does not match."))),
    }
}
