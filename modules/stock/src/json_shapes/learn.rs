//! How shapes are learned from an object that was read.

use std::collections::hash_map::{Entry, HashMap};

use crate::json_block::BLOCK;
use crate::json_lexer::Lexer;

use super::{Head, Passage, Shapes, Spots, CLEAN, CLOSES, CLOSES_CLEAN, ENDS, FIELD, NONE, OPENS, PASSAGE, START};

/// Most passages that are kept.
const PASSAGES: usize = 2_048;
/// Most places that are kept.
const PLACES: usize = 2 * PASSAGES;
/// Most passages that are tried at one place.
const ALTERNATIVES: usize = 8;

/// What leads from one place to another: a step down, or on to the next member.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Way {
    Object,
    Items,
    Member(Box<str>),
}

/// The places by the ways that lead there.
#[derive(Debug, Default)]
pub struct Places {
    all: HashMap<(u32, Way), u32>,
}

/// A position, and how many blanks were passed before.
#[derive(Clone, Copy)]
struct Mark {
    at: usize,
    blanks: usize,
}

/// Walks through an object, along the passages in it.
struct Learner<'s, 't> {
    shapes: &'s mut Shapes,
    lexer: Lexer<'t>,
    text: &'t str,
    /// Place and end of the last scalar.
    place: u32,
    from: Mark,
    /// What happened to fields since: where one that was opened ended, the name of the next, and where it was opened.
    closed: Option<Mark>,
    name: Option<&'t str>,
    opened: Option<Mark>,
}

impl Shapes {
    /// Learns the shape of an object that was read and had no name twice.
    pub fn learn(&mut self, text: &str) {
        if self.resting > 0 {
            return;
        }
        let mut lexer = Lexer::new(text);
        if lexer.value_start() == 0 {
            let from = Mark { at: 0, blanks: 0 };
            let mut learner =
                Learner { shapes: self, lexer, text, place: START, from, closed: None, name: None, opened: None };
            learner.object(START, 0);
        }
    }

    /// The place that a way leads to.
    fn place(&mut self, from: u32, way: Way) -> Option<u32> {
        let new = self.first.len() as u32;
        match self.places.all.entry((from, way)) {
            Entry::Occupied(known) => return Some(*known.get()),
            Entry::Vacant(_) if self.first.len() == PLACES => return None,
            Entry::Vacant(free) => free.insert(new),
        };
        self.first.push(NONE);
        Some(new)
    }

    /// Adds a passage at a place, unless it is there. Longer ones come first: one that opens an object begins like the one
    /// to a scalar in its place.
    fn add(&mut self, place: u32, new: Passage) -> Option<()> {
        let mut before = None;
        let mut next = *self.first.get(place as usize)?;
        let mut count = 0;
        while let Some(passage) = self.passages.get(next as usize) {
            if passage.text() == new.text() {
                return Some(());
            }
            if passage.head.len() >= new.head.len() {
                before = Some(next);
            }
            (count, next) = (count + 1, passage.other);
        }
        if count == ALTERNATIVES || self.passages.len() == PASSAGES {
            return None;
        }
        let index = self.passages.len() as u32;
        self.passages.push(new);
        match before {
            Some(before) => {
                let link = &mut self.passages[before as usize].other;
                let rest = std::mem::replace(link, index);
                self.passages[index as usize].other = rest;
            }
            None => {
                self.passages[index as usize].other = self.first[place as usize];
                self.first[place as usize] = index;
                self.passages.iter_mut().filter(|p| p.to == place).for_each(|p| p.head.set_next(index));
            }
        }
        let next = self.first[self.passages[index as usize].to as usize];
        self.passages[index as usize].head.set_next(next);
        Some(())
    }
}

impl<'t> Learner<'_, 't> {
    /// An object, around which `depth` containers are open. `None`: there is something in it that no shape has.
    fn object(&mut self, within: u32, depth: usize) -> Option<()> {
        let mut place = self.shapes.place(within, Way::Object)?;
        self.lexer.open(b'}').then_some(())?;
        loop {
            let (name, escaped) = self.lexer.name().ok()?;
            if escaped {
                return None;
            }
            place = self.shapes.place(place, Way::Member(name.into()))?;
            if depth == 0 {
                self.name = Some(name);
            }
            self.value(place, depth + 1)?;
            if !self.lexer.another(b'}').ok()? {
                break;
            }
        }
        match depth {
            0 => self.passage(START, ENDS),
            _ => Some(()),
        }
    }

    fn items(&mut self, within: u32, depth: usize) -> Option<()> {
        let place = self.shapes.place(within, Way::Items)?;
        self.lexer.open(b']').then_some(())?;
        loop {
            self.value(place, depth + 1)?;
            if !self.lexer.another(b']').ok()? {
                return Some(());
            }
        }
    }

    fn value(&mut self, place: u32, depth: usize) -> Option<()> {
        let first = self.lexer.peek()?;
        let begins = self.here();
        let is_empty = self.text.get(begins.at..).is_some_and(|rest| rest.starts_with("{}") || rest.starts_with("[]"));
        if is_empty || !matches!(first, b'{' | b'[') {
            return self.scalar(place);
        }
        if depth == 1 {
            self.opened = Some(begins);
        }
        match first {
            b'{' => self.object(place, depth)?,
            _ => self.items(place, depth)?,
        }
        if depth == 1 {
            self.closed = Some(self.here());
        }
        Some(())
    }

    /// A value that nothing is learned about but the way to it.
    fn scalar(&mut self, place: u32) -> Option<()> {
        let role = match (self.name, self.opened) {
            (None, _) => 0,
            (_, None) => FIELD,
            _ => OPENS,
        };
        self.passage(place, role)?;
        self.lexer.skip(1).ok()?;
        (self.place, self.from) = (place, self.here());
        (self.closed, self.name, self.opened) = (None, None, None);
        Some(())
    }

    /// Adds what lies behind the last scalar.
    fn passage(&mut self, to: u32, role: u64) -> Option<()> {
        let (from, here) = (self.from, self.here());
        let run = self.text.get(from.at..here.at)?.as_bytes();
        let (closed, opened) = (self.closed.unwrap_or(from), self.opened.unwrap_or(from));
        let name = self.name.map_or(from.at, |name| name.as_ptr() as usize - self.text.as_ptr() as usize);
        let mut bytes = [[0; BLOCK]; PASSAGE / BLOCK];
        bytes.as_flattened_mut().get_mut(..run.len())?.copy_from_slice(run);
        let flag = |flag: u64, is_set: bool| if is_set { flag } else { 0 };
        let flags = role
            | flag(CLOSES, self.closed.is_some())
            | flag(CLOSES_CLEAN, closed.blanks == from.blanks)
            | flag(CLEAN, here.blanks == opened.blanks);
        let spot = |at: usize| (at - from.at) as u8;
        let name_len = self.name.map_or(0, str::len) as u8;
        let new = Passage {
            bytes,
            head: Head::new(run.len(), flags),
            batch: 0,
            name_off: 0,
            spots: Spots { close: spot(closed.at), name: spot(name), name_len, open: spot(opened.at) },
            to,
            other: NONE,
        };
        self.shapes.add(self.place, new)
    }

    fn here(&self) -> Mark {
        Mark { at: self.lexer.at(), blanks: self.lexer.blanks() }
    }
}
