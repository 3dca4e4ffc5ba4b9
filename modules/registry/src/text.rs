//! Decimals as text and back.

use num_bigint::BigInt;

/// A decimal without exponent; `unscaled` is two's complement, big endian.
pub fn decimal_text(unscaled: &[u8], scale: i32) -> String {
    let number = BigInt::from_signed_bytes_be(unscaled).to_string();
    let (sign, digits) = number.strip_prefix('-').map_or(("", number.as_str()), |digits| ("-", digits));
    if scale <= 0 {
        let zeros = if digits == "0" { 0 } else { scale.unsigned_abs() as usize };
        return format!("{sign}{digits}{}", "0".repeat(zeros.min(DIGITS)));
    }
    let scale = scale as usize;
    let digits = format!("{}{digits}", "0".repeat((scale + 1).saturating_sub(digits.len())));
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Most digits of a decimal in a text: a longer one is an attack on the processor.
const DIGITS: usize = 10_000;

/// The unscaled number of a JSON number at a scale, two's complement; `None` if it has digits beyond the scale.
pub fn unscaled_of(text: &str, scale: i32) -> Option<Vec<u8>> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}");
    let shift = i64::from(scale) - fraction.len() as i64 + i64::from(exponent);
    if digits.len() as i64 + shift.max(0) > DIGITS as i64 {
        return None;
    }
    if shift >= 0 {
        digits.extend(std::iter::repeat_n('0', shift as usize));
    } else {
        let cut = digits.len().saturating_sub(shift.unsigned_abs() as usize);
        if digits[cut..].bytes().any(|b| b != b'0') {
            return None;
        }
        digits.truncate(cut);
    }
    let number = if digits.is_empty() || digits == "-" { BigInt::ZERO } else { digits.parse::<BigInt>().ok()? };
    Some(number.to_signed_bytes_be())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_and_read() {
        for (bytes, scale, text) in [
            (&[0xF8, 0x31][..], 2, "-19.99"),
            (&[5], 3, "0.005"),
            (&[0], 0, "0"),
            (&[0x80], 0, "-128"),
            (&[0x0D, 0xE0, 0xB6, 0xB3, 0xA7, 0x64, 0, 0], 0, "1000000000000000000"),
        ] {
            assert_eq!(decimal_text(bytes, scale), text);
            assert_eq!(unscaled_of(text, scale).as_deref(), Some(bytes), "{text}");
        }
        assert_eq!(decimal_text(&[5], -2), "500");
        assert_eq!(unscaled_of("1.5e1", 1), Some(vec![0, 150]));
        for (text, scale) in [("1.25", 1), ("1e999999999", 0), ("x", 0)] {
            assert_eq!(unscaled_of(text, scale), None, "{text}");
        }
    }
}
