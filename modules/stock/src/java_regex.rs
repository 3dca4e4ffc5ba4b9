//! `java.util.regex` as of JDK 25: patterns, matches and replacements.
//!
//! Patterns are parsed as Java parses them, with its errors, and run on a backtracking machine of our own. Where
//! nothing but the place in the text decides how a path goes on, the machine notes where it was, so that nested
//! repetitions are not tried over and over. With references to groups it can't, nor within look-around, atomic groups
//! and long counted loops; then a match that takes too many steps ends with an error.

mod assertions;
mod charset;
mod classes;
mod escapes;
mod folding;
mod look_behind;
mod machine;
mod names;
mod parser;
mod program;
mod properties;
mod reader;
mod replacement;
mod syntax;
mod unicode;

use std::fmt;

use machine::{Machine, Text};
use program::Program;
pub use replacement::ReplacementError;
pub use syntax::PatternSyntaxError;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    program: Program,
    names: Vec<(String, usize)>,
}

/// A match that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchError {
    pattern: String,
    characters: usize,
}

impl fmt::Display for MatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Pattern {} has too many ways to match a text of {} characters; make nested repetitions possessive or \
             less ambiguous",
            self.pattern, self.characters
        )
    }
}

/// Where a pattern matched a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Bytes of each group, of the whole match first.
    spans: Vec<Option<(usize, usize)>>,
}

impl Match {
    /// The bytes of a group; group 0 is the whole match. None: the group matched nothing.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        self.spans.get(group).copied().flatten()
    }

    /// What a group matched of the text that was searched.
    pub fn group<'t>(&self, text: &'t str, group: usize) -> Option<&'t str> {
        self.span(group).map(|(start, end)| &text[start..end])
    }

    /// Number of capturing groups.
    pub fn groups(&self) -> usize {
        self.spans.len() - 1
    }
}

impl Pattern {
    /// `Pattern.compile`.
    pub fn new(pattern: &str) -> Result<Pattern, PatternSyntaxError> {
        let syntax = parser::parse(pattern)?;
        let program = program::compile(&syntax.root, syntax.groups);
        Ok(Pattern { source: pattern.to_string(), program, names: syntax.names })
    }

    /// `Matcher.matches`.
    pub fn matches(&self, text: &str) -> Result<bool, MatchError> {
        self.match_whole(text).map(|found| found.is_some())
    }

    /// `Matcher.matches`, with the groups.
    pub fn match_whole(&self, text: &str) -> Result<Option<Match>, MatchError> {
        let text = Text::new(text, &self.program);
        let mut machine = Machine::new(&self.program, &text, true);
        let found = machine.run(0).map_err(|_| self.gave_up(&text))?;
        Ok(found.then(|| machine.into_match()))
    }

    /// `Matcher.find`.
    pub fn find(&self, text: &str) -> Result<Option<Match>, MatchError> {
        self.find_from(&Text::new(text, &self.program), 0)
    }

    /// `Matcher.replaceFirst`.
    pub fn replace_first(&self, text: &str, replacement: &str) -> Result<String, ReplacementError> {
        self.replace(text, replacement, 1)
    }

    /// `Matcher.replaceAll`.
    pub fn replace_all(&self, text: &str, replacement: &str) -> Result<String, ReplacementError> {
        self.replace(text, replacement, usize::MAX)
    }

    fn replace(&self, text: &str, replacement: &str, most: usize) -> Result<String, ReplacementError> {
        let mut searched = Text::new(text, &self.program);
        let (mut out, mut copied, mut from) = (String::new(), 0, 0);
        for _ in 0..most {
            let Some(found) = self.find_from(&searched, from)? else { break };
            let (start, end) = found.span(0).unwrap_or_default();
            out += &text[copied..start];
            replacement::expand(replacement, text, &found, &self.names, &mut out)?;
            copied = end;
            searched.previous_end = searched.place(end);
            from = searched.previous_end + u32::from(start == end);
        }
        out += &text[copied..];
        Ok(out)
    }

    fn find_from(&self, text: &Text<'_>, from: u32) -> Result<Option<Match>, MatchError> {
        let mut machine = Machine::new(&self.program, text, false);
        for start in from..=text.len() {
            if machine.run(start).map_err(|_| self.gave_up(text))? {
                return Ok(Some(machine.into_match()));
            }
        }
        Ok(None)
    }

    fn gave_up(&self, text: &Text<'_>) -> MatchError {
        MatchError { pattern: self.source.clone(), characters: text.chars.len() }
    }
}

/// Validator of configuration values that are patterns.
pub fn check(text: Option<&str>) -> Result<(), String> {
    let pattern = text.ok_or("Invalid regex: no pattern given")?;
    Pattern::new(pattern).map(drop).map_err(|e| format!("Invalid regex: {e}"))
}

#[cfg(test)]
mod tests;
