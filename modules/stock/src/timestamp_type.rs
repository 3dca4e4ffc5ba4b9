//! The forms in which Connect holds a time, and the conversion from any of them to another.

use std::time::{SystemTime, UNIX_EPOCH};

use berth_guest::schema::{DATE, TIME, TIMESTAMP};
use berth_guest::{Builder, Error, Result, Schema, Tag, Type, ValueRef};

use crate::java_class::class_of;
use crate::java_time::{Moment, SameSecond, SimpleDateFormat, Zone, DAY_MS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// Text in the form of a pattern.
    Text,
    /// A whole number of some unit since the epoch.
    Unix,
    Date,
    Time,
    Timestamp,
}

impl TimestampType {
    /// As `target.type` names them.
    pub const NAMES: [(&'static str, TimestampType); 5] = [
        ("string", TimestampType::Text),
        ("unix", TimestampType::Unix),
        ("Date", TimestampType::Date),
        ("Time", TimestampType::Time),
        ("Timestamp", TimestampType::Timestamp),
    ];

    /// What values of a schema are taken for.
    pub fn of_schema(schema: &Schema) -> Result<TimestampType> {
        match (schema.name(), schema.kind) {
            (Some(TIMESTAMP), _) => Ok(TimestampType::Timestamp),
            (Some(DATE), _) => Ok(TimestampType::Date),
            (Some(TIME), _) => Ok(TimestampType::Time),
            (_, Type::String) => Ok(TimestampType::Text),
            (_, Type::Int64) => Ok(TimestampType::Unix),
            _ => {
                let schema = schema.describe();
                let message = format!("Schema {schema} does not correspond to a known timestamp type format");
                Err(Error::data(message).class("org.apache.kafka.connect.errors.ConnectException"))
            }
        }
    }

    /// What a value without a schema is taken for.
    pub fn of_value(value: ValueRef<'_>) -> Result<TimestampType> {
        match value.tag {
            Tag::Date => Ok(TimestampType::Timestamp),
            Tag::Int64 => Ok(TimestampType::Unix),
            _ if value.is_text() => Ok(TimestampType::Text),
            _ => {
                let class = class_of(value);
                Err(Error::data(format!("TimestampConverter does not support {class} objects as timestamps")))
            }
        }
    }

    /// How values of that type are held.
    pub fn tag(self) -> Tag {
        match self {
            TimestampType::Text => Tag::String,
            TimestampType::Unix => Tag::Int64,
            TimestampType::Date | TimestampType::Time | TimestampType::Timestamp => Tag::Date,
        }
    }

    pub fn schema(self, optional: bool) -> Schema {
        let schema = match self {
            TimestampType::Text => Schema::new(Type::String),
            TimestampType::Unix => Schema::new(Type::Int64),
            TimestampType::Date => Schema::temporal(DATE),
            TimestampType::Time => Schema::temporal(TIME),
            TimestampType::Timestamp => Schema::temporal(TIMESTAMP),
        };
        Schema { optional, ..schema }
    }
}

/// The unit of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Precision {
    /// As `unix.precision` names them.
    pub const NAMES: [(&'static str, Precision); 4] = [
        ("nanoseconds", Precision::Nanoseconds),
        ("microseconds", Precision::Microseconds),
        ("milliseconds", Precision::Milliseconds),
        ("seconds", Precision::Seconds),
    ];

    /// Milliseconds; fractions are cut off, what is too large becomes the largest number.
    fn to_ms(self, n: i64) -> i64 {
        match self {
            Precision::Seconds => n.saturating_mul(1000),
            Precision::Milliseconds => n,
            Precision::Microseconds => n / 1000,
            Precision::Nanoseconds => n / 1_000_000,
        }
    }

    /// The other way round.
    fn of_ms(self, ms: i64) -> i64 {
        match self {
            Precision::Seconds => ms / 1000,
            Precision::Milliseconds => ms,
            Precision::Microseconds => ms.saturating_mul(1000),
            Precision::Nanoseconds => ms.saturating_mul(1_000_000),
        }
    }
}

/// A pattern with what it says.
#[derive(Clone)]
struct Format {
    pattern: String,
    format: SimpleDateFormat,
    last: SameSecond,
}

/// Converts to one type.
#[derive(Clone)]
pub struct Conversion {
    pub target: TimestampType,
    precision: Precision,
    format: Option<Format>,
}

impl Conversion {
    /// A blank pattern is none.
    pub fn new(target: TimestampType, precision: Precision, pattern: &str) -> Result<Conversion> {
        let is_blank = pattern.trim().is_empty();
        if target == TimestampType::Text && is_blank {
            let message = "TimestampConverter requires format option to be specified when using string timestamps";
            return Err(Error::config(message));
        }
        let format = if is_blank { None } else { Some(format(pattern)?) };
        Ok(Conversion { target, precision, format })
    }

