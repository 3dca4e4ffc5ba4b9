//! The characters of a pattern as Java's parser walks over them: the place of an error is where its cursor stands.

use super::syntax::PatternSyntaxError;

pub struct Reader<'p> {
    pattern: &'p str,
    chars: Vec<u32>,
    cursor: usize,
    /// COMMENTS: white space and `#` to the end of the line are skipped.
    pub comments: bool,
    /// UNIX_LINES: comments end at LF alone.
    pub unix_lines: bool,
}

/// What is read behind the end.
pub const END: u32 = 0;

impl<'p> Reader<'p> {
    pub fn new(pattern: &'p str) -> Reader<'p> {
        let chars = unquote(pattern.chars().map(u32::from).collect());
        Reader { pattern, chars, cursor: 0, comments: false, unix_lines: false }
    }

    pub fn error(&self, description: impl Into<String>) -> PatternSyntaxError {
        let pattern = self.pattern.to_string();
        PatternSyntaxError { description: description.into(), index: self.cursor as isize - 1, pattern }
    }

    pub fn at_end(&self) -> bool {
        self.cursor >= self.chars.len()
    }

    pub fn is_past_end(&self) -> bool {
        self.cursor > self.chars.len()
    }

    /// Where Java's cursor stands when it sought in vain to the end.
    pub fn set_past_end(&mut self) {
        self.cursor = self.chars.len() + 1;
    }

    pub fn cursor(&self) -> usize {
        self.cursor
    }

    pub fn set_cursor(&mut self, cursor: usize) {
        self.cursor = cursor;
    }

    pub fn at(&self, index: usize) -> u32 {
        self.chars.get(index).copied().unwrap_or(END)
    }

    pub fn text(&self, start: usize, end: usize) -> String {
        let chars = self.chars.get(start..end).unwrap_or_default();
        chars.iter().map(|&c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// The character under the cursor.
    pub fn peek(&mut self) -> u32 {
        if self.comments {
            while self.skips(self.at(self.cursor)) {
                self.skip_comment(self.at(self.cursor) == '#' as u32);
            }
        }
        self.at(self.cursor)
    }

    /// The character under the cursor, which steps over it.
    pub fn read(&mut self) -> u32 {
        if self.comments {
            self.peek();
        }
        self.cursor += 1;
        self.at(self.cursor - 1)
    }

    /// Steps, then peeks.
    pub fn next(&mut self) -> u32 {
        self.cursor += 1;
        self.peek()
    }

    /// Steps, then looks at the character there, comment or not.
    pub fn next_raw(&mut self) -> u32 {
        self.cursor += 1;
        self.at(self.cursor)
    }

    /// Takes the character behind the one under the cursor, comment or not.
    pub fn skip(&mut self) -> u32 {
        self.cursor += 2;
        self.at(self.cursor - 1)
    }

    pub fn unread(&mut self) {
        self.cursor -= 1;
    }

    fn skips(&self, c: u32) -> bool {
        !self.at_end() && (matches!(c, 0x09..=0x0D | 0x20) || c == '#' as u32)
    }

    fn skip_comment(&mut self, to_line_end: bool) {
        self.cursor += 1;
        while to_line_end && !self.at_end() && !self.ends_line(self.at(self.cursor)) {
            self.cursor += 1;
        }
    }

    fn ends_line(&self, c: u32) -> bool {
        c == '\n' as u32 || !self.unix_lines && matches!(c, 0x0D | 0x85 | 0x2028 | 0x2029)
    }
}

/// Replaces `\Q…\E` by escapes. Places of errors count in the result, in Java as here.
fn unquote(chars: Vec<u32>) -> Vec<u32> {
    const BACKSLASH: u32 = '\\' as u32;
    let mut out = Vec::with_capacity(chars.len());
    let mut rest = &chars[..];
    while let Some((&c, after)) = rest.split_first() {
        match after.first() {
            Some(&next) if c == BACKSLASH && next == 'Q' as u32 => {
                let quoted = &after[1..];
                let end = quoted.windows(2).position(|pair| pair == [BACKSLASH, 'E' as u32]);
                quote(&quoted[..end.unwrap_or(quoted.len())], &mut out);
                rest = end.map_or(&[], |end| &quoted[end + 2..]);
            }
            Some(&next) if c == BACKSLASH => {
                out.extend([c, next]);
                rest = &after[1..];
            }
            _ => {
                out.push(c);
                rest = after;
            }
        }
    }
    out
}

/// Escapes what may mean something. A leading digit could continue an escape before it, so it is written in hexadecimal.
fn quote(chars: &[u32], out: &mut Vec<u32>) {
    for (i, &c) in chars.iter().enumerate() {
        match char::from_u32(c) {
            Some('0'..='9') if i == 0 => out.extend("\\x3".chars().map(u32::from)),
            Some(ascii) if ascii.is_ascii() && !ascii.is_ascii_alphanumeric() => out.push('\\' as u32),
            _ => {}
        }
        out.push(c);
    }
}
