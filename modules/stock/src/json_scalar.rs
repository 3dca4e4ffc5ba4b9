//! Texts, numbers and words of JSON, checked a block at a time without being read; bytes need not be known to be UTF-8.
//! `None` in place of an answer: it is for the careful reader, whether it is wrong or rare.

use std::num::NonZeroU64;

use berth_guest::Tag;

use crate::json_block::{Block, BLOCK};
use crate::json_fields::{is_canonical_fraction, is_canonical_whole};
use crate::json_lexer::{self, Lexer};

/// A scalar that was found, in one word: a call gives it in a register. From the lowest bit: where reading goes on (32
/// bits), the tag (8; RAW: text that nobody has looked at), whether it stands as the converter would write it (1), and a
/// bit that is always set.
#[derive(Clone, Copy)]
pub struct Scalar(NonZeroU64);

const CANONICAL: u32 = 40;
const IS_SET: u64 = 1 << 41;

impl Scalar {
    #[inline(always)]
    fn new(end: usize, tag: Tag, canonical: bool) -> Option<Scalar> {
        let word = end as u64 & u64::from(u32::MAX) | (tag as u64) << 32 | u64::from(canonical) << CANONICAL;
        NonZeroU64::new(word | IS_SET).map(Scalar)
    }

    #[inline(always)]
    fn raw(end: usize, canonical: bool) -> Option<Scalar> {
        Scalar::new(end, Tag::Raw, canonical)
    }

    #[inline(always)]
    fn text(end: usize) -> Option<Scalar> {
        Scalar::new(end, Tag::String, true)
    }

    #[inline(always)]
    pub fn end(self) -> usize {
        self.0.get() as u32 as usize
    }

    #[inline(always)]
    pub fn tag(self) -> u8 {
        (self.0.get() >> 32) as u8
    }

    #[inline(always)]
    pub fn is_canonical(self) -> bool {
        self.0.get() >> CANONICAL & 1 == 1
    }

    /// The range of what its tag speaks of, if it begins at `at`.
    #[inline(always)]
    pub fn range(self, at: usize) -> (usize, usize) {
        const STRING: u8 = Tag::String as u8;
        const NULL: u8 = Tag::Null as u8;
        match self.tag() {
            STRING => (at + 1, self.end() - 1),
            NULL => (at, at),
            _ => (at, self.end()),
        }
    }
}

/// Reads the scalar at a place, or an object or array without anything in it. The text ends at `len`; what is read behind
/// that is the caller's business, and so is what follows a number or a word.
#[inline(always)]
pub fn scalar(bytes: &[u8], len: usize, at: usize) -> Option<Scalar> {
    let first = *bytes.get(at)?;
    if first == b'"' {
        let stops = Block::at(bytes, at + 1).stops();
        let end = at + 1 + stops.trailing_zeros() as usize;
        return match bytes.get(end) {
            Some(b'"') if stops != 0 => Scalar::text(end + 1),
            _ => long_text(bytes, len, at),
        };
    }
    number(bytes, at, first == b'-')
}

/// A text that does not end within the first block.
#[inline(never)]
fn long_text(bytes: &[u8], len: usize, at: usize) -> Option<Scalar> {
    let end = plain_end(bytes, at + 1);
    match bytes.get(end) {
        Some(b'"') => Scalar::text(end + 1),
        _ => rare_text(bytes.get(..len)?, at, end),
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
        return Scalar::text(at + 1);
    }
    Lexer::new(text).check_escapes(text).ok()?;
    Scalar::raw(at + 1, false)
}

/// A number; what does not begin like one is a word, if anything.
#[inline(always)]
fn number(bytes: &[u8], at: usize, negative: bool) -> Option<Scalar> {
    let start = at + negative as usize;
    let digits = Block::at(bytes, start).digits();
    let whole = (!digits).trailing_zeros() as usize;
    let end = start + whole;
    match *bytes.get(end)? {
        b'.' if whole > 0 && whole <= 7 => fraction(bytes, at, start, digits, whole),
        b'.' | b'e' | b'E' => rare_number(bytes, at),
        _ if whole == BLOCK => rare_number(bytes, at),
        _ if whole == 0 => word(bytes, at),
        _ => Scalar::raw(end, bytes[start] != b'0' || (whole == 1 && !negative)),
    }
}

/// A number with a fraction, given the places of digits from `start` on and how many of them are in front of the point.
#[inline(always)]
fn fraction(bytes: &[u8], at: usize, start: usize, digits: u32, whole: usize) -> Option<Scalar> {
    let part = (!(digits >> (whole + 1))).trailing_zeros() as usize;
    let end = start + whole + 1 + part;
    let usual = part > 0 && end < start + BLOCK && *bytes.get(start)? != b'0' && *bytes.get(end - 1)? != b'0';
    match *bytes.get(end)? {
        b',' | b'}' | b']' if usual => Scalar::raw(end, true),
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
    Scalar::raw(at + end, canonical)
}

#[inline(never)]
fn word(bytes: &[u8], at: usize) -> Option<Scalar> {
    match bytes.get(at..)? {
        [b't', b'r', b'u', b'e', ..] => Scalar::raw(at + 4, true),
        [b'f', b'a', b'l', b's', b'e', ..] => Scalar::raw(at + 5, true),
        [b'n', b'u', b'l', b'l', ..] => Scalar::new(at + 4, Tag::Null, true),
        [b'{', b'}', ..] | [b'[', b']', ..] => Scalar::raw(at + 2, true),
        _ => None,
    }
}
