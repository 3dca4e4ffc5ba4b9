//! Java's SimpleDateFormat for English, lenient as it is by default.
//!
//! What a pattern says is worked out when it is made; formatting and reading allocate nothing, but for a zone that is
//! read by its name for the first time.

use berth_guest::append;

use super::calendar::Civil;
use super::fields::{iso_to_weekday, Fields, Kind, Selection};
use super::pattern::{items, Field, Item};
use super::text::{longest, short, starts_with, ERAS, HALF_DAYS, LONG_ERAS, MONTHS, WEEKDAYS};
use super::zone::{find_by_name, Zone};
use super::zone_names::Found;
use super::{days_from, number, DAY_MS};

const MINUTE_MS: i32 = 60_000;
/// Two digits name a year of the hundred that begin so many years ago.
const YEARS_BACK: i64 = 80;
/// Most digits that Java pads a number to.
const MOST_DIGITS: usize = 309;

#[derive(Clone, Debug)]
pub struct SimpleDateFormat {
    items: Vec<Item>,
    selection: Selection,
    zone: Zone,
    /// Where the hundred years begin that two digits can name.
    century_from_ms: i64,
    /// The zone that was read last by a name.
    named: Option<(String, Zone)>,
}

/// A time that was read, and the zone whose name stood with it.
#[derive(Clone, Debug)]
pub struct Moment {
    pub ms: i64,
    pub zone: Option<Zone>,
}

impl SimpleDateFormat {
    /// `now_ms` decides on the century of years of two digits. The error is the message of Java's
    /// IllegalArgumentException.
    pub fn new(pattern: &str, zone: Zone, now_ms: i64) -> Result<SimpleDateFormat, String> {
        let items = items(pattern)?;
        let selection = Selection::of(&items);
        let offset = zone.offset(now_ms).total() as i64;
        let now = Civil::of(now_ms + offset);
        let then = days_from(now.year - YEARS_BACK, now.month as i64, now.day as i64) - now.epoch_day;
        Ok(SimpleDateFormat { items, selection, zone, century_from_ms: now_ms + then * DAY_MS, named: None })
    }

    /// Milliseconds within which the text stays the same, from one multiple to the next, in UTC.
    pub fn step_ms(&self) -> i64 {
        let step = |item: &Item| match item {
            Item::Field(Field { letter: b'S', .. }) => 1,
            Item::Field(Field { letter: b's', .. }) => 1000,
            Item::Field(Field { letter: b'm', .. }) => 60_000,
            Item::Field(Field { letter: b'H' | b'k' | b'K' | b'h' | b'a', .. }) => 3_600_000,
            _ => DAY_MS,
        };
        self.items.iter().map(step).min().unwrap_or(DAY_MS)
    }

    /// Appends the text of a time.
    pub fn append(&self, epoch_ms: i64, out: &mut Vec<u8>) {
        self.append_in(epoch_ms, &self.zone, out);
    }

    /// As [`append`](Self::append), as clocks of another zone show it.
    pub fn append_in(&self, epoch_ms: i64, zone: &Zone, out: &mut Vec<u8>) {
        let shown = Shown::of(epoch_ms, zone);
        self.items.iter().for_each(|item| shown.append_item(item, out));
    }

    /// Appends the text of a time in UTC; gives what changes in it within a second.
    pub fn append_noting(&self, epoch_ms: i64, out: &mut Vec<u8>) -> WithinSecond {
        let shown = Shown::of(epoch_ms, &Zone::Utc);
        let (start, mut changes) = (out.len(), WithinSecond::Nothing);
        for item in &self.items {
            if let Item::Field(Field { letter: b'S', count, .. }) = item {
                changes = match (changes, count) {
                    (WithinSecond::Nothing, 3) => WithinSecond::ThreeDigits(out.len() - start),
                    _ => WithinSecond::Anything,
                };
            }
            shown.append_item(item, out);
        }
        changes
    }

