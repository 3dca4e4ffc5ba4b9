//! `\p{…}`, `\d`, `\w` and their kin: the names that Java knows, as sets.

use super::charset::{CharSet, LAST};
use super::syntax::Flags;
use super::unicode::{block, categories, category::*, members, script, Table};

/// The set of `\p{name}`; the error is Java's description.
pub fn named(name: &str, flags: Flags) -> Result<CharSet, String> {
    if let Some((property, value)) = name.split_once('=') {
        let property = property.to_lowercase();
        let found = match property.as_str() {
            "sc" | "script" => script(value),
            "blk" | "block" => block(value),
            "gc" | "general_category" => plain(value, flags),
            _ => None,
        };
        let unknown = || format!("Unknown Unicode property {{name=<{property}>, value=<{value}>}}");
        return found.ok_or_else(unknown);
    }
    let found = match name.get(..2) {
        Some("In") => block(&name[2..]),
        Some("Is") => binary(&name[2..], flags).or_else(|| plain(&name[2..], flags)).or_else(|| script(&name[2..])),
        _ if flags.unicode_classes => posix(&name.to_uppercase(), flags).or_else(|| plain(name, flags)),
        _ => plain(name, flags),
    };
    found.ok_or_else(|| format!("Unknown character property name {{{name}}}"))
}

/// `\d`, `\h`, `\s`, `\v`, `\w` by their letter.
pub fn predefined(letter: char, flags: Flags) -> CharSet {
    match (letter, flags.unicode_classes) {
        ('d', false) => range('0', '9'),
        ('d', true) => categories(&[DECIMAL_DIGIT_NUMBER]),
        ('s', false) => ascii_space(),
        ('s', true) => white_space(),
        ('w', false) => ascii_word(),
        ('w', true) => word(),
        ('v', _) => vertical_space(),
        _ => horizontal_space(),
    }
}

