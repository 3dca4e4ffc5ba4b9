//! Maps and structs taken apart. A stage that changes few fields of a record would copy all the others; instead the
//! fields may lie apart: a list of where each name and value is. Such values never leave the instance: before a stage
//! that does not ask for fields, and before the host, they are put together.
//!
//! The lists of a batch lie one behind the other; a cell holds where its own begins and how long it is. A list belongs
//! to one cell alone, so a stage changes it where it is.
//!
//! A value may also be text in a converter's format that nobody has looked at. It was checked when it was read, so
//! reading it later can't fail.

use crate::builder::{Builder, Stack};
use crate::entry::Cell;
use crate::error::{Error, Result};
use crate::limits;
use crate::memory::{address, Memory};
use crate::record::{Arena, Record};
use crate::value::{Tag, ValueRef, NONE};

/// Reads a text that a converter left unread.
pub type Decode = fn(text: &[u8], out: &mut Builder<'_>);

/// Where a field of a value that lies apart is; offsets are those of [`Memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub name_off: u32,
    pub name_len: u32,
    pub off: u32,
    pub len: u32,
    /// Of the value; [`Tag::Raw`]: a text that nobody has looked at.
    pub tag: u8,
    pub name_tag: u8,
    /// The text is what its converter would write for the value.
    pub canonical: bool,
}

/// Room for a value that is read from a text; to be kept between records.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    stack: Stack,
}

impl Part {
    /// A field of a map whose value is null until something else is said.
    #[inline]
    pub fn named(name_off: u32, name_len: u32) -> Part {
        let (tag, name_tag) = (Tag::Null as u8, Tag::String as u8);
        Part { name_off, name_len, off: 0, len: 0, tag, name_tag, canonical: false }
    }

    /// Whether the value is a text that nobody has looked at.
    #[inline]
    pub fn is_unread(&self) -> bool {
        self.tag == Tag::Raw as u8
    }

    #[inline]
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null as u8
    }

    /// The name, of maps.
    #[inline]
    pub fn name<'m>(&self, memory: &'m Memory) -> ValueRef<'m> {
        let tag = Tag::of(self.name_tag).unwrap_or(Tag::Null);
        ValueRef::new(tag, memory.bytes(self.name_off, self.name_len))
    }

    /// The value as it stands; a RAW one is a text.
    #[inline]
    pub fn stored<'m>(&self, memory: &'m Memory) -> ValueRef<'m> {
        ValueRef::new(Tag::of(self.tag).unwrap_or(Tag::Null), memory.bytes(self.off, self.len))
    }

    /// The value; a text is read into `scratch`.
    pub fn value<'m>(&self, memory: &'m Memory, scratch: &'m mut Scratch) -> ValueRef<'m> {
        let stored = self.stored(memory);
        let Some(decode) = memory.decode.filter(|_| self.is_unread()) else { return stored };
        scratch.bytes.clear();
        let mut out = Builder::new(&mut scratch.bytes, &mut scratch.stack);
        decode(stored.payload, &mut out);
        let tag = out.tag();
        ValueRef::new(tag, &scratch.bytes)
    }

    /// Where the value is.
    #[inline]
    pub fn cell(&self) -> Cell {
        Cell { tag: self.tag, ..Cell::new(self.off, self.len, Tag::Null, NONE) }
    }

    /// The same name with the value of a cell.
    #[inline]
    pub fn with(mut self, cell: Cell) -> Part {
        (self.off, self.len, self.tag, self.canonical) = (cell.off, cell.len, cell.tag, false);
        self
    }

    fn write(&self, memory: &Memory, out: &mut Builder<'_>) {
        let stored = self.stored(memory);
        match memory.decode {
            Some(decode) if self.is_unread() => decode(stored.payload, out),
            _ => out.value(stored),
        }
    }
}

/// The list of a cell among those of its batch; empty if it does not lie apart.
#[inline]
pub(crate) fn list<'p>(parts: &'p [Part], cell: &Cell) -> &'p [Part] {
    range(cell).and_then(|range| parts.get(range)).unwrap_or(&[])
}

