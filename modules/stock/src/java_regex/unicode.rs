//! What Java says of the characters of Unicode: `unicode.bin`, written by `testdata/java/UnicodeTables.java`.
//!
//! The file is a row of sections, each with its length before it. Numbers have seven bits a byte, the low ones first;
//! the high bit says that more follow. Sections of runs hold pairs of a length and a value, from code point 0 on.
//! Sections of names hold a line for each value. A pattern that names a property decodes its section once, when it is
//! compiled.

use super::charset::CharSet;

static TABLES: &[u8] = include_bytes!("unicode.bin");

/// Sections in the order of the file.
#[derive(Clone, Copy)]
pub enum Table {
    /// Values are those of `Character.getType`.
    Category,
    /// Values number the lines of `ScriptNames`.
    Script,
    ScriptNames,
    /// Values number the lines of `BlockNames`, from 1.
    Block,
    BlockNames,
    // The others are sets: 1 for members.
    Ideographic,
    Mirrored,
    Emoji,
    EmojiPresentation,
    EmojiModifier,
    EmojiModifierBase,
    EmojiComponent,
    ExtendedPictographic,
    Alphabetic,
    Lowercase,
    Uppercase,
    IdentifierStart,
    IdentifierPart,
}

/// Values of `Character.getType`.
pub mod category {
    pub const UNASSIGNED: u32 = 0;
    pub const UPPERCASE_LETTER: u32 = 1;
    pub const LOWERCASE_LETTER: u32 = 2;
    pub const TITLECASE_LETTER: u32 = 3;
    pub const MODIFIER_LETTER: u32 = 4;
    pub const OTHER_LETTER: u32 = 5;
    pub const NON_SPACING_MARK: u32 = 6;
    pub const ENCLOSING_MARK: u32 = 7;
    pub const COMBINING_SPACING_MARK: u32 = 8;
    pub const DECIMAL_DIGIT_NUMBER: u32 = 9;
    pub const LETTER_NUMBER: u32 = 10;
    pub const OTHER_NUMBER: u32 = 11;
    pub const SPACE_SEPARATOR: u32 = 12;
    pub const LINE_SEPARATOR: u32 = 13;
    pub const PARAGRAPH_SEPARATOR: u32 = 14;
    pub const CONTROL: u32 = 15;
    pub const FORMAT: u32 = 16;
    pub const PRIVATE_USE: u32 = 18;
    pub const SURROGATE: u32 = 19;
    pub const DASH_PUNCTUATION: u32 = 20;
    pub const START_PUNCTUATION: u32 = 21;
    pub const END_PUNCTUATION: u32 = 22;
    pub const CONNECTOR_PUNCTUATION: u32 = 23;
    pub const OTHER_PUNCTUATION: u32 = 24;
    pub const MATH_SYMBOL: u32 = 25;
    pub const CURRENCY_SYMBOL: u32 = 26;
    pub const MODIFIER_SYMBOL: u32 = 27;
    pub const OTHER_SYMBOL: u32 = 28;
    pub const INITIAL_QUOTE_PUNCTUATION: u32 = 29;
    pub const FINAL_QUOTE_PUNCTUATION: u32 = 30;
}

/// Code points of any of these categories.
pub fn categories(of: &[u32]) -> CharSet {
    where_value(Table::Category, |value| of.contains(&value))
}

/// Code points of a table that is a set.
pub fn members(table: Table) -> CharSet {
    where_value(table, |value| value == 1)
}

/// Code points of a script by one of its names, in any case.
pub fn script(name: &str) -> Option<CharSet> {
    let wanted = name.to_uppercase();
    let index = lines(Table::ScriptNames).position(|line| line.split(' ').any(|n| n == wanted))?;
    Some(where_value(Table::Script, |value| value as usize == index))
}

/// Code points of a block by one of its names, in any case: with blanks, without, or with underscores.
pub fn block(name: &str) -> Option<CharSet> {
    let wanted = name.to_uppercase();
    let named = |line: &str| {
        let spaced = line.split(',').next().unwrap_or(line);
        line.split(',').any(|n| n == wanted)
            || spaced.replace(' ', "") == wanted
            || spaced.replace([' ', '-'], "_") == wanted
    };
    let index = lines(Table::BlockNames).position(named)?;
    Some(where_value(Table::Block, |value| value as usize == index + 1))
}

/// `Character.toUpperCase`: of code points whose upper case is several, those that have a simple form too.
pub fn to_upper(c: u32) -> u32 {
    match c {
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => c + 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => c + 9,
        _ => char::from_u32(c).map_or(c, |c| only(c.to_uppercase()).unwrap_or(c) as u32),
    }
}

/// `Character.toLowerCase`.
pub fn to_lower(c: u32) -> u32 {
    match c {
        0x130 => 'i' as u32,
        _ => char::from_u32(c).map_or(c, |c| only(c.to_lowercase()).unwrap_or(c) as u32),
    }
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    first.filter(|_| chars.next().is_none())
}

fn where_value(table: Table, wanted: impl Fn(u32) -> bool) -> CharSet {
    let mut runs = section(table);
    let mut start = 0;
    let mut ranges = Vec::new();
    while !runs.is_empty() {
        let (length, value) = (number(&mut runs), number(&mut runs));
        if wanted(value) {
            ranges.push((start, start + length - 1));
        }
        start += length;
    }
    CharSet::of(ranges)
}

fn lines(table: Table) -> impl Iterator<Item = &'static str> {
    std::str::from_utf8(section(table)).unwrap_or("").lines()
}

fn section(table: Table) -> &'static [u8] {
    let mut rest = TABLES;
    for _ in 0..table as usize {
        let length = number(&mut rest) as usize;
        rest = &rest[length..];
    }
    let length = number(&mut rest) as usize;
    &rest[..length]
}

fn number(bytes: &mut &[u8]) -> u32 {
    let (mut n, mut shift) = (0, 0);
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        n |= u32::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::super::charset::LAST;
    use super::*;

    #[test]
    fn every_table_covers_unicode() {
        for table in [Table::Category, Table::Script, Table::Block, Table::Ideographic, Table::IdentifierPart] {
            assert_eq!(where_value(table, |_| true).ranges(), [(0, LAST)]);
        }
    }

    #[test]
    fn names_lead_to_code_points() {
        assert!(script("Latin").unwrap().contains('é' as u32));
        assert!(script("grek").unwrap().contains('α' as u32));
        assert!(script("Klingon").is_none());
        for name in ["Greek", "Greek and Coptic", "GreekAndCoptic", "GREEK_AND_COPTIC"] {
            assert!(block(name).is_some_and(|b| b.ranges() == [(0x370, 0x3FF)]), "{name}");
        }
        for name in ["Latin-1 Supplement", "Latin-1Supplement", "Latin_1_Supplement"] {
            assert_eq!(block(name).map(|b| b.ranges().to_vec()), Some(vec![(0x80, 0xFF)]), "{name}");
        }
        assert!(block("Latin").is_none());
        assert!(members(Table::ExtendedPictographic).contains('😀' as u32));
    }

    #[test]
    fn cases_are_single_code_points() {
        assert_eq!(to_upper('ß' as u32), 'ß' as u32);
        assert_eq!(to_upper('ᾀ' as u32), 'ᾈ' as u32);
        assert_eq!(to_lower('İ' as u32), 'i' as u32);
        assert_eq!(to_lower('Σ' as u32), 'σ' as u32);
        assert_eq!(to_upper(0xD800), 0xD800);
    }
}
