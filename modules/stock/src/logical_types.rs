//! Connect's logical types: the numbers that stand for dates in serialised form, the scale of decimals.

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Error, Result, Schema};

use crate::java_parse;
use crate::java_time::DAY_MS;

/// Whether a schema has the name of a logical type.
pub fn is_logical(schema: &Schema) -> bool {
    matches!(schema.name(), Some(DECIMAL | DATE | TIME | TIMESTAMP))
}

/// Days since the epoch, of milliseconds: `Date.fromLogical`.
pub fn days(ms: i64) -> Result<i32> {
    match ms.rem_euclid(DAY_MS) {
        0 => Ok((ms / DAY_MS) as i32),
        _ => Err(Error::data("Kafka Connect Date type should not have any time fields set to non-zero values.")),
    }
}

/// Milliseconds since midnight: `Time.fromLogical`. The end of the day counts as part of it.
pub fn time_of_day(ms: i64) -> Result<i32> {
    match ms {
        0..=DAY_MS => Ok(ms as i32),
        _ => Err(Error::data("Kafka Connect Time type should not have any date fields set to non-zero values.")),
    }
}

/// `fromLogical` of Date, Time or Timestamp: days, milliseconds of the day, milliseconds. `None` for other names.
pub fn number_of(name: &str, ms: i64) -> Option<Result<i64>> {
    Some(match name {
        DATE => days(ms).map(i64::from),
        TIME => time_of_day(ms).map(i64::from),
        TIMESTAMP => Ok(ms),
        _ => return None,
    })
}

/// `Time.toLogical`: milliseconds of a day.
pub fn time_of(ms: i64) -> Result<i64> {
    match (0..=DAY_MS).contains(&ms) {
        true => Ok(ms),
        false => Err(Error::data("Time values must use number of milliseconds greater than 0 and less than 86400000")),
    }
}

/// `Decimal.scale`: how many digits behind the point a schema of decimals says.
pub fn decimal_scale(schema: &Schema) -> Result<i32> {
    if schema.parameters.is_none() {
        let message = "Schema has no parameters, so it is no schema of a Decimal";
        return Err(Error::data(message).class("java.lang.NullPointerException"));
    }
    let missing = || Error::data("Invalid Decimal schema: scale parameter not found.");
    let invalid = |cause: Error| {
        let error = Error::data("Invalid scale parameter found in Decimal schema: ");
        error.caused_by(cause.class_name(), cause.message)
    };
    java_parse::integer(schema.parameter("scale").ok_or_else(missing)?).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_no_time_and_times_no_date() {
        assert_eq!((days(-DAY_MS).unwrap(), days(19_000 * DAY_MS).unwrap()), (-1, 19_000));
        assert!(days(1).is_err() && days(-1).is_err());
        assert_eq!((time_of_day(0).unwrap(), time_of_day(DAY_MS).unwrap()), (0, 86_400_000));
        assert!(time_of_day(-1).is_err() && time_of_day(DAY_MS + 1).is_err());
    }
}
