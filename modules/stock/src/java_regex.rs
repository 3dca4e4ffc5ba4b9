//! Java's regular expressions on top of `fancy-regex`: what the two write differently is translated.

use fancy_regex::{Captures, Regex};

/// A compiled pattern: for the whole text and for the first place.
#[derive(Debug)]
pub struct Pattern {
    whole: Regex,
    first: Regex,
}

/// Backtracking steps before a match is given up.
const BACKTRACK_STEPS: usize = 1_000_000;

impl Pattern {
    /// Compiles; the error is the parser's text.
    pub fn new(java: &str) -> Result<Pattern, String> {
        let rust = translate(java);
        let compile = |text: &str| {
            let built = fancy_regex::RegexBuilder::new(text).backtrack_limit(BACKTRACK_STEPS).build();
            built.map_err(|e| e.to_string())
        };
        Ok(Pattern { whole: compile(&format!("\\A(?:{rust})\\z"))?, first: compile(&rust)? })
    }

    /// `Matcher.matches`.
    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text).unwrap_or(false)
    }

    /// `Matcher.replaceFirst`.
    pub fn replace_first(&self, text: &str, replacement: &str) -> Result<String, String> {
        let Ok(Some(found)) = self.first.captures(text) else { return Ok(text.to_string()) };
        let (start, end) = found.get(0).map_or((0, 0), |m| (m.start(), m.end()));
        let mut out = text[..start].to_string();
        self.expand(&found, replacement, &mut out)?;
        out += &text[end..];
        Ok(out)
    }

    fn expand(&self, found: &Captures<'_>, replacement: &str, out: &mut String) -> Result<(), String> {
        let mut rest = replacement;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '\\' => {
                    let next = rest.chars().next().ok_or("character to be escaped is missing")?;
                    out.push(next);
                    rest = &rest[next.len_utf8()..];
                }
                '$' => rest = self.expand_group(found, rest, out)?,
                _ => out.push(c),
            }
        }
        Ok(())
    }

    fn expand_group<'r>(&self, found: &Captures<'_>, rest: &'r str, out: &mut String) -> Result<&'r str, String> {
        if let Some(named) = rest.strip_prefix('{') {
            let end = named.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(named.len());
            let (name, after) = named.split_at(end);
            let after = after.strip_prefix('}').ok_or("named capturing group is missing trailing '}'")?;
            if !self.first.capture_names().flatten().any(|n| n == name) {
                return Err(format!("No group with name {{{name}}}"));
            }
            *out += found.name(name).map_or("", |m| m.as_str());
            return Ok(after);
        }
        let digit = |text: &str| text.chars().next().and_then(|c| c.to_digit(10)).map(|d| d as usize);
        let mut group = digit(rest).ok_or("Illegal group reference")?;
        let mut rest = &rest[1..];
        if group >= found.len() {
            return Err(format!("No group {group}"));
        }
        while let Some(next) = digit(rest).map(|d| group * 10 + d).filter(|n| *n < found.len()) {
            group = next;
            rest = &rest[1..];
        }
        *out += found.get(group).map_or("", |m| m.as_str());
        Ok(rest)
    }
}

/// Line ends of Java's `.` and `$`.
const LINE_END: &str = r"\n\r\x{85}\x{2028}\x{2029}";

