//! The numbers in a date's text, as Java's DecimalFormat for whole numbers reads them.

use crate::decimal::digit;

/// Reads a number at the start of `text`: its `intValue`, and how many bytes it takes.
pub fn parse(text: &str) -> Option<(i32, usize)> {
    let plain = text.bytes().take_while(u8::is_ascii_digit).count();
    match text.as_bytes().get(plain) {
        Some(next) if *next == b'E' || !next.is_ascii() => parse_slow(text),
        _ if plain == 0 || plain > 9 => parse_slow(text),
        _ => Some((text.as_bytes()[..plain].iter().fold(0, |n, digit| n * 10 + (digit - b'0') as i32), plain)),
    }
}

/// What is rare: signs, digits of other scripts, an exponent, infinity, numbers too large for an int.
fn parse_slow(text: &str) -> Option<(i32, usize)> {
    const NAN: &str = "NaN";
    if text.starts_with(NAN) {
        return Some((0, NAN.len()));
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let negative = unsigned.len() < text.len();
    if let Some(rest) = unsigned.strip_prefix('∞') {
        return Some((if negative { i32::MIN } else { i32::MAX }, text.len() - rest.len()));
    }
    let (digits, mut rest) = digits(unsigned)?;
    let mut exponent = 0;
    if let Some((value, behind)) = rest.strip_prefix('E').and_then(exponent_of) {
        (exponent, rest) = (value, behind);
    }
    Some((int_value(&digits, exponent, negative), text.len() - rest.len()))
}

/// ASCII digits of the number in front, and what follows; none: there is no number.
fn digits(text: &str) -> Option<(String, &str)> {
    let mut digits = String::new();
    let mut end = 0;
    for c in text.chars() {
        // Java looks at UTF-16 units, of which digits beyond U+FFFF have two.
        let Some(d) = digit(c).filter(|_| c.len_utf16() == 1) else { break };
        digits.push((b'0' + d as u8) as char);
        end += c.len_utf8();
    }
    (end > 0).then_some((digits, &text[end..]))
}

fn exponent_of(text: &str) -> Option<(i32, &str)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (digits, rest) = digits(unsigned)?;
    let value = digits.parse::<i64>().ok()? as i32;
    Some((if unsigned.len() < text.len() { value.wrapping_neg() } else { value }, rest))
}

/// `Number.intValue`: the low bits of what fits into a long, the nearest int of a double.
fn int_value(digits: &str, exponent: i32, negative: bool) -> i32 {
    let digits = digits.trim_start_matches('0');
    let point = (digits.len() as i32).wrapping_add(exponent);
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return 0;
    }
    let is_whole = (digits.len() as i32..=19).contains(&point);
    let whole = if is_whole { format!("{digits:0<0$}", point as usize).parse::<i128>().ok() } else { None };
    let whole = whole.map(|n| if negative { -n } else { n });
    if let Some(n) = whole.and_then(|n| i64::try_from(n).ok()) {
        return n as i32;
    }
    let real = format!("0.{digits}e{point}").parse::<f64>().unwrap_or(0.0);
    (if negative { -real } else { real }) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_java_reads_them() {
        let cases = [
            ("2020-", Some((2020, 4))),
            ("-05x", Some((-5, 3))),
            ("- 5", None),
            ("+5", None),
            ("x", None),
            ("", None),
            ("2,020", Some((2, 1))),
            ("2020.5", Some((2020, 4))),
            ("٢٠٢٠", Some((2020, 8))),
            ("1٢", Some((12, 3))),
            ("𝟘", None),
            ("1E3", Some((1000, 3))),
            ("2020E-1", Some((202, 7))),
            ("1Ex", Some((1, 1))),
            ("0E99999999999", Some((0, 13))),
            ("1E99999", Some((i32::MAX, 7))),
            ("NaN", Some((0, 3))),
            ("-∞", Some((i32::MIN, 4))),
            ("99999999999", Some((1_215_752_191, 11))),
            ("9223372036854775807", Some((-1, 19))),
            ("9223372036854775808", Some((i32::MAX, 19))),
            ("-9223372036854775808", Some((0, 20))),
            ("-9223372036854775809", Some((i32::MIN, 20))),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text), want, "{text}");
        }
    }
}
