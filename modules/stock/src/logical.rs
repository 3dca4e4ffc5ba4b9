//! Connect's logical types of time: what their values may be, and the numbers that stand for them.

use berth_guest::schema::{DATE, TIME, TIMESTAMP};
use berth_guest::{Error, Result};

use crate::java_time::DAY_MS;

/// `fromLogical` of Date, Time or Timestamp: days, milliseconds of the day, milliseconds. `None` for other names.
pub fn number_of(name: &str, ms: i64) -> Option<Result<i64>> {
    Some(match name {
        DATE if ms.rem_euclid(DAY_MS) != 0 => {
            Err(Error::data("Kafka Connect Date type should not have any time fields set to non-zero values."))
        }
        DATE => Ok(ms / DAY_MS),
        TIME if !(0..=DAY_MS).contains(&ms) => {
            Err(Error::data("Kafka Connect Time type should not have any date fields set to non-zero values."))
        }
        TIME | TIMESTAMP => Ok(ms),
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
