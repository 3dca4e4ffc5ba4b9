//! The conversions of Cast.

use std::io::Write;
use std::str::FromStr;

use berth_guest::schema::{DATE, TIME};
use berth_guest::{Error, Result, Schema, Tag, Type, Value, ValueRef};

use crate::base64;
use crate::decimal::Decimal;
use crate::java_class::class_of;
use crate::java_number::{append_decimal, append_f32, append_f64, append_int, small_bigint};
use crate::java_parse::{double, float, long};
use crate::java_time::append_value;
use crate::logical_types::{days, time_of_day};

/// Types that values can be cast from.
const SOURCES: [Type; 9] = [
    Type::Int8,
    Type::Int16,
    Type::Int32,
    Type::Int64,
    Type::Float32,
    Type::Float64,
    Type::Boolean,
    Type::String,
    Type::Bytes,
];

/// What a schema says of the values under it.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// There is no schema; each value shows its type.
    Unknown,
    Plain,
    Date,
    Time,
    /// No type that can be cast.
    Refused(Type),
}

/// How values under one schema, or without one, become those of another type.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    source: Source,
    /// One of the first eight types.
    target: Type,
}

impl Conversion {
    pub fn new(source: Option<&Schema>, target: Type) -> Conversion {
        let source = match source {
            None => Source::Unknown,
            Some(schema) if !SOURCES.contains(&schema.kind) => Source::Refused(schema.kind),
            Some(schema) => match schema.name() {
                Some(DATE) => Source::Date,
                Some(TIME) => Source::Time,
                _ => Source::Plain,
            },
        };
        Conversion { source, target }
    }

    /// Tag of what a value becomes.
    #[inline]
    pub fn tag_of(&self, value: ValueRef<'_>) -> Tag {
        match value.tag {
            Tag::Object if self.target == Type::String && value.is_text() => Tag::Object,
            _ => self.tag(),
        }
    }

    /// Tag of the results, texts with half a surrogate pair apart.
    fn tag(&self) -> Tag {
        match self.target {
            Type::Int8 => Tag::Int8,
            Type::Int16 => Tag::Int16,
            Type::Int32 => Tag::Int32,
            Type::Int64 => Tag::Int64,
            Type::Float32 => Tag::Float32,
            Type::Float64 => Tag::Float64,
            Type::Boolean => Tag::Boolean,
            _ => Tag::String,
        }
    }

    /// Whether a value stays as it is.
    pub fn keeps(&self, value: ValueRef<'_>) -> bool {
        value.tag == self.tag_of(value) && !matches!(self.source, Source::Refused(_))
    }

    /// Appends the payload of what a value that is not null becomes.
    pub fn append(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        self.check(value)?;
        if self.keeps(value) {
            out.extend_from_slice(value.payload);
            return Ok(());
        }
        if self.target == Type::String {
            append_text(value, out);
            return Ok(());
        }
        let number = self.number(value)?;
        match self.target {
            Type::Int8 => out.extend_from_slice(&(number.to_i32() as i8).to_le_bytes()),
            Type::Int16 => out.extend_from_slice(&(number.to_i32() as i16).to_le_bytes()),
            Type::Int32 => out.extend_from_slice(&number.to_i32().to_le_bytes()),
            Type::Int64 => out.extend_from_slice(&number.to_i64().to_le_bytes()),
            Type::Float32 => out.extend_from_slice(&number.to_f32().to_le_bytes()),
            Type::Float64 => out.extend_from_slice(&number.to_f64().to_le_bytes()),
            _ => out.push((number.to_i64() != 0) as u8),
        }
        Ok(())
    }

    /// A default, cast.
    pub fn cast(&self, value: &Value) -> Result<Value> {
        let body = value.to_body();
        let (value, mut payload) = (ValueRef::of_item(&body).unwrap_or(ValueRef::NULL), Vec::new());
        self.append(value, &mut payload)?;
        Value::decode(ValueRef::new(self.tag_of(value), &payload))
    }

    fn check(&self, value: ValueRef<'_>) -> Result<()> {
        match (self.source, value.tag) {
            (Source::Refused(kind), _) => Err(refused(kind)),
            (Source::Unknown, Tag::Array) => Err(refused(Type::Array)),
            (Source::Unknown, Tag::Map) => Err(refused(Type::Map)),
            (Source::Unknown, Tag::Struct) => Err(refused(Type::Struct)),
            (Source::Unknown, Tag::Object) if value.is_text() => Ok(()),
            (Source::Unknown, Tag::Decimal | Tag::Date | Tag::BigInt | Tag::Object) => Err(Error::data(format!(
                "Cast transformation was passed a value of type {} which is not supported by Connect's data API",
                class_of(value)
            ))),
            _ => Ok(()),
        }
    }

