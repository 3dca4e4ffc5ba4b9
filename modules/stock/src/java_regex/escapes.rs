//! What a backslash introduces, outside of classes and in them.

use super::charset::{CharSet, LAST};
use super::names::code_point;
use super::parser::{is_digit, Parsed, Parser};
use super::properties::predefined;
use super::syntax::{Assertion, Node};

/// An escape that classes know too.
pub(super) enum Escaped {
    Char(u32),
    Set(CharSet),
}

impl Parser<'_> {
    /// An escape outside of classes; the cursor stands on the backslash.
    pub(super) fn escape(&mut self) -> Parsed<Node> {
        let c = char::from_u32(self.reader.skip()).unwrap_or('\u{FFFD}');
        let assertion = match c {
            '1'..='9' => return Ok(self.reference(c as u32 - '0' as u32)),
            'k' => return self.named_reference(),
            'R' => return Ok(Node::LineBreak),
            'X' => return Ok(Node::Grapheme),
            'A' => Assertion::TextStart,
            'z' => Assertion::TextEnd,
            'Z' if self.flags.unix_lines => Assertion::UnixLastLineEnd,
            'Z' => Assertion::LastLineEnd,
            'G' => Assertion::PreviousMatchEnd,
            'b' => self.boundary()?,
            'B' if self.flags.unicode_classes => Assertion::NoUnicodeWordBoundary,
            'B' => Assertion::NoWordBoundary,
            _ => {
                return Ok(Node::Set(match self.class_escape(c, false)? {
                    Escaped::Char(c) => self.literal(c),
                    Escaped::Set(set) => set,
                }))
            }
        };
        Ok(Node::Assertion(assertion))
    }

    /// An escape within a class; the cursor stands on the backslash. `in_range`: a range begins or ends with it.
    pub(super) fn escape_in_class(&mut self, in_range: bool) -> Parsed<Escaped> {
        let c = char::from_u32(self.reader.skip()).unwrap_or('\u{FFFD}');
        match c {
            '1'..='9' | 'k' | 'R' | 'X' | 'A' | 'z' | 'Z' | 'G' | 'b' | 'B' => {
                Err(self.reader.error("Illegal/unsupported escape sequence"))
            }
            _ => self.class_escape(c, in_range),
        }
    }

    fn class_escape(&mut self, c: char, in_range: bool) -> Parsed<Escaped> {
        Ok(match c {
            // The name of old for VT.
            'v' if in_range => Escaped::Char(0x0B),
            'd' | 'h' | 's' | 'v' | 'w' => Escaped::Set(predefined(c, self.flags)),
            'D' | 'H' | 'S' | 'V' | 'W' => Escaped::Set(predefined(c.to_ascii_lowercase(), self.flags).complement()),
            '0' => Escaped::Char(self.octal()?),
            'x' => Escaped::Char(self.hexadecimal()?),
            'u' => Escaped::Char(self.unicode()?),
            'c' => Escaped::Char(self.control()?),
            'N' => Escaped::Char(self.character_name()?),
            'a' => Escaped::Char(0x07),
            'e' => Escaped::Char(0x1B),
            'f' => Escaped::Char(0x0C),
            'n' => Escaped::Char('\n' as u32),
            'r' => Escaped::Char('\r' as u32),
            't' => Escaped::Char('\t' as u32),
            'A'..='Z' | 'a'..='z' => return Err(self.reader.error("Illegal/unsupported escape sequence")),
            _ => Escaped::Char(self.reader.at(self.reader.cursor() - 1)),
        })
    }

    /// `\b` or `\b{g}`.
    fn boundary(&mut self) -> Parsed<Assertion> {
        if self.reader.peek() == '{' as u32 {
            if self.reader.skip() == 'g' as u32 {
                if self.reader.read() == '}' as u32 {
                    return Ok(Assertion::GraphemeBoundary);
                }
                return Err(self.reader.error("Illegal/unsupported escape sequence"));
            }
            self.reader.set_cursor(self.reader.cursor() - 2);
        }
        Ok(match self.flags.unicode_classes {
            true => Assertion::UnicodeWordBoundary,
            false => Assertion::WordBoundary,
        })
    }

    /// A reference by number: as many digits as there are groups for.
    fn reference(&mut self, first: u32) -> Node {
        let mut group = first as usize;
        loop {
            let c = self.reader.peek();
            if !is_digit(c) {
                break;
            }
            let longer = group * 10 + (c - '0' as u32) as usize;
            if longer > self.groups {
                break;
            }
            group = longer;
            self.reader.read();
        }
        Node::Reference { group, case: self.flags.case() }
    }

    fn named_reference(&mut self) -> Parsed<Node> {
        if self.reader.read() != '<' as u32 {
            return Err(self.reader.error("\\k is not followed by '<' for named capturing group"));
        }
        let first = self.reader.read();
        let name = self.group_name(first)?;
        match self.names.iter().find(|(known, _)| *known == name) {
            Some(&(_, group)) => Ok(Node::Reference { group, case: self.flags.case() }),
            None => Err(self.reader.error(format!("named capturing group <{name}> does not exist"))),
        }
    }

    /// `\0n`, `\0nn`, `\0mnn`
    fn octal(&mut self) -> Parsed<u32> {
        let octal = |c: u32| char::from_u32(c).and_then(|c| c.to_digit(8));
        let Some(mut value) = octal(self.reader.read()) else {
            return Err(self.reader.error("Illegal octal escape sequence"));
        };
        let digits = if value <= 3 { 2 } else { 1 };
        for _ in 0..digits {
            match octal(self.reader.read()) {
                Some(digit) => value = value * 8 + digit,
                None => {
                    self.reader.unread();
                    break;
                }
            }
        }
        Ok(value)
    }

    /// `\xhh`, `\x{h…h}`
    fn hexadecimal(&mut self) -> Parsed<u32> {
        let first = self.reader.read();
        if let Some(high) = hex(first) {
            if let Some(low) = hex(self.reader.read()) {
                return Ok(high * 16 + low);
            }
        } else if first == '{' as u32 && hex(self.reader.peek()).is_some() {
            let mut value = 0;
            loop {
                let c = self.reader.read();
                match hex(c) {
                    Some(digit) => value = value * 16 + digit,
                    None if c == '}' as u32 => return Ok(value),
                    None => return Err(self.reader.error("Unclosed hexadecimal escape sequence")),
                }
                if value > LAST {
                    return Err(self.reader.error("Hexadecimal codepoint is too big"));
                }
            }
        }
        Err(self.reader.error("Illegal hexadecimal escape sequence"))
    }

    /// `\uhhhh`; two that are a surrogate pair are one code point.
    fn unicode(&mut self) -> Parsed<u32> {
        let high = self.four_digits()?;
        if (0xD800..0xDC00).contains(&high) {
            let cursor = self.reader.cursor();
            if self.reader.read() == '\\' as u32 && self.reader.read() == 'u' as u32 {
                let low = self.four_digits()?;
                if (0xDC00..0xE000).contains(&low) {
                    return Ok(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
                }
            }
            self.reader.set_cursor(cursor);
        }
        Ok(high)
    }

    fn four_digits(&mut self) -> Parsed<u32> {
        let mut value = 0;
        for _ in 0..4 {
            match hex(self.reader.read()) {
                Some(digit) => value = value * 16 + digit,
                None => return Err(self.reader.error("Illegal Unicode escape sequence")),
            }
        }
        Ok(value)
    }

    fn control(&mut self) -> Parsed<u32> {
        match self.reader.at_end() {
            true => Err(self.reader.error("Illegal control escape sequence")),
            false => Ok(self.reader.read() ^ 64),
        }
    }

    /// `\N{…}`
    fn character_name(&mut self) -> Parsed<u32> {
        if self.reader.read() != '{' as u32 {
            return Err(self.reader.error("Illegal character name escape sequence"));
        }
        let start = self.reader.cursor();
        while self.reader.read() != '}' as u32 {
            if self.reader.at_end() {
                return Err(self.reader.error("Unclosed character name escape sequence"));
            }
        }
        let name = self.reader.text(start, self.reader.cursor() - 1);
        let unknown = || format!("Unknown character name [{name}], write the code point as \\x{{h...h}}");
        code_point(&name).ok_or_else(|| self.reader.error(unknown()))
    }
}

fn hex(c: u32) -> Option<u32> {
    char::from_u32(c).and_then(|c| c.to_digit(16))
}
