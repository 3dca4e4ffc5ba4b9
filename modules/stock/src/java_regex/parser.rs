//! Java's syntax of patterns, read to a tree. The order of checks is Java's: it decides which error is reported where.

use super::charset::CharSet;
use super::folding::Folding;
use super::look_behind::reach;
use super::properties::{named, vertical_space};
use super::reader::{Reader, END};
use super::syntax::{Assertion, Flags, Greed, Node, PatternSyntaxError};

pub type Parsed<T> = Result<T, PatternSyntaxError>;

/// Depth of groups and classes within each other.
const DEPTH: usize = 100;

/// A pattern as a tree, and its groups.
pub struct Syntax {
    pub root: Node,
    /// Number of capturing groups; the whole match is not one.
    pub groups: usize,
    pub names: Vec<(String, usize)>,
}

pub fn parse(pattern: &str) -> Parsed<Syntax> {
    let mut parser = Parser {
        reader: Reader::new(pattern),
        flags: Flags::default(),
        groups: 0,
        names: Vec::new(),
        folding: Folding::default(),
        depth: 0,
    };
    let root = parser.alternation()?;
    if !parser.reader.at_end() {
        return Err(match parser.reader.peek() {
            c if c == ')' as u32 => parser.reader.error("Unmatched closing ')'"),
            _ => parser.reader.error("Unexpected internal error"),
        });
    }
    if parser.reader.is_past_end() {
        return Err(parser.reader.error("Unescaped trailing backslash"));
    }
    Ok(Syntax { root, groups: parser.groups, names: parser.names })
}

pub(super) struct Parser<'p> {
    pub(super) reader: Reader<'p>,
    pub(super) flags: Flags,
    /// Capturing groups whose head was read.
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
    pub(super) folding: Folding,
    depth: usize,
}

