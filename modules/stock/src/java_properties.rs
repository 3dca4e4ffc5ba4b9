//! `java.util.Properties.load`: what a properties file says.

use berth_guest::{Error, Result};

/// The pairs of a text, in order; a key that comes again replaces its value.
pub fn load(text: &str) -> Result<Vec<(String, String)>> {
    let mut out: Vec<(String, String)> = Vec::new();
    let text = text.replace("\r\n", "\n");
    let mut lines = text.split(['\n', '\r']);
    while let Some(line) = lines.next() {
        let mut line = line.trim_start_matches(BLANKS).to_string();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while continues(&line) {
            line.pop();
            line += lines.next().unwrap_or("").trim_start_matches(BLANKS);
        }
        let (key, value) = split(&line);
        let (key, value) = (unescape(key)?, unescape(value)?);
        match out.iter_mut().find(|(known, _)| *known == key) {
            Some(pair) => pair.1 = value,
            None => out.push((key, value)),
        }
    }
    Ok(out)
}

const BLANKS: [char; 3] = [' ', '\t', '\u{C}'];

/// Whether the line ends with a backslash that is not escaped itself.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

/// Key and value, parted at the first blank, `=` or `:` that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c| {
        let found = !escaped && (BLANKS.contains(&c) || matches!(c, '=' | ':'));
        escaped = c == '\\' && !escaped;
        found
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(BLANKS);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(BLANKS))
}

fn unescape(text: &str) -> Result<String> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('u') => {
                    units.push(unicode(&mut chars)?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{C}',
                Some(other) => other,
                None => break,
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    Ok(String::from_utf16_lossy(&units))
}

fn unicode(chars: &mut std::str::Chars<'_>) -> Result<u16> {
    let mut unit = 0;
    for _ in 0..4 {
        let Some(digit) = chars.next().and_then(|c| c.to_digit(16)) else {
            let class = "java.lang.IllegalArgumentException";
            return Err(Error::data("Malformed \\uxxxx encoding.").class(class));
        };
        unit = unit * 16 + digit as u16;
    }
    Ok(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> String {
        load(text).unwrap().iter().map(|(k, v)| format!("[{k}|{v}]")).collect()
    }

    #[test]
    fn files_are_read_as_in_java() {
        for (text, want) in [
            ("a=b\nc : d\r\n e f", "[a|b][c|d][e|f]"),
            ("a=1\\\n   2\\\r\n3\nb=4", "[a|123][b|4]"),
            ("a=1\\\n", "[a|1]"),
            ("a=1\\\n\nb", "[a|1][b|]"),
            ("#x\\\na=b", "[a|b]"),
            ("a\\:b\\ c==d", "[a:b c|=d]"),
            ("a=\\uD83D\\uDE00\\\\", "[a|😀\\]"),
            ("a=1\na=2\n\n!c", "[a|2]"),
        ] {
            assert_eq!(loaded(text), want, "{text:?}");
        }
        assert!(load("a=\\u00g0").is_err());
    }
}
