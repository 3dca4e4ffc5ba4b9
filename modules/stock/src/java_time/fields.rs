//! The fields of a calendar that a text set, and the time that they stand for: Java's lenient `Calendar.getTime`.

use super::calendar::{choose, choose_in_year, first_of_year, first_week, month_length, on_or_before, DAY_MS};
use super::pattern::{Field, Item};
use super::zone::{Offset, Zone};

/// Fields by number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Era,
    Year,
    WeekYear,
    /// 0 = January.
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfMonth,
    DayOfYear,
    /// 1 = Sunday.
    Weekday,
    WeekdayInMonth,
    HalfDay,
    /// 0 to 11.
    Hour,
    HourOfDay,
    Minute,
    Second,
    Ms,
}

const KINDS: usize = Kind::Ms as usize + 1;

impl Kind {
    /// The field that a pattern letter sets; zones are none.
    pub fn of(letter: u8) -> Option<Kind> {
        Some(match letter {
            b'G' => Kind::Era,
            b'y' => Kind::Year,
            b'Y' => Kind::WeekYear,
            b'M' | b'L' => Kind::Month,
            b'w' => Kind::WeekOfYear,
            b'W' => Kind::WeekOfMonth,
            b'd' => Kind::DayOfMonth,
            b'D' => Kind::DayOfYear,
            b'E' | b'u' => Kind::Weekday,
            b'F' => Kind::WeekdayInMonth,
            b'a' => Kind::HalfDay,
            b'h' | b'K' => Kind::Hour,
            b'k' | b'H' => Kind::HourOfDay,
            b'm' => Kind::Minute,
            b's' => Kind::Second,
            b'S' => Kind::Ms,
            _ => return None,
        })
    }
}

/// What the day follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Day {
    OfMonth,
    WeekOfMonth { weekday: bool },
    WeekdayInMonth { weekday: bool, nth: bool },
    OfYear,
    WeekOfYear { weekday: bool },
}

/// Which fields beside it a week year is used with.
#[derive(Clone, Copy, Debug, PartialEq)]
struct WeekDate {
    week: bool,
    weekday: bool,
}

/// Which of the fields count, known from the pattern alone: those set last of what makes a day, and of what makes an
/// hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selection {
    day: Day,
    week_date: Option<WeekDate>,
    hour_of_day: bool,
}

/// At which place of the pattern each field was set last; 0 = not at all.
struct Stamps([usize; KINDS]);

impl Stamps {
    fn of(&self, kind: Kind) -> usize {
        self.0[kind as usize]
    }

    /// When the later of two fields was set, if both were.
    fn both(&self, a: Kind, b: Kind) -> usize {
        match (self.of(a), self.of(b)) {
            (0, _) | (_, 0) => 0,
            (a, b) => a.max(b),
        }
    }
}

impl Selection {
    pub fn of(items: &[Item]) -> Selection {
        let mut stamps = Stamps([0; KINDS]);
        for (i, item) in items.iter().enumerate() {
            if let Item::Field(Field { letter, .. }) = item {
                Kind::of(*letter).into_iter().for_each(|kind| stamps.0[kind as usize] = i + 1);
            }
        }
        let hour_of_day = stamps.of(Kind::HourOfDay);
        let half_day = match stamps.both(Kind::Hour, Kind::HalfDay) {
            0 if hour_of_day == 0 => stamps.of(Kind::Hour).max(stamps.of(Kind::HalfDay)),
            both => both,
        };
        let is_set = |kind| stamps.of(kind) > 0;
        let week_date = WeekDate { week: is_set(Kind::WeekOfYear), weekday: is_set(Kind::Weekday) };
        let counts_weeks = stamps.of(Kind::WeekYear) > stamps.of(Kind::Year);
        Selection {
            day: select_day(&stamps),
            week_date: counts_weeks.then_some(week_date),
            hour_of_day: hour_of_day > half_day,
        }
    }
}

