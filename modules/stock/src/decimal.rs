//! Decimal numbers as `java.math.BigDecimal` reads them.

use berth_guest::{Error, Result};

use crate::java_number::{append_f64, bigint_bytes, bigint_text};

/// Digits and scale of a number: `unscaled × 10^-scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Decimal {
    pub negative: bool,
    /// ASCII digits without leading zeros; `0` for zero.
    pub digits: String,
    pub scale: i32,
}

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`; digits of any script count.
    pub fn parse(text: &str) -> Option<Decimal> {
        Decimal::read(text).ok()
    }

    /// `new BigDecimal(text)`, with Java's NumberFormatException.
    pub fn read(text: &str) -> Result<Decimal> {
        if text.is_empty() {
            let bounds = "java.lang.ArrayIndexOutOfBoundsException";
            return Err(malformed("").caused_by(bounds, "Index 0 out of bounds for length 0"));
        }
        let (negative, rest) = sign(text);
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, ""),
        };
        let mut digits = String::with_capacity(mantissa.len());
        let mut fraction: Option<i64> = None;
        for c in mantissa.chars() {
            match (digit(c), c, fraction) {
                (Some(d), ..) => {
                    digits.push((b'0' + d as u8) as char);
                    fraction = fraction.map(|n| n + 1);
                }
                (None, '.', None) => fraction = Some(0),
                (None, '.', _) => return Err(malformed("Character array contains more than one decimal point.")),
                _ => {
                    return Err(malformed(format!(
                        "Character {c} is neither a decimal digit number, decimal point, nor \"e\" notation \
                     exponential mark."
                    )))
                }
            }
        }
        if digits.is_empty() {
            return Err(malformed("No digits found."));
        }
        let exponent = if exponent.is_empty() { 0 } else { read_exponent(&exponent[1..])? };
        let scale = i32::try_from(fraction.unwrap_or(0) - exponent).map_err(|_| malformed("Scale out of range."))?;
        let start = digits.find(|c| c != '0').unwrap_or(digits.len() - 1);
        digits.drain(..start);
        Ok(Decimal { negative: negative && digits != "0", digits, scale })
    }

    /// `BigDecimal.valueOf(double)`.
    pub fn of_f64(n: f64) -> Result<Decimal> {
        let mut text = Vec::new();
        append_f64(n, &mut text);
        Decimal::read(std::str::from_utf8(&text).unwrap_or_default())
    }

    /// The number of a DECIMAL.
    pub fn of(scale: i32, unscaled: &[u8]) -> Decimal {
        let text = bigint_text(unscaled);
        let (negative, digits) = sign(&text);
        Decimal { negative, digits: digits.to_string(), scale }
    }

    /// A whole number, as the payload of a BIGINT.
    pub fn of_bigint(bytes: &[u8]) -> Decimal {
        Decimal::of(0, bytes)
    }

    /// `BigDecimal.longValue`: what is behind the point is cut off, of the rest the low 64 bits are left.
    pub fn long_value(&self) -> i64 {
        let digits = match usize::try_from(self.scale) {
            Ok(scale) => &self.digits[..self.digits.len().saturating_sub(scale)],
            // A power of two above 2^64 divides it, so nothing of it is left.
            Err(_) if self.scale < -64 => "",
            Err(_) => &self.digits,
        };
        let push = |n: u64, digit: u8| n.wrapping_mul(10).wrapping_add((digit - b'0') as u64);
        let n = digits.bytes().fold(0, push);
        let n = (0..self.scale.min(0).unsigned_abs().min(64)).fold(n, |n, _| push(n, b'0'));
        (if self.negative { n.wrapping_neg() } else { n }) as i64
    }

    /// `BigDecimal.doubleValue`.
    pub fn double_value(&self) -> f64 {
        self.scientific().parse().unwrap_or(f64::NAN)
    }

    /// `BigDecimal.floatValue`.
    pub fn float_value(&self) -> f32 {
        self.scientific().parse().unwrap_or(f32::NAN)
    }

    pub fn is_zero(&self) -> bool {
        self.digits == "0"
    }

    /// The unscaled number, big endian.
    pub fn unscaled(&self) -> Vec<u8> {
        let sign = if self.negative { "-" } else { "" };
        bigint_bytes(&format!("{sign}{}", self.digits)).unwrap_or_else(|| vec![0])
    }

    /// The number as an integer, if it is whole and fits.
    pub fn to_i64(&self) -> Option<i64> {
        if self.is_zero() {
            return Some(0);
        }
        let whole = match usize::try_from(self.scale) {
            Ok(scale) => {
                let keep = self.digits.len().checked_sub(scale)?;
                if self.digits[keep..].bytes().any(|b| b != b'0') || keep == 0 {
                    return None;
                }
                self.digits[..keep].to_string()
            }
            Err(_) if self.scale < -19 => return None,
            Err(_) => self.digits.clone() + &"0".repeat(self.scale.unsigned_abs() as usize),
        };
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{whole}").parse().ok()
    }

    /// Digits without sign and with `places` behind the point, the last one rounded half up.
    pub fn fixed(&self, places: usize) -> String {
        let surplus = self.scale as i64 - places as i64;
        let mut digits = self.digits.clone().into_bytes();
        if surplus > digits.len() as i64 {
            digits = vec![b'0'];
        } else if surplus > 0 {
            let cut = digits.split_off(digits.len() - surplus as usize);
            if cut[0] >= b'5' {
                increment(&mut digits);
            }
        } else if !self.is_zero() {
            digits.resize(digits.len() + surplus.unsigned_abs() as usize, b'0');
        }
        let missing = (places + 1).saturating_sub(digits.len());
        digits.splice(..0, std::iter::repeat_n(b'0', missing));
        if places > 0 {
            digits.insert(digits.len() - places, b'.');
        }
        String::from_utf8(digits).unwrap_or_default()
    }

    /// `digitsE-scale`, which every float parser reads.
    pub fn scientific(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits, -(self.scale as i64))
    }
}

/// Adds one to a number of ASCII digits.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

/// Sign and what follows it.
pub fn sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// A NumberFormatException.
pub fn malformed(message: impl Into<String>) -> Error {
    Error::data(message).class("java.lang.NumberFormatException")
}

fn read_exponent(text: &str) -> Result<i64> {
    let (negative, digits) = sign(text);
    if digits.is_empty() {
        return Err(malformed("No exponent digits."));
    }
    let zeros = digits.chars().take_while(|c| digit(*c) == Some(0)).count();
    if digits.chars().count().saturating_sub(zeros) > 10 {
        return Err(malformed("Too many nonzero exponent digits."));
    }
    let mut n = 0i64;
    for c in digits.chars() {
        n = n * 10 + digit(c).ok_or_else(|| malformed("Not a digit."))? as i64;
    }
    let n = if negative { -n } else { n };
    i32::try_from(n).map(i64::from).map_err(|_| malformed("Exponent overflow."))
}

/// Zeros of the scripts whose digits Java's `Character.digit` reads.
const ZEROS: [u32; 37] = [
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0,
    0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,
    0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
];

/// The value of a decimal digit.
pub fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let code = c as u32;
    ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)).map(|zero| code - zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_scale() {
        let parts = |text| Decimal::parse(text).map(|d| (d.scientific(), d.scale, d.to_i64()));
        assert_eq!(parts("1.0"), Some(("10e-1".into(), 1, Some(1))));
        assert_eq!(parts("-007"), Some(("-7e0".into(), 0, Some(-7))));
        assert_eq!(parts("1e3"), Some(("1e3".into(), -3, Some(1000))));
        assert_eq!(parts("2.5"), Some(("25e-1".into(), 1, None)));
        assert_eq!(parts("0.5"), Some(("5e-1".into(), 1, None)));
        assert_eq!(parts(".5e1"), Some(("5e0".into(), 0, Some(5))));
        assert_eq!(parts("٣"), Some(("3e0".into(), 0, Some(3))));
        assert_eq!(parts("-0.0"), Some(("0e-1".into(), 1, Some(0))));
        assert_eq!(parts("1e00000000000002"), Some(("1e2".into(), -2, Some(100))));
        for bad in ["", "-", ".", "1e", "1x", "0x1", "1.2.3", "e5"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_does_not_fit_a_long_is_cut_off() {
        let long = |text| Decimal::parse(text).unwrap().long_value();
        assert_eq!(long("-2.75"), -2);
        assert_eq!(long("0.004"), 0);
        assert_eq!(long("18446744073709551621"), 5);
        assert_eq!(long("-18446744073709551621.9"), -5);
        assert_eq!(long("1e19"), 10_000_000_000_000_000_000u64 as i64);
        assert_eq!(long("7e63"), 0x8000_0000_0000_0000u64 as i64);
        assert_eq!(long("7e64"), 0);
        assert_eq!(long("1e2147483647"), 0);
        assert_eq!(Decimal::of_f64(1e20).unwrap().scale, -19);
        assert_eq!(Decimal::of(2, &[0x80]).scientific(), "-128e-2");
    }
}
