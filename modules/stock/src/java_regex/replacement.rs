//! Replacement strings: `$1`, `${name}` and escapes.

use std::fmt;

use super::{Match, MatchError};

/// Why a replacement failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplacementError {
    /// Not a replacement string; `java.lang.IllegalArgumentException`.
    Illegal(String),
    /// No such group; `java.lang.IndexOutOfBoundsException`.
    NoGroup(usize),
    Match(MatchError),
}

impl ReplacementError {
    /// The class of the exception in Java.
    pub fn class(&self) -> &'static str {
        match self {
            ReplacementError::Illegal(_) => "java.lang.IllegalArgumentException",
            ReplacementError::NoGroup(_) => "java.lang.IndexOutOfBoundsException",
            ReplacementError::Match(_) => "org.apache.kafka.connect.errors.ConnectException",
        }
    }
}

impl fmt::Display for ReplacementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplacementError::Illegal(why) => f.write_str(why),
            ReplacementError::NoGroup(group) => write!(f, "No group {group}"),
            ReplacementError::Match(gave_up) => gave_up.fmt(f),
        }
    }
}

impl From<MatchError> for ReplacementError {
    fn from(e: MatchError) -> ReplacementError {
        ReplacementError::Match(e)
    }
}

/// Appends the replacement of a match. Faults show where a match is replaced, as in Java.
pub fn expand(
    replacement: &str,
    text: &str,
    found: &Match,
    names: &[(String, usize)],
    out: &mut String,
) -> Result<(), ReplacementError> {
    let mut rest = replacement;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let next = rest.chars().next().ok_or_else(|| illegal("character to be escaped is missing"))?;
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
            '$' => {
                let (group, after) = reference(rest, found.groups(), names)?;
                if group > found.groups() {
                    return Err(ReplacementError::NoGroup(group));
                }
                *out += found.group(text, group).unwrap_or("");
                rest = after;
            }
            _ => out.push(c),
        }
    }
    Ok(())
}

/// The group that stands behind a `$`, and what follows.
fn reference<'r>(
    rest: &'r str,
    groups: usize,
    names: &[(String, usize)],
) -> Result<(usize, &'r str), ReplacementError> {
    if rest.is_empty() {
        return Err(illegal("Illegal group reference: group index is missing"));
    }
    if let Some(named) = rest.strip_prefix('{') {
        return named_reference(named, names);
    }
    let digit = |text: &str| text.bytes().next().filter(u8::is_ascii_digit).map(|d| usize::from(d - b'0'));
    let mut group = digit(rest).ok_or_else(|| illegal("Illegal group reference"))?;
    let mut rest = &rest[1..];
    while let Some(longer) = digit(rest).map(|d| group * 10 + d).filter(|n| *n <= groups) {
        group = longer;
        rest = &rest[1..];
    }
    Ok((group, rest))
}

fn named_reference<'r>(named: &'r str, names: &[(String, usize)]) -> Result<(usize, &'r str), ReplacementError> {
    let end = named.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(named.len());
    let (name, after) = named.split_at(end);
    if name.is_empty() {
        return Err(illegal("named capturing group has 0 length name"));
    }
    let after = after.strip_prefix('}').ok_or_else(|| illegal("named capturing group is missing trailing '}'"))?;
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(illegal(format!("capturing group name {{{name}}} starts with digit character")));
    }
    match names.iter().find(|(known, _)| known == name) {
        Some(&(_, group)) => Ok((group, after)),
        None => Err(illegal(format!("No group with name {{{name}}}"))),
    }
}

fn illegal(why: impl Into<String>) -> ReplacementError {
    ReplacementError::Illegal(why.into())
}