fn translate(java: &str) -> String {
    let chars: Vec<char> = java.chars().collect();
    let mut out = String::new();
    let mut depth = 0usize;
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        i += 1;
        match c {
            '\\' => i = escape(&chars, i, depth > 0, &mut out),
            '[' => {
                depth += 1;
                out.push('[');
                if chars.get(i) == Some(&'^') {
                    out.push('^');
                    i += 1;
                }
                if chars.get(i) == Some(&']') {
                    out.push_str("\\]");
                    i += 1;
                }
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.push(']');
            }
            ']' => out.push_str("\\]"),
            '.' if depth == 0 => out += &format!("[^{LINE_END}]"),
            '$' if depth == 0 => out += &format!("(?=(?:\\r\\n|[{LINE_END}])?\\z)"),
            '-' | '~' | '#' if depth > 0 && chars.get(i) == Some(&c) => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Translates what follows a backslash; returns where to go on.
fn escape(chars: &[char], i: usize, in_class: bool, out: &mut String) -> usize {
    let Some(&c) = chars.get(i) else {
        out.push('\\');
        return i;
    };
    let mut set = |inside: &str, negated: bool| {
        match (in_class, negated) {
            (true, false) => *out += inside,
            (_, true) => *out += &format!("[^{inside}]"),
            (false, false) => *out += &format!("[{inside}]"),
        }
        i + 1
    };
    match c {
        'd' | 'D' => set("0-9", c == 'D'),
        'w' | 'W' => set("a-zA-Z0-9_", c == 'W'),
        's' | 'S' => set(r" \t\n\x0B\f\r", c == 'S'),
        'h' | 'H' => set(r" \t\xA0\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}", c == 'H'),
        'v' | 'V' => set(r"\n\x0B\f\r\x{85}\x{2028}\x{2029}", c == 'V'),
        'R' => {
            *out += r"(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])";
            i + 1
        }
        'Z' => {
            *out += &format!("(?=(?:\\r\\n|[{LINE_END}])?\\z)");
            i + 1
        }
        'e' => {
            *out += r"\x1B";
            i + 1
        }
        'u' => {
            let hex: String = chars.iter().skip(i + 1).take(4).collect();
            *out += &format!("\\x{{{hex}}}");
            i + 5
        }
        '0' => {
            let octal: String = chars.iter().skip(i + 1).take(3).take_while(|c| c.is_digit(8)).collect();
            *out += &format!("\\x{{{:x}}}", u32::from_str_radix(&octal, 8).unwrap_or(0));
            i + 1 + octal.len()
        }
        'c' => {
            let control = chars.get(i + 1).map_or(0, |c| *c as u32 ^ 64);
            *out += &format!("\\x{{{control:x}}}");
            i + 2
        }
        'Q' => {
            let rest: String = chars[i + 1..].iter().collect();
            let quoted = rest.split("\\E").next().unwrap_or("");
            *out += &fancy_regex::escape(quoted);
            (i + 1 + quoted.chars().count() + 2).min(chars.len())
        }
        'p' | 'P' => property(chars, i, in_class, out),
        _ => {
            out.push('\\');
            out.push(c);
            i + 1
        }
    }
}

/// Java's names of character properties that differ from Unicode's.
fn property(chars: &[char], i: usize, in_class: bool, out: &mut String) -> usize {
    let negated = chars[i] == 'P';
    let rest: String = chars[i + 1..].iter().collect();
    let Some(name) = rest.strip_prefix('{').and_then(|r| r.split_once('}')).map(|(name, _)| name) else {
        out.push('\\');
        out.push(chars[i]);
        return i + 1;
    };
    let ascii = match name {
        "Lower" => Some("a-z"),
        "Upper" => Some("A-Z"),
        "ASCII" => Some(r"\x00-\x7F"),
        "Alpha" => Some("a-zA-Z"),
        "Digit" => Some("0-9"),
        "Alnum" => Some("a-zA-Z0-9"),
        "Punct" => Some(r"!-/:-@\[-`{-~"),
        "Graph" => Some("!-~"),
        "Print" => Some(" -~"),
        "Blank" => Some(r" \t"),
        "Cntrl" => Some(r"\x00-\x1F\x7F"),
        "XDigit" => Some("0-9a-fA-F"),
        "Space" => Some(r" \t\n\x0B\f\r"),
        _ => None,
    };
    match ascii {
        Some(set) if negated => *out += &format!("[^{set}]"),
        Some(set) if in_class => *out += set,
        Some(set) => *out += &format!("[{set}]"),
        None => {
            let name = match name {
                "javaLowerCase" | "IsLowercase" => "Lowercase",
                "javaUpperCase" | "IsUppercase" => "Uppercase",
                "javaWhitespace" | "IsWhite_Space" => "White_Space",
                _ => name.strip_prefix("Is").unwrap_or(name),
            };
            *out += &format!("\\{}{{{name}}}", chars[i]);
        }
    }
    i + 1 + name.chars().count() + 2
}

/// Validator of configuration values that are patterns.
pub fn check(text: Option<&str>) -> Result<(), String> {
    Pattern::new(text.unwrap_or("")).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_java() {
        let matches = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().matches(text);
        assert!(matches("in-(.*)", "in-x"));
        assert!(!matches("in", "in-x"));
        assert!(!matches(r"\d", "٣"));
        assert!(matches(r"[\w&&[^b]]+", "aac"));
        assert!(matches(r"\Qa.b\E", "a.b"));
        assert!(!matches(r"\Qa.b\E", "axb"));
        assert!(matches(r"(a)\1", "aa"));
        assert!(matches(r"a++b", "aab"));
        assert!(matches(r"\p{Lower}+", "abc"));
        assert!(matches(r"\bx\b(?=)", "x"));
        assert!(Pattern::new("(").is_err());
    }

    #[test]
    fn replacements_expand_as_in_java() {
        let replace = |pattern: &str, text: &str, with: &str| Pattern::new(pattern).unwrap().replace_first(text, with);
        assert_eq!(replace("in-(.*)", "in-x", "out-$1").unwrap(), "out-x");
        assert_eq!(replace("(?<n>a)(b)", "ab", "${n}$2\\$$10").unwrap(), "ab$a0");
        assert!(replace("a", "a", "$1").is_err());
        assert!(replace("a", "a", "$x").is_err());
        assert!(replace("a", "a", "\\").is_err());
    }
}