    /// Reads a text from its start; what follows behind what the pattern asks for is ignored. `None`: Java throws
    /// `ParseException: Unparseable date: "…"`.
    pub fn parse(&mut self, text: &str) -> Option<Moment> {
        let mut reader =
            Reader { text, at: 0, fields: Fields::default(), format_zone: &self.zone, named: &mut self.named };
        let mut two_digits = None;
        for item in &self.items {
            match item {
                Item::Text(literal) => reader.literal(literal)?,
                Item::Field(field) => two_digits = reader.field(field, self.century_from_ms)?.or(two_digits),
            }
        }
        if reader.at == 0 {
            return None;
        }
        let mut fields = reader.fields;
        let mut ms = fields.epoch_ms(&self.selection, &self.zone);
        if two_digits == Some(Century::Either) && ms < self.century_from_ms {
            fields.add_century();
            ms = fields.epoch_ms(&self.selection, &self.zone);
        }
        Some(Moment { ms, zone: fields.zone.zone })
    }
}

/// What of the text of a time may change within a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithinSecond {
    Nothing,
    /// The milliseconds, with all their digits, from there on.
    ThreeDigits(usize),
    Anything,
}

/// A time as clocks show it.
struct Shown<'a> {
    civil: Civil,
    offset_ms: i32,
    summer: bool,
    zone: &'a Zone,
}

impl Shown<'_> {
    fn of(epoch_ms: i64, zone: &Zone) -> Shown<'_> {
        let offset = zone.offset(epoch_ms);
        Shown {
            civil: Civil::of(epoch_ms.wrapping_add(offset.total() as i64)),
            offset_ms: offset.total(),
            summer: offset.daylight != 0,
            zone,
        }
    }

    #[inline]
    fn append_item(&self, item: &Item, out: &mut Vec<u8>) {
        match item {
            Item::Text(text) => append(text.as_bytes(), out),
            Item::Field(field) => self.append(field, out),
        }
    }

    fn append(&self, field: &Field, out: &mut Vec<u8>) {
        let (c, count) = (&self.civil, field.count);
        let mut name = |name: &str| out.extend_from_slice(name.as_bytes());
        let number = match field.letter {
            b'G' => return name(ERAS[(c.year > 0) as usize]),
            b'a' => return name(HALF_DAYS[(c.hour / 12) as usize]),
            b'E' => return name(styled(WEEKDAYS[c.weekday as usize], count)),
            b'M' | b'L' if count > 2 => return name(styled(MONTHS[c.month as usize - 1], count)),
            b'z' => return self.zone.append_name(self.summer, count > 3, out),
            b'Z' => return self.append_offset(false, false, out),
            b'X' => return self.append_iso_offset(count, out),
            b'y' => return pad_year(c.era_year(), count, out),
            b'Y' => return pad_year(c.week_year(), count, out),
            b'M' | b'L' => c.month as i64,
            b'd' => c.day as i64,
            b'k' => if_zero(c.hour, 24),
            b'H' => c.hour as i64,
            b'h' => if_zero(c.hour % 12, 12),
            b'K' => c.hour as i64 % 12,
            b'm' => c.minute as i64,
            b's' => c.second as i64,
            b'S' => c.ms as i64,
            b'D' => c.day_of_year(),
            b'F' => c.weekday_in_month(),
            b'w' => c.week_of_year(),
            b'W' => c.week_of_month(),
            _ => if_zero(c.weekday, 7),
        };
        pad(number, count, out);
    }

    fn append_iso_offset(&self, count: usize, out: &mut Vec<u8>) {
        match self.offset_ms {
            0 => out.push(b'Z'),
            _ if count == 1 => {
                self.append_offset(false, true, out);
            }
            _ => self.append_offset(count == 3, false, out),
        }
    }

    /// `+hhmm`, `+hh:mm` or `+hh`.
    fn append_offset(&self, colon: bool, only_hours: bool, out: &mut Vec<u8>) {
        let minutes = self.offset_ms / MINUTE_MS;
        out.push(if minutes < 0 { b'-' } else { b'+' });
        let minutes = minutes.unsigned_abs() as i64;
        pad(minutes / 60, 2, out);
        if only_hours {
            return;
        }
        if colon {
            out.push(b':');
        }
        pad(minutes % 60, 2, out);
    }
}

fn styled(name: &str, count: usize) -> &str {
    if count > 3 {
        name
    } else {
        short(name)
    }
}

fn if_zero(n: u32, instead: i64) -> i64 {
    if n == 0 {
        instead
    } else {
        n as i64
    }
}

/// Two letters: the last two digits.
fn pad_year(year: i64, count: usize, out: &mut Vec<u8>) {
    if year < 0 {
        out.push(b'-');
    }
    let year = year.abs();
    pad(if count == 2 { year % 100 } else { year }, count, out);
}

