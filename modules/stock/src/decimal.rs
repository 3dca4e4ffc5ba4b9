//! Decimal numbers as `java.math.BigDecimal` reads them.

use crate::java_number::{bigint_bytes, bigint_text};

/// Digits and scale of a number: `unscaled × 10^-scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Decimal {
    pub negative: bool,
    /// ASCII digits without leading zeros; `0` for zero.
    pub digits: String,
    pub scale: i32,
}

impl Decimal {
    /// `unscaled` is two's complement, big endian.
    pub fn new(scale: i32, unscaled: &[u8]) -> Decimal {
        let text = bigint_text(unscaled);
        let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |digits| (true, digits));
        Decimal { negative, digits: digits.to_string(), scale }
    }

    /// Reads `[+-]digits[.digits][e[+-]digits]`; digits of any script count.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], parse_exponent(&rest[at + 1..])?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = String::with_capacity(mantissa.len());
        for c in whole.chars().chain(fraction.chars()) {
            digits.push((b'0' + digit(c)? as u8) as char);
        }
        if digits.is_empty() {
            return None;
        }
        let scale = i32::try_from(fraction.chars().count() as i64 - exponent).ok()?;
        let start = digits.find(|c| c != '0').unwrap_or(digits.len() - 1);
        digits.drain(..start);
        Some(Decimal { negative, digits, scale })
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

    /// The low 64 bits of the whole part, as `longValue` gives them.
    pub fn wrapping_i64(&self) -> i64 {
        let (whole, zeros) = match usize::try_from(self.scale) {
            Ok(scale) => (self.digits.len().saturating_sub(scale), 0),
            Err(_) => (self.digits.len(), self.scale.unsigned_abs()),
        };
        // 64 tens are a multiple of 2^64.
        let zeros = std::iter::repeat_n(b'0', zeros.min(64) as usize);
        let digits = self.digits.bytes().take(whole).chain(zeros);
        let n = digits.fold(0i64, |n, digit| n.wrapping_mul(10).wrapping_add((digit - b'0') as i64));
        if self.negative {
            n.wrapping_neg()
        } else {
            n
        }
    }

    /// The closest number, infinite if it is too large. There is no negative zero.
    pub fn to_f64(&self) -> f64 {
        self.scientific().parse().map_or(f64::NAN, |x: f64| if self.is_zero() { 0.0 } else { x })
    }

    /// `digitsE-scale`, which every float parser reads.
    pub fn scientific(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits, -(self.scale as i64))
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.is_empty() || digits.chars().count() > 10 {
        return None;
    }
    let mut n = 0i64;
    for c in digits.chars() {
        n = n * 10 + digit(c)? as i64;
    }
    Some(sign * n)
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
    fn whole_parts_keep_their_low_bits() {
        let bits = |text| Decimal::parse(text).unwrap().wrapping_i64();
        assert_eq!((bits("-1.99"), bits("0.5"), bits("1e2"), bits("123e-9")), (-1, 0, 100, 0));
        assert_eq!((bits("9223372036854775808"), bits("-18446744073709551617")), (i64::MIN, -1));
        assert_eq!((bits("1e20"), bits("1e64"), bits("1e2000000000")), (7_766_279_631_452_241_920, 0, 0));
        assert_eq!(bits("1.8446744073709551617e19"), 1);
        let real = |text| Decimal::parse(text).unwrap().to_f64();
        assert_eq!((real("-0").to_bits(), real("1.5"), real("-1e400")), (0, 1.5, f64::NEG_INFINITY));
    }

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
        for bad in ["", "-", ".", "1e", "1x", "0x1", "1.2.3", "e5"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
