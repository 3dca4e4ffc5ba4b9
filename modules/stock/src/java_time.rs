//! Java's dates: its calendar, its zones, SimpleDateFormat and the texts that others make of dates.

pub mod calendar;
mod default_zone;
mod fields;
pub mod number;
mod pattern;
mod same_second;
mod simple_date_format;
mod text;
mod zone;
mod zone_names;

pub use calendar::{days_from, Civil, DAY_MS};
pub use default_zone::default_zone;
#[cfg(any(test, feature = "vectors"))]
pub use default_zone::set_default_zone;
pub use same_second::SameSecond;
pub use simple_date_format::{Moment, SimpleDateFormat};
pub use zone::{Offset, Zone};

use std::io::Write;

use text::{short, MONTHS, WEEKDAYS};

/// `java.util.Date.toString`.
pub fn date_text(epoch_ms: i64) -> String {
    let zone = default_zone();
    let offset = zone.offset(epoch_ms);
    let c = Civil::of(epoch_ms.wrapping_add(offset.total() as i64));
    let (weekday, month) = (short(WEEKDAYS[c.weekday as usize]), short(MONTHS[c.month as usize - 1]));
    let mut name = Vec::new();
    zone.append_name(offset.daylight != 0, false, &mut name);
    let name = String::from_utf8_lossy(&name);
    let (hour, minute, second, year) = (c.hour, c.minute, c.second, c.era_year());
    format!("{weekday} {month} {:02} {hour:02}:{minute:02}:{second:02} {name} {year}", c.day)
}

/// `yyyy-MM-dd`, `HH:mm:ss.SSS'Z'` or both with a `T`, as `Values` chooses: by the clocks of the
/// default zone, and with a Z all the same.
pub fn value_text(epoch_ms: i64) -> String {
    let mut out = Vec::new();
    append_value(epoch_ms, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends [`value_text`].
pub fn append_value(epoch_ms: i64, out: &mut Vec<u8>) {
    let c = Civil::of(epoch_ms.wrapping_add(default_zone().offset(epoch_ms).total() as i64));
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
    fn dates_print_as_in_java() {
        assert_eq!(date_text(0), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(date_text(-62_135_596_800_001), "Sun Jan 02 23:59:59 UTC 1");
        assert_eq!(value_text(3 * DAY_MS), "1970-01-04");
        assert_eq!(value_text(1000), "00:00:01.000Z");
        assert_eq!(value_text(DAY_MS + 1), "1970-01-02T00:00:00.001Z");
        assert_eq!(value_text(-1), "23:59:59.999Z");
    }

    #[test]
    fn dates_print_by_the_clocks_of_the_default_zone() {
        set_default_zone(Zone::of("Asia/Kolkata"));
        assert_eq!(date_text(1_566_570_894_346), "Fri Aug 23 20:04:54 IST 2019");
        assert_eq!(value_text(0), "05:30:00.000Z");
        assert_eq!(value_text(1_566_570_894_346), "2019-08-23T20:04:54.346Z");
        set_default_zone(Zone::of("America/New_York"));
        assert_eq!(value_text(3 * DAY_MS), "1970-01-03");
    }
}
