//! Names of months, days and halves of the day in English, and how Java compares texts without regard to case.

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub const HALF_DAYS: [&str; 2] = ["AM", "PM"];
pub const ERAS: [&str; 2] = ["BC", "AD"];
/// Read, but never printed.
pub const LONG_ERAS: [&str; 2] = ["Before Christ", "Anno Domini"];

/// A month or day of the week as an abbreviation.
pub fn short(name: &str) -> &str {
    &name[..3]
}

/// Number of bytes that `name` takes at the start of `text`. As in `String.regionMatches`, letters are equal whose upper
/// or lower case is, so four letters beyond ASCII count as `i`, `s` and `k`.
pub fn starts_with(text: &str, name: &str) -> Option<usize> {
    if let Some(head) = text.as_bytes().get(..name.len()) {
        if head.eq_ignore_ascii_case(name.as_bytes()) {
            return Some(name.len());
        }
    }
    if text.is_ascii() {
        return None;
    }
    let mut chars = text.chars();
    let same = |wanted: char| chars.next().is_some_and(|c| folded(c) == folded(wanted));
    name.chars().all(same).then(|| text.len() - chars.as_str().len())
}

fn folded(c: char) -> char {
    match c {
        'ı' | 'İ' => 'i',
        'ſ' => 's',
        '\u{212A}' => 'k',
        _ => c.to_lowercase().next().unwrap_or(c),
    }
}

/// The longest of `names` that `text` begins with: which it is, and how many bytes it takes. Abbreviations count if
/// there are some.
pub fn longest(text: &str, names: &[&str], abbreviated: bool) -> Option<(i32, usize)> {
    let full = (0..).zip(names).find_map(|(i, name)| Some((i, starts_with(text, name)?)));
    if full.is_some() || !abbreviated {
        return full;
    }
    (0..).zip(names).find_map(|(i, name)| Some((i, starts_with(text, short(name))?)))
}
