//! Dates, times and timestamps in texts, as `Values.parseString` recognises them.

use berth_guest::schema::{DATE, TIME, TIMESTAMP};

use crate::decimal::digit;
use crate::java_time::{days_from, default_zone, DAY_MS};

/// Name of the type and milliseconds of a date, time or timestamp in the one form that each has; fields may be out of
/// range, as in Java's lenient parser. They are what clocks of the default zone show; the Z is but a letter.
pub fn temporal(token: &str) -> Option<(&'static str, i64)> {
    let text = token.replace("\\:", ":");
    let (name, local_ms) = match text.encode_utf16().count() {
        10 => {
            let mut fields = Fields(&text);
            (DATE, fields.date()?)
        }
        13 => {
            let mut fields = Fields(&text);
            (TIME, fields.time()?)
        }
        24 => {
            let mut fields = Fields(&text);
            let date = fields.date()?;
            fields.literal('T')?;
            (TIMESTAMP, date.wrapping_add(fields.time()?))
        }
        _ => return None,
    };
    Some((name, local_ms.wrapping_sub(default_zone().offset_of_local(local_ms).total() as i64)))
}

/// Reads numbers and literals in turn.
struct Fields<'a>(&'a str);

impl Fields<'_> {
    fn literal(&mut self, c: char) -> Option<()> {
        self.0 = self.0.strip_prefix(c)?;
        Some(())
    }

    fn number(&mut self) -> Option<i64> {
        let text = self.0.trim_start_matches([' ', '\t']);
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |t| (true, t));
        let mut n = 0i64;
        let mut end = 0;
        for (at, c) in digits.char_indices() {
            let Some(d) = digit(c) else { break };
            n = n.saturating_mul(10).saturating_add(d as i64);
            end = at + c.len_utf8();
        }
        if end == 0 {
            return None;
        }
        self.0 = &digits[end..];
        Some(if negative { -n } else { n })
    }

    fn date(&mut self) -> Option<i64> {
        let year = self.number()?;
        self.literal('-')?;
        let month = self.number()?;
        self.literal('-')?;
        Some(days_from(year, month, self.number()?) * DAY_MS)
    }

    fn time(&mut self) -> Option<i64> {
        let hour = self.number()?;
        self.literal(':')?;
        let minute = self.number()?;
        self.literal(':')?;
        let second = self.number()?;
        self.literal('.')?;
        let ms = self.number()?;
        self.literal('Z')?;
        Some(((hour * 60 + minute) * 60 + second) * 1000 + ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::java_time::{set_default_zone, Zone};

    #[test]
    fn clocks_are_those_of_the_default_zone() {
        let read = |text| temporal(text).map(|(_, ms)| ms);
        assert_eq!(read("2019-08-23T14:34:54.346Z"), Some(1_566_570_894_346));
        set_default_zone(Zone::of("America/New_York"));
        assert_eq!(read("2019-08-23"), Some(1_566_532_800_000));
        assert_eq!(read("12:34:56.789Z"), Some(63_296_789));
        assert_eq!(read("2019-03-10T02:30:00.000Z"), Some(1_552_203_000_000)); // no clock shows that time
    }
}
