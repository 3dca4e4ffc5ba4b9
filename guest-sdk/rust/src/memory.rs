//! The memory of a batch that passes through several stages: the input and one arena per stage that wrote anything.
//!
//! An offset in memory holds the number of its segment in the top 6 bits (0 = the input) and the place within it in the
//! other 26. A stage reads all earlier segments and appends to its own, so reading and writing never collide, and what
//! was overwritten by a later stage is never handed to the host.

use crate::limits;

const SHIFT: u32 = 26;
const MASK: u32 = (1 << SHIFT) - 1;

/// Segments that can be told apart.
pub(crate) const SEGMENTS: usize = 64;

/// What earlier stages (and the host) wrote; read-only during a stage.
#[derive(Debug, Default)]
pub struct Memory {
    pub(crate) input: Vec<u8>,
    pub(crate) input_start: usize,
    pub(crate) input_end: usize,
    pub(crate) arenas: Vec<Vec<u8>>,
    /// Reads texts that a converter left unread.
    pub(crate) decode: Option<crate::fields::Decode>,
}

pub(crate) fn segment_of(off: u32) -> usize {
    (off >> SHIFT) as usize
}

pub(crate) fn place_of(off: u32) -> u32 {
    off & MASK
}

pub(crate) fn address(segment: usize, place: usize) -> u32 {
    ((segment as u32) << SHIFT) | (place as u32 & MASK)
}

/// Whether an arena of that size can still be addressed.
pub(crate) fn fits(len: usize) -> bool {
    len < limits::BATCH_BYTES
}

impl Memory {
    /// The bytes of a range; empty if it is not there.
    #[inline]
    pub fn bytes(&self, off: u32, len: u32) -> &[u8] {
        let place = place_of(off) as usize;
        let range = place..place + len as usize;
        match segment_of(off) {
            0 => self.input.get(self.input_start..self.input_end).and_then(|data| data.get(range)),
            segment => self.arenas.get(segment - 1).and_then(|arena| arena.get(range)),
        }
        .unwrap_or(&[])
    }

    /// The bytes from an offset to the end of its segment; empty if it is not there.
    #[inline]
    pub(crate) fn reach(&self, off: u32) -> &[u8] {
        let segment = match segment_of(off) {
            0 => self.input.get(self.input_start..self.input_end),
            segment => self.arenas.get(segment - 1).map(Vec::as_slice),
        };
        segment.and_then(|bytes| bytes.get(place_of(off) as usize..)).unwrap_or(&[])
    }

    /// Segment number of the arena that the current stage writes.
    pub(crate) fn current(&self) -> usize {
        self.arenas.len() + 1
    }
}
