//! Dates, times and timestamps in texts, as `Values.parseString` recognises them.

use berth_guest::schema::{DATE, TIME, TIMESTAMP};

use crate::java_time::{days_from, default_zone, number, DAY_MS};

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
        let (value, len) = number::parse(text)?;
        self.0 = &text[len..];
        Some(value.into())
    }

    fn date(&mut self) -> Option<i64> {
        let year = self.number()?;
        self.literal('-')?;
        let month = self.number()?;
        self.literal('-')?;
        Some(days_from(year, month, self.number()?).wrapping_mul(DAY_MS))
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
    fn numbers_in_dates_are_java_s() {
        let year_of_its_low_bits = days_from(1_215_752_191, 1, 1).wrapping_mul(DAY_MS);
        for (text, want) in [
            ("2000-01-01", Some((DATE, 946_684_800_000))),
            ("2E03-01-01", Some((DATE, 946_684_800_000))),
            ("2000-13-32", Some((DATE, 980_985_600_000))),
            ("99999999999-1-1T0:0:0.0Z", Some((TIMESTAMP, year_of_its_low_bits))),
            ("99999999999999999-1-1T0Z", None),
            ("0:0:99999.00Z", Some((TIME, 99_999_000))),
            ("2000/01/01", None),
            ("01-01-2000", Some((DATE, days_from(1, 1, 2000) * DAY_MS))),
        ] {
            assert_eq!(temporal(text), want, "{text}");
        }
    }

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