pub fn ascii_word() -> CharSet {
    set(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')])
}

/// The characters of words if UNICODE_CHARACTER_CLASS is on.
pub fn word() -> CharSet {
    let others =
        [NON_SPACING_MARK, ENCLOSING_MARK, COMBINING_SPACING_MARK, DECIMAL_DIGIT_NUMBER, CONNECTOR_PUNCTUATION];
    members(Table::Alphabetic).union(&categories(&others)).union(&join_control())
}

pub fn letters_and_digits() -> CharSet {
    categories(&[&LETTERS[..], &[DECIMAL_DIGIT_NUMBER]].concat())
}

/// What ends a line: `\R` without the pair of CR and LF, and what `.` leaves out but for VT and FF.
pub fn vertical_space() -> CharSet {
    set(&[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')])
}

const LETTERS: [u32; 5] = [UPPERCASE_LETTER, LOWERCASE_LETTER, TITLECASE_LETTER, MODIFIER_LETTER, OTHER_LETTER];
const CASED: [u32; 3] = [UPPERCASE_LETTER, LOWERCASE_LETTER, TITLECASE_LETTER];
const MARKS: [u32; 3] = [NON_SPACING_MARK, ENCLOSING_MARK, COMBINING_SPACING_MARK];
const NUMBERS: [u32; 3] = [DECIMAL_DIGIT_NUMBER, LETTER_NUMBER, OTHER_NUMBER];
const SEPARATORS: [u32; 3] = [SPACE_SEPARATOR, LINE_SEPARATOR, PARAGRAPH_SEPARATOR];
const OTHERS: [u32; 5] = [CONTROL, FORMAT, PRIVATE_USE, SURROGATE, UNASSIGNED];
const PUNCTUATION: [u32; 7] = [
    DASH_PUNCTUATION,
    START_PUNCTUATION,
    END_PUNCTUATION,
    CONNECTOR_PUNCTUATION,
    OTHER_PUNCTUATION,
    INITIAL_QUOTE_PUNCTUATION,
    FINAL_QUOTE_PUNCTUATION,
];
const SYMBOLS: [u32; 4] = [MATH_SYMBOL, CURRENCY_SYMBOL, MODIFIER_SYMBOL, OTHER_SYMBOL];

/// Categories, POSIX names in ASCII, and predicates of `java.lang.Character`. Names count with their case.
fn plain(name: &str, flags: Flags) -> Option<CharSet> {
    general_category(name, flags).or_else(|| ascii(name, flags)).or_else(|| of_character(name, flags))
}

fn general_category(name: &str, flags: Flags) -> Option<CharSet> {
    let of: &[u32] = match name {
        "Lu" | "Ll" | "Lt" if flags.ignore_case => &CASED,
        "Cn" => &[UNASSIGNED],
        "Lu" => &[UPPERCASE_LETTER],
        "Ll" => &[LOWERCASE_LETTER],
        "Lt" => &[TITLECASE_LETTER],
        "Lm" => &[MODIFIER_LETTER],
        "Lo" => &[OTHER_LETTER],
        "Mn" => &[NON_SPACING_MARK],
        "Me" => &[ENCLOSING_MARK],
        "Mc" => &[COMBINING_SPACING_MARK],
        "Nd" => &[DECIMAL_DIGIT_NUMBER],
        "Nl" => &[LETTER_NUMBER],
        "No" => &[OTHER_NUMBER],
        "Zs" => &[SPACE_SEPARATOR],
        "Zl" => &[LINE_SEPARATOR],
        "Zp" => &[PARAGRAPH_SEPARATOR],
        "Cc" => &[CONTROL],
        "Cf" => &[FORMAT],
        "Co" => &[PRIVATE_USE],
        "Cs" => &[SURROGATE],
        "Pd" => &[DASH_PUNCTUATION],
        "Ps" => &[START_PUNCTUATION],
        "Pe" => &[END_PUNCTUATION],
        "Pc" => &[CONNECTOR_PUNCTUATION],
        "Po" => &[OTHER_PUNCTUATION],
        "Pi" => &[INITIAL_QUOTE_PUNCTUATION],
        "Pf" => &[FINAL_QUOTE_PUNCTUATION],
        "Sm" => &[MATH_SYMBOL],
        "Sc" => &[CURRENCY_SYMBOL],
        "Sk" => &[MODIFIER_SYMBOL],
        "So" => &[OTHER_SYMBOL],
        "L" => &LETTERS,
        "M" => &MARKS,
        "N" => &NUMBERS,
        "Z" => &SEPARATORS,
        "C" => &OTHERS,
        "P" => &PUNCTUATION,
        "S" => &SYMBOLS,
        "LC" => &CASED,
        "LD" => return Some(letters_and_digits()),
        "L1" => return Some(CharSet::of([(0, 0xFF)])),
        "all" => return Some(CharSet::all()),
        _ => return None,
    };
    Some(categories(of))
}

fn ascii(name: &str, flags: Flags) -> Option<CharSet> {
    Some(match name {
        "Lower" | "Upper" if flags.ignore_case => set(&[('A', 'Z'), ('a', 'z')]),
        "Lower" => range('a', 'z'),
        "Upper" => range('A', 'Z'),
        "ASCII" => range('\0', '\x7F'),
        "Alnum" => set(&[('0', '9'), ('A', 'Z'), ('a', 'z')]),
        "Alpha" => set(&[('A', 'Z'), ('a', 'z')]),
        "Blank" => set(&[('\t', '\t'), (' ', ' ')]),
        "Cntrl" => set(&[('\0', '\x1F'), ('\x7F', '\x7F')]),
        "Digit" => range('0', '9'),
        "Graph" => range('!', '~'),
        "Print" => range(' ', '~'),
        "Punct" => set(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "Space" => ascii_space(),
        "XDigit" => set(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
        _ => return None,
    })
}

fn of_character(name: &str, flags: Flags) -> Option<CharSet> {
    let ignorable = || categories(&[FORMAT]).union(&set(&[('\0', '\x08'), ('\x0E', '\x1B'), ('\x7F', '\u{9F}')]));
    let java_start = || categories(&[&LETTERS[..], &[LETTER_NUMBER, CURRENCY_SYMBOL, CONNECTOR_PUNCTUATION]].concat());
    Some(match name {
        "javaLowerCase" | "javaUpperCase" | "javaTitleCase" if flags.ignore_case => cased(),
        "javaLowerCase" => members(Table::Lowercase),
        "javaUpperCase" => members(Table::Uppercase),
        "javaTitleCase" => categories(&[TITLECASE_LETTER]),
        "javaAlphabetic" => members(Table::Alphabetic),
        "javaIdeographic" => members(Table::Ideographic),
        "javaDigit" => categories(&[DECIMAL_DIGIT_NUMBER]),
        "javaDefined" => categories(&[UNASSIGNED]).complement(),
        "javaLetter" => categories(&LETTERS),
        "javaLetterOrDigit" => letters_and_digits(),
        "javaJavaIdentifierStart" => java_start(),
        "javaJavaIdentifierPart" => {
            let more = categories(&[DECIMAL_DIGIT_NUMBER, COMBINING_SPACING_MARK, NON_SPACING_MARK]);
            java_start().union(&more).union(&ignorable())
        }
        "javaUnicodeIdentifierStart" => members(Table::IdentifierStart),
        "javaUnicodeIdentifierPart" => members(Table::IdentifierPart),
        "javaIdentifierIgnorable" => ignorable(),
        "javaSpaceChar" => categories(&SEPARATORS),
        "javaWhitespace" => {
            let breaking = CharSet::of([(0xA0, 0xA0), (0x2007, 0x2007), (0x202F, 0x202F)]).complement();
            categories(&SEPARATORS).intersection(&breaking).union(&set(&[('\t', '\r'), ('\x1C', '\x1F')]))
        }
        "javaISOControl" => categories(&[CONTROL]),
        "javaMirrored" => members(Table::Mirrored),
        _ => return None,
    })
}

/// Binary properties behind `Is`, in any case; POSIX names mean Unicode there.
fn binary(name: &str, flags: Flags) -> Option<CharSet> {
    let name = name.to_uppercase();
    Some(match name.as_str() {
        "LOWERCASE" | "UPPERCASE" | "TITLECASE" if flags.ignore_case => cased(),
        "LOWERCASE" => members(Table::Lowercase),
        "UPPERCASE" => members(Table::Uppercase),
        "TITLECASE" => categories(&[TITLECASE_LETTER]),
        "ALPHABETIC" => members(Table::Alphabetic),
        "ASSIGNED" => categories(&[UNASSIGNED]).complement(),
        "CONTROL" => categories(&[CONTROL]),
        "EMOJI" => members(Table::Emoji),
        "EMOJI_PRESENTATION" => members(Table::EmojiPresentation),
        "EMOJI_MODIFIER" => members(Table::EmojiModifier),
        "EMOJI_MODIFIER_BASE" => members(Table::EmojiModifierBase),
        "EMOJI_COMPONENT" => members(Table::EmojiComponent),
        "EXTENDED_PICTOGRAPHIC" => members(Table::ExtendedPictographic),
        "HEXDIGIT" | "HEX_DIGIT" => hex_digits(),
        "IDEOGRAPHIC" => members(Table::Ideographic),
        "JOINCONTROL" | "JOIN_CONTROL" => join_control(),
        "LETTER" => categories(&LETTERS),
        "NONCHARACTERCODEPOINT" | "NONCHARACTER_CODE_POINT" => noncharacters(),
        "PUNCTUATION" => categories(&PUNCTUATION),
        "WHITESPACE" | "WHITE_SPACE" => white_space(),
        "WORD" => word(),
        _ => return posix(&name, flags),
    })
}

/// POSIX names, in upper case, as Unicode understands them.
fn posix(name: &str, flags: Flags) -> Option<CharSet> {
    let graph = || categories(&[&SEPARATORS[..], &[CONTROL, SURROGATE, UNASSIGNED]].concat()).complement();
    let blank = || categories(&[SPACE_SEPARATOR]).union(&range('\t', '\t'));
    Some(match name {
        "LOWER" | "UPPER" if flags.ignore_case => cased(),
        "LOWER" => members(Table::Lowercase),
        "UPPER" => members(Table::Uppercase),
        "ALPHA" => members(Table::Alphabetic),
        "SPACE" => white_space(),
        "PUNCT" => categories(&PUNCTUATION),
        "XDIGIT" => hex_digits(),
        "ALNUM" => members(Table::Alphabetic).union(&categories(&[DECIMAL_DIGIT_NUMBER])),
        "CNTRL" => categories(&[CONTROL]),
        "DIGIT" => categories(&[DECIMAL_DIGIT_NUMBER]),
        "BLANK" => blank(),
        "GRAPH" => graph(),
        "PRINT" => graph().union(&blank()).intersection(&categories(&[CONTROL]).complement()),
        _ => return None,
    })
}

fn cased() -> CharSet {
    members(Table::Lowercase).union(&members(Table::Uppercase)).union(&categories(&[TITLECASE_LETTER]))
}

fn white_space() -> CharSet {
    categories(&SEPARATORS).union(&set(&[('\t', '\r'), ('\u{85}', '\u{85}')]))
}

fn hex_digits() -> CharSet {
    let letters = [('A', 'F'), ('a', 'f'), ('Ａ', 'Ｆ'), ('ａ', 'ｆ')];
    categories(&[DECIMAL_DIGIT_NUMBER]).union(&set(&letters))
}

fn join_control() -> CharSet {
    range('\u{200C}', '\u{200D}')
}

fn noncharacters() -> CharSet {
    let last_two = (0..=LAST >> 16).map(|plane| (plane << 16 | 0xFFFE, plane << 16 | 0xFFFF));
    CharSet::of(last_two.chain([(0xFDD0, 0xFDEF)]))
}

fn ascii_space() -> CharSet {
    set(&[('\t', '\r'), (' ', ' ')])
}

fn horizontal_space() -> CharSet {
    let ranges =
        [('\u{2000}', '\u{200A}'), ('\u{202F}', '\u{202F}'), ('\u{205F}', '\u{205F}'), ('\u{3000}', '\u{3000}')];
    set(&[('\t', '\t'), (' ', ' '), ('\u{A0}', '\u{A0}'), ('\u{1680}', '\u{1680}'), ('\u{180E}', '\u{180E}')])
        .union(&set(&ranges))
}

fn range(start: char, end: char) -> CharSet {
    set(&[(start, end)])
}

fn set(ranges: &[(char, char)]) -> CharSet {
    CharSet::of(ranges.iter().map(|&(start, end)| (start as u32, end as u32)))
}
