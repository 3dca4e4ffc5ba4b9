//! Sixteen bytes of JSON at a time. Masks hold a bit per byte, the first byte's lowest.

use wide::i8x16;

use crate::json_lexer::specials;

/// Bytes of a block.
pub const BLOCK: usize = 16;

/// Any position in a batch; these are much shorter.
const POSITION: usize = (1 << 31) - 1;

#[derive(Clone, Copy)]
pub struct Block(i8x16);

impl Block {
    /// The bytes from `at` on; NUL stands for those behind the end.
    #[inline(always)]
    pub fn at(bytes: &[u8], at: usize) -> Block {
        let at = at & POSITION; // so that the compiler knows that nothing overflows, and checks once
        match bytes.get(at..at + BLOCK).and_then(|block| block.first_chunk()) {
            Some(block) => Block::of(block),
            None => Block::last(bytes, at),
        }
    }

    #[inline(always)]
    pub fn of(bytes: &[u8; BLOCK]) -> Block {
        Block(bytemuck::cast(*bytes))
    }

    #[cold]
    #[inline(never)]
    fn last(bytes: &[u8], at: usize) -> Block {
        let mut block = [0; BLOCK];
        let rest = bytes.get(at..).unwrap_or(&[]);
        block[..rest.len()].copy_from_slice(rest);
        Block::of(&block)
    }

    /// Quotes, backslashes, control characters and bytes beyond ASCII: none of the others ends a text or is special in it.
    #[inline(always)]
    pub fn stops(self) -> u32 {
        let is = |byte: u8| self.0.simd_eq(i8x16::splat(byte as i8));
        (is(b'"') | is(b'\\') | self.0.simd_lt(i8x16::splat(0x20))).to_bitmask()
    }

    #[inline(always)]
    pub fn digits(self) -> u32 {
        let above = self.0.simd_gt(i8x16::splat(b'0' as i8 - 1));
        (above & self.0.simd_lt(i8x16::splat(b'9' as i8 + 1))).to_bitmask()
    }

    #[inline(always)]
    pub fn equal(self, other: Block) -> u32 {
        self.0.simd_eq(other.0).to_bitmask()
    }
}

/// Whether nothing in a text ends or is special in it, see [`Block::stops`]: a few looks at words that overlap tell.
#[inline]
pub fn is_plain(bytes: &[u8]) -> bool {
    let (word, half) =
        (|eight: &[u8; 8]| u64::from_le_bytes(*eight), |four: &[u8; 4]| u32::from_le_bytes(*four) as u64);
    match (bytes.last_chunk::<BLOCK>(), bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(last), ..) => {
            let blocks = bytes.as_chunks::<BLOCK>().0;
            blocks.iter().fold(Block::of(last).stops(), |stops, block| stops | Block::of(block).stops()) == 0
        }
        (_, Some(first), Some(last)) => specials::<true>(word(first)) | specials::<true>(word(last)) == 0,
        _ => match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            (Some(first), Some(last)) => specials::<true>(half(first) << 32 | half(last)) == 0,
            _ => bytes.iter().all(|b| matches!(b, 0x20..0x80) && !matches!(b, b'"' | b'\\')),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_lexer::plain_prefix;

    #[test]
    fn masks_have_a_bit_for_each_byte() {
        let text = b"ab\"c\\d\x1f e\xC3\xA4\x7f0/:9 and more";
        let bits = |is: fn(&u8) -> bool| (0..BLOCK).filter(|i| is(&text[*i])).fold(0u32, |mask, i| mask | 1 << i);
        let block = Block::at(text, 0);
        assert_eq!(block.stops(), bits(|b| matches!(b, b'"' | b'\\' | 0..0x20 | 0x80..)));
        assert_eq!(block.digits(), bits(u8::is_ascii_digit));
        assert_eq!(block.equal(Block::of(b"ab\"c\\d\x1f e\xC3\xA4\x7f0/:8")), 0x7FFF);
    }

    #[test]
    fn nothing_stands_behind_the_end() {
        for len in 0..BLOCK {
            assert_eq!(Block::at(&[b'1'; BLOCK][..len], 0).digits(), (1 << len) - 1);
            assert_eq!(Block::at(&[b'1'; BLOCK][..len], len + 3).stops(), 0xFFFF);
        }
    }

    #[test]
    fn a_text_is_plain_where_its_plain_prefix_is_all_of_it() {
        for len in 0..40 {
            let mut text = vec![b'a'; len];
            assert!(is_plain(&text));
            for (at, byte) in (0..len).flat_map(|at| [0, 0x1F, b'"', b'\\', 0x7F, 0x80, 0xFF].map(|byte| (at, byte))) {
                text[at] = byte;
                assert_eq!(is_plain(&text), plain_prefix::<true>(&text) == len, "{byte} at {at} of {len}");
                text[at] = b'a';
            }
        }
    }
}
