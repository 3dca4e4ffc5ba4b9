//! JSON objects read along those that came before. The objects of a topic nearly always have the same members in the
//! same order, so what stands between two values, such as `,"name":`, is compared with what stood there before instead
//! of being read. What differs is left to the careful reader, from whose objects the shapes are learned.
//!
//! The runs between values form a tree: a path through it is the beginning of an object that was read and had no name
//! twice. So an object that is read along a path has none twice either.

use berth_guest::limits::DEPTH;
use berth_guest::{Part, Tag};

use crate::json_block::{Block, BLOCK};
use crate::json_lexer::Lexer;
use crate::json_scalar::{behind_blanks, scalar};

/// Longest run that is kept, in bytes.
const RUN: usize = 4 * BLOCK;
/// Most steps that are kept.
const STEPS: usize = 2_048;
/// Most runs that are tried at one place.
const ALTERNATIVES: usize = 8;
/// No step.
const NONE: u32 = u32::MAX;

/// What a miss adds to the count of misses; a hit takes one off.
const MISS: u32 = 4;
/// Count of misses at which shapes are given up: more than one object in five had a new one.
const MISSES: u32 = 256;
/// Objects that are not tried then.
const REST: u32 = 4_096;

/// A run between two values and where to go from there.
#[derive(Clone, Debug)]
struct Step {
    run: [[u8; BLOCK]; RUN / BLOCK],
    len: usize,
    /// The bytes of the first block that belong to the run.
    mask: u32,
    name_at: usize,
    name_len: usize,
    blanks: bool,
    /// The object ends.
    ends: bool,
    /// The first step behind the value.
    next: u32,
    /// The step to try if this one does not fit.
    other: u32,
    /// The first step of objects within the value.
    child: u32,
}

impl Step {
    fn new(run: &str, name: &str) -> Option<Step> {
        let (len, ends) = (run.len(), run.ends_with('}'));
        let name_at = if ends { 0 } else { name.as_ptr() as usize - run.as_ptr() as usize };
        let around = [run.get(..name_at)?, run.get(name_at + name.len()..)?];
        let blanks = around.iter().any(|part| part.bytes().any(|b| b.is_ascii_whitespace()));
        let mask = if len < BLOCK { (1 << len) - 1 } else { (1 << BLOCK) - 1 };
        let mut blocks = [[0; BLOCK]; RUN / BLOCK];
        blocks.as_flattened_mut().get_mut(..len)?.copy_from_slice(run.as_bytes());
        let (next, other, child) = (NONE, NONE, NONE);
        Some(Step { run: blocks, len, mask, name_at, name_len: name.len(), blanks, ends, next, other, child })
    }

    #[inline(always)]
    fn fits(&self, bytes: &[u8], at: usize) -> bool {
        let equal = Block::at(bytes, at).equal(Block::of(&self.run[0]));
        !equal & self.mask == 0 && (self.len <= BLOCK || self.rest_fits(bytes, at))
    }

    #[inline(never)]
    fn rest_fits(&self, bytes: &[u8], at: usize) -> bool {
        bytes.get(at + BLOCK..at + self.len) == self.run.as_flattened().get(BLOCK..self.len)
    }
}

/// Where the index of a first step is kept.
#[derive(Clone, Copy)]
enum Link {
    Root,
    Next(u32),
    Other(u32),
    Child(u32),
}

#[derive(Debug)]
pub struct Shapes {
    steps: Vec<Step>,
    first: u32,
    /// Of each container that is open around a value: the step in front of it, and whether it is in an array itself.
    open: [(u32, bool); DEPTH - 1],
    misses: u32,
    resting: u32,
}

impl Default for Shapes {
    fn default() -> Self {
        Shapes { steps: Vec::new(), first: NONE, open: [(NONE, false); DEPTH - 1], misses: 0, resting: 0 }
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
        let end = self.follow(reach, len, off, parts).unwrap_or(usize::MAX);
        let found = reach.get(end..len).is_some_and(|rest| rest.is_empty() || rest.is_ascii());
        match found {
            true => self.misses = self.misses.saturating_sub(1),
            false => self.missed(),
        }
        found
    }

    fn missed(&mut self) {
        self.misses += MISS;
        if self.misses > MISSES {
            *self = Shapes { resting: REST, ..Shapes::default() };
        }
    }

