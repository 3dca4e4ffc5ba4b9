//! JSON objects read along those that came before. The objects of a topic nearly always have the same members in the
//! same order, so what stands between two scalars, such as `},"name":`, is compared with what stood there before instead
//! of being read. What differs is left to the careful reader, from whose objects the shapes are learned
//! (`json_shapes/learn.rs`).
//!
//! What is open at a scalar, and which names came before it in each object that is, make its *place*. The *passage* from
//! one place to the next was part of an object that was read and had no name twice. So an object that is read along
//! passages is well-formed, not too deep, and has no name twice either: of its bytes only scalars need a check.

mod learn;

use berth_guest::{Part, Tag};

use crate::json_block::{Block, BLOCK};
use crate::json_scalar::scalar;
use learn::Places;

/// Longest passage that is kept, in bytes.
const PASSAGE: usize = 6 * BLOCK;
/// No passage.
const NONE: u32 = u32::MAX;
/// The place in front of an object.
const START: u32 = 0;

/// What a miss adds to the count of misses; a hit takes one off.
const MISS: u32 = 4;
/// Count of misses at which shapes are given up: more than one object in five had a new one.
const MISSES: u32 = 256;
/// Objects that are not tried then.
const REST: u32 = 4_096;

/// What a passage means to the fields of the object.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// It stays within a field.
    Inner,
    /// The scalar behind it is a field.
    Field,
    /// A field begins that is an object or array; the scalar behind it lies in there.
    Opens,
    /// The object ends.
    End,
}

/// The bytes between two scalars and where they lead.
#[derive(Clone, Debug)]
struct Passage {
    bytes: [[u8; BLOCK]; PASSAGE / BLOCK],
    len: usize,
    /// The bytes of the first block that count.
    mask: u32,
    role: Role,
    /// Whether a field that was opened ends; `close_at` is where, and `closes_clean` whether no blanks stand in front.
    closes: bool,
    closes_clean: bool,
    /// No blanks stand in what belongs to a field that is open behind it.
    clean: bool,
    close_at: usize,
    name_at: usize,
    name_len: usize,
    /// Where the field begins that it opens.
    open_at: usize,
    /// The place it leads to.
    to: u32,
    /// The passage to try if this one does not fit.
    other: u32,
}

impl Passage {
    #[inline(always)]
    fn fits(&self, bytes: &[u8], at: usize) -> bool {
        let equal = Block::at(bytes, at).equal(Block::of(&self.bytes[0]));
        !equal & self.mask == 0 && (self.len <= BLOCK || self.rest_fits(bytes, at))
    }

    /// Blocks beyond the first.
    #[inline(never)]
    fn rest_fits(&self, bytes: &[u8], at: usize) -> bool {
        let (mut done, mut left) = (BLOCK, self.len - BLOCK);
        for block in &self.bytes[1..] {
            let differ = !Block::at(bytes, at + done).equal(Block::of(block));
            if left <= BLOCK {
                return differ & ((1 << left) - 1) == 0;
            }
            if differ & ((1 << BLOCK) - 1) != 0 {
                return false;
            }
            (done, left) = (done + BLOCK, left - BLOCK);
        }
        false
    }

    fn text(&self) -> &[u8] {
        self.bytes.as_flattened().get(..self.len).unwrap_or(&[])
    }

    /// A field with the name that the passage holds, if it lies at `off`.
    #[inline(always)]
    fn field(&self, off: u32) -> Part {
        Part::named(off + self.name_at as u32, self.name_len as u32)
    }
}

/// The shapes of objects that were read.
#[derive(Debug)]
pub struct Shapes {
    passages: Vec<Passage>,
    /// The first passage to try at each place.
    first: Vec<u32>,
    places: Places,
    misses: u32,
    resting: u32,
}

impl Default for Shapes {
    fn default() -> Self {
        Shapes { passages: Vec::new(), first: vec![NONE], places: Places::default(), misses: 0, resting: 0 }
    }
}

impl Shapes {
    /// Finds the fields of the object that the first `len` bytes of `reach` begin with; `off` is where they lie. What
    /// follows them there may be anything. False: it is for the careful reader.
    pub fn fields(&mut self, reach: &[u8], len: usize, off: u32, parts: &mut Vec<Part>) -> bool {
        if self.resting > 0 {
            self.resting -= 1;
            return false;
        }
        parts.clear();
        // Positions only grow, so whatever was read behind `len` shows in the end.
        let end = self.follow(reach, len, off, parts).unwrap_or(usize::MAX);
        let found = reach.get(end..len).is_some_and(|rest| rest.is_empty() || rest.is_ascii());
        match found {
            true => self.misses = self.misses.saturating_sub(1),
            false => self.missed(),
        }
        found
    }

    #[cold]
    fn missed(&mut self) {
        self.misses += MISS;
        if self.misses > MISSES {
            *self = Shapes { resting: REST, ..Shapes::default() };
        }
    }

    /// Gives where the object ends.
    fn follow(&self, bytes: &[u8], len: usize, off: u32, parts: &mut Vec<Part>) -> Option<usize> {
        let (passages, first) = (&self.passages[..], &self.first[..]);
        let (mut at, mut place, mut canonical) = (0, START, true);
        loop {
            let mut passage = passages.get(*first.get(place as usize)? as usize)?;
            if !passage.fits(bytes, at) {
                passage = other(passages, passage, bytes, at)?;
            }
            let here = off + at as u32;
            at += passage.len;
            match passage.role {
                Role::Inner => canonical &= passage.clean,
                role => {
                    if passage.closes {
                        let field = parts.last_mut()?;
                        field.len = here + passage.close_at as u32 - field.off;
                        field.canonical = canonical & passage.closes_clean;
                    }
                    if role == Role::End {
                        return Some(at);
                    }
                    canonical = passage.clean;
                    if role == Role::Opens {
                        let mut field = passage.field(here);
                        (field.off, field.tag) = (here + passage.open_at as u32, Tag::Raw as u8);
                        parts.push(field);
                    }
                }
            }
            let read = scalar(bytes, len, at)?;
            if passage.role == Role::Field {
                let mut field = passage.field(here);
                let (from, to) = read.range(at);
                (field.off, field.len) = (off + from as u32, (to - from) as u32);
                (field.tag, field.canonical) = (read.tag as u8, read.canonical);
                parts.push(field);
            }
            canonical &= read.canonical;
            (at, place) = (read.end, passage.to);
        }
    }
}

/// The passage at hand behind one that does not fit.
#[inline(never)]
fn other<'p>(passages: &'p [Passage], mut passage: &'p Passage, bytes: &[u8], at: usize) -> Option<&'p Passage> {
    loop {
        passage = passages.get(passage.other as usize)?;
        if passage.fits(bytes, at) {
            return Some(passage);
        }
    }
}
