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

/// The scalar behind the passage is a field of the object.
const FIELD: u64 = 1 << 24;
/// A field begins that is an object or array; the scalar behind the passage lies in there.
const OPENS: u64 = 1 << 25;
/// The object ends.
const ENDS: u64 = 1 << 26;
/// A field that was opened ends.
const CLOSES: u64 = 1 << 27;
/// No blanks stand in front of where it ends.
const CLOSES_CLEAN: u64 = 1 << 28;
/// No blanks stand in what belongs to a field that is open behind the passage.
const CLEAN: u64 = 1 << 29;

/// What every passage is asked for, in one load: in the sandbox each costs a check. From the lowest bit: the bytes of the
/// first block that count (16 bits), length (8), flags (8), the first passage to try behind the scalar that follows (32).
#[derive(Clone, Copy, Debug)]
struct Head(u64);

impl Head {
    fn new(len: usize, flags: u64) -> Head {
        let mask = (1u64 << len.min(BLOCK)) - 1;
        Head(mask | (len as u64) << 16 | flags)
    }

    #[inline(always)]
    fn mask(self) -> u32 {
        self.0 as u32 & 0xFFFF
    }

    #[inline(always)]
    fn len(self) -> usize {
        (self.0 >> 16) as usize & 0xFF
    }

    #[inline(always)]
    fn has(self, flags: u64) -> bool {
        self.0 & flags != 0
    }

    #[inline(always)]
    fn next(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn set_next(&mut self, next: u32) {
        self.0 = self.0 & u64::from(u32::MAX) | u64::from(next) << 32;
    }
}

/// Where things are in a passage.
#[derive(Clone, Copy, Debug)]
struct Spots {
    /// The end of the field that ends.
    close: u8,
    /// The name of the next field.
    name: u8,
    name_len: u8,
    /// The beginning of the field that is opened.
    open: u8,
}

/// The bytes between two scalars and where they lead.
#[derive(Clone, Debug)]
struct Passage {
    bytes: [[u8; BLOCK]; PASSAGE / BLOCK],
    head: Head,
    /// The batch in which the passage was last seen to begin a field, and where the name was then.
    batch: u64,
    name_off: u32,
    spots: Spots,
    /// The place it leads to.
    to: u32,
    /// The passage to try if this one does not fit.
    other: u32,
}

impl Passage {
    #[inline(always)]
    fn fits(&self, bytes: &[u8], at: usize) -> bool {
        let equal = Block::at(bytes, at).equal(Block::of(&self.bytes[0]));
        !equal & self.head.mask() == 0 && (self.head.len() <= BLOCK || self.rest_fits(bytes, at))
    }

    /// Blocks beyond the first.
    #[inline(never)]
    fn rest_fits(&self, bytes: &[u8], at: usize) -> bool {
        let (mut done, mut left) = (BLOCK, self.head.len() - BLOCK);
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
        self.bytes.as_flattened().get(..self.head.len()).unwrap_or(&[])
    }

