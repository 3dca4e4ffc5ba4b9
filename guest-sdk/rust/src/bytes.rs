//! Comparing short runs of bytes, such as names, without a call: in a module a call costs more than the comparison.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_each_length_differ_where_one_byte_does() {
        for len in 0..40 {
            let one: Vec<u8> = (0..len).collect();
            assert!(same(&one, &one.clone()));
            assert!(!same(&one, &[&one[..], &[0]].concat()));
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 0x10;
                assert!(!same(&one, &other), "{at} of {len}");
            }
        }
    }
}
