//! Numbers as Java prints them.

use std::fmt::Arguments;
use std::io::Write;

use berth_guest::append;

/// `Double.toString`, with the shortest digits that read back (as since JDK 19).
pub fn append_f64(n: f64, out: &mut Vec<u8>) {
    if !n.is_finite() {
        out.extend_from_slice(non_finite(n).as_bytes());
        return;
    }
    // Here both write the shortest digits in the same shape.
    if (1e-3..1e7).contains(&n.abs()) {
        if !append_thousandths(n, out) {
            out.extend_from_slice(ryu::Buffer::new().format_finite(n).as_bytes());
        }
        return;
    }
    // Java prints at least two digits, the closest ones: for most numbers the second is a zero.
    if n.abs() < f64::MIN_POSITIVE && two_digits(format_args!("{n:.1e}"), |text| text.parse() == Ok(n), out) {
        return;
    }
    append_scientific(ryu::Buffer::new().format_finite(n), out);
}

/// Appends a number that is the closest one to a whole number of thousandths. No two decimals of at most 15 digits
/// have the same closest number, so its digits, without zeros at the end, are the shortest. False: it is none.
fn append_thousandths(n: f64, out: &mut Vec<u8>) -> bool {
    let thousandths = (n.abs() * 1e3 + 0.5) as u64;
    if thousandths as f64 / 1e3 != n.abs() {
        return false;
    }
    // The whole part has at most seven digits, and 32 bits are divided much faster than 64.
    let whole = n.abs() as u32;
    let rest = (thousandths - whole as u64 * 1000) as u32;
    if n < 0.0 {
        out.push(b'-');
    }
    append_u64(whole as u64, out);
    let digit = |n: u32| b'0' + (n % 10) as u8;
    let fraction = [b'.', digit(rest / 100), digit(rest / 10), digit(rest)];
    let zeros = fraction[2..].iter().rev().take_while(|byte| **byte == b'0').count();
    out.extend_from_slice(&fraction[..4 - zeros]);
    true
}

/// `Float.toString`.
pub fn append_f32(n: f32, out: &mut Vec<u8>) {
    if !n.is_finite() {
        out.extend_from_slice(non_finite(n as f64).as_bytes());
        return;
    }
    if (1e-3..1e7).contains(&n.abs()) {
        out.extend_from_slice(ryu::Buffer::new().format_finite(n).as_bytes());
        return;
    }
    if n.abs() < f32::MIN_POSITIVE && two_digits(format_args!("{n:.1e}"), |text| text.parse() == Ok(n), out) {
        return;
    }
    append_scientific(ryu::Buffer::new().format_finite(n), out);
}

/// Appends a number of two digits if it is as good as the exact one, and not zero.
fn two_digits(text: Arguments<'_>, same: impl Fn(&str) -> bool, out: &mut Vec<u8>) -> bool {
    let mut digits = Digits::default();
    let _ = digits.write_fmt(text);
    let found = !digits.as_str().trim_start_matches('-').starts_with("0") && same(digits.as_str());
    if found {
        append_scientific(digits.as_str(), out);
    }
    found
}

/// `NaN`, `Infinity`, `-Infinity`.
pub fn non_finite(n: f64) -> &'static str {
    match (n.is_nan(), n > 0.0) {
        (true, _) => "NaN",
        (_, true) => "Infinity",
        _ => "-Infinity",
    }
}

/// Room for the text of one number.
#[derive(Default)]
struct Digits {
    bytes: [u8; 32],
    len: usize,
}

impl Digits {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or("0e0")
    }
}

impl Write for Digits {
    fn write(&mut self, more: &[u8]) -> std::io::Result<usize> {
        let n = more.len().min(self.bytes.len() - self.len);
        self.bytes[self.len..self.len + n].copy_from_slice(&more[..n]);
        self.len += n;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Turns `-1.25e-7`, `0.000125` or `12500000.0` into Java's `-1.25E-7`.
fn append_scientific(text: &str, out: &mut Vec<u8>) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    if unsigned.len() < mantissa.len() {
        out.push(b'-');
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut digits = Digits::default();
    let _ = digits.write_all(whole.as_bytes());
    let _ = digits.write_all(fraction.as_bytes());
    let zeros = digits.as_str().len() - digits.as_str().trim_start_matches('0').len();
    let Some((first, rest)) = digits.as_str()[zeros..].trim_end_matches('0').split_at_checked(1) else {
        return out.extend_from_slice(b"0.0");
    };
    let exponent = exponent.parse::<i32>().unwrap_or(0) + whole.len() as i32 - zeros as i32 - 1;
    out.extend_from_slice(first.as_bytes());
    out.push(b'.');
    out.extend_from_slice(if rest.is_empty() { b"0" } else { rest.as_bytes() });
    out.push(b'E');
    append_int(exponent as i64, out);
}

/// Appends a whole number.
pub fn append_int(n: i64, out: &mut Vec<u8>) {
    if n < 0 {
        out.push(b'-');
    }
    append_u64(n.unsigned_abs(), out);
}

const EIGHT_DIGITS: u64 = 100_000_000;

/// Dividing 64 bits is dear in a module, 32 bits by a constant are not: eight digits are taken at a time.
fn append_u64(mut n: u64, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 24];
    let mut at = digits.len();
    while n >= EIGHT_DIGITS {
        put_digits((n % EIGHT_DIGITS) as u32, &mut digits, at);
        (n, at) = (n / EIGHT_DIGITS, at - 8);
    }
    at = put_digits(n as u32, &mut digits, at);
    append(&digits[at..], out);
}

/// Writes a number, zero as one digit, that ends at `at`; gives where it begins.
#[inline]
fn put_digits(mut n: u32, digits: &mut [u8; 24], mut at: usize) -> usize {
    while n >= 10 {
        (digits[at - 1], digits[at - 2]) = (b'0' + (n % 10) as u8, b'0' + (n / 10 % 10) as u8);
        (n, at) = (n / 100, at - 2);
    }
    if n > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b'0' + n as u8;
    }
    at
}

