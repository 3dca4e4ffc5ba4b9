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
#[inline]
pub fn starts_with(text: &str, name: &str) -> Option<usize> {
    for (i, wanted) in name.bytes().enumerate() {
        let found = *text.as_bytes().get(i)?;
        if !found.is_ascii() || !wanted.is_ascii() {
            return starts_with_folded(text, name);
        }
        if !found.eq_ignore_ascii_case(&wanted) {
            return None;
        }
    }
    Some(name.len())
}

fn starts_with_folded(text: &str, name: &str) -> Option<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_regard_to_case() {
        let cases = [
            ("february", "Feb", Some(3)),
            ("fe", "Feb", None),
            ("ſep", "Sep", Some(4)),
            ("Apr\u{131}l", "April", Some(6)),
            ("wee\u{212A}", "week", Some(6)),
            ("RÉUNION", "Réunion", Some(8)),
            ("réunion", "Reunion", None),
        ];
        for (text, name, want) in cases {
            assert_eq!(starts_with(text, name), want, "{text}");
        }
        assert_eq!(longest("Juneteenth", &MONTHS, true), Some((5, 4)));
        assert_eq!(longest("Mayor", &MONTHS, true), Some((4, 3)));
        assert_eq!(longest("AMX", &HALF_DAYS, false), Some((0, 2)));
    }
}
