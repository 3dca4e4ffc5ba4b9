use super::machine::{GaveUp, Machine, Text};
use super::*;

/// What JDK 25 answered; `testdata/java/RegexRecorder.java` describes the columns.
const RECORDED: &str = include_str!("recorded.tsv");

#[test]
fn answers_are_those_of_the_jdk() {
    for line in RECORDED.lines() {
        let columns: Vec<String> = line.split('\t').map(unescaped).collect();
        let [pattern, text, replacement, answers @ ..] = &columns[..] else { panic!("{line}") };
        assert_eq!(answers, played(pattern, text, replacement), "{line}");
    }
    assert!(RECORDED.lines().count() > 800);
}

fn played(pattern: &str, text: &str, replacement: &str) -> Vec<String> {
    let pattern = match Pattern::new(pattern) {
        Ok(pattern) => pattern,
        Err(e) => return vec![e.to_string()],
    };
    let groups = |found: Result<Option<Match>, MatchError>| found.unwrap().map_or(String::new(), |m| shown(&m, text));
    let replaced = |result: Result<String, ReplacementError>| match result {
        Ok(text) => text,
        Err(e) => format!("{}: {e}", e.class()),
    };
    vec![
        groups(pattern.match_whole(text)),
        groups(pattern.find(text)),
        replaced(pattern.replace_first(text, replacement)),
        replaced(pattern.replace_all(text, replacement)),
    ]
}

fn shown(found: &Match, text: &str) -> String {
    let span = |(start, end): (usize, usize)| {
        format!("{}+{}", text[..start].chars().count(), text[start..end].chars().count())
    };
    let groups: Vec<String> = (0..=found.groups()).map(|g| found.span(g).map_or("-".into(), span)).collect();
    groups.join(" ")
}

fn unescaped(column: &str) -> String {
    let mut parts = column.split("\\u{");
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        match part.split_once('}').map(|(hex, rest)| (u32::from_str_radix(hex, 16).ok().and_then(char::from_u32), rest))
        {
            Some((Some(c), rest)) => {
                out.push(c);
                out += rest;
            }
            _ => out.extend(["\\u{", part]),
        }
    }
    out
}

/// Numbers that look random and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn text(&mut self) -> String {
        (0..self.below(12)).map(|_| self.pick(&["a", "a", "a", "b", "b", "c", "é", " ", "\n"])).collect()
    }

    fn pattern(&mut self, depth: usize) -> String {
        let mut out = String::new();
        for _ in 0..=self.below(3) {
            if self.below(5) == 0 {
                out.push('|');
            }
            out += &self.item(depth);
            out += self.pick(&["", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}", "*+"]);
        }
        out
    }

    fn item(&mut self, depth: usize) -> String {
        const ATOMS: [&str; 12] = ["a", "b", "c", "a", "b", ".", "[ab]", "[^a]", "\\w", "\\b", "^", "$"];
        const HEADS: [&str; 11] = ["(", "(", "(?:", "(?:", "(?:", "(?=", "(?!", "(?>", "(?i:", "(?<=a|", "(?<!b|"];
        if depth == 0 || self.below(3) > 0 {
            return self.pick(&ATOMS).to_string();
        }
        format!("{}{})", self.pick(&HEADS), self.pattern(depth - 1))
    }
}

/// The first match of a run from the start of the text, with notes of visited places or without.
fn run(pattern: &Pattern, text: &Text<'_>, whole: bool, notes: bool) -> Result<Option<Match>, GaveUp> {
    let mut machine = Machine::new(&pattern.program, text, whole).limited(20_000, notes);
    Ok(machine.run(0)?.then(|| machine.into_match()))
}

#[test]
fn notes_of_visited_places_change_no_match() {
    let mut chance = Chance(1);
    let mut compared = 0;
    for _ in 0..10_000 {
        let source = chance.pattern(3);
        let Ok(pattern) = Pattern::new(&source) else { continue };
        let text = chance.text();
        let text = Text::new(&text, &pattern.program);
        for whole in [false, true] {
            let (Ok(plain), noted) = (run(&pattern, &text, whole, false), run(&pattern, &text, whole, true)) else {
                continue;
            };
            assert_eq!(noted, Ok(plain), "{source:?} on {:?}", text.chars);
            compared += 1;
        }
    }
    assert!(compared > 15_000, "{compared}");
}

#[test]
fn no_pattern_is_too_odd_to_be_read() {
    const TOKENS: [&str; 42] = [
        "(",
        ")",
        "(?",
        "(?<",
        "(?:",
        "(?i)",
        "(?x)",
        "(?<n>",
        "[",
        "]",
        "[^",
        "&&",
        "-",
        "{",
        "}",
        "{2,",
        "*",
        "+",
        "?",
        "\\",
        "\\Q",
        "\\E",
        "\\p",
        "\\p{",
        "\\x",
        "\\x{",
        "\\u00",
        "\\c",
        "\\0",
        "\\k<",
        "\\b{g}",
        "\\N{",
        "|",
        "^",
        "$",
        " ",
        "#",
        "\n",
        "a",
        "9",
        "é",
        "\u{1F600}",
    ];
    let mut chance = Chance(2);
    let mut read = 0;
    for _ in 0..20_000 {
        let source: String = (0..chance.below(9)).map(|_| chance.pick(&TOKENS)).collect();
        match Pattern::new(&source) {
            Ok(pattern) => {
                read += 1;
                drop(pattern.find(&chance.text()));
            }
            Err(e) => assert!(e.index >= -1 && !e.description.is_empty(), "{source:?}"),
        }
    }
    assert!(read > 2_000, "{read}");
}

#[test]
fn nested_repetitions_take_no_time() {
    let text = "a".repeat(500);
    for pattern in ["(a+)+b", "(a*)*b", "(?:a|a)*b", "(?:a?b?)*c", "((a*)*|b)*c", "(.*)(.*)(.*)x", "(?:\\w*\\s*)*;"] {
        assert_eq!(Pattern::new(pattern).unwrap().matches(&text), Ok(false), "{pattern}");
    }
}

#[test]
fn a_match_without_end_is_given_up() {
    let pattern = Pattern::new("(a*)*\\1b").unwrap();
    let gave_up = pattern.matches(&"a".repeat(40)).unwrap_err().to_string();
    assert!(gave_up.contains("(a*)*\\1b") && gave_up.contains("40 characters"), "{gave_up}");
    assert!(matches!(pattern.replace_first(&"a".repeat(40), "x"), Err(ReplacementError::Match(_))));
}

#[test]
fn deep_nesting_and_long_texts_do_not_overflow_the_stack() {
    let deep = format!("{}a{}", "(".repeat(90), ")".repeat(90));
    assert_eq!(Pattern::new(&deep).unwrap().matches("a"), Ok(true));
    let too_deep = format!("{}a{}", "(?:".repeat(100_000), ")".repeat(100_000));
    assert!(Pattern::new(&too_deep).unwrap_err().description.contains("nest"));
    assert_eq!(Pattern::new("(?:a|b)*").unwrap().matches(&"ab".repeat(100_000)), Ok(true));
}

#[test]
fn the_validator_words_errors_as_connect_does() {
    assert_eq!(check(Some("a.*")), Ok(()));
    let message = "Invalid regex: Dangling meta character '*' near index 0\n*\n^";
    assert_eq!(check(Some("*")), Err(message.to_string()));
}
