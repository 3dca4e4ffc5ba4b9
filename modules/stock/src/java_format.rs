//! Java's `String.format` in the root locale's shapes.

use berth_guest::{Dictionaries, Error, Result, Tag, ValueRef};

use crate::decimal::Decimal;
use crate::java_class::name_of;
use crate::java_number::{append_f32, bigint_text, non_finite};
use crate::java_text;
use crate::java_time::Civil;
use crate::wtf8;

/// `String.format(pattern, args)`. Objects are printed by their `toString`; dates are in UTC.
pub fn format(pattern: &str, args: &[ValueRef<'_>], dict: &mut Dictionaries) -> Result<String> {
    let mut out = String::new();
    let (mut rest, mut ordinary, mut last) = (pattern, 0, None);
    while let Some(at) = rest.find('%') {
        out += &rest[..at];
        let (spec, after) = Spec::read(&rest[at..])?;
        let chosen = match (spec.conversion, spec.index) {
            ('%' | 'n', _) => None,
            (_, Index::Last) => last,
            (_, Index::At(n)) => Some(n),
            (_, Index::Next) => {
                ordinary += 1;
                Some(ordinary - 1)
            }
        };
        last = chosen.or(last);
        let arg = match (spec.conversion, chosen.and_then(|i| args.get(i))) {
            ('%' | 'n', _) => ValueRef::NULL,
            (_, Some(arg)) => *arg,
            (_, None) => return Err(spec.error("MissingFormatArgument", format!("Format specifier '{}'", spec.text))),
        };
        out += &spec.pad(spec.convert(arg, dict)?);
        rest = after;
    }
    Ok(out + rest)
}

#[derive(Clone, Copy, PartialEq)]
enum Index {
    Next,
    Last,
    At(usize),
}

/// `%[argument$][flags][width][.precision]conversion`.
struct Spec<'a> {
    text: &'a str,
    index: Index,
    flags: &'a str,
    width: usize,
    precision: Option<usize>,
    conversion: char,
    /// Second letter of a date's conversion.
    part: char,
}

impl<'a> Spec<'a> {
    /// Reads a specifier and gives what follows it.
    fn read(text: &'a str) -> Result<(Spec<'a>, &'a str)> {
        let digits = |t: &'a str| t.split_at(t.find(|c: char| !c.is_ascii_digit()).unwrap_or(t.len()));
        let (mut index, mut rest) = (Index::Next, &text[1..]);
        if let (number, Some(after)) = (digits(rest).0, digits(rest).1.strip_prefix('$')) {
            index = Index::At(number.parse::<usize>().unwrap_or(usize::MAX).wrapping_sub(1));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('<') {
            (index, rest) = (Index::Last, after);
        }
        let (flags, after) = rest.split_at(rest.find(|c| !"-#+ 0,(".contains(c)).unwrap_or(rest.len()));
        let (width, mut rest) = digits(after);
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            let (number, after) = digits(after);
            precision = Some(number.parse().map_err(|_| unknown('.'))?);
            rest = after;
        }
        let mut letters = rest.chars();
        let conversion = letters.next().ok_or_else(|| unknown('%'))?;
        let part =
            if matches!(conversion, 't' | 'T') { letters.next().ok_or_else(|| unknown(conversion))? } else { ' ' };
        let rest = letters.as_str();
        let text = &text[..text.len() - rest.len()];
        let width = width.parse().unwrap_or(0);
        Ok((Spec { text, index, flags, width, precision, conversion, part }, rest))
    }

