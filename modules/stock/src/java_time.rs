//! Calendar arithmetic as in Java's GregorianCalendar: Julian before 15 October 1582, UTC.

use std::io::Write;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// First day of the Gregorian calendar, counted from the epoch.
const GREGORIAN_FROM_DAY: i64 = -141_427;

/// A point in time, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical: 0 is 1 BC.
    pub year: i64,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub ms: u32,
    /// 0 = Sunday.
    pub weekday: u32,
}

impl Civil {
    pub fn of(epoch_ms: i64) -> Civil {
        let days = epoch_ms.div_euclid(DAY_MS);
        let ms = epoch_ms.rem_euclid(DAY_MS);
        let (year, month, day) = if days >= GREGORIAN_FROM_DAY { gregorian(days) } else { julian(days) };
        Civil {
            year,
            month,
            day,
            hour: (ms / 3_600_000) as u32,
            minute: (ms / 60_000 % 60) as u32,
            second: (ms / 1000 % 60) as u32,
            ms: (ms % 1000) as u32,
            weekday: (days + 4).rem_euclid(7) as u32,
        }
    }

    /// The year within its era, as Java's `yyyy` prints it.
    pub fn era_year(&self) -> i64 {
        if self.year > 0 {
            self.year
        } else {
            1 - self.year
        }
    }
}

/// Days since the epoch of a date whose parts may be out of range, as a lenient calendar counts.
pub fn days_from(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let days = from_gregorian(year, month) + day - 1;
    if days >= GREGORIAN_FROM_DAY {
        days
    } else {
        let days = from_julian(year, month) + day - 1;
        // Dates in the gap of 1582 count as Julian.
        days
    }
}

// Both calendars are counted from 1 March, so that the leap day is the last of its year.
fn gregorian(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    parts(yoe + era * 400, doy)
}

fn julian(days: i64) -> (i64, u32, u32) {
    let z = days + 719_470;
    let era = z.div_euclid(1461);
    let doe = z.rem_euclid(1461);
    let yoe = (doe - doe / 1460) / 365;
    parts(yoe + era * 4, doe - 365 * yoe)
}

fn parts(year: i64, doy: i64) -> (i64, u32, u32) {
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (year + (month <= 2) as i64, month as u32, day as u32)
}

fn day_of_year(month: i64) -> i64 {
    let mp = if month > 2 { month - 3 } else { month + 9 };
    (153 * mp + 2) / 5
}

fn from_gregorian(year: i64, month: i64) -> i64 {
    let y = year - (month <= 2) as i64;
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + day_of_year(month) - 719_468
}

fn from_julian(year: i64, month: i64) -> i64 {
    let y = year - (month <= 2) as i64;
    y.div_euclid(4) * 1461 + y.rem_euclid(4) * 365 + day_of_year(month) - 719_470
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `java.util.Date.toString`.
pub fn date_text(epoch_ms: i64) -> String {
    let c = Civil::of(epoch_ms);
    let (weekday, month) = (WEEKDAYS[c.weekday as usize], MONTHS[c.month as usize - 1]);
    let (day, year) = (c.day, c.era_year());
    format!("{weekday} {month} {day:02} {:02}:{:02}:{:02} UTC {year:04}", c.hour, c.minute, c.second)
}

/// `yyyy-MM-dd`, `HH:mm:ss.SSS'Z'` or both with a `T`, as `Values` chooses.
pub fn value_text(epoch_ms: i64) -> String {
    let mut out = Vec::new();
    append_value(epoch_ms, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends [`value_text`].
pub fn append_value(epoch_ms: i64, out: &mut Vec<u8>) {
    let c = Civil::of(epoch_ms);
    let (has_date, has_time) = (epoch_ms >= DAY_MS, epoch_ms < DAY_MS || epoch_ms % DAY_MS != 0);
    if has_date {
        let _ = write!(out, "{:04}-{:02}-{:02}", c.era_year(), c.month, c.day);
    }
    if has_date && has_time {
        out.push(b'T');
    }
    if has_time {
        let _ = write!(out, "{:02}:{:02}:{:02}.{:03}Z", c.hour, c.minute, c.second, c.ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendars_change_in_october_1582() {
        let civil = |days: i64| {
            let c = Civil::of(days * DAY_MS);
            (c.year, c.month, c.day)
        };
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(GREGORIAN_FROM_DAY), (1582, 10, 15));
        assert_eq!(civil(GREGORIAN_FROM_DAY - 1), (1582, 10, 4));
        assert_eq!(civil(19_782), (2024, 2, 29));
        for days in (-1_000_000..1_000_000).step_by(997) {
            let (y, m, d) = civil(days);
            assert_eq!(days_from(y, m as i64, d as i64), days, "{y}-{m}-{d}");
        }
        assert_eq!(days_from(2019, 13, 45), days_from(2020, 2, 14));
    }

    #[test]
    fn dates_print_as_in_java() {
        assert_eq!(date_text(0), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(value_text(3 * DAY_MS), "1970-01-04");
        assert_eq!(value_text(1000), "00:00:01.000Z");
        assert_eq!(value_text(DAY_MS + 1), "1970-01-02T00:00:00.001Z");
        assert_eq!(value_text(-1), "23:59:59.999Z");
    }
}
