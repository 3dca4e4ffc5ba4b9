//! Texts, numbers and words of JSON, checked a block at a time without being read; bytes need not be known to be UTF-8.
//! `None` in place of an answer: it is for the careful reader, whether it is wrong or rare.

use berth_guest::Tag;

use crate::json_block::{Block, BLOCK};
use crate::json_fields::{is_canonical_fraction, is_canonical_whole};
use crate::json_lexer::{self, Lexer};

/// A value that was found.
#[derive(Clone, Copy)]
pub struct Scalar {
    /// The range that its tag speaks of: a RAW one is text as it stands, a STRING one what is between the quotes.
    pub from: usize,
    pub to: usize,
    /// Where reading goes on.
    pub end: usize,
    pub tag: Tag,
    /// Whether it stands as the converter would write it.
    pub canonical: bool,
}

impl Scalar {
    #[inline(always)]
    fn raw(from: usize, end: usize, canonical: bool) -> Scalar {
        Scalar { from, to: end, end, tag: Tag::Raw, canonical }
    }
}

/// Reads the scalar whose first byte is `first`; the text ends at `len`, and what is read behind that is the caller's
/// business. What follows a number or a word, too.
#[inline(always)]
pub fn scalar(bytes: &[u8], len: usize, at: usize, first: u8) -> Option<Scalar> {
    match first {
        b'"' => {
            let end = plain_end(bytes, at + 1);
            match bytes.get(end) {
                Some(b'"') => Some(Scalar { from: at + 1, to: end, end: end + 1, tag: Tag::String, canonical: true }),
                _ => rare_text(bytes.get(..len)?, at, end),
            }
        }
        b'-' | b'0'..=b'9' => number(bytes, at, first == b'-'),
        b't' => word(bytes, at, *b"true"),
        b'n' => {
            let end = word(bytes, at, *b"null")?.end;
            Some(Scalar { from: at, to: at, end, tag: Tag::Null, canonical: true })
        }
        b'f' => word(bytes, at + 1, *b"alse").map(|word| Scalar { from: at, ..word }),
        _ => None,
    }
}

/// The first byte from `at` on that a plain text does not hold.
#[inline(always)]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let stops = Block::at(bytes, at).stops();
        if stops != 0 {
            return at + stops.trailing_zeros() as usize;
        }
        at += BLOCK;
    }
}

/// A text with escapes or beyond ASCII, of which `stop` is the first such byte.
#[inline(never)]
fn rare_text(bytes: &[u8], open: usize, stop: usize) -> Option<Scalar> {
    let (mut at, mut escaped) = (stop, false);
    loop {
        at += json_lexer::plain_prefix::<false>(bytes.get(at..)?);
        match bytes.get(at)? {
            b'"' => break,
            b'\\' => (at, escaped) = (at + 2, true),
            _ => return None,
        }
    }
    let text = std::str::from_utf8(bytes.get(open + 1..at)?).ok()?;
    if !escaped {
        return Some(Scalar { from: open + 1, to: at, end: at + 1, tag: Tag::String, canonical: true });
    }
    Lexer::new(text).check_escapes(text).ok()?;
    Some(Scalar::raw(open, at + 1, false))
}

#[inline(always)]
fn number(bytes: &[u8], at: usize, negative: bool) -> Option<Scalar> {
    let start = at + negative as usize;
    let digits = Block::at(bytes, start).digits();
    let whole = (!digits).trailing_zeros() as usize;
    let end = start + whole;
    match *bytes.get(end)? {
        b'.' if whole <= 7 => fraction(bytes, at, start, digits, whole),
        b'.' | b'e' | b'E' => rare_number(bytes, at),
        _ if whole == BLOCK => rare_number(bytes, at),
        _ if whole == 0 => None,
        _ => Some(Scalar::raw(at, end, bytes[start] != b'0' || (whole == 1 && !negative))),
    }
}

/// A number with a fraction, given the places of digits from `start` on and how many of them are in front of the point.
#[inline(always)]
fn fraction(bytes: &[u8], at: usize, start: usize, digits: u32, whole: usize) -> Option<Scalar> {
    let part = (!(digits >> (whole + 1))).trailing_zeros() as usize;
    let end = start + whole + 1 + part;
    let usual = part > 0 && end < start + BLOCK && *bytes.get(start)? != b'0' && *bytes.get(end - 1)? != b'0';
    match *bytes.get(end)? {
        b',' | b'}' | b']' if usual && whole > 0 => Some(Scalar::raw(at, end, true)),
        _ => rare_number(bytes, at),
    }
}

/// A number by the careful reader.
#[inline(never)]
fn rare_number(bytes: &[u8], at: usize) -> Option<Scalar> {
    let rest = bytes.get(at..)?;
    let of_number = |b: &u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let end = rest.iter().position(|b| !of_number(b))?;
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    let mut lexer = Lexer::new(text);
    let (read, whole) = lexer.number(false).ok()?;
    let canonical = if whole { is_canonical_whole(read) } else { is_canonical_fraction(read) };
    Some(Scalar::raw(at, at + end, canonical))
}

#[inline(always)]
fn word(bytes: &[u8], at: usize, word: [u8; 4]) -> Option<Scalar> {
    let found: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
    (u32::from_le_bytes(*found) == u32::from_le_bytes(word)).then(|| Scalar::raw(at, at + 4, true))
}

/// Passes over blanks, which is not how the converter writes.
#[inline(always)]
pub fn behind_blanks(bytes: &[u8], mut at: usize, canonical: &mut bool) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        *canonical = false;
        at += 1;
    }
    at
}
