//! What a stage worked out from the names of a map's fields. The maps of a batch nearly always have the same names in
//! the same order, and behind the first stage even the same bytes for names.

use std::rc::Rc;

use crate::bytes::same;
use crate::dictionary::Dictionaries;
use crate::fields::Part;
use crate::memory::Memory;

/// Lists of names that are kept; more take turns.
const KEPT: usize = 8;

/// What was derived from lists of names, valid for one batch.
#[derive(Debug)]
pub struct Layouts<T> {
    generation: u64,
    kept: Vec<Layout<T>>,
    last: usize,
}

#[derive(Debug)]
struct Layout<T> {
    names: Vec<Part>,
    derived: Rc<T>,
}

impl<T> Default for Layouts<T> {
    fn default() -> Self {
        Layouts { generation: 0, kept: Vec::new(), last: 0 }
    }
}

impl<T> Layouts<T> {
    /// What `make` gave for these names.
    #[inline]
    pub fn get(
        &mut self,
        parts: &[Part],
        memory: &Memory,
        dict: &Dictionaries,
        make: impl FnOnce(&[Part]) -> T,
    ) -> Rc<T> {
        match self.kept.get(self.last) {
            Some(last) if self.generation == dict.generation() && last.fits(parts, memory) => last.derived.clone(),
            _ => self.find(parts, memory, dict, make),
        }
    }

    fn find(&mut self, parts: &[Part], memory: &Memory, dict: &Dictionaries, make: impl FnOnce(&[Part]) -> T) -> Rc<T> {
        if self.generation != dict.generation() {
            self.kept.clear();
            self.generation = dict.generation();
        }
        if let Some(found) = self.kept.iter().position(|layout| layout.fits(parts, memory)) {
            self.last = found;
            return self.kept[found].derived.clone();
        }
        let derived = Rc::new(make(parts));
        let layout = Layout { names: parts.to_vec(), derived: derived.clone() };
        if self.kept.len() < KEPT {
            self.last = self.kept.len();
            self.kept.push(layout);
        } else {
            self.last = (self.last + 1) % KEPT;
            self.kept[self.last] = layout;
        }
        derived
    }
}

impl<T> Layout<T> {
    #[inline]
    fn fits(&self, parts: &[Part], memory: &Memory) -> bool {
        self.names.len() == parts.len()
            && self.names.iter().zip(parts).all(|(name, part)| name.is_named_as(part, memory))
    }
}

impl Part {
    /// Whether two parts of maps have the same name.
    #[inline]
    pub fn is_named_as(&self, other: &Part, memory: &Memory) -> bool {
        self.name_len == other.name_len
            && self.name_tag == other.name_tag
            && (self.name_off == other.name_off || same(self.name(memory).payload, other.name(memory).payload))
    }
}
