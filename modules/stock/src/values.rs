//! Connect's `Values.parseString`: texts to typed values, as SimpleHeaderConverter and InsertHeader use it.

use std::rc::Rc;

use berth_guest::{Error, Result, Schema, Type, Value};

use crate::decimal::{digit, Decimal};
use crate::java_text::trim;
use crate::values_common::{align, Common};
use crate::values_time;

/// A value with its schema; null has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    pub schema: Rc<Schema>,
    pub value: Value,
}

impl Typed {
    fn new(schema: Schema, value: Value) -> Typed {
        Typed { schema: Rc::new(schema), value }
    }

    fn string(text: &str) -> Typed {
        Typed::new(Schema::new(Type::String), Value::str(text))
    }
}

/// `Values.parseString`; `None` = null without a schema. Never fails: what is nothing else is a text.
pub fn parse(text: &str) -> Option<Typed> {
    if trim(text).is_empty() {
        return Some(Typed::string(text));
    }
    let mut parser = Parser { text, at: 0, next: None, previous: "" };
    match parser.value(false, 0) {
        Ok(typed) => typed,
        Err(_) => Some(Typed::string(text)),
    }
}

/// Whether the text stands for itself, told by how it begins: most do, and then nothing need be parsed.
pub fn is_plain(text: &str) -> bool {
    let text = trim(text);
    let typed = |c: char| digit(c).is_some() || matches!(c, '+' | '-' | '[' | '{');
    !text.starts_with(typed) && !["true", "false", "null"].iter().any(|word| text.starts_with(word))
}

/// The number of a text that is nothing but a sign and ASCII digits, as many as surely fit.
pub fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    match (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse().ok(),
        false => None,
    }
}

/// Splits at delimiters; positions and the one token of look-ahead follow Connect's parser, because its rewinding
/// after trimmed tokens is visible.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    next: Option<&'a str>,
    previous: &'a str,
}

type Parsed = Result<Option<Typed>>;

impl<'a> Parser<'a> {
    fn has_next(&self) -> bool {
        self.next.is_some() || self.at < self.text.len()
    }

    fn mark(&self) -> usize {
        self.at - self.next.map_or(0, str::len)
    }

    fn rewind(&mut self, to: usize) {
        (self.at, self.next, self.previous) = (to, None, "");
    }