#[inline]
fn range(cell: &Cell) -> Option<std::ops::Range<usize>> {
    cell.is_apart().then(|| cell.off as usize..cell.off as usize + cell.len as usize)
}

/// Appends the parts of a map or struct that does not lie apart.
fn take_apart(cell: &Cell, memory: &Memory, parts: &mut Vec<Part>) {
    let value = ValueRef::new(cell.tag(), memory.bytes(cell.off, cell.len));
    let begin = value.payload.as_ptr() as usize;
    let place = |item: ValueRef<'_>| part_of(cell.off, item.payload.as_ptr() as usize - begin);
    let mut items = value.items();
    let mut part = Part::named(0, 0);
    while let Some(mut item) = items.next() {
        if value.tag == Tag::Map {
            let name = item;
            (part.name_off, part.name_len) = (place(name), name.payload.len() as u32);
            part.name_tag = name.tag as u8;
            let Some(value) = items.next() else { return };
            item = value;
        }
        (part.off, part.len, part.tag) = (place(item), item.payload.len() as u32, item.tag as u8);
        parts.push(part);
    }
}

impl Arena<'_> {
    /// A map or struct that lies apart.
    pub fn put_apart(&mut self, parts: &[Part], tag: Tag, schema: u32) -> Result<Cell> {
        let first = self.parts.len();
        self.parts.extend_from_slice(parts);
        self.apart(first, tag, schema)
    }

    /// A map or struct that lies apart, of the parts that `list` appends to those of others; `None` if it says false and
    /// has taken them back.
    #[inline]
    pub fn list_apart(
        &mut self,
        tag: Tag,
        schema: u32,
        list: impl FnOnce(&mut Vec<Part>) -> bool,
    ) -> Result<Option<Cell>> {
        let first = self.parts.len();
        match list(self.parts) {
            true => self.apart(first, tag, schema).map(Some),
            false => Ok(None),
        }
    }

    fn apart(&mut self, first: usize, tag: Tag, schema: u32) -> Result<Cell> {
        if self.parts.len() > limits::BATCH_BYTES {
            self.parts.truncate(first);
            return Err(Error::data("the records of a batch have too many fields: use smaller batches"));
        }
        let mut cell = Cell::new(first as u32, (self.parts.len() - first) as u32, tag, schema);
        cell.set_apart();
        Ok(cell)
    }

    /// The list of a cell; empty if it does not lie apart.
    #[inline]
    pub fn parts(&self, cell: &Cell) -> &[Part] {
        list(self.parts, cell)
    }

    /// The list of a cell, to be changed; empty if it does not lie apart. Who changes names in it makes the cell one of
    /// [`Arena::keep_parts`] or of another method here that lists anew.
    #[inline]
    pub fn parts_mut(&mut self, cell: &Cell) -> &mut [Part] {
        range(cell).and_then(|range| self.parts.get_mut(range)).unwrap_or(&mut [])
    }

    /// The same list with more behind it.
    pub fn append_parts(&mut self, cell: &Cell, more: &[Part]) -> Result<Cell> {
        let mut first = cell.off as usize;
        if first + cell.len as usize != self.parts.len() {
            first = self.parts.len();
            self.parts.reserve(cell.len as usize + more.len());
            for i in range(cell).unwrap_or_default() {
                self.parts.push(self.parts[i]); // lists are short: a call to copy takes longer
            }
        }
        more.iter().for_each(|part| self.parts.push(*part));
        self.apart(first, cell.tag(), cell.schema)
    }

    /// The list without part `i`.
    pub fn remove_part(&mut self, cell: &Cell, i: usize) -> Cell {
        let parts = self.parts_mut(cell);
        if i >= parts.len() {
            return *cell;
        }
        parts.copy_within(i + 1.., i);
        cell.of_first(cell.len - 1)
    }

    /// The list of those parts alone: `kept` are their indexes, rising.
    #[inline]
    pub fn keep_parts(&mut self, cell: &Cell, kept: &[usize]) -> Cell {
        let parts = self.parts_mut(cell);
        for (to, from) in kept.iter().enumerate() {
            if to < *from {
                parts[to] = parts[*from];
            }
        }
        cell.of_first(kept.len() as u32)
    }

    /// Gives a cell a list of its own.
    pub(crate) fn copy_parts(&mut self, cell: &mut Cell) {
        if let Some(range) = range(cell) {
            cell.off = self.parts.len() as u32;
            self.parts.extend_from_within(range);
        }
    }

    /// A part of a map whose value is null until [`Part::with`] says otherwise.
    pub fn name_part(&mut self, name: &str) -> Result<Part> {
        let cell = self.write(Tag::String, NONE, |out| {
            out.extend_from_slice(name.as_bytes());
            Ok(())
        })?;
        Ok(Part::named(cell.off, cell.len))
    }
}

