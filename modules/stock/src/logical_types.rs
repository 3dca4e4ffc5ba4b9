//! The numbers that stand for dates of Connect's logical types in serialised form.

use berth_guest::{Error, Result};

use crate::java_time::DAY_MS;

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