    fn take(&mut self) -> &'a str {
        self.previous = match self.next.take() {
            Some(token) => token,
            None => self.scan(),
        };
        self.previous
    }

    /// The text of the next `n` tokens.
    fn take_many(&mut self, n: usize) -> Option<&'a str> {
        let start = self.mark();
        for _ in 0..n {
            if !self.has_next() {
                self.rewind(start);
                return None;
            }
            self.take();
        }
        self.text.get(start..self.at)
    }

    fn scan(&mut self) -> &'a str {
        let start = self.at;
        let mut escaped = false;
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            match bytes[self.at] {
                b'\\' => escaped = !escaped,
                b':' | b',' | b'{' | b'}' | b'[' | b']' | b'"' if !escaped => {
                    self.at += (start == self.at) as usize;
                    return &self.text[start..self.at];
                }
                _ => escaped = false,
            }
            self.at += 1;
        }
        &self.text[start..]
    }

    fn accept(&mut self, expected: &str) -> bool {
        if !self.has_next() {
            return false;
        }
        let mut token = match self.next {
            Some(token) => token,
            None => self.scan(),
        };
        token = trim(token);
        while token.is_empty() && self.at < self.text.len() {
            token = trim(self.scan());
        }
        self.next = Some(token);
        if token == expected {
            self.next = None;
            return true;
        }
        false
    }

    /// At the top level nothing may follow the word.
    fn accept_word(&mut self, word: &str, embedded: bool) -> bool {
        let start = self.mark();
        if !self.accept(word) {
            return false;
        }
        if embedded || !self.has_next() {
            return true;
        }
        self.rewind(start);
        false
    }

    fn value(&mut self, embedded: bool, depth: usize) -> Parsed {
        if !self.has_next() {
            return Ok(None);
        }
        if depth > berth_guest::limits::DEPTH {
            return Err(Error::data("nested too deeply"));
        }
        if embedded && self.accept("\"") {
            return Ok(Some(self.quoted()));
        }
        if self.accept_word("null", embedded) {
            return Ok(None);
        }
        for (word, value) in [("true", true), ("false", false)] {
            if self.accept_word(word, embedded) {
                return Ok(Some(Typed::new(Schema::new(Type::Boolean), Value::Boolean(value))));
            }
        }
        let start = self.mark();
        let nested = if self.accept("[") {
            Some(self.array(depth))
        } else if self.accept("{") {
            Some(self.map(depth))
        } else {
            None
        };
        match nested {
            Some(Ok(typed)) => return Ok(Some(typed)),
            Some(Err(_)) => self.rewind(start),
            None => {}
        }
        self.scalar(embedded)
    }

    fn quoted(&mut self) -> Typed {
        let mut content = String::new();
        while self.has_next() && !self.accept_exactly("\"") {
            content += self.take();
        }
        temporal(&content).unwrap_or_else(|| Typed::string(&content))
    }

    /// As `accept`, but blanks belong to the token.
    fn accept_exactly(&mut self, expected: &str) -> bool {
        let token = match self.next {
            Some(token) => token,
            None => self.scan(),
        };
        self.next = if token == expected { None } else { Some(token) };
        self.next.is_none()
    }

    fn scalar(&mut self, embedded: bool) -> Parsed {
        let token = self.take();
        let trimmed = trim(token);
        let Some(first) = trimmed.chars().next() else { return Ok(Some(Typed::string(token))) };
        let is_digit = digit(first).is_some();
        if is_digit {
            let position = self.mark();
            if let Some(rest) = self.take_many(4) {
                if let Some(found) = temporal(&format!("{trimmed}{rest}")) {
                    return Ok(Some(found));
                }
            }
            self.rewind(position);
            if let Some(found) = temporal(trimmed) {
                return Ok(Some(found));
            }
        }
        if is_digit || first == '+' || first == '-' {
            if let Some(found) = number(trimmed) {
                return Ok(Some(found));
            }
        }
        if embedded {
            return Err(Error::data("Failed to parse embedded value"));
        }
        Ok(Some(Typed::string(self.text)))
    }

    fn array(&mut self, depth: usize) -> Result<Typed> {
        let mut common = Common::default();
        let mut items = Vec::new();
        while self.has_next() {
            if self.accept("]") {
                let element = common.schema();
                if let Some(schema) = &element {
                    items = items.into_iter().map(|item| align(schema, item)).collect::<Result<_>>()?;
                }
                return Ok(Typed::new(Schema { element, ..Schema::new(Type::Array) }, Value::Array(items)));
            }
            if self.accept(",") {
                return Err(Error::data("Unable to parse an empty array element"));
            }
            let item = self.value(true, depth + 1)?;
            common.add(&item);
            items.push(item.map_or(Value::Null, |t| t.value));
            let position = self.mark();
            if self.accept("]") {
                self.rewind(position);
            } else if !self.accept(",") {
                return Err(Error::data("Array elements missing ',' delimiter"));
            }
        }
        Err(Error::data("Array is missing terminating ']'"))
    }

    fn map(&mut self, depth: usize) -> Result<Typed> {
        let (mut keys, mut values) = (Common::default(), Common::default());
        let mut entries: Vec<(Value, Value)> = Vec::new();
        while self.has_next() {
            if self.accept("}") {
                return finish_map(keys.schema(), values.schema(), entries);
            }
            if self.accept(",") {
                return Err(Error::data("Unable to parse a map entry with no key or value"));
            }
            let key = self.value(true, depth + 1)?;
            let Some(Typed { value: name, .. }) = key.clone() else {
                return Err(Error::data("Map entry may not have a null key"));
            };
            if !self.accept(":") {
                return Err(Error::data("Map entry is missing ':'"));
            }
            let value = self.value(true, depth + 1)?;
            keys.add(&key);
            values.add(&value);
            let content = value.map_or(Value::Null, |t| t.value);
            match entries.iter_mut().find(|(k, _)| *k == name) {
                Some(entry) => entry.1 = content,
                None => entries.push((name, content)),
            }
            self.accept(",");
        }
        Err(Error::data("Map is missing terminating '}'"))
    }
}

fn finish_map(key: Option<Rc<Schema>>, value: Option<Rc<Schema>>, entries: Vec<(Value, Value)>) -> Result<Typed> {
    let (key, value) = match (key, value) {
        (Some(key), value) => (Some(key), value),
        (None, _) => (None, None),
    };
    let mut aligned = Vec::new();
    for (k, v) in entries {
        let k = key.as_ref().map_or(Ok(k.clone()), |schema| align(schema, k))?;
        let v = value.as_ref().map_or(Ok(v.clone()), |schema| align(schema, v))?;
        aligned.push((k, v));
    }
    Ok(Typed::new(Schema { key, element: value, ..Schema::new(Type::Map) }, Value::Map(aligned)))
}