    fn flag(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn convert(&self, arg: ValueRef<'_>, dict: &mut Dictionaries) -> Result<String> {
        let text = match self.conversion {
            '%' => "%".into(),
            'n' => return Ok("\n".into()),
            's' | 'S' | 'b' | 'B' | 'h' | 'H' => self.general(arg, dict),
            _ if arg.is_null() && "cCdoxXeEfgGtT".contains(self.conversion) => "null".into(),
            'c' | 'C' => self.character(arg)?,
            'd' => self.whole(arg)?,
            'o' | 'x' | 'X' => self.bits(arg)?,
            'e' | 'E' | 'f' | 'g' | 'G' => self.real(arg)?,
            't' | 'T' => self.date(arg)?,
            other => return Err(unknown(other)),
        };
        Ok(if self.conversion.is_ascii_uppercase() { text.to_uppercase() } else { text })
    }

    fn pad(&self, text: String) -> String {
        let missing = self.width.saturating_sub(text.encode_utf16().count());
        match self.flag('-') {
            true => text + &" ".repeat(missing),
            false => " ".repeat(missing) + &text,
        }
    }

    fn general(&self, arg: ValueRef<'_>, dict: &mut Dictionaries) -> String {
        let mut out = Vec::new();
        match (self.conversion, arg.tag) {
            ('b' | 'B', Tag::Boolean) => return (arg.boolean() == Some(true)).to_string(),
            ('b' | 'B', tag) => return (tag != Tag::Null).to_string(),
            _ => java_text::append(arg, None, dict, &mut out),
        }
        let text = wtf8::shown(&out);
        if matches!(self.conversion, 'h' | 'H') && !arg.is_null() {
            return format!("{:x}", crate::java_hash::string_hash(&text));
        }
        text.chars().take(self.precision.unwrap_or(usize::MAX)).collect()
    }

    fn character(&self, arg: ValueRef<'_>) -> Result<String> {
        if let Some(("java.lang.Character", text)) = arg.object() {
            return Ok(text.to_string());
        }
        let code = arg.int().filter(|_| matches!(arg.tag, Tag::Int8 | Tag::Int16 | Tag::Int32));
        let c = code.and_then(|n| char::from_u32(n as u32)).ok_or_else(|| self.misfit(arg))?;
        Ok(c.to_string())
    }

    fn whole(&self, arg: ValueRef<'_>) -> Result<String> {
        let text = match arg.tag {
            Tag::BigInt => bigint_text(arg.payload),
            Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => arg.int().unwrap_or(0).to_string(),
            _ => return Err(self.misfit(arg)),
        };
        let digits = text.strip_prefix('-').unwrap_or(&text);
        Ok(self.signed(digits.len() < text.len(), digits, ""))
    }

    /// Negative numbers in two's complement, as wide as their class.
    fn bits(&self, arg: ValueRef<'_>) -> Result<String> {
        let mask = match arg.tag {
            Tag::Int8 => u8::MAX as u64,
            Tag::Int16 => u16::MAX as u64,
            Tag::Int32 => u32::MAX as u64,
            Tag::Int64 => u64::MAX,
            _ => return Err(self.misfit(arg)),
        };
        let n = arg.int().unwrap_or(0) as u64 & mask;
        let (prefix, digits) = match self.conversion {
            'o' => ("0", format!("{n:o}")),
            _ => ("0x", format!("{n:x}")),
        };
        let prefix = if self.flag('#') { prefix } else { "" };
        let zeros = if self.flag('0') { self.width.saturating_sub(prefix.len() + digits.len()) } else { 0 };
        Ok(format!("{prefix}{}{digits}", "0".repeat(zeros)))
    }

    fn real(&self, arg: ValueRef<'_>) -> Result<String> {
        let decimal = match (arg.tag, arg.float64().or(arg.float32().map(f64::from))) {
            (_, Some(n)) if !n.is_finite() => {
                let text = non_finite(n);
                let plus = if n > 0.0 && self.flag('+') { "+" } else { "" };
                return Ok(format!("{plus}{text}"));
            }
            (Tag::Float32, Some(n)) => {
                let mut text = Vec::new();
                append_f32(n as f32, &mut text);
                let decimal = Decimal::read(std::str::from_utf8(&text).unwrap_or_default())?;
                Decimal { negative: n.is_sign_negative(), ..decimal }
            }
            (_, Some(n)) => Decimal { negative: n.is_sign_negative(), ..Decimal::of_f64(n)? },
            (Tag::Decimal, _) => {
                let (scale, unscaled) = arg.decimal().unwrap_or((0, &[0]));
                Decimal::of(scale, unscaled)
            }
            _ => return Err(self.misfit(arg)),
        };
        let precision = self.precision.unwrap_or(6);
        let (digits, exponent) = match self.conversion {
            'f' => (decimal.fixed(precision), None),
            'e' | 'E' => scientific(&decimal, precision),
            _ => {
                let precision = precision.max(1);
                let (_, exponent) = scientific(&decimal, precision - 1);
                match exponent.unwrap_or(0) {
                    e if decimal.is_zero() || (-4..precision as i64).contains(&e) => {
                        let e = if decimal.is_zero() { 0 } else { e };
                        (decimal.fixed((precision as i64 - 1 - e) as usize), None)
                    }
                    _ => scientific(&decimal, precision - 1),
                }
            }
        };
        let mark = exponent.map_or(String::new(), |e| format!("e{}{:02}", if e < 0 { '-' } else { '+' }, e.abs()));
        Ok(self.signed(decimal.negative, &digits, &mark))
    }

    fn date(&self, arg: ValueRef<'_>) -> Result<String> {
        let ms = arg.int().filter(|_| matches!(arg.tag, Tag::Date | Tag::Int64)).ok_or_else(|| self.misfit(arg))?;
        let c = Civil::of(ms);
        let year = c.era_year();
        Ok(match self.part {
            'Y' => format!("{year:04}"),
            'C' => format!("{:02}", year / 100),
            'y' => format!("{:02}", year % 100),
            'm' => format!("{:02}", c.month),
            'd' => format!("{:02}", c.day),
            'e' => c.day.to_string(),
            'H' => format!("{:02}", c.hour),
            'k' => c.hour.to_string(),
            'M' => format!("{:02}", c.minute),
            'S' => format!("{:02}", c.second),
            'L' => format!("{:03}", c.ms),
            'F' => format!("{year:04}-{:02}-{:02}", c.month, c.day),
            'D' => format!("{:02}/{:02}/{:02}", c.month, c.day, year % 100),
            'T' => format!("{:02}:{:02}:{:02}", c.hour, c.minute, c.second),
            'R' => format!("{:02}:{:02}", c.hour, c.minute),
            's' => ms.div_euclid(1000).to_string(),
            'Q' => ms.to_string(),
            _ => return Err(unknown(self.conversion)),
        })
    }

    /// Sign, grouping and zeros of a number.
    fn signed(&self, negative: bool, digits: &str, mark: &str) -> String {
        let (before, after) = match (negative, self.flag('('), self.flag('+'), self.flag(' ')) {
            (true, true, ..) => ("(", ")"),
            (true, ..) => ("-", ""),
            (_, _, true, _) => ("+", ""),
            (.., true) => (" ", ""),
            _ => ("", ""),
        };
        let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
        let whole = if self.flag(',') { grouped(whole) } else { whole.to_string() };
        let body = format!("{whole}{fraction}{mark}");
        let used = before.len() + body.len() + after.len();
        let zeros = if self.flag('0') { self.width.saturating_sub(used) } else { 0 };
        format!("{before}{}{body}{after}", "0".repeat(zeros))
    }

    fn misfit(&self, arg: ValueRef<'_>) -> Error {
        self.error("IllegalFormatConversion", format!("{} != {}", self.conversion, name_of(arg)))
    }

    fn error(&self, kind: &str, message: String) -> Error {
        Error::data(message).class(match kind {
            "MissingFormatArgument" => "java.util.MissingFormatArgumentException",
            _ => "java.util.IllegalFormatConversionException",
        })
    }
}

fn unknown(conversion: char) -> Error {
    Error::data(format!("Conversion = '{conversion}'")).class("java.util.UnknownFormatConversionException")
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// One digit, the fraction and the exponent of ten.
fn scientific(decimal: &Decimal, precision: usize) -> (String, Option<i64>) {
    if decimal.is_zero() {
        return (decimal.fixed(precision), Some(0));
    }
    let exponent = |d: &Decimal| d.digits.len() as i64 - 1 - d.scale as i64;
    let shifted =
        |e: i64| Decimal { scale: decimal.scale.saturating_add(e as i32), ..decimal.clone() }.fixed(precision);
    let first = exponent(decimal);
    let text = shifted(first);
    // Rounding may have carried into a further digit.
    match text.find('.').unwrap_or(text.len()) {
        1 => (text, Some(first)),
        _ => (shifted(first + 1), Some(first + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use berth_guest::Value;

    fn one(pattern: &str, arg: Value) -> String {
        let body = arg.to_body();
        let args = [ValueRef::of_item(&body).unwrap()];
        format(pattern, &args, &mut Dictionaries::default()).unwrap_or_else(|e| e.message)
    }

    #[test]
    fn numbers_are_formatted_as_in_java() {
        for (pattern, n, want) in [
            ("%.3f", 2.0005, "2.001"),
            ("%.2f", 0.125, "0.13"),
            ("%.0f", 2.5, "3"),
            ("%.1f", 9.96, "10.0"),
            ("%e", 12345.678, "1.234568e+04"),
            ("%.1e", 9.96e-10, "1.0e-09"),
            ("%g", 0.0001, "0.000100000"),
            ("%g", 0.00001, "1.00000e-05"),
            ("%G", 1e10, "1.00000E+10"),
            ("%g", 0.0, "0.00000"),
            ("%08.2f", -1.5, "-0001.50"),
            ("%,.2f", 1234567.891, "1,234,567.89"),
            ("%(.1f", -2.0, "(2.0)"),
            ("%+f", f64::INFINITY, "+Infinity"),
        ] {
            assert_eq!(one(pattern, Value::Float64(n)), want, "{pattern} {n}");
        }
        assert_eq!(one("%x %<08X %<#o", Value::Int8(-1)), "ff 000000FF 0377");
        assert_eq!(one("%2$s", Value::Int8(1)), "Format specifier '%2$s'");
        assert_eq!(one("%d", Value::str("x")), "d != java.lang.String");
        assert_eq!(one("%.", Value::Null), "Conversion = '.'");
        assert_eq!(one("%tF %<tT %<tL", Value::Date(86_400_001)), "1970-01-02 00:00:00 001");
        assert_eq!(one("%b|%1$5s|%1$-5S|%n%%", Value::Null), "false| null|NULL |\n%");
    }
}