fn select_day(stamps: &Stamps) -> Day {
    use Kind::{DayOfMonth, DayOfYear, Month, WeekOfMonth, WeekOfYear, Weekday, WeekdayInMonth};
    let is_set = |kind| stamps.of(kind) > 0;
    let weekday = is_set(Weekday);
    let mut of_month = stamps.of(DayOfMonth);
    let mut week_of_month = stamps.both(WeekOfMonth, Weekday);
    let mut in_month = stamps.both(WeekdayInMonth, Weekday);
    let of_year = stamps.of(DayOfYear);
    let mut week_of_year = stamps.both(WeekOfYear, Weekday);
    let mut best = of_month.max(week_of_month).max(in_month).max(of_year).max(week_of_year);
    if best == 0 {
        // No group is complete: one that lacks the weekday will do, and the weekday alone.
        week_of_month = stamps.of(WeekOfMonth);
        in_month = stamps.of(WeekdayInMonth).max(stamps.of(Weekday));
        week_of_year = stamps.of(WeekOfYear);
        best = week_of_month.max(in_month).max(week_of_year);
        if best == 0 {
            of_month = stamps.of(Month);
            best = of_month;
        }
    }
    let before_year = |kind| stamps.of(kind) >= stamps.of(WeekOfYear);
    if best == of_month {
        Day::OfMonth
    } else if best == week_of_month && before_year(WeekOfMonth) || best == in_month && before_year(WeekdayInMonth) {
        let by_week = match week_of_month == in_month {
            true => stamps.of(WeekOfMonth) >= stamps.of(WeekdayInMonth),
            false => best == week_of_month,
        };
        match by_week {
            true => Day::WeekOfMonth { weekday },
            false => Day::WeekdayInMonth { weekday, nth: is_set(WeekdayInMonth) },
        }
    } else if best == of_year {
        Day::OfYear
    } else {
        Day::WeekOfYear { weekday }
    }
}

/// Values of the fields, with Java's defaults where the text set none.
#[derive(Clone, Debug)]
pub struct Fields {
    values: [i32; KINDS],
    pub zone: ZoneFields,
}

/// The zone that the text named, and the offsets that it gave.
#[derive(Clone, Debug, Default)]
pub struct ZoneFields {
    pub zone: Option<Zone>,
    pub standard: Option<i32>,
    pub daylight: Option<i32>,
}

impl ZoneFields {
    pub fn set_offset(&mut self, standard_ms: i32) {
        (self.standard, self.daylight) = (Some(standard_ms), Some(0));
    }
}

impl Default for Fields {
    fn default() -> Fields {
        let mut fields = Fields { values: [0; KINDS], zone: ZoneFields::default() };
        fields.set(Kind::Era, 1);
        fields.set(Kind::Year, 1970);
        fields.set(Kind::DayOfMonth, 1);
        fields
    }
}

impl Fields {
    pub fn set(&mut self, kind: Kind, value: i32) {
        self.values[kind as usize] = value;
    }

    fn get(&self, kind: Kind) -> i32 {
        self.values[kind as usize]
    }

    fn long(&self, kind: Kind) -> i64 {
        self.get(kind) as i64
    }

    /// A year of two digits belongs to the next century.
    pub fn add_century(&mut self) {
        for kind in [Kind::Year, Kind::WeekYear] {
            self.set(kind, self.get(kind).wrapping_add(100));
        }
    }

    /// Milliseconds since the epoch; what does not fit wraps around, as in Java.
    pub fn epoch_ms(&self, selection: &Selection, zone: &Zone) -> i64 {
        let hours = match selection.hour_of_day {
            true => self.long(Kind::HourOfDay),
            false => self.long(Kind::Hour) + 12 * self.long(Kind::HalfDay),
        };
        let seconds = (hours * 60 + self.long(Kind::Minute)) * 60 + self.long(Kind::Second);
        let time = seconds * 1000 + self.long(Kind::Ms);
        // Hours beyond midnight decide on which side of October 1582 the day lies.
        let more = time.div_euclid(DAY_MS);
        let day = match &selection.week_date {
            None => self.day(selection.day, more),
            Some(week_date) => self.day_of_week_year(week_date, self.day(selection.day, more)) + more,
        };
        let local = day.wrapping_mul(DAY_MS).wrapping_add(time.rem_euclid(DAY_MS));
        local.wrapping_sub(self.offset(local, zone) as i64)
    }

