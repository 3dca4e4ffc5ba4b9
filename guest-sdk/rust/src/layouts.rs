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
    /// What `make` gave for these names. Names that are the same become the same bytes, too, so that stages that follow
    /// compare places only.
    #[inline]
    pub fn get(
        &mut self,
        parts: &mut [Part],
        memory: &Memory,
        dict: &Dictionaries,
        make: impl FnOnce(&[Part]) -> T,
    ) -> Rc<T> {
        match self.kept.get(self.last) {
            Some(last) if self.generation == dict.generation() && last.fits(parts, memory) => last.derived.clone(),
            _ => self.find(parts, memory, dict, make),
        }
    }

    fn find(
        &mut self,
        parts: &mut [Part],
        memory: &Memory,
        dict: &Dictionaries,
        make: impl FnOnce(&[Part]) -> T,
    ) -> Rc<T> {
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
    fn fits(&self, parts: &mut [Part], memory: &Memory) -> bool {
        let differs = |(name, part): (&Part, &Part)| name.name_place() != part.name_place();
        self.names.len() == parts.len()
            && (!self.names.iter().zip(&*parts).fold(false, |any, pair| any | differs(pair))
                || self.shares_names(parts, memory))
    }

    #[inline(never)]
    fn shares_names(&self, parts: &mut [Part], memory: &Memory) -> bool {
        let is_same =
            |(name, part): (&Part, &mut Part)| name.name_place() == part.name_place() || part.share_name(name, memory);
        self.names.iter().zip(parts).all(is_same)
    }
}

impl Part {
    #[inline(always)]
    fn name_place(&self) -> (u64, u8) {
        (u64::from(self.name_off) | u64::from(self.name_len) << 32, self.name_tag)
    }

    /// Takes the bytes of another part's name if it is the same.
    fn share_name(&mut self, other: &Part, memory: &Memory) -> bool {
        let is_same = self.name_len == other.name_len
            && self.name_tag == other.name_tag
            && same(self.name(memory).payload, other.name(memory).payload);
        if is_same {
            self.name_off = other.name_off;
        }
        is_same
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    fn list(names: &[u8]) -> Vec<Part> {
        names.iter().map(|name| Part::named(*name as u32, 1)).collect()
    }

    #[test]
    fn each_list_of_names_is_worked_out_once_while_not_too_many_take_turns() {
        let input: Vec<u8> = (0..200).map(|i| i % 100).collect(); // each name is there twice
        let memory = Memory { input_end: input.len(), input, ..Memory::default() };
        let mut dict = Dictionaries::default();
        let (mut layouts, mut made) = (Layouts::default(), 0);
        for (kinds, wanted) in [(1, 1), (KEPT as u8, KEPT), (KEPT as u8 + 1, 3 * (KEPT + 1))] {
            dict.clear(); // the next batch
            made = 0;
            for _ in 0..3 {
                for kind in 0..kinds {
                    for mut names in [list(&[kind, 50]), list(&[kind + 100, 150])] {
                        let make = |parts: &[Part]| {
                            made += 1;
                            parts[0].name(&memory).payload[0]
                        };
                        assert_eq!(*layouts.get(&mut names, &memory, &dict, make), kind);
                    }
                }
            }
            assert_eq!(made, wanted, "{kinds} lists");
        }
        assert!(made > 0);
    }
}
