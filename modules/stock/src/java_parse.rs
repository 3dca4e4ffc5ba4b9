//! Java's parsers of numbers, with their NumberFormatException.

use berth_guest::Result;

use crate::decimal::{digit, malformed, sign};
use crate::java_number::bigint_bytes;

fn for_input(text: &str) -> berth_guest::Error {
    malformed(format!("For input string: \"{text}\""))
}

/// `Long.parseLong`: an optional sign and digits of any script, nothing else.
pub fn long(text: &str) -> Result<i64> {
    let (negative, digits) = sign(text);
    let mut n = (!digits.is_empty()).then_some(0i64);
    for c in digits.chars() {
        let d = digit(c).map(i64::from);
        let next = |n: i64, d: i64| n.checked_mul(10)?.checked_add(if negative { -d } else { d });
        n = n.zip(d).and_then(|(n, d)| next(n, d));
    }
    n.ok_or_else(|| for_input(text))
}

/// `Integer.parseInt`.
pub fn integer(text: &str) -> Result<i32> {
    i32::try_from(long(text)?).map_err(|_| for_input(text))
}

/// `Short.parseShort`.
pub fn short(text: &str) -> Result<i16> {
    i16::try_from(integer(text)?).map_err(|_| out_of_range(text))
}

/// `Byte.parseByte`.
pub fn byte(text: &str) -> Result<i8> {
    i8::try_from(integer(text)?).map_err(|_| out_of_range(text))
}

fn out_of_range(text: &str) -> berth_guest::Error {
    malformed(format!("Value out of range. Value:\"{text}\" Radix:10"))
}

/// `new BigInteger(text)`, as the payload of a BIGINT.
pub fn big_integer(text: &str) -> Result<Vec<u8>> {
    let (negative, digits) = sign(text);
    if digits.is_empty() {
        return Err(malformed("Zero length BigInteger"));
    }
    if digits.contains(['+', '-']) {
        return Err(malformed("Illegal embedded sign character"));
    }
    let mut ascii = String::from(if negative { "-" } else { "" });
    for c in digits.chars() {
        ascii.push((b'0' + digit(c).ok_or_else(|| for_input(digits))? as u8) as char);
    }
    bigint_bytes(&ascii).ok_or_else(|| for_input(digits))
}

/// `Double.parseDouble`.
pub fn double(text: &str) -> Result<f64> {
    match short_decimal(text.as_bytes()) {
        Some(n) => Ok(n),
        None => real(text, DOUBLE, |body| body.parse().ok()),
    }
}

/// Most digits of a whole number that any double holds.
const EXACT_DIGITS: usize = 15;

/// The powers of ten up to those digits; doubles hold them, too.
const POWERS: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Digits with a point among them or none, so few that one division of numbers that are exact rounds as it should.
/// `None`: it takes the parser.
fn short_decimal(text: &[u8]) -> Option<f64> {
    let (mut n, mut point) = (0u64, None);
    if text.len() > EXACT_DIGITS + 1 {
        return None;
    }
    for (i, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => n = 10 * n + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(i),
            _ => return None,
        }
    }
    let digits = text.len() - point.is_some() as usize;
    let fraction = point.map_or(0, |i| text.len() - 1 - i);
    (1..=EXACT_DIGITS).contains(&digits).then(|| n as f64 / POWERS[fraction])
}

/// `Float.parseFloat`.
pub fn float(text: &str) -> Result<f32> {
    // Rounding twice would not do for decimal digits; hexadecimal ones are rounded to a float's in the first place.
    let mut decimal = None;
    let n = real(text, FLOAT, |body| {
        decimal = body.parse::<f32>().ok();
        decimal.map(f64::from)
    })?;
    Ok(n as f32)
}

/// Digits of the fraction with the leading one, and the least exponent of two.
type Precision = (i64, i64);
const DOUBLE: Precision = (53, -1074);
const FLOAT: Precision = (24, -149);

fn real(text: &str, precision: Precision, mut decimal: impl FnMut(&str) -> Option<f64>) -> Result<f64> {
    let trimmed = text.trim_matches(|c| c <= ' ');
    if trimmed.is_empty() {
        return Err(malformed("empty String"));
    }
    let (negative, body) = sign(trimmed);
    let plain = body.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(body);
    let magnitude = match body {
        "NaN" => return Ok(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        _ if body.starts_with("0x") || body.starts_with("0X") => hexadecimal(&body[2..], precision),
        _ if !plain.starts_with(['+', '-']) && plain.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b)) => {
            decimal(plain)
        }
        _ => None,
    };
    let n = magnitude.ok_or_else(|| for_input(trimmed))?;
    Ok(if negative { -n } else { n })
}