impl<'a> Record<'a> {
    /// The same map or struct, lying apart.
    #[inline]
    pub fn lay_apart(&mut self, cell: &Cell) -> Result<Cell> {
        if cell.is_apart() {
            return Ok(*cell);
        }
        let first = self.arena.parts.len();
        take_apart(cell, self.memory, self.arena.parts);
        self.arena.apart(first, cell.tag(), cell.schema)
    }

    /// The same value, put together.
    #[inline]
    pub fn whole(&mut self, cell: &Cell) -> Result<Cell> {
        match cell.is_apart() {
            true => assemble(cell, self.memory, &mut self.arena),
            false => Ok(*cell),
        }
    }

    /// The value of a cell; one that lies apart is put together in `scratch`.
    pub fn read<'s>(&self, cell: &Cell, scratch: &'s mut Scratch) -> ValueRef<'s>
    where
        'a: 's,
    {
        if !cell.is_apart() {
            return self.cell(cell);
        }
        scratch.bytes.clear();
        let mut out = Builder::new(&mut scratch.bytes, &mut scratch.stack);
        assemble_parts(self.arena.parts(cell), cell.tag(), self.memory, &mut out);
        ValueRef::new(cell.tag(), &scratch.bytes)
    }

    /// Field `i` of a struct, lying apart or not.
    #[inline]
    pub fn field(&self, cell: &Cell, i: usize) -> Option<Part> {
        if cell.is_apart() {
            return self.arena.parts(cell).get(i).copied();
        }
        let value = self.cell(cell);
        Some(Part::named(0, 0).with(within(cell.off, value.payload, value.item(i)?)))
    }
}

/// Where a value is that is part of `payload`, which begins at `off`.
#[inline]
pub fn within(off: u32, payload: &[u8], part: ValueRef<'_>) -> Cell {
    let at = (part.payload.as_ptr() as usize).wrapping_sub(payload.as_ptr() as usize);
    let at = if part.payload.is_empty() { 0 } else { at };
    Cell::new(part_of(off, at), part.payload.len() as u32, part.tag, NONE)
}

/// Puts a value together.
pub(crate) fn assemble(cell: &Cell, memory: &Memory, arena: &mut Arena<'_>) -> Result<Cell> {
    let parts = std::mem::take(arena.parts);
    let tag = cell.tag();
    let whole = arena.build(cell.schema, |out| {
        assemble_parts(list(&parts, cell), tag, memory, out);
        Ok(())
    });
    *arena.parts = parts;
    whole
}

/// Writes a map or struct that lies apart as one value.
pub fn assemble_parts(parts: &[Part], tag: Tag, memory: &Memory, out: &mut Builder<'_>) {
    out.open(tag);
    for part in parts {
        if tag == Tag::Map {
            out.value(part.name(memory));
        }
        part.write(memory, out);
    }
    match tag {
        Tag::Map => out.close_map(),
        _ => out.close_struct(NONE),
    }
}

/// The address of a byte of a value at `off`.
#[inline]
pub fn part_of(off: u32, at: usize) -> u32 {
    address(crate::memory::segment_of(off), crate::memory::place_of(off) as usize + at)
}
