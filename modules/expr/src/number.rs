//! Decimals and integers of any size as CEL's numbers and as exact text.

use berth_guest::{Tag, ValueRef};
use num_bigint::BigInt;

/// Digits beyond which a text gets an exponent instead of zeros.
const PLAIN_SCALE: i32 = 1_000;

/// The nearest double of a DECIMAL or BIGINT.
pub fn to_double(value: ValueRef<'_>) -> f64 {
    let (scale, unscaled) = parts(value);
    format!("{unscaled}e{}", -i64::from(scale)).parse().unwrap_or(f64::NAN)
}

/// A BIGINT that 64 bits hold.
pub fn to_int(value: ValueRef<'_>) -> Option<i64> {
    i64::try_from(parts(value).1).ok()
}

/// All digits of a DECIMAL or BIGINT.
pub fn to_text(value: ValueRef<'_>) -> String {
    let (scale, unscaled) = parts(value);
    if scale == 0 {
        return unscaled.to_string();
    }
    if !(0..=PLAIN_SCALE).contains(&scale) {
        return format!("{unscaled}E{:+}", -i64::from(scale));
    }
    let scale = scale as usize;
    let digits = format!("{:0>width$}", unscaled.magnitude().to_string(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled.sign() == num_bigint::Sign::Minus { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

fn parts(value: ValueRef<'_>) -> (i32, BigInt) {
    let (scale, bytes) = match value.tag {
        Tag::Decimal => value.decimal().unwrap_or((0, &[])),
        _ => (0, value.payload),
    };
    (scale, BigInt::from_signed_bytes_be(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use berth_guest::Value;

    #[test]
    fn decimals_keep_every_digit_as_text() {
        let cases = [
            (2, 12_345, "123.45", 123.45),
            (2, -5, "-0.05", -0.05),
            (0, 7, "7", 7.0),
            (-3, 7, "7E+3", 7_000.0),
            (2_000, 1, "1E-2000", 0.0),
        ];
        for (scale, unscaled, text, double) in cases {
            let body = Value::Decimal(scale, BigInt::from(unscaled).to_signed_bytes_be()).to_body();
            let value = ValueRef::of_item(&body).unwrap();
            assert_eq!((to_text(value).as_str(), to_double(value)), (text, double));
        }
    }

    #[test]
    fn integers_beyond_64_bits_have_no_int() {
        let body = Value::BigInt(BigInt::from(1u64 << 63).to_signed_bytes_be()).to_body();
        let value = ValueRef::of_item(&body).unwrap();
        assert_eq!((to_int(value), to_text(value).as_str()), (None, "9223372036854775808"));
    }
}
