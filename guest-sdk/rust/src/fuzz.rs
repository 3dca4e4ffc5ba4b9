//! Fuzzing without a tool of its own: a native test that makes its input by [`Chance`] and is called by [`for_seeds`]
//! with one seed after the other.

use std::ops::Range;
use std::time::{Duration, Instant};

/// Numbers by SplitMix64: the same for the same seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to n − 1; n is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.number() % n as u64) as usize
    }

    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// Damages bytes: takes parts away, doubles them, cuts the rest off, turns bits round, puts in one of the tokens.
    pub fn damage(&mut self, bytes: &mut Vec<u8>, tokens: &[&str]) {
        for _ in 0..self.below(4) {
            let part = self.part(bytes.len());
            match self.below(6) {
                0 => drop(bytes.drain(part)),
                1 => {
                    let copy = bytes[part].to_vec();
                    let at = self.below(bytes.len() + 1);
                    drop(bytes.splice(at..at, copy));
                }
                2 => bytes.truncate(part.start),
                3 if !part.is_empty() => bytes[part.start] ^= 1 << self.below(8),
                _ => drop(bytes.splice(part.start..part.start, self.one(tokens).bytes())),
            }
        }
    }

    /// A short part of so many bytes.
    fn part(&mut self, len: usize) -> Range<usize> {
        let start = self.below(len + 1);
        start..(start + self.below(12)).min(len)
    }
}

/// Calls a test with as many seeds, or for as long as BERTH_FUZZ_TIME says (90s, 5m), from BERTH_FUZZ_SEED on. The seed
/// with which the test panics is told.
pub fn for_seeds(count: u64, mut test: impl FnMut(&mut Chance)) {
    let setting = |name: &str| std::env::var(name).ok();
    let first = setting("BERTH_FUZZ_SEED").map_or(0, |seed| seed.parse().expect("BERTH_FUZZ_SEED is a number"));
    let time = setting("BERTH_FUZZ_TIME").map(|text| duration(&text));
    let (start, mut seed) = (Instant::now(), first);
    while time.map_or(seed - first < count, |time| start.elapsed() < time) {
        let told = Told(seed);
        test(&mut Chance(seed));
        std::mem::forget(told);
        seed += 1;
    }
    println!("{} seeds from {first} on", seed - first);
}

fn duration(text: &str) -> Duration {
    let (number, unit) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60),
        None => (text.strip_suffix('s').unwrap_or(text), 1),
    };
    Duration::from_secs(number.parse::<u64>().expect("BERTH_FUZZ_TIME is a time such as 90s or 5m") * unit)
}

/// Tells the seed when a panic drops it.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        eprintln!("BERTH_FUZZ_SEED={}", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_the_same_for_the_same_seed_and_does_all_it_can() {
        let damaged = |seed| {
            let mut bytes = b"0123456789abcdef".to_vec();
            Chance(seed).damage(&mut bytes, &["TOKEN"]);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let all: Vec<String> = (0..500).map(damaged).collect();
        assert_eq!(all, (0..500).map(damaged).collect::<Vec<_>>());
        for (what, holds) in [
            ("untouched", (|text| text == "0123456789abcdef") as fn(&str) -> bool),
            ("a token", |text| text.contains("TOKEN")),
            ("shorter", |text| text.len() < 16),
            ("longer without a token", |text| text.len() > 16 && !text.contains("TOKEN")),
            ("of the same length", |text| text.len() == 16 && text != "0123456789abcdef"),
        ] {
            assert!(all.iter().any(|text| holds(text)), "never {what}");
        }
    }

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("20", 20), ("90s", 90), ("5m", 300)] {
            assert_eq!(duration(text).as_secs(), seconds, "{text}");
        }
    }
}
