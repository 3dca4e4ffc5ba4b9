//! Numbers as Java reads them.

use crate::decimal::digit;

/// `Long.parseLong`: an optional sign and digits of any script. `None`: it is no number, or too large.
pub fn parse_i64(text: &str) -> Option<i64> {
    if let Ok(n) = text.parse() {
        return Some(n);
    }
    let (negative, digits) = signed(text);
    if digits.is_ascii() {
        return None;
    }
    let mut n = 0i64;
    for c in digits.chars() {
        let digit = digit(c)? as i64;
        n = n.checked_mul(10)?.checked_add(if negative { -digit } else { digit })?;
    }
    Some(n)
}

/// `Double.parseDouble`: blanks around it and a suffix of its type are allowed, as is the hexadecimal form.
pub fn parse_f64(text: &str) -> Option<f64> {
    let (negative, form) = form(text)?;
    let x = match form {
        Form::Decimal(digits) => digits.parse().ok()?,
        Form::Hexadecimal(n) => n.round(f64::MANTISSA_DIGITS, -1074),
        Form::Named(x) => x,
    };
    Some(if negative { -x } else { x })
}

/// `Float.parseFloat`, which rounds once.
pub fn parse_f32(text: &str) -> Option<f32> {
    let (negative, form) = form(text)?;
    let x = match form {
        Form::Decimal(digits) => digits.parse().ok()?,
        Form::Hexadecimal(n) => n.round(f32::MANTISSA_DIGITS, -149) as f32,
        Form::Named(x) => x as f32,
    };
    Some(if negative { -x } else { x })
}

/// The forms of real numbers without their sign.
enum Form<'t> {
    /// Digits in a form that Rust reads.
    Decimal(&'t str),
    Hexadecimal(Binary),
    /// `NaN` or `Infinity`.
    Named(f64),
}

/// Whether it is negative, and what follows the sign.
fn form(text: &str) -> Option<(bool, Form<'_>)> {
    let (negative, rest) = signed(text.trim_matches(|c| c <= ' '));
    let form = match rest.get(..2) {
        _ if rest == "NaN" => Form::Named(f64::NAN),
        _ if rest == "Infinity" => Form::Named(f64::INFINITY),
        Some("0x" | "0X") => Form::Hexadecimal(hexadecimal(without_suffix(&rest[2..]))?),
        _ => Form::Decimal(Some(without_suffix(rest)).filter(|digits| is_decimal(digits))?),
    };
    Some((negative, form))
}

fn signed(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn without_suffix(text: &str) -> &str {
    text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text)
}

/// `digits[.digits][e[±]digits]`, where either side of the point may be empty.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = text.find(['e', 'E']).map_or((text, "0"), |at| (&text[..at], &text[at + 1..]));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = signed(exponent).1;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    mantissa.len() > mantissa.contains('.') as usize
        && !exponent.is_empty()
        && [whole, fraction, exponent].into_iter().all(digits)
}

/// `digits[.digits]p[±]digits`, behind the `0x`.
fn hexadecimal(text: &str) -> Option<Binary> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (negative, exponent) = signed(exponent);
    if whole.len() + fraction.len() == 0 || exponent.is_empty() || !exponent.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let exponent = exponent.parse().unwrap_or(i32::MAX) as i64;
    let mut n = Binary { bits: 0, more: false, exponent: if negative { -exponent } else { exponent } };
    n.exponent -= 4 * fraction.len() as i64;
    for c in whole.chars().chain(fraction.chars()) {
        n.push(c.to_digit(16)?);
    }
    Some(n)
}

/// `bits × 2^exponent`, and `more` than that if a bit that did not fit was set.
struct Binary {
    bits: u64,
    more: bool,
    exponent: i64,
}

impl Binary {
    fn push(&mut self, digit: u32) {
        if self.bits >> 60 == 0 {
            self.bits = self.bits << 4 | digit as u64;
        } else {
            self.more |= digit != 0;
            self.exponent += 4;
        }
    }

    /// The closest number of so many binary digits whose last one is worth at least 2^least; of two, the even one.
    fn round(&self, digits: u32, least: i64) -> f64 {
        let length = u64::BITS - self.bits.leading_zeros();
        let drop = (length as i64 - digits as i64).max(least - self.exponent).max(0);
        if drop > 64 || self.bits == 0 {
            return 0.0;
        }
        let (bits, half) = (self.bits as u128, (1u128 << drop) >> 1);
        let (mut kept, rest) = (bits >> drop, bits & ((1u128 << drop) - 1));
        if drop > 0 && (rest > half || (rest == half && (self.more || kept & 1 == 1))) {
            kept += 1;
        }
        let exponent = (self.exponent + drop).min(2_000) as i32;
        // In two steps, as 2^-1074 and 2^1100 are no factors of their own.
        kept as f64 * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_strict_but_for_the_script() {
        let cases = [
            ("12", Some(12)),
            ("+5", Some(5)),
            ("-007", Some(-7)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("１２", Some(12)),
            ("-٣", Some(-3)),
            ("-９２２３３７２０３６８５４７７５８０８", Some(i64::MIN)),
            ("", None),
            ("-", None),
            ("+-1", None),
            (" 1", None),
            ("1_0", None),
            ("1.0", None),
            ("0x10", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_i64(text), want, "{text:?}");
        }
    }

    #[test]
    fn reals_come_in_all_forms_of_java() {
        let cases = [
            ("1", 1.0),
            (" .5\t", 0.5),
            ("5.", 5.0),
            ("-1.5f", -1.5),
            ("1e3D", 1000.0),
            ("1E-2", 0.01),
            ("1e400", f64::INFINITY),
            ("-1e-400", -0.0),
            ("+Infinity", f64::INFINITY),
            ("0x1p3", 8.0),
            ("-0X.8P+1d", -1.0),
            ("0x1.fffffffffffff8p1023", f64::INFINITY),
            ("0x1p-1074", f64::from_bits(1)),
            ("0x1p-1075", 0.0),
            ("0x1.1p-1075", f64::from_bits(1)),
            ("0x0.0p99999999999", 0.0),
            ("0x1p99999999999", f64::INFINITY),
        ];
        for (text, want) in cases {
            assert_eq!(parse_f64(text).map(f64::to_bits), Some(want.to_bits()), "{text:?}");
        }
        assert!(parse_f64("-NaN").is_some_and(f64::is_nan));
        for bad in ["", "-", ".", "f", "e5", "1e", "1e+", "1ff", "inf", "nan", "infinity", "0x10", "0xp1", "0x1p", "１"]
        {
            assert_eq!(parse_f64(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn floats_are_rounded_once() {
        // Of these, the closest double lies in the middle between two floats.
        for (text, bits) in [("1.00000005960464477540", 0x3F80_0001), ("0x1.000001000000001p0", 0x3F80_0001)] {
            assert_eq!(parse_f32(text).map(f32::to_bits), Some(bits), "{text}");
        }
        assert_eq!(parse_f32("0x1.000001p0"), Some(1.0));
        assert_eq!(parse_f32("0x1p-149").map(f32::to_bits), Some(1));
        assert_eq!(parse_f32("3.5e38"), Some(f32::INFINITY));
    }
}