    /// Writes a value of that type, not null, as the target.
    pub fn write(&mut self, value: ValueRef<'_>, source: TimestampType, b: &mut Builder<'_>) -> Result<()> {
        let Moment { ms, zone } = self.read(value, source)?;
        match self.target {
            TimestampType::Text => {
                let Some(Format { format, last, .. }) = &mut self.format else { return Err(no_format()) };
                b.with(Tag::String, |out| match &zone {
                    // A text that names a zone is written as clocks there show it: Java's format keeps what it has read.
                    Some(zone) => format.append_in(ms, zone, out),
                    None => last.append(format, ms, out),
                });
            }
            TimestampType::Unix => b.i64(self.precision.of_ms(ms)),
            TimestampType::Date => b.date(ms.div_euclid(DAY_MS).wrapping_mul(DAY_MS)),
            TimestampType::Time => b.date(ms.rem_euclid(DAY_MS)),
            TimestampType::Timestamp => b.date(ms),
        }
        Ok(())
    }

    /// Whether values of that type are the same bytes afterwards.
    pub fn keeps(&self, source: TimestampType) -> bool {
        match self.target {
            TimestampType::Timestamp => !matches!(source, TimestampType::Text | TimestampType::Unix),
            TimestampType::Unix => source == TimestampType::Unix && self.precision == Precision::Milliseconds,
            _ => false,
        }
    }

    fn read(&mut self, value: ValueRef<'_>, source: TimestampType) -> Result<Moment> {
        let ms = match (source, value.tag, value.int()) {
            (TimestampType::Text, Tag::String, _) => return self.parse(value.str().unwrap_or_default()),
            (TimestampType::Text, Tag::Object, _) if value.is_text() => {
                return self.parse(&value.to_text().unwrap_or_default());
            }
            (TimestampType::Text, ..) => return Err(unexpected("string timestamp to be a String", value)),
            (TimestampType::Unix, Tag::Int64, Some(n)) => self.precision.to_ms(n),
            (TimestampType::Unix, ..) => return Err(unexpected("Unix timestamp to be a Long", value)),
            (_, Tag::Date, Some(ms)) => ms,
            _ => return Err(unexpected(&format!("{source:?} to be a java.util.Date"), value)),
        };
        Ok(Moment { ms, zone: None })
    }

    fn parse(&mut self, text: &str) -> Result<Moment> {
        let Some(Format { pattern, format, .. }) = &mut self.format else { return Err(no_format()) };
        format.parse(text).ok_or_else(|| {
            let message = format!("Could not parse timestamp: value ({text}) does not match pattern ({pattern})");
            Error::data(message).caused_by("java.text.ParseException", format!("Unparseable date: \"{text}\""))
        })
    }
}

fn format(pattern: &str) -> Result<Format> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let illegal = |message| {
        Error::config(format!(
            "Invalid value java.lang.IllegalArgumentException: {message} for configuration TimestampConverter requires \
             a SimpleDateFormat-compatible pattern for string timestamps: {pattern}"
        ))
    };
    let format = SimpleDateFormat::new(pattern, Zone::Utc, now_ms).map_err(illegal)?;
    Ok(Format { pattern: pattern.to_string(), format, last: SameSecond::default() })
}

fn unexpected(what: &str, found: ValueRef<'_>) -> Error {
    Error::data(format!("Expected {what}, but found {}", class_of(found)))
}

fn no_format() -> Error {
    let message = "a string can't be read as a time without a pattern: set format, for example to yyyy-MM-dd";
    Error::data(message).class("java.lang.NullPointerException")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_cut_off_and_do_not_overflow() {
        use Precision::{Microseconds, Milliseconds, Nanoseconds, Seconds};
        let cases = [
            (Seconds, i64::MAX, i64::MAX),
            (Seconds, -1, -1000),
            (Milliseconds, -7, -7),
            (Microseconds, -1500, -1),
            (Nanoseconds, 1_999_999, 1),
            (Nanoseconds, -999_999, 0),
        ];
        for (precision, n, ms) in cases {
            assert_eq!(precision.to_ms(n), ms, "{precision:?} {n}");
        }
        assert_eq!((Seconds.of_ms(-1999), Microseconds.of_ms(2), Nanoseconds.of_ms(i64::MIN)), (-1, 2000, i64::MIN));
    }
}
