//! Character classes: unions, `&&`, negation and ranges.

use super::charset::CharSet;
use super::escapes::Escaped;
use super::parser::{Parsed, Parser};
use super::reader::END;
use super::syntax::Case;

const AND: u32 = '&' as u32;
const OPEN: u32 = '[' as u32;
const CLOSE: u32 = ']' as u32;

/// Code points of Latin-1 that differ in case alone from one outside of it.
const FOLDS_OUT_OF_LATIN_1: [u32; 10] = [0xFF, 0xB5, 0x49, 0x69, 0x53, 0x73, 0x4B, 0x6B, 0xC5, 0xE5];

/// A class as far as it was read. Java gathers single characters of Latin-1 aside, which shows where `&&` is involved:
/// they join what stands left of it as a whole, and they count again if others of them follow.
#[derive(Default)]
struct Union {
    class: Option<CharSet>,
    latin_1: CharSet,
    /// Characters of `latin_1` are not in `class` yet.
    pending: bool,
    /// The operand read last, which an empty right side of `&&` repeats.
    last: Option<CharSet>,
}

impl Union {
    fn is_empty(&self) -> bool {
        self.class.is_none() && !self.pending
    }

    fn add(&mut self, operand: CharSet) {
        self.class = Some(self.class.take().map_or_else(|| operand.clone(), |class| class.union(&operand)));
        self.last = Some(operand);
    }

    fn add_latin_1(&mut self, single: CharSet) {
        self.latin_1 = self.latin_1.union(&single);
        self.pending = true;
        self.last = None;
    }

    fn intersect(&mut self, right: Option<CharSet>) -> Result<(), &'static str> {
        if std::mem::take(&mut self.pending) {
            match self.class.take() {
                Some(class) => self.class = Some(class.union(&self.latin_1)),
                None => {
                    self.class = Some(self.latin_1.clone());
                    self.last = self.class.clone();
                }
            }
        }
        let none_right = right.is_none();
        self.last = right.or(self.last.take());
        self.class = Some(match (self.class.take(), &self.last) {
            (None, _) if none_right => return Err("Bad class syntax"),
            (_, None) => return Err("Bad intersection syntax"),
            (None, Some(right)) => right.clone(),
            (Some(left), Some(right)) => left.intersection(right),
        });
        Ok(())
    }

    fn finish(self) -> CharSet {
        match self.class {
            Some(class) if self.pending => class.union(&self.latin_1),
            Some(class) => class,
            None => self.latin_1,
        }
    }
}

impl Parser<'_> {
    /// A class. The cursor stands on what opens it, `[` or the second `&`; `closes` tells whether `]` is taken.
    pub(super) fn class(&mut self, closes: bool) -> Parsed<CharSet> {
        let opened = self.reader.cursor();
        let mut c = self.reader.next();
        let negated = c == '^' as u32 && self.reader.at(opened) == OPEN && self.reader.cursor() == opened + 1;
        if negated {
            c = self.reader.next();
        }
        let mut union = Union::default();
        loop {
            match c {
                OPEN => union.add(self.nested(|parser| parser.class(true))?),
                AND => match self.reader.next() {
                    AND => {
                        let right = self.right_side()?;
                        union.intersect(right).map_err(|description| self.reader.error(description))?;
                    }
                    _ => {
                        self.reader.unread();
                        self.class_item(&mut union)?;
                    }
                },
                CLOSE if !union.is_empty() => break,
                END if self.reader.at_end() => return Err(self.reader.error("Unclosed character class")),
                _ => self.class_item(&mut union)?,
            }
            c = self.reader.peek();
        }
        if closes {
            self.reader.next();
        }
        let class = union.finish();
        Ok(if negated { class.complement() } else { class })
    }

    /// What stands behind `&&`, up to `]` or the next `&`.
    fn right_side(&mut self) -> Parsed<Option<CharSet>> {
        let mut c = self.reader.next();
        let mut right: Option<CharSet> = None;
        while c != CLOSE && c != AND {
            let operand = match c {
                OPEN => self.nested(|parser| parser.class(true))?,
                _ => {
                    self.reader.unread();
                    self.nested(|parser| parser.class(false))?
                }
            };
            right = Some(right.map_or_else(|| operand.clone(), |right| right.union(&operand)));
            c = self.reader.peek();
        }
        Ok(right)
    }

    /// A character, a range, an escape or a property.
    fn class_item(&mut self, union: &mut Union) -> Parsed<()> {
        let mut c = self.reader.peek();
        if c == '\\' as u32 {
            let escape = self.reader.next_raw();
            if escape == 'p' as u32 || escape == 'P' as u32 {
                union.add(self.property(escape == 'P' as u32)?);
                return Ok(());
            }
            let in_range = self.reader.at(self.reader.cursor() + 1) == '-' as u32;
            self.reader.unread();
            match self.escape_in_class(in_range)? {
                Escaped::Set(set) => {
                    union.add(set);
                    return Ok(());
                }
                Escaped::Char(escaped) => c = escaped,
            }
        } else {
            self.reader.next();
        }
        if self.reader.peek() == '-' as u32 {
            let end = self.reader.at(self.reader.cursor() + 1);
            if end != OPEN && end != CLOSE {
                union.add(self.range(c)?);
                return Ok(());
            }
        }
        let single = self.literal(c);
        match c < 0x100 && !(self.flags.case() == Case::Unicode && FOLDS_OUT_OF_LATIN_1.contains(&c)) {
            true => union.add_latin_1(single),
            false => union.add(single),
        }
        Ok(())
    }

    /// A range from `start`; the cursor stands on the hyphen.
    fn range(&mut self, start: u32) -> Parsed<CharSet> {
        self.reader.next();
        let mut end = self.reader.peek();
        let mut ordered = true;
        if end == '\\' as u32 {
            match self.escape_in_class(true)? {
                Escaped::Char(c) => end = c,
                Escaped::Set(_) => ordered = false,
            }
        } else {
            self.reader.next();
        }
        if !ordered || end < start {
            return Err(self.reader.error("Illegal character range"));
        }
        Ok(self.folding.range(start, end, self.flags.case()))
    }
}