fn append_digits(negative: bool, mut rest: u128, out: &mut Vec<u8>) {
    if let Ok(small) = u64::try_from(rest) {
        if negative {
            out.push(b'-');
        }
        return append_u64(small, out);
    }
    let mut digits = [0; 40];
    let mut at = digits.len();
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends the decimal text of a big-endian two's complement number.
pub fn append_bigint(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.len() > 16 {
        return out.extend_from_slice(bigint_text(bytes).as_bytes());
    }
    let sign = if bytes.first().is_some_and(|b| *b >= 0x80) { -1 } else { 0 };
    let n = bytes.iter().fold(sign as i128, |n, byte| (n << 8) | *byte as i128);
    append_digits(n < 0, n.unsigned_abs(), out);
}

/// The decimal text of a big-endian two's complement number.
pub fn bigint_text(bytes: &[u8]) -> String {
    let negative = bytes.first().is_some_and(|b| *b >= 0x80);
    let mut magnitude: Vec<u32> = Vec::new();
    let mut carry = negative as u32;
    for chunk in bytes.rchunks(4) {
        let mut limb = if negative { u32::MAX } else { 0 };
        for byte in chunk {
            limb = (limb << 8) | *byte as u32;
        }
        let (limb, over) = if negative { (!limb).overflowing_add(carry) } else { (limb, false) };
        carry = over as u32;
        magnitude.push(limb);
    }
    if carry == 1 && negative {
        magnitude.push(1);
    }
    let mut groups = Vec::new();
    while magnitude.iter().any(|limb| *limb != 0) {
        let mut rest = 0u64;
        for limb in magnitude.iter_mut().rev() {
            let n = (rest << 32) | *limb as u64;
            *limb = (n / 1_000_000_000) as u32;
            rest = n % 1_000_000_000;
        }
        while magnitude.last() == Some(&0) {
            magnitude.pop();
        }
        groups.push(rest as u32);
    }
    let mut text = String::new();
    if negative {
        text.push('-');
    }
    match groups.pop() {
        None => text.push('0'),
        Some(first) => {
            text += &first.to_string();
            groups.iter().rev().for_each(|group| text += &format!("{group:09}"));
        }
    }
    text
}

/// Big-endian two's complement, shortest form, of a decimal text with optional sign. `None` if it is not a number.
pub fn bigint_bytes(text: &str) -> Option<Vec<u8>> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut limbs: Vec<u32> = Vec::new();
    for group in digits.as_bytes().chunks(9) {
        let group = std::str::from_utf8(group).ok()?;
        let mut carry: u64 = group.parse().ok()?;
        let factor = 10u64.pow(group.len() as u32);
        for limb in limbs.iter_mut() {
            let n = *limb as u64 * factor + carry;
            *limb = n as u32;
            carry = n >> 32;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    let mut bytes: Vec<u8> = limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    bytes.insert(0, 0);
    if negative {
        let mut carry = true;
        for byte in bytes.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(carry as u8);
        }
    }
    Some(shorten(&bytes).to_vec())
}

/// Drops leading bytes that only repeat the sign.
pub fn shorten(mut bytes: &[u8]) -> &[u8] {
    while let [first, second, ..] = bytes {
        if (*first == 0 && *second < 0x80) || (*first == 0xFF && *second >= 0x80) {
            bytes = &bytes[1..];
        } else {
            break;
        }
    }
    bytes
}

/// `BigDecimal.toString`.
pub fn decimal_text(scale: i32, unscaled: &[u8]) -> String {
    let mut out = Vec::new();
    append_decimal(scale, unscaled, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends `BigDecimal.toString`.
pub fn append_decimal(scale: i32, unscaled: &[u8], out: &mut Vec<u8>) {
    let start = digits_of(unscaled, out);
    let count = out.len() - start;
    let exponent = count as i64 - 1 - scale as i64;
    if scale == 0 {
        return;
    }
    if scale > 0 && exponent >= -6 {
        return set_point(start, scale as usize, out);
    }
    if count > 1 {
        out.insert(start + 1, b'.');
    }
    if exponent != 0 {
        out.extend_from_slice(if exponent > 0 { b"E+" } else { b"E" });
        append_int(exponent, out);
    }
}

/// A big-endian two's complement number, if it has at most 16 bytes.
pub fn small_bigint(bytes: &[u8]) -> Option<i128> {
    let sign = if bytes.first().is_some_and(|first| *first >= 0x80) { 0xFF } else { 0 };
    let mut all = [sign; 16];
    all[16usize.checked_sub(bytes.len())?..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(all))
}

/// `BigDecimal.toPlainString`.
pub fn decimal_plain_text(scale: i32, unscaled: &[u8]) -> String {
    let mut out = Vec::new();
    let start = digits_of(unscaled, &mut out);
    match usize::try_from(scale) {
        Ok(0) => {}
        Ok(scale) => set_point(start, scale, &mut out),
        Err(_) if out == b"0" => {}
        Err(_) => out.resize(out.len() + scale.unsigned_abs() as usize, b'0'),
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Appends a number; gives where its digits begin, behind the sign.
fn digits_of(unscaled: &[u8], out: &mut Vec<u8>) -> usize {
    let start = out.len();
    append_bigint(unscaled, out);
    start + (out[start] == b'-') as usize
}

/// Puts a decimal point before the last `scale` digits, and zeros where there are none.
fn set_point(start: usize, scale: usize, out: &mut Vec<u8>) {
    let count = out.len() - start;
    if count <= scale {
        out.splice(start..start, std::iter::repeat_n(b'0', scale + 1 - count));
    }
    out.insert(out.len() - scale, b'.');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_in_java() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (0.001, "0.001"),
            (0.00099, "9.9E-4"),
            (1.25e-7, "1.25E-7"),
            (123456.789, "123456.789"),
            (4e-324, "4.9E-324"),
            (1e23, "1.0E23"),
            (2.980_232_238_769_531_2e-8, "2.9802322387695312E-8"),
            (-1.2345e-5, "-1.2345E-5"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (n, want) in cases {
            let mut out = Vec::new();
            append_f64(n, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
        let mut out = Vec::new();
        append_f32(1.2345679, &mut out);
        assert_eq!(out, b"1.2345679");
    }

    #[test]
    fn thousandths_are_written_as_the_general_way_writes_them() {
        let check = |n: f64| {
            let mut out = Vec::new();
            if append_thousandths(n, &mut out) {
                assert_eq!(String::from_utf8(out).unwrap(), ryu::Buffer::new().format_finite(n));
            }
        };
        let mut seed = 1u64;
        for i in 0..100_000u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let exact = (i * 99_991 % 9_999_999_999 + 1) as f64 / 1e3;
            let any = f64::from_bits((seed >> 12) | 1.0f64.to_bits());
            [exact, -exact, exact.next_up(), any, any * 1e6, any / 1e3].iter().for_each(|n| check(*n));
        }
        let mut out = Vec::new();
        for n in [0.001, -0.25, 100.0, 9_999_999.999, 748.01] {
            assert!(append_thousandths(n, &mut out), "{n}");
            out.push(b' ');
        }
        assert_eq!(String::from_utf8(out).unwrap(), "0.001 -0.25 100.0 9999999.999 748.01 ");
        assert!(!append_thousandths(0.1234, &mut Vec::new()));
    }

    #[test]
    fn whole_numbers_of_each_length_are_written() {
        let mut out = Vec::new();
        let powers = (0..19).map(|power| 10i64.pow(power));
        let near = powers.flat_map(|n| [n - 1, n, n + 1, 7 * (n / 3), -n]).chain([i64::MAX, i64::MIN]);
        for n in near {
            out.clear();
            append_int(n, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), n.to_string());
        }
    }

    #[test]
    fn big_numbers_survive_the_round_trip() {
        for text in [
            "0",
            "-1",
            "127",
            "128",
            "-128",
            "-129",
            "255",
            "4294967296",
            "-4294967296",
            "99999999999999999999",
            "-170141183460469231731687303715884105728",
            "1000000000000000000000000000000000000000001",
        ] {
            let bytes = bigint_bytes(text).unwrap();
            assert_eq!(bigint_text(&bytes), text);
            assert_eq!(shorten(&bytes), bytes);
        }
        assert_eq!(bigint_bytes("128").unwrap(), [0, 128]);
        assert_eq!(bigint_bytes("-128").unwrap(), [128]);
        assert_eq!(bigint_bytes("12x"), None);
        assert_eq!(bigint_bytes("-"), None);
    }

    #[test]
    fn decimals_print_as_in_java() {
        let text = |n: &str, scale| decimal_text(scale, &bigint_bytes(n).unwrap());
        assert_eq!(text("12345", 2), "123.45");
        assert_eq!(text("-5", 3), "-0.005");
        assert_eq!(text("1", -3), "1E+3");
        assert_eq!(text("123", 10), "1.23E-8");
        assert_eq!(text("0", 7), "0E-7");
        assert_eq!(decimal_plain_text(-3, &[1]), "1000");
        assert_eq!(decimal_plain_text(8, &[1]), "0.00000001");
    }
}
