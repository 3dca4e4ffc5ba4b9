//! Sixteen bytes of JSON at a time. Masks hold a bit per byte, the first byte's lowest.

use wide::i8x16;

/// Bytes of a block.
pub const BLOCK: usize = 16;

#[derive(Clone, Copy)]
pub struct Block(i8x16);

impl Block {
    /// The bytes from `at` on; NUL stands for those behind the end.
    #[inline(always)]
    pub fn at(bytes: &[u8], at: usize) -> Block {
        match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
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