/// Writes a number, not negative, with at least `digits` digits.
#[inline]
fn pad(n: i64, digits: usize, out: &mut Vec<u8>) {
    let (digit, small) = (|n: u32| b'0' + (n % 10) as u8, n as u32); // 64 bits are divided much slower
    match (digits, n) {
        (1, 0..=9) => out.push(digit(small)),
        (2, 0..=99) => out.extend_from_slice(&[digit(small / 10), digit(small)]),
        (3, 0..=999) => out.extend_from_slice(&[digit(small / 100), digit(small / 10), digit(small)]),
        (4, 0..=9999) => {
            let [high, low] = [small / 100, small % 100];
            out.extend_from_slice(&[digit(high / 10), digit(high), digit(low / 10), digit(low)]);
        }
        _ => pad_any(n, digits, out),
    }
}

fn pad_any(n: i64, digits: usize, out: &mut Vec<u8>) {
    let mut text = [b'0'; 20];
    let (mut start, mut rest) = (text.len(), n.unsigned_abs());
    while rest > 0 || start == text.len() {
        start -= 1;
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let missing = digits.min(MOST_DIGITS).saturating_sub(text.len() - start);
    out.resize(out.len() + missing, b'0');
    out.extend_from_slice(&text[start..]);
}

/// The century of a year that was given by two digits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Century {
    Known,
    /// It is the year in which the hundred years begin and end.
    Either,
}

/// A text that is being read.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    fields: Fields,
    format_zone: &'a Zone,
    named: &'a mut Option<(String, Zone)>,
}

