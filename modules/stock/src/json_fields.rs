//! The fields of a JSON object, found in one pass that reads none of them: numbers, objects and arrays stay text.

use berth_guest::limits::DEPTH;
use berth_guest::{part_of, Part, Tag};

use crate::json_lexer::{Lexer, Problem, Read};
use crate::json_names::Names;

/// Finds the fields of the object that `text` begins with; `off` is where the text lies. An object that may name a
/// member twice, or whose names hold escapes, is for the careful reader: [`Problem::Duplicate`].
pub fn fields(text: &str, off: u32, parts: &mut Vec<Part>) -> Read<()> {
    let mut lexer = Lexer::new(text);
    parts.clear();
    lexer.peek();
    let mut names = Names::default();
    let mut more = lexer.open(b'}');
    while more {
        let (name, escaped) = lexer.name()?;
        if escaped || names.add(name.as_bytes(), false) {
            return Err(Problem::Duplicate);
        }
        let at = |part: &str| part_of(off, part.as_ptr() as usize - text.as_ptr() as usize);
        let mut part = Part::named(at(name), name.len() as u32);
        let (value, tag, canonical) = field(&mut lexer)?;
        (part.off, part.len, part.tag, part.canonical) = (at(value), value.len() as u32, tag as u8, canonical);
        parts.push(part);
        more = lexer.another(b'}')?;
    }
    Ok(())
}

/// A member's value: strings without escapes and null are read, the rest is checked only.
#[inline]
fn field<'a>(lexer: &mut Lexer<'a>) -> Read<(&'a str, Tag, bool)> {
    if lexer.peek() == Some(b'"') {
        let start = lexer.at();
        let (text, escaped) = lexer.raw_string()?;
        return match escaped {
            false => Ok((text, Tag::String, true)),
            true => {
                lexer.check_escapes(text)?;
                Ok((lexer.since(start), Tag::Raw, false))
            }
        };
    }
    let start = lexer.at();
    if lexer.peek() == Some(b'n') {
        lexer.word("null")?;
        return Ok((&lexer.since(start)[..0], Tag::Null, true));
    }
    let canonical = skip(lexer, 1)?;
    Ok((lexer.since(start), Tag::Raw, canonical))
}

/// Checks the value that follows; tells whether it stands as the converter would write it.
fn skip(lexer: &mut Lexer<'_>, depth: usize) -> Read<bool> {
    match lexer.peek() {
        Some(b'"') => {
            let (text, escaped) = lexer.raw_string()?;
            if escaped {
                lexer.check_escapes(text)?;
            }
            Ok(!escaped)
        }
        Some(b'{') => skip_object(lexer, depth),
        Some(b'[') => skip_array(lexer, depth),
        Some(b't') => lexer.word("true").map(|()| true),
        Some(b'f') => lexer.word("false").map(|()| true),
        Some(b'n') => lexer.word("null").map(|()| true),
        Some(b'-' | b'0'..=b'9') => {
            let (text, whole) = lexer.number(false)?;
            Ok(if whole { is_canonical_whole(text) } else { is_canonical_fraction(text) })
        }
        Some(_) => lexer.problem("unexpected character"),
        None => lexer.problem("unexpected end"),
    }
}

fn skip_object(lexer: &mut Lexer<'_>, depth: usize) -> Read<bool> {
    let before = deeper(lexer, depth)?;
    let mut canonical = true;
    let mut names = Names::default();
    let mut more = lexer.open(b'}');
    while more {
        let (name, escaped) = lexer.name()?;
        if escaped {
            lexer.check_escapes(name)?;
        }
        if names.add(name.as_bytes(), escaped) {
            return Err(Problem::Duplicate);
        }
        canonical &= !escaped & skip(lexer, depth + 1)?;
        more = lexer.another(b'}')?;
    }
    Ok(canonical && lexer.blanks() == before)
}

fn skip_array(lexer: &mut Lexer<'_>, depth: usize) -> Read<bool> {
    let before = deeper(lexer, depth)?;
    let mut canonical = true;
    let mut more = lexer.open(b']');
    while more {
        canonical &= skip(lexer, depth + 1)?;
        more = lexer.another(b']')?;
    }
    Ok(canonical && lexer.blanks() == before)
}

/// Blanks that were passed so far.
fn deeper(lexer: &mut Lexer<'_>, depth: usize) -> Read<usize> {
    match depth >= DEPTH {
        true => lexer.problem("nested deeper than 1000 levels"),
        false => Ok(lexer.blanks()),
    }
}

/// Whether a whole number is its own shortest text, and a long.
pub fn is_canonical_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.len() == 1 || !digits.starts_with('0');
    plain && digits.len() <= 18 && text != "-0"
}

/// Whether a fraction is what Java prints for the double nearest to it: up to 15 digits are always told apart, and
/// outside of 0.001 to 10^7 Java prints an exponent.
pub fn is_canonical_fraction(text: &str) -> bool {
    let Some((whole, part)) = text.split_once('.') else { return false };
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let tail = !part.ends_with('0') || part == "0";
    let head = match whole {
        "0" => !part.starts_with("000") && (part != "0" || !text.starts_with('-')),
        _ => !whole.starts_with('0'),
    };
    head && tail && whole.len() <= 7 && whole.len() + part.len() <= 15 && part.bytes().all(|b| b.is_ascii_digit())
}
