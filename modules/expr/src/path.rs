//! Paths to what an expression reads of a record, found once in its syntax tree: only these values are ever looked at.

use std::fmt;

/// Variables of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Key,
    Value,
    Headers,
}

/// Names of the variables.
pub const ROOTS: [(&str, Root); 7] = [
    ("topic", Root::Topic),
    ("partition", Root::Partition),
    ("offset", Root::Offset),
    ("timestamp", Root::Timestamp),
    ("key", Root::Key),
    ("value", Root::Value),
    ("headers", Root::Headers),
];

impl Root {
    pub fn of_name(name: &str) -> Option<Root> {
        ROOTS.iter().find(|(n, _)| *n == name).map(|(_, root)| *root)
    }

    fn name(self) -> &'static str {
        ROOTS[self as usize].0
    }
}

/// A step from a value to one within it.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Name(String),
    /// Item of a list, or value of a map under that number.
    At(u32),
}

/// How a path is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The value; it is an error if there is none.
    Value,
    /// The value; null if there is none: arguments of `coalesce`.
    OrNull,
    /// Numbers of any size as text: the argument of `string`.
    Exact,
    /// Whether there is a value: `has`.
    Presence,
}

/// What an expression reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub root: Root,
    pub steps: Vec<Step>,
    pub read: Read,
}

impl Path {
    pub fn new(root: Root) -> Path {
        Path { root, steps: Vec::new(), read: Read::Value }
    }

    pub fn step(mut self, step: Step) -> Path {
        self.steps.push(step);
        self
    }

    pub fn read(mut self, read: Read) -> Path {
        self.read = read;
        self
    }

    /// The path to the value that step `n` starts from.
    pub fn up_to(&self, n: usize) -> Path {
        Path { steps: self.steps[..n].to_vec(), ..self.clone() }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root.name())?;
        self.steps.iter().try_for_each(|step| match step {
            Step::Name(name) if is_identifier(name) => write!(f, ".{name}"),
            Step::Name(name) => write!(f, "[{name:?}]"),
            Step::At(at) => write!(f, "[{at}]"),
        })
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The name of a path in the syntax tree. No identifier of a user begins like this.
pub fn slot_name(slot: usize) -> String {
    format!("@{slot}")
}

/// The number in such a name.
pub fn slot_of(name: &str) -> Option<usize> {
    name.strip_prefix('@')?.parse().ok()
}
