//! Maps and structs taken apart. A stage that changes few fields of a record would copy all the others; instead the
//! fields may lie apart: a list of where each name and value is. Such values never leave the instance: before a stage
//! that does not ask for fields, and before the host, they are put together.
//!
//! A value may also be text in a converter's format that nobody has looked at. It was checked when it was read, so
//! reading it later can't fail.

use crate::builder::{Builder, Stack};
use crate::entry::Cell;
use crate::error::Result;
use crate::memory::{address, Memory};
use crate::record::{Arena, Record};
use crate::sys;
use crate::value::{Tag, ValueRef, NONE};

/// Reads a text that a converter left unread.
pub type Decode = fn(text: &[u8], out: &mut Builder<'_>);

/// Where a field of a value that lies apart is; offsets are those of [`Memory`].
#[repr(C)]
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
    pub(crate) zero: u8,
}

/// Size of a part in memory.
pub(crate) const PART_BYTES: usize = 20;
const _: () = assert!(std::mem::size_of::<Part>() == PART_BYTES);

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
        Part { name_off, name_len, off: 0, len: 0, tag, name_tag, canonical: false, zero: 0 }
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

    /// The same name with the value of a cell.
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

/// The parts of a map or struct, whether it lies apart or not.
pub fn take_apart(cell: &Cell, memory: &Memory, parts: &mut Vec<Part>) {
    parts.clear();
    if cell.is_apart() {
        sys::extend_parts(parts, memory.bytes(cell.off, cell.len));
        return;
    }
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
        let mut cell = self.write(tag, schema, |out| {
            out.extend_from_slice(sys::part_bytes(parts));
            Ok(())
        })?;
        cell.set_apart();
        Ok(cell)
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

impl Record<'_> {
    /// The parts of a map or struct of this record.
    #[inline]
    pub fn take_apart(&self, cell: &Cell, parts: &mut Vec<Part>) {
        take_apart(cell, self.memory, parts);
    }
}

/// Puts a value together.
pub(crate) fn assemble(cell: &Cell, memory: &Memory, parts: &mut Vec<Part>, arena: &mut Arena<'_>) -> Result<Cell> {
    take_apart(cell, memory, parts);
    let tag = cell.tag();
    arena.build(cell.schema, |out| {
        assemble_parts(parts, tag, memory, out);
        Ok(())
    })
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
