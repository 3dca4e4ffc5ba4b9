//! Paths to fields, as `field.syntax.version` gives them: one name (V1), or names with dots between them (V2, KIP-821).

use berth_guest::{ConfigKey, ConfigType, Error, Importance, Result, Validator, ValueRef};

use crate::fields::require_map_value;

const PURPOSE: &str = "nested field access";

/// The key that says how paths are written.
pub fn syntax_key() -> ConfigKey {
    let doc = "V1: a field's name as it stands; V2: names with dots between them, which backticks may enclose.";
    ConfigKey::new("field.syntax.version", ConfigType::String, doc)
        .default("V1")
        .importance(Importance::High)
        .validator(Validator::OneOfCi(vec!["V1".into(), "V2".into()]))
}

/// The names that lead to a field, and how the user wrote them.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldPath {
    pub text: String,
    steps: Vec<String>,
}

impl FieldPath {
    /// `version` is `V1` or `V2`, in either case.
    pub fn new(text: &str, version: &str) -> Result<FieldPath> {
        let steps = match version.eq_ignore_ascii_case("V2") {
            true => split(text)?,
            false => vec![text.to_string()],
        };
        Ok(FieldPath { text: text.to_string(), steps })
    }

    /// At least one name; Connect notices an empty path no earlier than here, by what `List.subList` throws.
    pub fn steps(&self) -> Result<&[String]> {
        match self.steps.is_empty() {
            true => Err(Error::data("fromIndex(0) > toIndex(-1)").class("java.lang.IllegalArgumentException")),
            false => Ok(&self.steps),
        }
    }

    /// The value that the path leads to from a map; null if there is none.
    pub fn value_in_map<'v>(&self, map: ValueRef<'v>) -> Result<ValueRef<'v>> {
        let mut value = map;
        for step in self.steps()? {
            if value.is_null() {
                return Ok(ValueRef::NULL);
            }
            require_map_value(value, PURPOSE)?;
            value = value.get(step).unwrap_or(ValueRef::NULL);
        }
        Ok(value)
    }
}

fn split(path: &str) -> Result<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = (!path.is_empty()).then_some(path);
    while let Some(text) = rest {
        let step;
        (step, rest) = match text.strip_prefix('`') {
            Some(quoted) => until_backtick(quoted).ok_or_else(|| incomplete(path, path.len() - text.len()))?,
            None => match text.split_once('.') {
                Some((step, rest)) => (step.to_string(), Some(rest)),
                None => (text.to_string(), None),
            },
        };
        steps.push(step);
    }
    Ok(steps)
}

/// The name up to its closing backtick, which a dot or the end follows, and what is behind the dot. A backslash takes
/// the meaning from such a backtick, and only there is it no part of the name.
fn until_backtick(text: &str) -> Option<(String, Option<&str>)> {
    let mut step = String::new();
    let mut start = 0;
    for (at, _) in text.match_indices('`') {
        let escaped = text[..at].ends_with('\\');
        match text[at + 1..].chars().next() {
            None if escaped => return None,
            None => return Some((step + &text[start..at], None)),
            Some('.') if escaped => {
                step = step + &text[start..at - 1] + "`";
                start = at + 1;
            }
            Some('.') => return Some((step + &text[start..at], Some(&text[at + 2..]))),
            Some(_) => {}
        }
    }
    None
}

fn incomplete(path: &str, at: usize) -> Error {
    let position = path[..at].encode_utf16().count();
    Error::config(format!(
        "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position \
         {position} to escape it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_split_at_dots_outside_backticks() {
        let cases: [(&str, &[&str]); 12] = [
            ("", &[]),
            ("a", &["a"]),
            ("a.b.c", &["a", "b", "c"]),
            ("a.", &["a", ""]),
            (".", &["", ""]),
            ("a.`b.dot`.c", &["a", "b.dot", "c"]),
            ("`a`.", &["a", ""]),
            ("``", &[""]),
            ("```", &["`"]),
            ("x`y.b", &["x`y", "b"]),
            ("`x\\`y`", &["x\\`y"]),
            ("`a\\`.b`", &["a`.b"]),
        ];
        for (path, steps) in cases {
            assert_eq!(FieldPath::new(path, "v2").unwrap().steps, steps, "{path}");
            assert_eq!(FieldPath::new(path, "V1").unwrap().steps, [path]);
        }
    }

    #[test]
    fn a_lone_backtick_is_refused_at_its_place() {
        for (path, position) in [("`a", 0), ("a.`b.c", 2), ("`a`b", 0), ("`a`\\.b", 0), ("`a\\`", 0), ("😀.`b", 3)] {
            let error = FieldPath::new(path, "V2").unwrap_err();
            assert!(error.message.contains(&format!("backtick at position {position} to")), "{path}: {error}");
        }
    }
}