impl Parser<'_> {
    fn alternation(&mut self) -> Parsed<Node> {
        let mut branches = vec![self.sequence()?];
        while self.reader.peek() == '|' as u32 {
            self.reader.next();
            branches.push(self.sequence()?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Alternation(branches) })
    }

    fn sequence(&mut self) -> Parsed<Node> {
        let mut items = Vec::new();
        loop {
            let c = self.reader.peek();
            let item = match char::from_u32(c).unwrap_or('\u{FFFD}') {
                '(' => {
                    items.extend(self.nested(Parser::group)?);
                    continue;
                }
                '[' => Node::Set(self.nested(|parser| parser.class(true))?),
                '\\' => self.escaped_item()?,
                '^' => self.take(self.line_start()),
                '$' => self.take(self.line_end()),
                '.' => {
                    self.reader.next();
                    Node::Set(self.dot())
                }
                '|' | ')' => break,
                '?' | '*' | '+' => {
                    self.reader.next();
                    let c = char::from_u32(c).unwrap_or('?');
                    return Err(self.reader.error(format!("Dangling meta character '{c}'")));
                }
                // A quantifier behind nothing repeats nothing.
                '{' => Node::Empty,
                _ if c == END && self.reader.at_end() => break,
                _ => {
                    self.reader.next();
                    Node::Set(self.literal(c))
                }
            };
            items.push(self.quantified(item)?);
        }
        Ok(if items.len() == 1 { items.remove(0) } else { Node::Sequence(items) })
    }

    /// Runs a part of the grammar that may contain itself.
    pub(super) fn nested<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEPTH {
            let description = format!("Groups and classes may nest {DEPTH} deep");
            return Err(self.reader.error(description));
        }
        let result = part(self);
        self.depth -= 1;
        result
    }

    fn take(&mut self, assertion: Assertion) -> Node {
        self.reader.next();
        Node::Assertion(assertion)
    }

    fn line_start(&self) -> Assertion {
        match (self.flags.multiline, self.flags.unix_lines) {
            (false, _) => Assertion::TextStart,
            (true, false) => Assertion::LineStart,
            (true, true) => Assertion::UnixLineStart,
        }
    }

    fn line_end(&self) -> Assertion {
        match (self.flags.multiline, self.flags.unix_lines) {
            (false, false) => Assertion::LastLineEnd,
            (false, true) => Assertion::UnixLastLineEnd,
            (true, false) => Assertion::LineEnd,
            (true, true) => Assertion::UnixLineEnd,
        }
    }

    fn dot(&self) -> CharSet {
        match (self.flags.dot_all, self.flags.unix_lines) {
            (true, _) => CharSet::all(),
            (false, true) => CharSet::single('\n' as u32).complement(),
            (false, false) => {
                let no_line_ends = CharSet::of([(0x0B, 0x0C)]);
                vertical_space().complement().union(&no_line_ends)
            }
        }
    }

    pub(super) fn literal(&mut self, c: u32) -> CharSet {
        self.folding.single(c, self.flags.case())
    }

    fn escaped_item(&mut self) -> Parsed<Node> {
        let c = self.reader.next_raw();
        if c == 'p' as u32 || c == 'P' as u32 {
            return Ok(Node::Set(self.property(c == 'P' as u32)?));
        }
        self.reader.unread();
        self.escape()
    }

    /// `\p` and `\P`, from their letter on.
    pub(super) fn property(&mut self, negated: bool) -> Parsed<CharSet> {
        let name = match self.reader.next() {
            c if c == '{' as u32 => {
                self.reader.next();
                self.braced_name()?
            }
            _ => {
                let letter = self.reader.at(self.reader.cursor());
                self.reader.read();
                char::from_u32(letter).map(String::from).unwrap_or_default()
            }
        };
        let set = named(&name, self.flags).map_err(|description| self.reader.error(description))?;
        Ok(if negated { set.complement() } else { set })
    }

    fn braced_name(&mut self) -> Parsed<String> {
        let start = self.reader.cursor();
        while self.reader.read() != '}' as u32 {
            if self.reader.at_end() {
                self.reader.set_past_end();
                return Err(self.reader.error("Unclosed character family"));
            }
        }
        let end = self.reader.cursor() - 1;
        if start >= end {
            return Err(self.reader.error("Empty character family"));
        }
        Ok(self.reader.text(start, end))
    }

    /// A group or a flag; nothing if it only sets flags.
    fn group(&mut self) -> Parsed<Option<Node>> {
        let outer = self.flags;
        let node = match self.reader.next() {
            c if c == '?' as u32 => match self.special_group()? {
                Some(node) => node,
                None => return Ok(None),
            },
            _ => self.capturing()?,
        };
        if self.reader.read() != ')' as u32 {
            return Err(self.reader.error("Unclosed group"));
        }
        self.set_flags(outer);
        self.quantified(node).map(Some)
    }

    fn capturing(&mut self) -> Parsed<Node> {
        self.groups += 1;
        let number = self.groups;
        Ok(Node::Group(Some(number), Box::new(self.alternation()?)))
    }

    /// What begins with `(?`.
    fn special_group(&mut self) -> Parsed<Option<Node>> {
        let head = char::from_u32(self.reader.skip()).unwrap_or('\0');
        Ok(Some(match head {
            ':' => Node::Group(None, Box::new(self.alternation()?)),
            '=' | '!' => Node::Look { behind: None, negative: head == '!', body: Box::new(self.alternation()?) },
            '>' => Node::Atomic(Box::new(self.alternation()?)),
            '<' => return self.named_or_behind().map(Some),
            '$' | '@' => return Err(self.reader.error("Unknown group type")),
            _ => {
                self.reader.unread();
                self.change_flags();
                match self.reader.read() {
                    c if c == ')' as u32 => return Ok(None),
                    c if c == ':' as u32 => Node::Group(None, Box::new(self.alternation()?)),
                    _ => return Err(self.reader.error("Unknown inline modifier")),
                }
            }
        }))
    }

    fn named_or_behind(&mut self) -> Parsed<Node> {
        let c = self.reader.read();
        if c != '=' as u32 && c != '!' as u32 {
            let name = self.group_name(c)?;
            if self.names.iter().any(|(known, _)| *known == name) {
                return Err(self.reader.error(format!("Named capturing group <{name}> is already defined")));
            }
            self.names.push((name, self.groups + 1));
            return self.capturing();
        }
        let body = Box::new(self.alternation()?);
        let Some(reach) = reach(&body) else {
            return Err(self.reader.error("Look-behind group does not have an obvious maximum length"));
        };
        Ok(Node::Look { behind: Some(reach), negative: c == '!' as u32, body })
    }

    /// A name of a group whose first character was read, with the `>` behind it.
    pub(super) fn group_name(&mut self, first: u32) -> Parsed<String> {
        let ascii = |c: u32| char::from_u32(c).filter(char::is_ascii_alphanumeric);
        let Some(first) = ascii(first).filter(char::is_ascii_alphabetic) else {
            return Err(self.reader.error("capturing group name does not start with a Latin letter"));
        };
        let mut name = String::from(first);
        loop {
            let c = self.reader.read();
            match ascii(c) {
                Some(c) => name.push(c),
                None if c == '>' as u32 => return Ok(name),
                None => return Err(self.reader.error("named capturing group is missing trailing '>'")),
            }
        }
    }

    fn change_flags(&mut self) {
        let mut on = true;
        let mut c = self.reader.peek();
        loop {
            let mut flags = self.flags;
            match char::from_u32(c).unwrap_or('\0') {
                'i' => flags.ignore_case = on,
                'm' => flags.multiline = on,
                's' => flags.dot_all = on,
                'd' => flags.unix_lines = on,
                'u' => flags.unicode_case = on,
                // CANON_EQ: texts are compared as they are written.
                'c' => {}
                'x' => flags.comments = on,
                'U' => (flags.unicode_classes, flags.unicode_case) = (on, on),
                '-' if on => on = false,
                _ => return,
            }
            self.set_flags(flags);
            c = self.reader.next();
        }
    }

    fn set_flags(&mut self, flags: Flags) {
        self.flags = flags;
        self.reader.comments = flags.comments;
        self.reader.unix_lines = flags.unix_lines;
    }

    /// The item with the quantifier behind it, if there is one.
    fn quantified(&mut self, item: Node) -> Parsed<Node> {
        let (min, max) = match char::from_u32(self.reader.peek()).unwrap_or('\0') {
            '?' => (0, Some(1)),
            '*' => (0, None),
            '+' => (1, None),
            '{' => self.bounds()?,
            _ => return Ok(item),
        };
        let greed = match char::from_u32(self.reader.next()) {
            Some('?') => Greed::Lazy,
            Some('+') => Greed::Possessive,
            _ => Greed::Greedy,
        };
        if greed != Greed::Greedy {
            self.reader.next();
        }
        Ok(Node::Repeat { item: Box::new(item), min, max, greed })
    }

    /// `{n}`, `{n,}`, `{n,m}`; the cursor ends on the closing brace.
    fn bounds(&mut self) -> Parsed<(u32, Option<u32>)> {
        let mut c = self.reader.skip();
        if !is_digit(c) {
            return Err(self.reader.error("Illegal repetition"));
        }
        let min = self.bound(&mut c)?;
        let mut max = Some(min);
        if c == ',' as u32 {
            c = self.reader.read();
            max = match c == '}' as u32 {
                true => None,
                false => Some(self.bound(&mut c)?),
            };
        }
        if c != '}' as u32 {
            return Err(self.reader.error("Unclosed counted closure"));
        }
        if max.is_some_and(|max| max < min) {
            return Err(self.reader.error("Illegal repetition range"));
        }
        self.reader.unread();
        Ok((min, max))
    }

    /// Digits from `c` on; `c` becomes what follows them. Java counts in 32 bits.
    fn bound(&mut self, c: &mut u32) -> Parsed<u32> {
        let mut bound = 0i32;
        while is_digit(*c) {
            let digit = (*c - '0' as u32) as i32;
            let longer = bound.checked_mul(10).and_then(|n| n.checked_add(digit));
            bound = longer.ok_or_else(|| self.reader.error("Illegal repetition range"))?;
            *c = self.reader.read();
        }
        Ok(bound as u32)
    }
}

pub(super) fn is_digit(c: u32) -> bool {
    (0x30..=0x39).contains(&c)
}
