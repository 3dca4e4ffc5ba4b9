//! Comparing and copying short runs of bytes, such as names, without a call: in a module a call costs more than that.

use crate::sys::{append_short, SHORT};

/// Whether two runs are equal.
#[inline]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        n if n != b.len() => false,
        0 => true,
        1..4 => (a[0], a[a.len() / 2], a.last()) == (b[0], b[b.len() / 2], b.last()),
        4..8 => (a.first_chunk::<4>(), a.last_chunk::<4>()) == (b.first_chunk(), b.last_chunk()),
        8..=16 => (a.first_chunk::<8>(), a.last_chunk::<8>()) == (b.first_chunk(), b.last_chunk()),
        _ => a == b,
    }
}

/// Appends a run.
#[inline]
pub fn append(bytes: &[u8], out: &mut Vec<u8>) {
    match bytes.len() {
        0..=SHORT => append_short(bytes, out),
        _ => out.extend_from_slice(bytes),
    }
}

/// Whether a run is ASCII.
#[inline]
pub(crate) fn is_ascii(bytes: &[u8]) -> bool {
    let word = |eight: &[u8; 8]| u64::from_le_bytes(*eight);
    let four = |four: &[u8; 4]| u32::from_le_bytes(*four) as u64;
    let all = match (bytes.last_chunk::<16>(), bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(last), ..) => {
            let (sixteens, _) = bytes.as_chunks::<16>();
            let all = sixteens.iter().fold(0, |all, chunk| all | u128::from_le_bytes(*chunk));
            let all = all | u128::from_le_bytes(*last);
            all as u64 | (all >> 64) as u64
        }
        (_, Some(first), Some(last)) => word(first) | word(last),
        _ => match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            (Some(first), Some(last)) => four(first) | four(last),
            _ => bytes.iter().fold(0, |all, byte| all | *byte as u64),
        },
    };
    all & 0x8080_8080_8080_8080 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_each_length_differ_where_one_byte_does() {
        for len in 0..70 {
            let one: Vec<u8> = (0..len).collect();
            let mut out = b"before".to_vec();
            append(&one, &mut out);
            assert_eq!(out, [b"before", &one[..]].concat());
            assert!(is_ascii(&one));
            assert!(same(&one, &one.clone()));
            assert!(!same(&one, &[&one[..], &[0]].concat()));
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 0x80;
                assert!(!is_ascii(&other), "{at} of {len}");
                assert!(!same(&one, &other), "{at} of {len}");
            }
        }
    }
}
