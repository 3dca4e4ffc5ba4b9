//! Places in a text: its ends, those of lines, and boundaries of words and grapheme clusters.

use super::charset::CharSet;
use super::machine::Text;
use super::program::{Program, Words};
use super::syntax::Assertion;

const LF: u32 = '\n' as u32;
const CR: u32 = '\r' as u32;

pub fn holds(assertion: Assertion, program: &Program, text: &Text<'_>, place: u32) -> bool {
    let (before, after) = (text.before(place), text.at(place));
    match assertion {
        Assertion::TextStart => before.is_none(),
        Assertion::TextEnd => after.is_none(),
        // Not even an empty text has a line that starts at its end.
        Assertion::LineStart => after.is_some() && before.is_none_or(ends_line) && !within_line_end(before, after),
        Assertion::UnixLineStart => after.is_some() && before.is_none_or(|c| c == LF),
        Assertion::LineEnd => after.is_none_or(ends_line) && !within_line_end(before, after),
        Assertion::UnixLineEnd => after.is_none_or(|c| c == LF),
        Assertion::LastLineEnd => match (after, text.at(place + 1), text.at(place + 2)) {
            (None, ..) => true,
            (Some(CR), Some(LF), None) => true,
            (Some(c), None, _) => ends_line(c) && !within_line_end(before, after),
            _ => false,
        },
        Assertion::UnixLastLineEnd => after.is_none_or(|c| c == LF && place + 1 == text.len()),
        Assertion::WordBoundary => on_word_boundary(program, |words| &words.ascii, text, place),
        Assertion::NoWordBoundary => !on_word_boundary(program, |words| &words.ascii, text, place),
        Assertion::UnicodeWordBoundary => on_word_boundary(program, |words| &words.unicode, text, place),
        Assertion::NoUnicodeWordBoundary => !on_word_boundary(program, |words| &words.unicode, text, place),
        Assertion::GraphemeBoundary => text.graphemes.get(place as usize).is_some_and(|&boundary| boundary),
        Assertion::PreviousMatchEnd => place == text.previous_end,
    }
}

fn ends_line(c: u32) -> bool {
    matches!(c, LF | CR | 0x85 | 0x2028 | 0x2029)
}

fn within_line_end(before: Option<u32>, after: Option<u32>) -> bool {
    (before, after) == (Some(CR), Some(LF))
}

/// Since JDK 19 the words of `\b` are those of `\w`.
fn on_word_boundary(program: &Program, of: fn(&Words) -> &CharSet, text: &Text<'_>, place: u32) -> bool {
    let Some(words) = &program.words else { return false };
    let in_word = |place: u32| {
        let Some(c) = text.at(place) else { return false };
        of(words).contains(c) || words.marks.contains(c) && has_base(words, text, place)
    };
    let left = place > 0 && in_word(place - 1);
    left != in_word(place)
}

/// Whether the marks that end here follow a letter or digit.
fn has_base(words: &Words, text: &Text<'_>, place: u32) -> bool {
    let before = text.chars[..=place as usize].iter().rev().find(|&&c| !words.marks.contains(c));
    before.is_some_and(|&c| words.bases.contains(c))
}
