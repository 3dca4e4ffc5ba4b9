//! What a stage worked out from the names of a map's fields. The maps of a batch nearly always have the same names in
//! the same order, and behind the first stage even the same bytes for names.

use crate::bytes::same;
use crate::entry::Cell;
use crate::fields::Part;
use crate::memory::Memory;
use crate::record::Record;

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
    /// The number of the names, and of those that the stage leaves in their place.
    number: u16,
    left: u16,
    names: Vec<Part>,
    derived: T,
}

impl<T> Default for Layouts<T> {
    fn default() -> Self {
        Layouts { generation: 0, kept: Vec::new(), last: 0 }
    }
}

impl<T> Layouts<T> {
    /// What `make` gave for the names of a map that lies apart. Names that are the same become the same bytes and get a
    /// number, so that stages that follow compare places or the number only.
    #[inline]
    pub fn get(&mut self, map: &mut Cell, record: &mut Record<'_>, make: impl FnOnce(&[Part]) -> T) -> &T {
        let fits = self.generation == record.dict.generation()
            && self.kept.get(self.last).is_some_and(|last| last.is_of(map, record));
        if !fits {
            self.find(map, record, make);
        }
        &self.kept[self.last].derived
    }

    /// Notes that a map has the names that the stage always leaves where it found those of the last [`Layouts::get`].
    #[inline]
    pub fn mark(&self, map: &mut Cell) {
        if let Some(last) = self.kept.get(self.last) {
            map.set_layout(last.left);
        }
    }

    #[inline(never)]
    fn find(&mut self, map: &mut Cell, record: &mut Record<'_>, make: impl FnOnce(&[Part]) -> T) {
        if self.generation != record.dict.generation() {
            self.kept.clear();
            self.generation = record.dict.generation();
        }
        if let Some(found) = self.kept.iter().position(|layout| layout.is_of(map, record)) {
            self.last = found;
            return;
        }
        if map.layout() == 0 {
            map.set_layout(record.dict.number_layout());
        }
        let (number, left) = (map.layout(), record.dict.number_layout());
        let parts = record.arena.parts(map);
        let layout = Layout { number, left, names: parts.to_vec(), derived: make(parts) };
        if self.kept.len() < KEPT {
            self.last = self.kept.len();
            self.kept.push(layout);
        } else {
            self.last = (self.last + 1) % KEPT;
            self.kept[self.last] = layout;
        }
    }
}

impl<T> Layout<T> {
    /// Whether a map has these names. Its number says so, or it gets the number.
    #[inline]
    fn is_of(&self, map: &mut Cell, record: &mut Record<'_>) -> bool {
        (self.number == map.layout() && self.number != 0) || self.takes(map, record)
    }

    #[inline(never)]
    fn takes(&self, map: &mut Cell, record: &mut Record<'_>) -> bool {
        let is_same = self.fits(record.arena.parts_mut(map), record.memory);
        if is_same {
            map.set_layout(self.number);
        }
        is_same
    }

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
    use crate::batch::Batch;
    use crate::entry::Entry;
    use crate::record::Arena;
    use crate::value::{Tag, NONE};

    /// A batch whose input holds each name twice.
    fn batch() -> Batch {
        let mut batch = Batch::default();
        batch.memory.input = (0..200).map(|i| i % 100).collect();
        batch.memory.input_end = batch.memory.input.len();
        batch
    }

    /// Works on a map whose names lie at those places.
    fn on_map<T>(batch: &mut Batch, names: &[u8], work: impl FnOnce(&mut Cell, &mut Record<'_>) -> T) -> T {
        let (mut entry, mut more) = (Entry::new(NONE), Vec::new());
        let Batch { memory, dict, arena, stack, parts, .. } = batch;
        let mut arena = Arena::new(arena, 1, stack, parts);
        let list: Vec<Part> = names.iter().map(|name| Part::named(u32::from(*name), 1)).collect();
        let mut map = arena.put_apart(&list, Tag::Map, NONE).unwrap();
        work(&mut map, &mut Record { entry: &mut entry, memory, dict, arena, more: &mut more })
    }

    #[test]
    fn each_list_of_names_is_worked_out_once_while_not_too_many_take_turns() {
        let mut batch = batch();
        let (mut layouts, mut made) = (Layouts::default(), 0);
        for (kinds, wanted) in [(1, 1), (KEPT as u8, KEPT), (KEPT as u8 + 1, 3 * (KEPT + 1))] {
            batch.dict.clear(); // the next batch
            made = 0;
            for kind in (0..3).flat_map(|_| 0..kinds) {
                for names in [[kind, 50], [kind + 100, 150]] {
                    let found = on_map(&mut batch, &names, |map, record| {
                        let memory = record.memory;
                        let make = |parts: &[Part]| {
                            made += 1;
                            parts[0].name(memory).payload[0]
                        };
                        *layouts.get(map, record, make)
                    });
                    assert_eq!(found, kind);
                }
            }
            assert_eq!(made, wanted, "{kinds} lists");
        }
        assert!(made > 0);
    }

    #[test]
    fn names_have_one_number_in_all_stages_until_a_list_is_made_anew() {
        let mut batch = batch();
        let (mut first, mut second) = (Layouts::default(), Layouts::default());
        let mut seen = Vec::new();
        for names in [[1, 2, 3], [101, 102, 103], [1, 2, 4]] {
            on_map(&mut batch, &names, |map, record| {
                first.get(map, record, |_| ());
                let found = map.layout();
                second.get(map, record, |_| ());
                assert_eq!(map.layout(), found);
                let mut rest = record.arena.keep_parts(map, &[0, 2]);
                assert_eq!(rest.layout(), 0);
                second.mark(&mut rest);
                assert_eq!(record.arena.remove_part(&rest, 0).layout(), 0);
                seen.push((found, rest.layout()));
            });
        }
        assert_eq!(seen[0], seen[1]);
        let all = [seen[0].0, seen[0].1, seen[2].0, seen[2].1];
        assert!(all.iter().enumerate().all(|(i, number)| *number != 0 && !all[..i].contains(number)), "{all:?}");
    }

    #[test]
    fn names_are_compared_once_numbers_have_run_out() {
        let mut batch = batch();
        while batch.dict.number_layout() != 0 {}
        let mut layouts = Layouts::default();
        for names in [[1, 2], [3, 4], [1, 2]] {
            on_map(&mut batch, &names, |map, record| {
                let first = |parts: &[Part]| parts[0].name_off as u8;
                assert_eq!((*layouts.get(map, record, first), map.layout()), (names[0], 0));
                layouts.mark(map);
                assert_eq!(map.layout(), 0);
            });
        }
    }
}