    fn offset(&self, local_ms: i64, zone: &Zone) -> i32 {
        let ZoneFields { zone: named, standard, daylight } = &self.zone;
        let given = match (standard, daylight) {
            (Some(standard), Some(daylight)) => return standard + daylight,
            _ => named.as_ref().unwrap_or(zone).offset_of_local(local_ms),
        };
        let Offset { standard: own, daylight: summer } = given;
        standard.unwrap_or(own) + daylight.unwrap_or(summer)
    }

    fn year(&self) -> i32 {
        astronomical(self.get(Kind::Year), self.get(Kind::Era) == 0)
    }

    fn day(&self, day: Day, more: i64) -> i64 {
        match day {
            Day::OfMonth | Day::WeekOfMonth { .. } | Day::WeekdayInMonth { .. } => {
                let month = self.get(Kind::Month);
                let year = self.year().wrapping_add(month.div_euclid(12)) as i64;
                let month = month.rem_euclid(12) as i64 + 1;
                // Java looks for the calendar before months become years.
                choose(self.year() as i64, |start| {
                    self.day_in_month(day, start(year, month), month_length(year, month)) + more
                })
            }
            _ => {
                let year = self.year() as i64;
                choose_in_year(year, |start| self.day_in_year(day, start(year, 1)) + more)
            }
        }
    }

    fn day_in_month(&self, day: Day, first: i64, length: i64) -> i64 {
        match day {
            Day::WeekOfMonth { weekday } => {
                let sunday = on_or_before(first, 0);
                let day = if weekday { on_or_before(sunday + 6, self.weekday()) } else { sunday };
                day + 7i32.wrapping_mul(self.get(Kind::WeekOfMonth).wrapping_sub(1)) as i64
            }
            Day::WeekdayInMonth { weekday, nth } => {
                let weekday = if weekday { self.weekday() } else { 0 };
                let nth = if nth { self.get(Kind::WeekdayInMonth) } else { 1 };
                let last = match nth {
                    0.. => 7i32.wrapping_mul(nth),
                    _ => (length as i32).wrapping_add(7i32.wrapping_mul(nth.wrapping_add(1))),
                };
                on_or_before(first + last as i64 - 1, weekday)
            }
            _ => first + self.long(Kind::DayOfMonth) - 1,
        }
    }

    fn day_in_year(&self, day: Day, first: i64) -> i64 {
        let Day::WeekOfYear { weekday } = day else { return first + self.long(Kind::DayOfYear) - 1 };
        let sunday = on_or_before(first, 0);
        let day = if weekday { on_or_before(sunday + 6, self.weekday()) } else { sunday };
        day + 7 * (self.long(Kind::WeekOfYear) - 1)
    }

    /// 0 = Sunday, any number.
    fn weekday(&self) -> i64 {
        self.long(Kind::Weekday) - 1
    }

    /// `Calendar.setWeekDate`. The era is that of the day that the other fields make. Numbers that are no weekday reach
    /// into other weeks.
    fn day_of_week_year(&self, given: &WeekDate, without: i64) -> i64 {
        let mut week = if given.week { self.get(Kind::WeekOfYear) } else { 1 };
        let mut weekday = if given.weekday { self.get(Kind::Weekday) } else { 1 };
        if !(1..=7).contains(&weekday) {
            // Such a number came from `u` and counts from Monday.
            let since_monday = weekday.wrapping_sub(1);
            week = week.wrapping_add(since_monday.div_euclid(7));
            weekday = iso_to_weekday(since_monday.rem_euclid(7) + 1);
        }
        let year = astronomical(self.get(Kind::WeekYear), without < first_of_year(1)) as i64;
        let day = first_week(year) + (weekday - 1) as i64 + 7i32.wrapping_mul(week.wrapping_sub(1)) as i64;
        // Java takes the day from a time in milliseconds, which wraps around.
        day.wrapping_mul(DAY_MS).div_euclid(DAY_MS)
    }
}

/// A year of one of the eras.
fn astronomical(year: i32, bc: bool) -> i32 {
    if bc {
        1i32.wrapping_sub(year)
    } else {
        year
    }
}

/// From 1 = Monday to 1 = Sunday; other numbers stay.
pub fn iso_to_weekday(iso: i32) -> i32 {
    match iso {
        1..=6 => iso + 1,
        7 => 1,
        other => other,
    }
}
