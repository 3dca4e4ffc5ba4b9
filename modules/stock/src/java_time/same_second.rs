//! Texts of times of which most lie in the second of the one before: then only the milliseconds are written anew.

use berth_guest::append;

use super::simple_date_format::{SimpleDateFormat, WithinSecond};

const SECOND_MS: i64 = 1000;

/// The text of the last time in UTC.
#[derive(Clone, Debug)]
pub struct SameSecond {
    /// When its second begins; `None`: the text serves no other time.
    from_ms: Option<i64>,
    text: Vec<u8>,
    changes: WithinSecond,
}

impl Default for SameSecond {
    fn default() -> SameSecond {
        SameSecond { from_ms: None, text: Vec::new(), changes: WithinSecond::Nothing }
    }
}

impl SameSecond {
    /// Appends the text of a time in UTC; `format` is the same each time.
    #[inline]
    pub fn append(&mut self, format: &SimpleDateFormat, epoch_ms: i64, out: &mut Vec<u8>) {
        let within = self.from_ms.map(|from_ms| epoch_ms.wrapping_sub(from_ms));
        let ms = match within {
            Some(ms @ 0..SECOND_MS) => ms,
            _ => self.enter(format, epoch_ms),
        };
        let start = out.len();
        append(&self.text, out);
        let WithinSecond::ThreeDigits(at) = self.changes else { return };
        if let Some(digits) = out.get_mut(start + at..).and_then(|rest| rest.first_chunk_mut()) {
            let (digit, ms) = (|n: u32| b'0' + (n % 10) as u8, ms as u32);
            *digits = [digit(ms / 100), digit(ms / 10), digit(ms)];
        }
    }

    /// Makes the text of another second; gives the milliseconds.
    #[cold]
    fn enter(&mut self, format: &SimpleDateFormat, epoch_ms: i64) -> i64 {
        self.text.clear();
        self.changes = format.append_noting(epoch_ms, &mut self.text);
        let ms = epoch_ms.rem_euclid(SECOND_MS);
        self.from_ms = epoch_ms.checked_sub(ms).filter(|_| self.changes != WithinSecond::Anything);
        ms
    }
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::*;

    #[test]
    fn a_text_is_that_of_the_format_in_each_second() {
        let patterns = [
            "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
            "SSS",
            "HH:mm",
            "'x'",
            "SS s",
            "SSSS",
            "SSS SSS",
            "S SSS",
            "SSS S",
            "G yyyy EEE SSS z",
        ];
        let seconds = [0, 1, -1, 1_700_000_000, -62_000_000_000, -12_219_292_801, -12_219_292_800];
        let mut times = vec![i64::MIN, i64::MAX, i64::MIN + 999];
        for second in seconds {
            times.extend([0, 7, 70, 999, 5].map(|ms| second * SECOND_MS + ms));
        }
        for pattern in patterns {
            let format = SimpleDateFormat::new(pattern, Zone::Utc, 0).unwrap();
            let mut same = SameSecond::default();
            for ms in &times {
                let (mut want, mut found) = (b"before".to_vec(), b"before".to_vec());
                format.append(*ms, &mut want);
                same.append(&format, *ms, &mut found);
                assert_eq!(found, want, "{pattern} of {ms}");
            }
        }
    }
}
