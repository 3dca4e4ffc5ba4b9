//! Calendar arithmetic as in Java's GregorianCalendar: Julian before 15 October 1582, weeks as in the United States
//! (from Sunday, the first one holds 1 January). Days are counted from 1 January 1970.

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// First day of the Gregorian calendar.
const GREGORIAN_FROM_DAY: i64 = -141_427;
/// The year in which the calendars changed.
const CHANGE_YEAR: i64 = 1582;

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
    /// The day since the epoch.
    pub epoch_day: i64,
}

impl Civil {
    /// Parts of local milliseconds.
    pub fn of(local_ms: i64) -> Civil {
        let epoch_day = local_ms.div_euclid(DAY_MS);
        let ms = local_ms.rem_euclid(DAY_MS) as u32;
        let is_gregorian = epoch_day >= GREGORIAN_FROM_DAY;
        let (year, month, day) = if is_gregorian { gregorian(epoch_day) } else { julian(epoch_day) };
        Civil {
            year,
            month,
            day,
            hour: ms / 3_600_000,
            minute: ms / 60_000 % 60,
            second: ms / 1000 % 60,
            ms: ms % 1000,
            weekday: weekday(epoch_day),
            epoch_day,
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

    pub fn day_of_year(&self) -> i64 {
        self.epoch_day - first_of_year(self.year) + 1
    }

    /// Days since the first of the month; in October 1582 ten numbers are missing.
    fn since_first(&self) -> i64 {
        self.epoch_day - days_from(self.year, self.month as i64, 1)
    }

    /// Which of the month's days of that name it is.
    pub fn weekday_in_month(&self) -> i64 {
        self.since_first() / 7 + 1
    }

    pub fn week_of_month(&self) -> i64 {
        let first = self.epoch_day - self.since_first();
        (self.epoch_day - on_or_before(first, 0)) / 7 + 1
    }

    /// The year that the week belongs to.
    pub fn week_year(&self) -> i64 {
        self.year + (self.epoch_day >= first_week(self.year + 1)) as i64
    }

    pub fn week_of_year(&self) -> i64 {
        (self.epoch_day - first_week(self.week_year())) / 7 + 1
    }
}

/// 0 = Sunday.
fn weekday(day: i64) -> u32 {
    (day + 4).rem_euclid(7) as u32
}

/// The last day on or before `day` that is of that name; 0 and all multiples of 7 are Sunday.
pub fn on_or_before(day: i64, weekday: i64) -> i64 {
    day - (day + 4).wrapping_sub(weekday).rem_euclid(7)
}

/// First day of the week that holds 1 January.
pub fn first_week(year: i64) -> i64 {
    on_or_before(first_of_year(year), 0)
}

pub fn first_of_year(year: i64) -> i64 {
    days_from(year, 1, 1)
}

/// Days of a month.
pub fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + is_leap(year) as i64,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year < CHANGE_YEAR || year % 100 != 0 || year % 400 == 0)
}

/// The day of a date whose parts may be out of range, as a lenient calendar counts.
pub fn days_from(year: i64, month: i64, day: i64) -> i64 {
    choose(year, |start| start(year, month).wrapping_add(day - 1))
}

/// Asks for the day in both calendars, given what counts the days to the first of a month, and takes the one that holds:
/// years after the change may reach back into the Julian calendar, years before it never reach the Gregorian one.
pub fn choose(year: i64, count: impl Fn(fn(i64, i64) -> i64) -> i64) -> i64 {
    if year >= CHANGE_YEAR {
        let day = count(gregorian_start);
        if day >= GREGORIAN_FROM_DAY {
            return day;
        }
    }
    count(julian_start)
}

/// As [`choose`], for days counted from the first of January, which was Julian in the year of the change.
pub fn choose_in_year(year: i64, count: impl Fn(fn(i64, i64) -> i64) -> i64) -> i64 {
    match year == CHANGE_YEAR {
        true => count(julian_start),
        false => choose(year, count),
    }
}

fn within_year(year: i64, month: i64) -> (i64, i64) {
    (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1)
}

// Both calendars are counted from 1 March, so that the leap day is the last of its year.
fn gregorian(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097) as u32;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    parts(yoe as i64 + era * 400, doy)
}

fn julian(days: i64) -> (i64, u32, u32) {
    let z = days + 719_470;
    let era = z.div_euclid(1461);
    let doe = z.rem_euclid(1461) as u32;
    let yoe = (doe - doe / 1460) / 365;
    parts(yoe as i64 + era * 4, doe - 365 * yoe)
}

fn parts(year: i64, doy: u32) -> (i64, u32, u32) {
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (year + (month <= 2) as i64, month, day)
}

fn day_of_year(month: i64) -> i64 {
    let mp = if month > 2 { month - 3 } else { month + 9 };
    (153 * mp + 2) / 5
}

fn gregorian_start(year: i64, month: i64) -> i64 {
    let (year, month) = within_year(year, month);
    let y = year - (month <= 2) as i64;
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + day_of_year(month) - 719_468
}

fn julian_start(year: i64, month: i64) -> i64 {
    let (year, month) = within_year(year, month);
    let y = year - (month <= 2) as i64;
    y.div_euclid(4) * 1461 + y.rem_euclid(4) * 365 + day_of_year(month) - 719_470
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
        assert_eq!(days_from(1582, 10, 10), days_from(1582, 10, 20));
        assert_eq!(days_from(1500, 10, 40_000), days_from(1610, 4, 16));
    }

    #[test]
    fn weeks_begin_on_sunday_and_the_first_holds_1_january() {
        let weeks = |y, m, d| {
            let c = Civil::of(days_from(y, m, d) * DAY_MS);
            (c.week_year(), c.week_of_year(), c.week_of_month(), c.weekday_in_month(), c.day_of_year())
        };
        assert_eq!(weeks(2020, 12, 31), (2021, 1, 5, 5, 366));
        assert_eq!(weeks(2022, 12, 31), (2022, 53, 5, 5, 365));
        assert_eq!(weeks(2023, 1, 1), (2023, 1, 1, 1, 1));
        assert_eq!(weeks(1582, 10, 15), (1582, 40, 1, 1, 278));
        assert_eq!((month_length(2024, 2), month_length(1500, 2), month_length(1900, 2)), (29, 29, 28));
    }
}
