//! Hashes that others see: of Java's strings and hash maps, and Kafka's of keys.

/// `String.hashCode`.
pub fn string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit as i32))
}

/// The order in which a `HashMap` or `HashSet` gives its string keys back that were put there in turn, by index.
/// Chains of eight and more keys, which Java makes trees, keep the order in which they came.
pub fn hash_map_order(keys: &[&str]) -> Vec<usize> {
    let mut distinct: Vec<usize> = Vec::new();
    for (i, key) in keys.iter().enumerate() {
        if !distinct.iter().any(|d| keys[*d] == *key) {
            distinct.push(i);
        }
    }
    let mut capacity = 16usize;
    while distinct.len() > capacity / 4 * 3 {
        capacity *= 2;
    }
    let bucket = |i: &usize| {
        let hash = string_hash(keys[*i]) as u32;
        (hash ^ (hash >> 16)) as usize & (capacity - 1)
    };
    // Stable: what shares a bucket stays in order, also while a table grows.
    distinct.sort_by_key(bucket);
    distinct
}

/// Kafka's murmur2, which spreads keys over partitions.
pub fn murmur2(bytes: &[u8]) -> i32 {
    const M: u32 = 0x5BD1_E995;
    let mut h = 0x9747_B28C ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| (tail << 8) | *byte as u32);
        h = (h ^ tail).wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    (h ^ (h >> 15)) as i32
}

/// The partition of a key among `count`, as Kafka's default partitioner chooses.
pub fn partition(key: &[u8], count: u32) -> u32 {
    (murmur2(key) as u32 & 0x7FFF_FFFF) % count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_java() {
        assert_eq!(string_hash("abcdefgh"), 1_259_673_732);
        assert_eq!(string_hash("中文"), 646_394);
        assert_eq!(murmur2(b"21"), -973_932_308);
        assert_eq!(murmur2(b"a-little-bit-long-string"), -985_981_536);
        assert_eq!(partition(b"key1", 7), 5);
        assert_eq!(hash_map_order(&["c", "b", "a", "b"]), [2, 1, 0]);
        assert_eq!(hash_map_order(&["id", "name", "email", "created_at", "updated_at"]), [4, 1, 3, 0, 2]);
    }
}