impl Reader<'_> {
    fn literal(&mut self, literal: &str) -> Option<()> {
        self.rest().starts_with(literal).then(|| self.at += literal.len())
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn set(&mut self, kind: Kind, value: i32, end: usize) {
        self.fields.set(kind, value);
        self.at = end;
    }

    /// Reads one field. Blanks before numbers and zones are skipped, but a name has to stand where it is expected.
    fn field(&mut self, field: &Field, century_from_ms: i64) -> Option<Option<Century>> {
        let blanks = self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let start = self.at + blanks;
        if start == self.text.len() {
            return None;
        }
        match field.letter {
            b'G' => self.era()?,
            b'a' => self.name(Kind::HalfDay, &HALF_DAYS, false, 0)?,
            b'E' => self.name(Kind::Weekday, &WEEKDAYS, true, 1)?,
            b'M' | b'L' if field.count > 2 => self.name(Kind::Month, &MONTHS, true, 0)?,
            b'z' | b'Z' => self.zone(start)?,
            b'X' => self.iso_zone(start, field.count)?,
            _ => return self.number(field, start, century_from_ms),
        }
        Some(None)
    }

    fn era(&mut self) -> Option<()> {
        let found = longest(self.rest(), &ERAS, false).or_else(|| longest(self.rest(), &LONG_ERAS, false));
        let (era, len) = found?;
        self.set(Kind::Era, era, self.at + len);
        Some(())
    }

    fn name(&mut self, kind: Kind, names: &[&str], abbreviated: bool, first: i32) -> Option<()> {
        let (index, len) = longest(self.rest(), names, abbreviated)?;
        self.set(kind, index + first, self.at + len);
        Some(())
    }

    fn number(&mut self, field: &Field, start: usize, century_from_ms: i64) -> Option<Option<Century>> {
        let end = if field.is_tight { self.end_of_units(field.count)? } else { self.text.len() };
        let (value, len) = number::parse(self.text.get(start..end)?)?;
        let end = start + len;
        let kind = Kind::of(field.letter)?;
        let mut century = None;
        let value = match field.letter {
            b'y' | b'Y' if field.count <= 2 && is_two_digits(&self.text[start..end]) => {
                let (known, year) = in_century(value, century_from_ms, self.format_zone);
                century = Some(known);
                year
            }
            b'M' | b'L' => value.wrapping_sub(1),
            b'k' if value == 24 => 0,
            b'h' if value == 12 => 0,
            b'u' => iso_to_weekday(value),
            _ => value,
        };
        self.set(kind, value, end);
        Some(century)
    }

    /// Where so many UTF-16 units end; none: the text is shorter.
    fn end_of_units(&self, count: usize) -> Option<usize> {
        let mut left = count;
        if self.rest().as_bytes().get(..count).is_some_and(<[u8]>::is_ascii) {
            return Some(self.at + count);
        }
        for (at, c) in self.rest().char_indices() {
            match left.checked_sub(c.len_utf16()) {
                _ if left == 0 => return Some(self.at + at),
                Some(rest) => left = rest,
                None => return Some(self.at + at),
            }
        }
        (left == 0).then_some(self.text.len())
    }

    /// `GMT`, `GMT+hh:mm`, `+hhmm` or the name of a zone.
    fn zone(&mut self, start: usize) -> Option<()> {
        const GMT: &str = "GMT";
        let sign = |text: &str| text.starts_with(['+', '-']);
        if sign(&self.text[start..]) {
            return self.offset(start, 0, false);
        }
        // A word, too, is looked for where the blanks begin.
        match starts_with(self.rest(), GMT).filter(|_| start == self.at) {
            Some(len) if sign(&self.text[start + len..]) => self.offset(start + len, 0, true),
            Some(len) => {
                self.fields.zone.set_offset(0);
                self.at = start + len;
                Some(())
            }
            None => self.zone_name(start),
        }
    }

    fn iso_zone(&mut self, start: usize, count: usize) -> Option<()> {
        match self.text.as_bytes()[start] {
            b'Z' => {
                self.fields.zone.set_offset(0);
                self.at = start + 1;
                Some(())
            }
            b'+' | b'-' => self.offset(start, count, count == 3),
            _ => None,
        }
    }

    /// A sign and `hhmm` or `hh:mm`; of a `count` of 1 `hh` alone. With a colon and a `count` of 0, one digit of hours
    /// will do.
    fn offset(&mut self, start: usize, count: usize, colon: bool) -> Option<()> {
        let negative = self.text.as_bytes()[start] == b'-';
        let mut rest = &self.text.as_bytes()[start + 1..];
        let mut hours = take_digit(&mut rest)?;
        match take_digit(&mut rest) {
            Some(digit) => hours = 10 * hours + digit,
            None if count > 0 || !colon => return None,
            None => {}
        }
        let mut minutes = 0;
        if count != 1 {
            if colon {
                rest = rest.strip_prefix(b":")?;
            }
            minutes = 10 * take_digit(&mut rest)? + take_digit(&mut rest)?;
        }
        if hours > 23 || minutes > 59 {
            return None;
        }
        let ms = (hours * 60 + minutes) * MINUTE_MS;
        self.fields.zone.set_offset(if negative { -ms } else { ms });
        self.at = self.text.len() - rest.len();
        Some(())
    }

    fn zone_name(&mut self, start: usize) -> Option<()> {
        let (zone, found) = self.find_zone(&self.text[start..])?;
        let summer_ms = if found.summer { zone.summer_ms() } else { 0 };
        if !found.ambiguous && (summer_ms != 0 || !found.summer) {
            self.fields.zone.standard = None;
            self.fields.zone.daylight = Some(summer_ms);
        }
        self.fields.zone.zone = Some(zone);
        self.at = start + found.len;
        Some(())
    }

    /// The zone's own names come first.
    fn find_zone(&mut self, text: &str) -> Option<(Zone, Found)> {
        let own = self.fields.zone.zone.as_ref().unwrap_or(self.format_zone);
        if let Some(found) = own.names().and_then(|names| names.find(text)) {
            return Some((own.clone(), found));
        }
        match self.named {
            Some((name, zone)) if text == name => {
                let found = zone.names().and_then(|names| names.find(text));
                found.map(|found| (zone.clone(), found))
            }
            _ => {
                let (zone, found) = find_by_name(text)?;
                *self.named = Some((text.to_string(), zone.clone()));
                Some((zone, found))
            }
        }
    }
}

fn take_digit(rest: &mut &[u8]) -> Option<i32> {
    let (digit, behind) = rest.split_first().filter(|(digit, _)| digit.is_ascii_digit())?;
    *rest = behind;
    Some((digit - b'0') as i32)
}

fn is_two_digits(text: &str) -> bool {
    text.chars().count() == 2 && text.chars().all(|c| crate::decimal::digit(c).is_some())
}

/// A year of two digits, put into the hundred years that begin at `from_ms`.
fn in_century(value: i32, from_ms: i64, zone: &Zone) -> (Century, i32) {
    let first = Civil::of(from_ms + zone.offset(from_ms).total() as i64).year as i32;
    let known = if value == first % 100 { Century::Either } else { Century::Known };
    (known, first / 100 * 100 + value + if value < first % 100 { 100 } else { 0 })
}

#[cfg(test)]
mod tests;