    /// Gives where the object ends. Positions only grow, so whatever was read behind `len` shows there.
    fn follow(&mut self, bytes: &[u8], len: usize, off: u32, parts: &mut Vec<Part>) -> Option<usize> {
        let Shapes { steps, open, .. } = self;
        let (mut at, mut index) = (0, self.first);
        // Containers that are open below the object, whether the innermost is an array, and where the field began.
        let (mut depth, mut in_array, mut start) = (0, false, 0);
        let mut canonical = true;
        loop {
            index = fitting(steps, index, bytes, at)?;
            let step = steps.get(index as usize)?;
            at += step.len;
            let mut ended = step.ends;
            if depth == 0 {
                if ended {
                    return Some(at);
                }
                (start, canonical) = (at, true);
            } else {
                canonical &= !step.blanks;
            }
            // Reads a value, then, if that ends containers, goes on behind these.
            loop {
                let (mut from, mut tag) = (start, Tag::Raw);
                let mut to = at;
                if ended {
                    depth -= 1;
                    (index, in_array) = *open.get(depth)?;
                } else {
                    let first = *bytes.get(at)?;
                    if first == b'{' || first == b'[' {
                        *open.get_mut(depth)? = (index, in_array);
                        (depth, in_array) = (depth + 1, first == b'[');
                        if !in_array {
                            index = steps.get(index as usize)?.child;
                            break;
                        }
                        at = behind_blanks(bytes, at + 1, &mut canonical);
                        ended = bytes.get(at) == Some(&b']');
                        at += ended as usize;
                        continue;
                    }
                    let read = scalar(bytes, len, at, first)?;
                    canonical &= read.canonical;
                    (at, tag) = (read.end, read.tag);
                    (from, to) = (read.from, read.to);
                }
                if !in_array {
                    let step = steps.get(index as usize)?;
                    if depth == 0 {
                        let name = start - step.len + step.name_at;
                        let mut part = Part::named(off + name as u32, step.name_len as u32);
                        (part.off, part.len) = (off + from as u32, (to - from) as u32);
                        (part.tag, part.canonical) = (tag as u8, canonical);
                        parts.push(part);
                    }
                    index = step.next;
                    break;
                }
                at = behind_blanks(bytes, at, &mut canonical);
                ended = *bytes.get(at)? == b']';
                at += 1;
                if !ended {
                    if bytes[at - 1] != b',' {
                        return None;
                    }
                    at = behind_blanks(bytes, at, &mut canonical);
                }
            }
        }
    }

    /// Learns the shape of an object that was read and had no name twice.
    pub fn learn(&mut self, text: &str) {
        if self.resting == 0 {
            let mut lexer = Lexer::new(text);
            if lexer.value_start() == 0 {
                self.learn_object(&mut lexer, text, Link::Root);
            }
        }
    }

    /// `None`: there is something in it that no shape has.
    fn learn_object(&mut self, lexer: &mut Lexer<'_>, text: &str, mut link: Link) -> Option<()> {
        let mut from = lexer.at();
        let mut more = lexer.open(b'}');
        while more {
            let (name, escaped) = lexer.name().ok()?;
            let run = text.get(from..lexer.value_start()).filter(|_| !escaped)?;
            let step = self.step(link, run, name)?;
            self.learn_value(lexer, text, step)?;
            from = lexer.at();
            more = lexer.another(b'}').ok()?;
            link = Link::Next(step);
        }
        self.step(link, text.get(from..lexer.at())?, "").map(drop)
    }

    fn learn_value(&mut self, lexer: &mut Lexer<'_>, text: &str, step: u32) -> Option<()> {
        match lexer.peek() {
            Some(b'{') => return self.learn_object(lexer, text, Link::Child(step)),
            Some(b'[') => {
                let mut more = lexer.open(b']');
                while more {
                    self.learn_value(lexer, text, step)?;
                    more = lexer.another(b']').ok()?;
                }
            }
            _ => lexer.skip(1).ok()?,
        }
        Some(())
    }

    /// The step of a run at a place.
    fn step(&mut self, mut link: Link, run: &str, name: &str) -> Option<u32> {
        for _ in 0..ALTERNATIVES {
            let index = *self.link(link)?;
            match self.steps.get(index as usize) {
                Some(step) if step.run.as_flattened().get(..step.len)? == run.as_bytes() => return Some(index),
                Some(_) => link = Link::Other(index),
                None if self.steps.len() < STEPS => {
                    let new = self.steps.len() as u32;
                    self.steps.push(Step::new(run, name)?);
                    *self.link(link)? = new;
                    return Some(new);
                }
                None => return None,
            }
        }
        None
    }

    fn link(&mut self, link: Link) -> Option<&mut u32> {
        match link {
            Link::Root => Some(&mut self.first),
            Link::Next(step) => self.steps.get_mut(step as usize).map(|step| &mut step.next),
            Link::Other(step) => self.steps.get_mut(step as usize).map(|step| &mut step.other),
            Link::Child(step) => self.steps.get_mut(step as usize).map(|step| &mut step.child),
        }
    }
}

#[inline(always)]
fn fitting(steps: &[Step], mut index: u32, bytes: &[u8], at: usize) -> Option<u32> {
    loop {
        let step = steps.get(index as usize)?;
        if step.fits(bytes, at) {
            return Some(index);
        }
        index = step.other;
    }
}
