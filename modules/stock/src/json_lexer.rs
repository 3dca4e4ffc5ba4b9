//! Reads JSON as Jackson does in Kafka's JsonConverter: leading zeros are allowed, what follows the first value is not
//! looked at. Two readers share it: straight to a schemaless Connect value, and to a tree for values with a schema.

use std::borrow::Cow;

use berth_guest::limits::DEPTH;
use berth_guest::{Builder, Tag};

use crate::json_names::Names;
use crate::json_text::{unit, utf16, Text};

/// Why a text is not the JSON that was expected.
#[derive(Debug, PartialEq)]
pub enum Problem {
    /// Not JSON; says what and where.
    Syntax(String),
    /// An object names a member twice, so a stream won't do.
    Duplicate,
}

pub type Read<T> = std::result::Result<T, Problem>;

// The methods on the path of every value are inlined by force: they have several callers, and calls cost 8 %.
pub struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    blanks: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Lexer { text, bytes: text.as_bytes(), at: 0, blanks: 0 }
    }

    /// Position of the next byte.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Blanks that were passed.
    pub fn blanks(&self) -> usize {
        self.blanks
    }

    /// The text from a position on.
    pub fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or("")
    }

    /// Checks the escapes of a text.
    pub fn check_escapes(&self, raw: &str) -> Read<()> {
        self.unescape(raw, &mut Vec::new()).map(drop)
    }

    /// Opens a container: whether an item follows.
    pub fn open(&mut self, end: u8) -> bool {
        !self.empty(end)
    }

    /// A member's name as it stands, whether it holds escapes, and the colon behind it.
    #[inline]
    pub fn name(&mut self) -> Read<(&'a str, bool)> {
        self.key_follows()?;
        let name = self.raw_string()?;
        self.colon()?;
        Ok(name)
    }

    pub fn problem<T>(&self, what: &str) -> Read<T> {
        Err(Problem::Syntax(format!("{what} at byte {}", self.at)))
    }

    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if byte > b' ' || !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
            self.blanks += 1;
        }
    }

    /// Next byte that is not blank.
    pub fn value_start(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// What was read so far, in bytes.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether there is nothing but blanks.
    pub fn is_blank(&mut self) -> bool {
        self.peek().is_none()
    }

    #[inline]
    pub fn word(&mut self, word: &str) -> Read<()> {
        let end = self.at + word.len();
        let follows = self.bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'$');
        if self.bytes.get(self.at..end) != Some(word.as_bytes()) || follows {
            return self.problem("unrecognised word");
        }
        self.at = end;
        Ok(())
    }

    /// The text between quotes as it stands, and whether it holds escapes. The opening quote is the current byte.
    #[inline(always)]
    pub fn raw_string(&mut self) -> Read<(&'a str, bool)> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at += plain_prefix::<false>(&self.bytes[at.min(self.bytes.len())..]);
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(_) => return self.problem("unescaped control character in a string"),
                None => return self.problem("string without an end"),
            }
        }
        self.at = at + 1;
        match self.text.get(start..at) {
            Some(text) => Ok((text, escaped)),
            None => self.problem("broken escape"),
        }
    }

    pub fn string(&mut self) -> Read<Text<'a>> {
        let (raw, escaped) = self.raw_string()?;
        if !escaped {
            return Ok(Text { shown: Cow::Borrowed(raw), halved: None });
        }
        let mut out = Vec::with_capacity(raw.len());
        let halved = self.unescape(raw, &mut out)?.then(|| utf16(raw).into());
        Ok(Text { shown: Cow::Owned(String::from_utf8_lossy(&out).into_owned()), halved })
    }

    /// Tells whether the text holds half a surrogate pair, which is U+FFFD in `out`.
    fn unescape(&self, raw: &str, out: &mut Vec<u8>) -> Read<bool> {
        let (mut rest, mut halved) = (raw, false);
        while let Some(at) = rest.find('\\') {
            out.extend_from_slice(&rest.as_bytes()[..at]);
            let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(0);
            rest = rest.get(at + 2..).unwrap_or("");
            match escape {
                b'n' => out.push(b'\n'),
                b't' => out.push(b'\t'),
                b'r' => out.push(b'\r'),
                b'b' => out.push(8),
                b'f' => out.push(12),
                b'"' | b'\\' | b'/' => out.push(escape),
                b'u' => {
                    let (c, more) = self.unescape_unicode(rest)?;
                    halved |= c.is_none();
                    out.extend_from_slice(c.unwrap_or('\u{FFFD}').encode_utf8(&mut [0; 4]).as_bytes());
                    rest = more;
                }
                _ => return self.problem("unknown escape"),
            }
        }
        out.extend_from_slice(rest.as_bytes());
        Ok(halved)
    }

    /// The character of one escape or two, `None` for half a surrogate pair, and what follows.
    fn unescape_unicode<'t>(&self, rest: &'t str) -> Read<(Option<char>, &'t str)> {
        let Some(first) = unit(rest) else { return self.problem("broken unicode escape") };
        let mut rest = &rest[4..];
        let mut code = first;
        if (0xD800..0xDC00).contains(&first) {
            if let Some(second) = rest.strip_prefix("\\u").and_then(unit).filter(|u| (0xDC00..0xE000).contains(u)) {
                code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                rest = &rest[6..];
            }
        }
        Ok((char::from_u32(code), rest))
    }

    /// The text of a number, and whether it is whole. Behind one at the root there must be a blank.
    #[inline(always)]
    pub fn number(&mut self, root: bool) -> Read<(&'a str, bool)> {
        let start = self.at;
        let mut at = start + (self.bytes[start] == b'-') as usize;
        let digits = |at: &mut usize| {
            let from = *at;
            while self.bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at > from
        };
        let mut ok = digits(&mut at);
        let mut whole = true;
        if ok && self.bytes.get(at) == Some(&b'.') {
            (at, whole) = (at + 1, false);
            ok = digits(&mut at);
        }
        if ok && matches!(self.bytes.get(at), Some(b'e' | b'E')) {
            (at, whole) = (at + 1, false);
            at += matches!(self.bytes.get(at), Some(b'+' | b'-')) as usize;
            ok = digits(&mut at);
        }
        let end = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r') || (!root && matches!(b, b',' | b']' | b'}'));
        let ends = self.bytes.get(at).is_none_or(end);
        if !ok || !ends {
            self.at = at;
            return self.problem("malformed number");
        }
        self.at = at;
        Ok((&self.text[start..at], whole))
    }

    /// Passes over the value that follows; `depth` containers are open around it. What escapes say is not looked at.
    pub fn skip(&mut self, depth: usize) -> Read<()> {
        let close = match self.peek() {
            Some(b'{') => b'}',
            Some(b'[') => b']',
            Some(b'"') => return self.raw_string().map(drop),
            Some(b't') => return self.word("true"),
            Some(b'f') => return self.word("false"),
            Some(b'n') => return self.word("null"),
            Some(b'-' | b'0'..=b'9') => return self.number(depth == 0).map(drop),
            Some(_) => return self.problem("unexpected character"),
            None => return self.problem("unexpected end"),
        };
        if depth > DEPTH {
            return self.problem("nested deeper than 1000 levels");
        }
        let mut more = !self.empty(close);
        while more {
            if close == b'}' {
                self.key_follows()?;
                self.raw_string()?;
                self.colon()?;
            }
            self.skip(depth + 1)?;
            more = self.another(close)?;
        }
        Ok(())
    }

    /// After an item: true = another one follows, false = the container ended.
    #[inline]
    pub fn another(&mut self, end: u8) -> Read<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            _ => self.problem("expected a comma or the end of the container"),
        }
    }

    /// Whether the container that was just opened is empty.
    #[inline]
    pub fn empty(&mut self, end: u8) -> bool {
        self.at += 1;
        let empty = self.peek() == Some(end);
        self.at += empty as usize;
        empty
    }

    #[inline]
    pub fn colon(&mut self) -> Read<()> {
        if self.peek() != Some(b':') {
            return self.problem("expected a colon");
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    pub fn key_follows(&mut self) -> Read<()> {
        if self.peek() != Some(b'"') {
            return self.problem("expected a member name");
        }
        Ok(())
    }

    /// Writes the value that follows: whole numbers as INT64, others as FLOAT64.
    pub fn build(&mut self, b: &mut Builder<'_>) -> Read<()> {
        match self.peek() {
            Some(b'"') => drop(self.build_string(b)?),
            Some(b'{') => return self.build_object(b),
            Some(b'[') => {
                self.deeper(b)?;
                b.open(Tag::Array);
                if !self.empty(b']') {
                    self.build(b)?;
                    while self.another(b']')? {
                        self.build(b)?;
                    }
                }
                b.close_array();
            }
            Some(b't') => {
                self.word("true")?;
                b.boolean(true);
            }
            Some(b'f') => {
                self.word("false")?;
                b.boolean(false);
            }
            Some(b'n') => {
                self.word("null")?;
                b.null();
            }
            Some(b'-' | b'0'..=b'9') => {
                let (text, whole) = self.number(b.depth() == 0)?;
                match whole {
                    true => b.i64(to_i64(text)),
                    false => b.f64(to_f64(text)),
                }
            }
            Some(_) => return self.problem("unexpected character"),
            None => return self.problem("unexpected end"),
        }
        Ok(())
    }

    fn deeper(&self, b: &Builder<'_>) -> Read<()> {
        if b.depth() >= DEPTH {
            return self.problem("nested deeper than 1000 levels");
        }
        Ok(())
    }

    /// Gives the text as it stands, and whether it holds escapes.
    #[inline(always)]
    pub fn build_string(&mut self, b: &mut Builder<'_>) -> Read<(&'a str, bool)> {
        let (raw, escaped) = self.raw_string()?;
        if !escaped {
            b.str(raw);
            return Ok((raw, false));
        }
        let (mark, mut halved) = (b.mark(), Ok(false));
        b.with(Tag::String, |out| {
            let start = out.len();
            halved = self.unescape(raw, out);
            debug_assert!(std::str::from_utf8(&out[start..]).is_ok());
        });
        if halved? {
            b.back_to(mark);
            b.utf16(&utf16(raw));
        }
        Ok((raw, true))
    }

    fn build_object(&mut self, b: &mut Builder<'_>) -> Read<()> {
        self.deeper(b)?;
        b.open(Tag::Map);
        let mut names = Names::default();
        if !self.empty(b'}') {
            loop {
                self.key_follows()?;
                let (name, escaped) = self.build_string(b)?;
                if names.add(name.as_bytes(), escaped) {
                    return Err(Problem::Duplicate);
                }
                self.colon()?;
                self.build(b)?;
                if !self.another(b'}')? {
                    break;
                }
            }
        }
        b.close_map();
        Ok(())
    }
}

/// Whether a number has neither fraction nor exponent.
pub fn is_whole(text: &str) -> bool {
    !text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E'))
}

/// `BigInteger.longValue`: the low 64 bits.
pub fn to_i64(text: &str) -> i64 {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let n = digits.bytes().fold(0u64, |n, d| n.wrapping_mul(10).wrapping_add((d - b'0') as u64));
    (if digits.len() < text.len() { n.wrapping_neg() } else { n }) as i64
}

/// `BigDecimal.doubleValue`: there is no negative zero.
pub fn to_f64(text: &str) -> f64 {
    text.parse::<f64>().unwrap_or(f64::NAN) + 0.0
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Length of the prefix without quotes, backslashes and control characters (and, if `ASCII`, without anything beyond
/// ASCII), eight bytes at a time.
#[inline]
pub fn plain_prefix<const ASCII: bool>(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(eight.try_into().unwrap_or_default());
        let found = specials::<ASCII>(word);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let special = |b: &u8| matches!(b, b'"' | b'\\') || *b < 0x20 || (ASCII && *b >= 0x80);
    let rest = bytes.get(at..).unwrap_or(&[]);
    // What is left of most texts is plain: one more look at whole words tells.
    let word = match (rest.len(), bytes.last_chunk::<8>(), rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (0, ..) => return at,
        (_, Some(last), ..) => u64::from_le_bytes(*last),
        (_, _, Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => ONES * b'"' as u64,
    };
    match specials::<ASCII>(word) {
        0 => bytes.len(),
        _ => at + rest.iter().position(special).unwrap_or(rest.len()),
    }
}

/// The high bits of bytes of a word that can't stand in a text as they are; others behind the first may be set, too.
#[inline]
pub fn specials<const ASCII: bool>(word: u64) -> u64 {
    let has_zero = |w: u64| w.wrapping_sub(ONES) & !w & HIGHS;
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    let found = has_zero(word ^ (ONES * b'"' as u64)) | has_zero(word ^ (ONES * b'\\' as u64)) | control;
    found | if ASCII { word & HIGHS } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use berth_guest::Stack;

    fn build(text: &str) -> Read<()> {
        Lexer::new(text).build(&mut Builder::new(&mut Vec::new(), &mut Stack::default()))
    }

    #[test]
    fn members_named_twice_are_noticed_also_behind_escapes() {
        let many: String = (0..40).map(|i| format!("\"name-{i}\":1,")).collect();
        let twice = [
            "{\"a\":1,\"a\":2}".to_string(),
            "{\"a\":1,\"\\u0061\":2}".to_string(),
            "{\"\\u0061\":1,\"a\":2}".to_string(),
            "{\"x\":{\"customer_name\":1,\"b\":1,\"customer_name\":2}}".to_string(),
            format!("{{{many}\"name-39\":2}}"),
        ];
        for text in twice {
            assert_eq!(build(&text), Err(Problem::Duplicate), "{text}");
        }
        for text in [
            "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}],\"customer_1_name\":1,\"customer_2_name\":2}",
            "{\"\\u0061\":1}",
        ] {
            assert_eq!(build(text), Ok(()), "{text}");
        }
    }
}
