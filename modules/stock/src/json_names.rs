//! The names of an object's members while it is read: enough of them to tell when one comes twice.

/// Notices a member name that comes twice; asks for the careful reader in case of doubt.
#[derive(Default)]
pub struct Names {
    bits: u64,
    hashes: [u32; 16],
    count: usize,
    escaped: bool,
}

/// Hashes a name eight bytes at a time.
#[inline]
fn hash(name: &[u8]) -> u32 {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    let (mut rest, mut hash) = (name, name.len() as u64);
    while let Some((eight, more)) = rest.split_first_chunk::<8>() {
        hash = (hash ^ u64::from_le_bytes(*eight)).wrapping_mul(MIX);
        (rest, hash) = (more, hash ^ (hash >> 32));
    }
    let word = rest.iter().fold(0, |word, byte| (word << 8) | *byte as u64);
    ((hash ^ word).wrapping_mul(MIX) >> 32) as u32
}

impl Names {
    /// Adds a name as it stands between its quotes; true: it may be there already.
    #[inline]
    pub fn add(&mut self, name: &[u8], escaped: bool) -> bool {
        let hash = hash(name);
        let bit = 1u64 << (hash >> 26);
        let known = self.count.min(self.hashes.len());
        let twice = self.bits & bit != 0 && (self.count > known || self.hashes[..known].contains(&hash));
        // An escape may hide an equal name, also in one that comes later.
        if twice || ((escaped || self.escaped) && self.count > 0) {
            return true;
        }
        if known < self.hashes.len() {
            self.hashes[known] = hash;
        }
        self.bits |= bit;
        self.escaped |= escaped;
        self.count += 1;
        false
    }
}
