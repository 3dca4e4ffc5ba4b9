//! JSON by chance.

use berth_guest::fuzz::Chance;

const NAMES: [&str; 10] = ["a", "b", "c", "id", "amount", "a\\u0062", "äöü", "a.b", "", "\\ud800"];
pub const SCALARS: [&str; 36] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "0.0",
    "1",
    "-17",
    "007",
    "1.0",
    "1.50",
    "0.001",
    "0.0001",
    "9999999.5",
    "10000000.5",
    "1e5",
    "1E-7",
    "123456789012345678",
    "1234567890123456789",
    "99999999999999999999",
    "0.1234567890123456",
    "3.14159",
    "\"\"",
    "\"text\"",
    "\"a\\\"b\"",
    "\"\\u00e4\\n\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud83d\\ude00ä\\\\\"",
    "\"12\\uDFFF\"",
    "\"ä\"",
    "\"12.5\"",
    "\"/\\/\"",
    "1e400",
    "-1.25",
];

/// A JSON text with blanks, escapes and members of the same name.
pub fn json(chance: &mut Chance, depth: usize, out: &mut String) {
    let blank = ["", "", "", " ", "\n\t"];
    out.push_str(chance.one(&blank));
    match chance.below(if depth > 3 { 4 } else { 7 }) {
        0..=3 => out.push_str(chance.one(&SCALARS)),
        4 => {
            out.push('[');
            for i in 0..chance.below(4) {
                out.push_str(if i > 0 { "," } else { "" });
                json(chance, depth + 1, out);
            }
            out.push(']');
        }
        _ => object(chance, depth, out),
    }
    out.push_str(chance.one(&blank));
}

pub fn object(chance: &mut Chance, depth: usize, out: &mut String) {
    out.push('{');
    for i in 0..chance.below(6) {
        out.push_str(if i > 0 { "," } else { "" });
        out.push_str(&format!("\"{}\":", chance.one(&NAMES)));
        json(chance, depth + 1, out);
    }
    out.push('}');
}