    fn number<'v>(&self, value: ValueRef<'v>) -> Result<Number<'v>> {
        Ok(match (value.tag, self.source) {
            (Tag::Date, Source::Date) => Number::Int(days(value.int().unwrap_or(0))? as i64),
            (Tag::Date, Source::Time) => Number::Int(time_of_day(value.int().unwrap_or(0))? as i64),
            (Tag::Float32, _) => Number::Float32(value.float32().unwrap_or(0.0)),
            (Tag::Float64, _) => Number::Float64(value.float64().unwrap_or(0.0)),
            (Tag::Decimal, _) => {
                let (scale, unscaled) = value.decimal().unwrap_or((0, &[0]));
                Number::Decimal(scale, unscaled)
            }
            (Tag::String, _) => {
                let text = value.str().unwrap_or_default();
                self.parse(text).ok_or_else(|| out_of_range(text))?
            }
            (Tag::Object, _) if value.is_text() => {
                let text = value.to_text().unwrap_or_default();
                self.parse(&text).ok_or_else(|| out_of_range(&text))?
            }
            _ => match value.int() {
                Some(n) => Number::Int(n),
                None => {
                    let class = class_of(value);
                    return Err(Error::data(format!("Unexpected type in Cast transformation: {class}")));
                }
            },
        })
    }

    fn parse(&self, text: &str) -> Option<Number<'static>> {
        let within = |range: std::ops::RangeInclusive<i64>| long(text).ok().filter(|n| range.contains(n));
        Some(match self.target {
            Type::Int8 => Number::Int(within(i8::MIN as i64..=i8::MAX as i64)?),
            Type::Int16 => Number::Int(within(i16::MIN as i64..=i16::MAX as i64)?),
            Type::Int32 => Number::Int(within(i32::MIN as i64..=i32::MAX as i64)?),
            Type::Int64 => Number::Int(long(text).ok()?),
            Type::Float32 => Number::Float32(float(text).ok()?),
            Type::Float64 => Number::Float64(double(text).ok()?),
            _ => Number::Int(text.eq_ignore_ascii_case("true") as i64),
        })
    }
}

/// The error of values of a type that can't be cast.
pub fn refused(kind: Type) -> Error {
    let sources = SOURCES.map(Type::name).join(", ");
    Error::data(format!("Cast transformation does not support casting from {kind}; supported types are [{sources}]"))
}

fn out_of_range(text: &str) -> Error {
    Error::data(format!("Value ({text}) was out of range for requested data type"))
}

/// A number as Java narrows it: integers lose upper bits, reals stop at the ends of int and long.
#[derive(Clone, Copy, Debug)]
enum Number<'v> {
    Int(i64),
    Float32(f32),
    Float64(f64),
    /// Scale and unscaled number, big endian.
    Decimal(i32, &'v [u8]),
}

impl Number<'_> {
    fn to_i32(self) -> i32 {
        match self {
            Number::Float32(x) => x as i32,
            Number::Float64(x) => x as i32,
            _ => self.to_i64() as i32,
        }
    }

    fn to_i64(self) -> i64 {
        match self {
            Number::Int(n) => n,
            Number::Float32(x) => x as i64,
            Number::Float64(x) => x as i64,
            Number::Decimal(scale, unscaled) => decimal_to_i64(scale, unscaled),
        }
    }

    fn to_f32(self) -> f32 {
        match self {
            Number::Int(n) => n as f32,
            Number::Float32(x) => x,
            Number::Float64(x) => x as f32,
            Number::Decimal(scale, unscaled) => decimal_to_real(scale, unscaled).unwrap_or(f32::NAN),
        }
    }

    fn to_f64(self) -> f64 {
        match self {
            Number::Int(n) => n as f64,
            Number::Float32(x) => x as f64,
            Number::Float64(x) => x,
            Number::Decimal(scale, unscaled) => decimal_to_real(scale, unscaled).unwrap_or(f64::NAN),
        }
    }
}

/// The low 64 bits of the whole part.
fn decimal_to_i64(scale: i32, unscaled: &[u8]) -> i64 {
    let Some(n) = small_bigint(unscaled) else {
        return Decimal::of(scale, unscaled).long_value();
    };
    match scale {
        0 => n as i64,
        1..=38 => (n / 10i128.pow(scale as u32)) as i64,
        -63..=-1 => (n as i64).wrapping_mul(10i64.wrapping_pow(scale.unsigned_abs())),
        _ => 0,
    }
}

/// The closest real number.
fn decimal_to_real<T: FromStr>(scale: i32, unscaled: &[u8]) -> Option<T> {
    let Some(n) = small_bigint(unscaled) else {
        return Decimal::of(scale, unscaled).scientific().parse().ok();
    };
    let mut text = [0; 64];
    let mut room = &mut text[..];
    write!(room, "{n}e{}", -(scale as i64)).ok()?;
    let length = 64 - room.len();
    std::str::from_utf8(&text[..length]).ok()?.parse().ok()
}

