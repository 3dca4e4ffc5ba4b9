//! Dates, times and timestamps in texts, as `Values.parseString` recognises them.

use berth_guest::schema::{DATE, TIME, TIMESTAMP};

use crate::decimal::digit;
use crate::java_time::{days_from, DAY_MS};

/// Name of the type and milliseconds of a date, time or timestamp in the one form that each has; fields may be out of
/// range, as in Java's lenient parser.
pub fn temporal(token: &str) -> Option<(&'static str, i64)> {
    let text = token.replace("\\:", ":");
    Some(match text.encode_utf16().count() {
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
    })
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