fn temporal(token: &str) -> Option<Typed> {
    let (name, ms) = values_time::temporal(token)?;
    Some(Typed::new(Schema::temporal(name), Value::Date(ms)))
}

fn number(token: &str) -> Option<Typed> {
    let decimal = Decimal::parse(token)?;
    if let Some(n) = decimal.to_i64() {
        return Some(smallest_int(n));
    }
    let text = decimal.scientific();
    let (single, double): (f32, f64) = (text.parse().ok()?, text.parse().ok()?);
    Some(if decimal.scale != 0 && single.is_finite() {
        Typed::new(Schema::new(Type::Float32), Value::Float32(single))
    } else if decimal.scale != 0 && double.is_finite() {
        Typed::new(Schema::new(Type::Float64), Value::Float64(double))
    } else {
        Typed::new(Schema::decimal(decimal.scale), Value::Decimal(decimal.scale, decimal.unscaled()))
    })
}

fn smallest_int(n: i64) -> Typed {
    let (kind, value) = smallest(n);
    Typed::new(Schema::new(kind), value)
}

/// The smallest type that holds a number.
pub fn smallest(n: i64) -> (Type, Value) {
    if let Ok(n) = i8::try_from(n) {
        (Type::Int8, Value::Int8(n))
    } else if let Ok(n) = i16::try_from(n) {
        (Type::Int16, Value::Int16(n))
    } else if let Ok(n) = i32::try_from(n) {
        (Type::Int32, Value::Int32(n))
    } else {
        (Type::Int64, Value::Int64(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values_text::append;
    use berth_guest::{Dictionaries, ValueRef};

    fn parsed(text: &str) -> String {
        match parse(text) {
            None => "null".into(),
            Some(t) => {
                let body = t.value.to_body();
                let mut out = format!("{} ", t.schema.name().unwrap_or(t.schema.kind.name())).into_bytes();
                append(ValueRef::of_item(&body).unwrap(), Some(&t.schema), &mut Dictionaries::default(), &mut out)
                    .unwrap();
                String::from_utf8(out).unwrap()
            }
        }
    }

    #[test]
    fn short_cuts_lead_to_the_same_place() {
        let texts = [
            "",
            " ",
            "a",
            "true",
            "true story",
            "nullable",
            "null",
            "-",
            "-1",
            "+7",
            "1",
            "0012",
            "١",
            "\"x\"",
            ":",
            ",[1]",
            " [1]",
            "\u{1}{}",
            "\\[1]",
            "2019-08-23",
            "999999999999999999",
            "-999999999999999999",
            "1e3",
            "tru",
            "é",
        ];
        for text in texts {
            let full = parse(text);
            assert!(!is_plain(text) || full == Some(Typed::string(text)), "{text:?}");
            if let Some(n) = whole_number(text) {
                assert_eq!(full, Some(smallest_int(n)), "{text}");
            }
        }
        assert!(is_plain("order.paid") && is_plain(" note") && whole_number("-42") == Some(-42));
    }

    #[test]
    fn texts_become_what_connect_makes_of_them() {
        let cases = [
            (" true", "BOOLEAN true"),
            ("TRUE", "STRING TRUE"),
            (" null ", "null"),
            ("   ", "STRING    "),
            ("128", "INT16 128"),
            ("1.0", "INT8 1"),
            ("1e20", "FLOAT32 1.0E20"),
            ("3.14159265358979", "FLOAT32 3.1415927"),
            ("123abc", "STRING 123abc"),
            ("1,2", "INT8 1"),
            ("[1,300]", "ARRAY [1,300]"),
            ("[1,2.5]", "ARRAY [1.0,2.5]"),
            ("[null,1]", "STRING [null,1]"),
            ("[1 2]", "STRING [1 2]"),
            ("{\"a\":1 \"b\":2}", "MAP {\"a\":1,\"b\":2}"),
            ("{a:1}", "STRING {a:1}"),
            ("\"quoted\"", "STRING \"quoted\""),
            ("2019-08-23", "org.apache.kafka.connect.data.Date 2019-08-23"),
            ("12:34:56.789Z", "org.apache.kafka.connect.data.Time 12:34:56.789Z"),
            ("2019-13-45", "org.apache.kafka.connect.data.Date 2020-02-14"),
        ];
        for (text, want) in cases {
            assert_eq!(parsed(text), want, "{text}");
        }
    }
}
