//! Names of characters for `\N{…}`: those of ASCII. Names of topics hold no others, and a table of all names would be
//! as big as the rest of the module.

const CONTROLS: [&str; 33] = [
    "NULL",
    "START OF HEADING",
    "START OF TEXT",
    "END OF TEXT",
    "END OF TRANSMISSION",
    "ENQUIRY",
    "ACKNOWLEDGE",
    "BEL",
    "BACKSPACE",
    "CHARACTER TABULATION",
    "LINE FEED (LF)",
    "LINE TABULATION",
    "FORM FEED (FF)",
    "CARRIAGE RETURN (CR)",
    "SHIFT OUT",
    "SHIFT IN",
    "DATA LINK ESCAPE",
    "DEVICE CONTROL ONE",
    "DEVICE CONTROL TWO",
    "DEVICE CONTROL THREE",
    "DEVICE CONTROL FOUR",
    "NEGATIVE ACKNOWLEDGE",
    "SYNCHRONOUS IDLE",
    "END OF TRANSMISSION BLOCK",
    "CANCEL",
    "END OF MEDIUM",
    "SUBSTITUTE",
    "ESCAPE",
    "INFORMATION SEPARATOR FOUR",
    "INFORMATION SEPARATOR THREE",
    "INFORMATION SEPARATOR TWO",
    "INFORMATION SEPARATOR ONE",
    "SPACE",
];
const DIGITS: [&str; 10] = ["ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"];
const MARKS: [(u8, &str); 33] = [
    (b'!', "EXCLAMATION MARK"),
    (b'"', "QUOTATION MARK"),
    (b'#', "NUMBER SIGN"),
    (b'$', "DOLLAR SIGN"),
    (b'%', "PERCENT SIGN"),
    (b'&', "AMPERSAND"),
    (b'\'', "APOSTROPHE"),
    (b'(', "LEFT PARENTHESIS"),
    (b')', "RIGHT PARENTHESIS"),
    (b'*', "ASTERISK"),
    (b'+', "PLUS SIGN"),
    (b',', "COMMA"),
    (b'-', "HYPHEN-MINUS"),
    (b'.', "FULL STOP"),
    (b'/', "SOLIDUS"),
    (b':', "COLON"),
    (b';', "SEMICOLON"),
    (b'<', "LESS-THAN SIGN"),
    (b'=', "EQUALS SIGN"),
    (b'>', "GREATER-THAN SIGN"),
    (b'?', "QUESTION MARK"),
    (b'@', "COMMERCIAL AT"),
    (b'[', "LEFT SQUARE BRACKET"),
    (b'\\', "REVERSE SOLIDUS"),
    (b']', "RIGHT SQUARE BRACKET"),
    (b'^', "CIRCUMFLEX ACCENT"),
    (b'_', "LOW LINE"),
    (b'`', "GRAVE ACCENT"),
    (b'{', "LEFT CURLY BRACKET"),
    (b'|', "VERTICAL LINE"),
    (b'}', "RIGHT CURLY BRACKET"),
    (b'~', "TILDE"),
    (0x7F, "DELETE"),
];

/// `Character.codePointOf`, for ASCII; case does not count.
pub fn code_point(name: &str) -> Option<u32> {
    let name = name.trim().to_uppercase();
    let letter = |prefix: &str| {
        let letter = name.strip_prefix(prefix)?.as_bytes();
        (letter.len() == 1 && letter[0].is_ascii_uppercase()).then(|| u32::from(letter[0]))
    };
    let digit = |digit| DIGITS.iter().position(|&d| d == digit).map(|d| '0' as u32 + d as u32);
    let control = || CONTROLS.iter().position(|&known| known == name).map(|c| c as u32);
    let mark = || MARKS.iter().find(|(_, known)| *known == name).map(|&(c, _)| u32::from(c));
    letter("LATIN CAPITAL LETTER ")
        .or_else(|| letter("LATIN SMALL LETTER ").map(|c| c + 0x20))
        .or_else(|| name.strip_prefix("DIGIT ").and_then(digit))
        .or_else(control)
        .or_else(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_ascii() {
        let cases = [
            ("LATIN SMALL LETTER A", Some('a')),
            (" latin capital letter z ", Some('Z')),
            ("DIGIT SEVEN", Some('7')),
            ("HYPHEN-MINUS", Some('-')),
            ("LINE FEED (LF)", Some('\n')),
            ("LATIN SMALL LETTER", None),
            ("LATIN SMALL LETTER AE", None),
            ("LATIN SMALL LETTER 1", None),
            ("", None),
        ];
        for (name, c) in cases {
            assert_eq!(code_point(name), c.map(u32::from), "{name}");
        }
    }
}