/// Appends the text of a value whose type can be cast.
fn append_text(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value.tag {
        Tag::Boolean => out.extend_from_slice(if value.boolean() == Some(true) { b"true" } else { b"false" }),
        Tag::Float32 => append_f32(value.float32().unwrap_or(0.0), out),
        Tag::Float64 => append_f64(value.float64().unwrap_or(0.0), out),
        Tag::Decimal => {
            let (scale, unscaled) = value.decimal().unwrap_or((0, &[0]));
            append_decimal(scale, unscaled, out);
        }
        Tag::Date => append_value(value.int().unwrap_or(0), out),
        Tag::Bytes | Tag::Raw => base64::append(value.payload, out),
        _ => append_int(value.int().unwrap_or(0), out),
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::schema::TIMESTAMP;

    use super::*;

    fn cast(schema: Option<&Schema>, value: Value, target: Type) -> std::result::Result<Value, String> {
        Conversion::new(schema, target).cast(&value).map_err(|error| error.message)
    }

    #[test]
    fn numbers_are_narrowed_as_in_java() {
        let plain = |value, target| cast(None, value, target).unwrap();
        assert_eq!(plain(Value::Int64(0x1_0000_0180), Type::Int8), Value::Int8(-128));
        assert_eq!(plain(Value::Float64(1e300), Type::Int16), Value::Int16(-1));
        assert_eq!(plain(Value::Float32(-1e30), Type::Int64), Value::Int64(i64::MIN));
        assert_eq!(plain(Value::Float64(f64::NAN), Type::Int32), Value::Int32(0));
        assert_eq!(plain(Value::Float64(0.5), Type::Boolean), Value::Boolean(false));
        assert_eq!(plain(Value::Float64(1e10), Type::Boolean), Value::Boolean(true));
        assert_eq!(plain(Value::Int64(i64::MAX), Type::Float32), Value::Float32(9.223_372e18));
        assert_eq!(plain(Value::Boolean(true), Type::Float64), Value::Float64(1.0));
        assert_eq!(plain(Value::str("tRuE"), Type::Boolean), Value::Boolean(true));
    }

    #[test]
    fn decimals_of_any_size_are_cast() {
        let decimal = |text: &str| {
            let parsed = Decimal::parse(text).unwrap();
            Value::Decimal(parsed.scale, parsed.unscaled())
        };
        let cast = |text: &str, target| cast(Some(&Schema::decimal(0)), decimal(text), target).unwrap();
        let long = "123456789012345678901234567890123456789012345678901234567890";
        assert_eq!(cast("-12.99", Type::Int8), Value::Int8(-12));
        assert_eq!(cast("12e-40", Type::Int64), Value::Int64(0));
        assert_eq!(cast("3e2", Type::Int16), Value::Int16(300));
        assert_eq!(cast("1e63", Type::Int64), Value::Int64(i64::MIN));
        assert_eq!(cast("1e64", Type::Boolean), Value::Boolean(false));
        assert_eq!(cast(long, Type::Int64), Value::Int64(-8_300_149_958_212_908_334));
        assert_eq!(cast(long, Type::Float64), Value::Float64(1.234_567_890_123_456_8e59));
        assert_eq!(cast("0.1", Type::Float32), Value::Float32(0.1));
        assert_eq!(cast("-1.5", Type::Float64), Value::Float64(-1.5));
        assert_eq!(cast("1.50", Type::String), Value::str("1.50"));
    }

    #[test]
    fn what_a_name_means_counts_for_numbers_and_what_a_value_is_for_texts() {
        let day = 86_400_000;
        let date = Schema::temporal(DATE);
        assert_eq!(cast(Some(&date), Value::Date(2 * day), Type::Int8), Ok(Value::Int8(2)));
        assert_eq!(cast(Some(&date), Value::Date(2 * day), Type::String), Ok(Value::str("1970-01-03")));
        assert!(cast(Some(&date), Value::Date(1), Type::Int8).unwrap_err().contains("Date type should not have"));
        let late = cast(Some(&Schema::temporal(TIME)), Value::Date(day + 1), Type::Int64);
        assert!(late.unwrap_err().contains("Time type should not have"));
        let instant = Schema::temporal(TIMESTAMP);
        assert_eq!(cast(Some(&instant), Value::Date(day + 1), Type::Int64), Ok(Value::Int64(day + 1)));
        let unnamed = cast(None, Value::Date(1), Type::Int8).unwrap_err();
        assert!(unnamed.starts_with("Cast transformation was passed a value of type class java.util.Date which is"));
    }

    #[test]
    fn what_cannot_be_cast_is_named() {
        let array = cast(Some(&Schema::new(Type::Array)), Value::Array(vec![]), Type::String).unwrap_err();
        assert!(
            array.starts_with("Cast transformation does not support casting from ARRAY; supported types are [INT8,")
        );
        assert_eq!(cast(None, Value::Map(vec![]), Type::Int8).unwrap_err(), array.replace("ARRAY", "MAP"));
        let bytes = cast(None, Value::Bytes(vec![1]), Type::Int8).unwrap_err();
        assert_eq!(bytes, "Unexpected type in Cast transformation: class [B");
        for (text, target) in [("128", Type::Int8), ("1.5", Type::Int32), ("0x10", Type::Float32), ("", Type::Int64)] {
            let error = cast(None, Value::str(text), target).unwrap_err();
            assert_eq!(error, format!("Value ({text}) was out of range for requested data type"));
        }
    }
}
