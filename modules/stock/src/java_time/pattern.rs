//! Patterns of Java's SimpleDateFormat, taken apart once.

/// A letter that stands for a field of the calendar, or a literal text.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Text(String),
    Field(Field),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    pub letter: u8,
    /// How often the letter stands there.
    pub count: usize,
    /// A number follows at once, so this one has as many digits as letters.
    pub is_tight: bool,
}

const LETTERS: &str = "GyMdkHmsSEDFwWahKzZYuXL";
/// Letters of which the field is read as a number, but for months by name.
const NUMBERS: &[u8] = b"yMdkHmsSDFwWhKYuL";

impl Field {
    fn is_number(&self) -> bool {
        NUMBERS.contains(&self.letter) && (self.count <= 2 || !matches!(self.letter, b'M' | b'L'))
    }
}

/// Takes a pattern apart; the error is the message of Java's IllegalArgumentException.
pub fn items(pattern: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let c_len = c.len_utf8();
        if rest.starts_with("''") {
            push_text(&mut items, "'");
            rest = &rest[2..];
        } else if c == '\'' {
            rest = quoted(&rest[1..], &mut items)?;
        } else if c.is_ascii_alphabetic() {
            let count = rest.bytes().take_while(|byte| *byte == c as u8).count();
            items.push(Item::Field(field(c as u8, count)?));
            rest = &rest[count..];
        } else {
            push_text(&mut items, &rest[..c_len]);
            rest = &rest[c_len..];
        }
    }
    for i in 1..items.len() {
        let next_is_number = matches!(&items[i], Item::Field(next) if next.is_number());
        if let Item::Field(field) = &mut items[i - 1] {
            field.is_tight = next_is_number;
        }
    }
    Ok(items)
}

fn push_text(items: &mut Vec<Item>, text: &str) {
    match items.last_mut() {
        Some(Item::Text(last)) => last.push_str(text),
        _ => items.push(Item::Text(text.to_string())),
    }
}

/// Reads up to the closing quote; gives what is behind it.
fn quoted<'p>(text: &'p str, items: &mut Vec<Item>) -> Result<&'p str, String> {
    let mut rest = text;
    loop {
        let end = rest.find('\'').ok_or("Unterminated quote")?;
        push_text(items, &rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(behind) => {
                push_text(items, "'");
                rest = behind;
            }
            None => return Ok(rest),
        }
    }
}

fn field(letter: u8, count: usize) -> Result<Field, String> {
    if !LETTERS.as_bytes().contains(&letter) {
        return Err(format!("Illegal pattern character '{}'", letter as char));
    }
    if letter == b'X' && count > 3 {
        return Err(format!("invalid ISO 8601 format: length={count}"));
    }
    Ok(Field { letter, count, is_tight: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_letters_and_literals() {
        let shown = |pattern: &str| {
            let items = items(pattern)?;
            let texts = items.iter().map(|item| match item {
                Item::Text(text) => format!("<{text}>"),
                Item::Field(f) => format!("{}{}{}", f.letter as char, f.count, if f.is_tight { "!" } else { "" }),
            });
            Ok::<String, String>(texts.collect())
        };
        let cases = [
            ("yyyyMMdd", Ok("y4!M2!d2")),
            ("yyyyMMMz", Ok("y4M3z1")),
            ("yyyy-MM-dd'T'HH:mm", Ok("y4<->M2<->d2<T>H2<:>m2")),
            ("'o''clock'''", Ok("<o'clock'>")),
            ("''yyyy''", Ok("<'>y4<'>")),
            ("yyyy年", Ok("y4<年>")),
            ("''", Ok("<'>")),
            ("", Ok("")),
            ("'''", Err("Unterminated quote")),
            ("yyyy'", Err("Unterminated quote")),
            ("b", Err("Illegal pattern character 'b'")),
            ("XXXX", Err("invalid ISO 8601 format: length=4")),
        ];
        for (pattern, want) in cases {
            assert_eq!(shown(pattern), want.map(String::from).map_err(String::from), "{pattern}");
        }
    }
}