    /// The field that begins in the passage at `here`. In one batch its name always lies where it was first: who looks
    /// for names finds them equal without a look at their bytes.
    #[inline(always)]
    fn field(&mut self, here: u32, batch: u64) -> Part {
        if self.batch != batch {
            (self.batch, self.name_off) = (batch, here + u32::from(self.spots.name));
        }
        Part::named(self.name_off, u32::from(self.spots.name_len))
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
    /// Appends the fields of the object that the first `len` bytes of `reach` begin with; `off` is where they lie. What
    /// follows them there may be anything. `batch` changes with each batch, from 1. False: it is for the careful reader.
    pub fn fields(&mut self, reach: &[u8], len: usize, (off, batch): (u32, u64), parts: &mut Vec<Part>) -> bool {
        if self.resting > 0 {
            self.resting -= 1;
            return false;
        }
        let first = parts.len();
        // Positions only grow, so whatever was read behind `len` shows in the end.
        let end = self.follow(reach, len, (off, batch), parts).unwrap_or(usize::MAX);
        let found = reach.get(end..len).is_some_and(|rest| rest.is_empty() || rest.is_ascii());
        match found {
            true => self.misses = self.misses.saturating_sub(1),
            false => {
                parts.truncate(first);
                self.missed();
            }
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

    /// Gives where the object ends. A function of its own: in a larger one the engine keeps less in registers.
    #[inline(never)]
    fn follow(&mut self, bytes: &[u8], len: usize, (off, batch): (u32, u64), parts: &mut Vec<Part>) -> Option<usize> {
        let mut index = *self.first.first()?;
        let passages = &mut self.passages[..];
        let (mut at, mut canonical) = (0, true);
        loop {
            let mut passage = passages.get_mut(index as usize)?;
            if !passage.fits(bytes, at) {
                index = other(passages, index, bytes, at)?;
                passage = passages.get_mut(index as usize)?;
            }
            let head = passage.head;
            let here = off + at as u32;
            at += head.len();
            if head.has(CLOSES) {
                let field = parts.last_mut()?;
                field.len = here + u32::from(passage.spots.close) - field.off;
                field.canonical = canonical & head.has(CLOSES_CLEAN);
            }
            if head.has(ENDS) {
                return Some(at);
            }
            let read = scalar(bytes, len, at)?;
            canonical &= head.has(CLEAN) & read.is_canonical();
            if head.has(FIELD | OPENS) {
                let mut field = passage.field(here, batch);
                if head.has(FIELD) {
                    let (from, to) = read.range(at);
                    (field.off, field.len) = (off + from as u32, (to - from) as u32);
                    (field.tag, field.canonical) = (read.tag(), read.is_canonical());
                } else {
                    (field.off, field.tag) = (here + u32::from(passage.spots.open), Tag::Raw as u8);
                    canonical = head.has(CLEAN) & read.is_canonical();
                }
                parts.push(field);
            }
            (at, index) = (read.end(), head.next());
        }
    }
}

/// The passage that fits, behind one that does not.
#[inline(never)]
fn other(passages: &[Passage], mut index: u32, bytes: &[u8], at: usize) -> Option<u32> {
    loop {
        index = passages.get(index as usize)?.other;
        if passages.get(index as usize)?.fits(bytes, at) {
            return Some(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads texts that lie one behind the other as records of one batch; gives the parts of those that shapes read.
    fn read(shapes: &mut Shapes, texts: &[&str]) -> Vec<Option<Vec<Part>>> {
        let (all, mut at) = (texts.concat(), 0);
        let one = |text: &&str| {
            let (off, mut parts) = (at as u32, Vec::new());
            at += text.len();
            let found = shapes.fields(&all.as_bytes()[off as usize..], text.len(), (off, 1), &mut parts);
            shapes.learn(text);
            found.then_some(parts)
        };
        texts.iter().map(one).collect()
    }

    #[test]
    fn names_lie_where_they_were_first_in_the_batch() {
        let one = "{\"id\":1,\"name\":\"Ann\"}";
        let read = read(&mut Shapes::default(), &[one, one, one]);
        assert_eq!(read[0], None);
        let (second, third) = (read[1].as_ref().unwrap(), read[2].as_ref().unwrap());
        let names = |parts: &[Part]| parts.iter().map(|part| (part.name_off, part.name_len)).collect::<Vec<_>>();
        let first = one.len() as u32;
        assert_eq!(names(second), [(first + 2, 2), (first + 9, 4)]);
        assert_eq!(names(third), names(second));
        assert_eq!((third[1].off, third[1].len), (2 * first + 16, 3));
    }

    #[test]
    fn an_array_may_be_of_any_length_and_a_scalar_become_an_object() {
        let texts = [
            "{\"a\":[{\"b\":1}],\"c\":2}",
            "{\"a\":[{\"b\":1},{\"b\":2}],\"c\":2}",
            "{\"a\":[{\"b\":1},{\"b\":2},{\"b\":3},{\"b\":4}],\"c\":2}",
            "{\"a\":null,\"c\":{\"d\":1}}",
            "{\"a\":[],\"c\":{\"d\":{}}}",
        ];
        let mut shapes = Shapes::default();
        let found = read(&mut shapes, &texts);
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, true, false, true]);
        assert!(read(&mut shapes, &texts).iter().all(Option::is_some));
    }

    #[test]
    fn objects_that_all_differ_are_left_to_the_careful_reader() {
        let mut shapes = Shapes::default();
        for i in 0..10_000 {
            let text = format!("{{\"{i}\":1,\"{}\":2}}", i + 1);
            assert_eq!(read(&mut shapes, &[&text]), [None]);
        }
        assert!(shapes.resting > 0 && shapes.passages.is_empty());
    }

    #[test]
    fn a_text_that_ends_early_is_not_read_on_in_the_next() {
        let mut shapes = Shapes::default();
        read(&mut shapes, &["{\"a\":\"b\"}"]);
        for (text, behind) in [("{\"a\":\"b", "\"}"), ("{\"a\":", "1}"), ("{\"a\":\"b\"", "}"), ("", "{\"a\":1}")] {
            assert_eq!(read(&mut shapes, &[text, behind])[0], None, "{text}");
        }
        assert!(read(&mut shapes, &["{\"a\":\"b\"}", "\""])[0].is_some());
    }
}
