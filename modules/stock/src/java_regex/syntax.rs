//! The syntax tree of a pattern, and what is wrong with a pattern that has none.

use std::fmt;

use super::charset::CharSet;
use super::look_behind::Reach;

#[derive(Clone, Debug)]
pub enum Node {
    Empty,
    Set(CharSet),
    Sequence(Vec<Node>),
    /// Earlier branches are preferred.
    Alternation(Vec<Node>),
    /// A group; those with a number capture what they match.
    Group(Option<usize>, Box<Node>),
    /// `(?>…)`: the first match of the body is final.
    Atomic(Box<Node>),
    Look {
        /// How far behind; None: ahead.
        behind: Option<Reach>,
        negative: bool,
        body: Box<Node>,
    },
    Repeat {
        item: Box<Node>,
        min: u32,
        /// None: without limit.
        max: Option<u32>,
        greed: Greed,
    },
    /// What a group matched; a group that matched nothing, or that is not there, matches nothing.
    Reference {
        group: usize,
        case: Case,
    },
    Assertion(Assertion),
    /// `\R`
    LineBreak,
    /// `\X`
    Grapheme,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

/// How letters are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Sensitive,
    Ascii,
    Unicode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assertion {
    /// `^` without MULTILINE, and `\A`
    TextStart,
    /// `\z`
    TextEnd,
    /// `$` without MULTILINE, and `\Z`: the end, or before the line terminator there
    LastLineEnd,
    UnixLastLineEnd,
    /// `^` with MULTILINE
    LineStart,
    UnixLineStart,
    /// `$` with MULTILINE
    LineEnd,
    UnixLineEnd,
    WordBoundary,
    NoWordBoundary,
    /// The same with UNICODE_CHARACTER_CLASS.
    UnicodeWordBoundary,
    NoUnicodeWordBoundary,
    GraphemeBoundary,
    /// `\G`
    PreviousMatchEnd,
}

/// The flags that `(?idmsuxU)` sets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags {
    pub ignore_case: bool,
    pub unix_lines: bool,
    pub multiline: bool,
    pub dot_all: bool,
    pub unicode_case: bool,
    pub comments: bool,
    pub unicode_classes: bool,
}

impl Flags {
    pub fn case(self) -> Case {
        match (self.ignore_case, self.unicode_case) {
            (false, _) => Case::Sensitive,
            (true, false) => Case::Ascii,
            (true, true) => Case::Unicode,
        }
    }
}

/// `java.util.regex.PatternSyntaxException`; its display is Java's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternSyntaxError {
    pub description: String,
    /// Where, in code points; -1 if that would be before the pattern.
    pub index: isize,
    pub pattern: String,
}

impl fmt::Display for PatternSyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.description)?;
        let Ok(index) = usize::try_from(self.index) else { return write!(f, "\n{}", self.pattern) };
        write!(f, " near index {index}\n{}", self.pattern)?;
        let units: Vec<u16> = self.pattern.encode_utf16().collect();
        if index >= units.len() {
            return Ok(());
        }
        let indent = |&unit: &u16| if unit == u16::from(b'\t') { '\t' } else { ' ' };
        write!(f, "\n{}^", units[..index].iter().map(indent).collect::<String>())
    }
}

impl Node {
    /// Whether every match has a character at least.
    pub fn consumes(&self) -> bool {
        match self {
            Node::Empty | Node::Look { .. } | Node::Assertion(_) | Node::Reference { .. } => false,
            Node::Set(_) | Node::LineBreak | Node::Grapheme => true,
            Node::Group(_, body) | Node::Atomic(body) => body.consumes(),
            Node::Sequence(items) => items.iter().any(Node::consumes),
            Node::Alternation(branches) => branches.iter().all(Node::consumes),
            Node::Repeat { item, min, .. } => *min > 0 && item.consumes(),
        }
    }

    /// No choice between ways to match, as Java counts them: a group like that is repeated without a look back into it.
    pub fn is_deterministic(&self) -> bool {
        match self {
            Node::Alternation(_) | Node::Grapheme => false,
            Node::Repeat { item, min, max, .. } => Some(*min) == *max && item.is_deterministic(),
            Node::Sequence(items) => items.iter().all(Node::is_deterministic),
            Node::Group(_, body) | Node::Atomic(body) => body.is_deterministic(),
            _ => true,
        }
    }

    pub fn contains(&self, wanted: &dyn Fn(&Node) -> bool) -> bool {
        let inside = match self {
            Node::Sequence(items) | Node::Alternation(items) => items.iter().any(|item| item.contains(wanted)),
            Node::Group(_, body) | Node::Atomic(body) | Node::Look { body, .. } => body.contains(wanted),
            Node::Repeat { item, .. } => item.contains(wanted),
            _ => false,
        };
        inside || wanted(self)
    }
}