/// `hex[.hex]p[+-]digits[fFdD]`, rounded to the nearest number, ties to even.
fn hexadecimal(text: &str, precision: Precision) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent = exponent.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || !sign(exponent).1.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (negative, digits) = sign(exponent);
    let size = digits.parse::<i64>().unwrap_or(if digits.is_empty() { return None } else { i64::MAX / 4 });
    let mut scale = if negative { -size.min(i64::MAX / 4) } else { size.min(i64::MAX / 4) } - 4 * fraction.len() as i64;
    let (mut n, mut sticky) = (0u64, false);
    for c in whole.chars().chain(fraction.chars()) {
        let d = c.to_digit(16)? as u64;
        if n >> 60 == 0 {
            n = (n << 4) | d;
        } else {
            sticky |= d != 0;
            scale += 4;
        }
    }
    Some(scaled(n, sticky, scale, precision))
}

/// `n × 2^scale` with the digits of a precision; `sticky`: a bit more than that.
fn scaled(n: u64, sticky: bool, scale: i64, (digits, least): Precision) -> f64 {
    let bits = 64 - n.leading_zeros() as i64;
    if n == 0 || bits + scale < least {
        return 0.0;
    }
    if bits + scale > 1024 {
        return f64::INFINITY;
    }
    let unit = (scale + bits - digits).max(least);
    let shift = unit - scale;
    if shift <= 0 {
        return times_power_of_two(n as f64, scale);
    }
    let wide = (n as u128) << 1 | sticky as u128;
    let (kept, rest) = (wide >> (shift + 1), wide & ((1u128 << (shift + 1)) - 1));
    let half = 1u128 << shift;
    let up = rest > half || (rest == half && kept & 1 == 1);
    times_power_of_two((kept + up as u128) as f64, unit)
}

/// Exact where the result is a double, in steps that are doubles themselves.
fn times_power_of_two(mut n: f64, mut power: i64) -> f64 {
    while power != 0 {
        let step = power.clamp(-1000, 1000);
        n *= f64::from_bits(((1023 + step) as u64) << 52);
        power -= step;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_numbers_are_rounded_once() {
        for (text, want) in [
            ("0x1p3", 8.0),
            ("-0x1.8p1f", -3.0),
            ("0X.8P0", 0.5),
            ("0x1p-1074", f64::from_bits(1)),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", f64::from_bits(1)),
            ("0x1.fffffffffffff7fp1023", f64::MAX),
            ("0x1.fffffffffffff8p1023", f64::INFINITY),
            ("0x1.00000000000008p0", 1.0),
            ("0x1.000000000000080000000000001p0", 1.0 + f64::EPSILON),
            ("0x1p99999999999999999999", f64::INFINITY),
            ("0x0p5", 0.0),
        ] {
            assert_eq!(double(text).unwrap(), want, "{text}");
        }
        assert_eq!(float("0x1.000001p0").unwrap(), 1.0);
        assert_eq!(float("0x1.0000010000000001p0").unwrap(), 1.0 + f32::EPSILON);
        assert_eq!(float("0x1p-149").unwrap(), f32::from_bits(1));
        assert_eq!(float("0x1p128").unwrap(), f32::INFINITY);
        for bad in ["0x", "0xp1", "0x1", "0x1p", "0x1.2.3p1", "0xgp1", "0x1p1x"] {
            assert!(double(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn short_decimals_are_what_the_parser_makes_of_them() {
        let mut taken = 0;
        for digits in ["7", "73567", "0012", "999999999999999", "123456789012345", "1234567890123456"] {
            let points = (0..=digits.len()).map(|at| format!("{}.{}", &digits[..at], &digits[at..]));
            for text in points.chain([digits.to_string()]) {
                let want: f64 = text.parse().unwrap();
                assert_eq!(double(&text).unwrap().to_bits(), want.to_bits(), "{text}");
                taken += short_decimal(text.as_bytes()).is_some() as usize;
            }
        }
        assert_eq!(taken, 3 + 7 + 6 + 17 + 17);
        for bad in ["", ".", "1.2.3", "1,5", "1 2"] {
            assert!(double(bad).is_err(), "{bad}");
        }
        assert!(double("-0.0").unwrap().is_sign_negative());
    }

    #[test]
    fn whole_numbers_stay_in_range() {
        assert_eq!(long("-9223372036854775808").unwrap(), i64::MIN);
        assert!(long("9223372036854775808").is_err());
        assert_eq!(integer("+１２").unwrap(), 12);
        assert_eq!(byte("128").unwrap_err().message, "Value out of range. Value:\"128\" Radix:10");
        assert!(integer("").is_err() && integer("-").is_err() && integer("1_0").is_err());
    }
}
