//! What many records get alike: it is written once per stage and batch.

use crate::dictionary::Dictionaries;
use crate::entry::Cell;
use crate::error::Result;
use crate::fields::Part;
use crate::record::Arena;
use crate::value::{Tag, Value, NONE};

/// A value without a schema that many records refer to.
#[derive(Debug)]
pub struct Constant {
    tag: Tag,
    payload: Vec<u8>,
    /// Generation of the batch in which it lies, and where.
    written: Option<(u64, Cell)>,
}

impl Constant {
    pub fn new(value: &Value) -> Constant {
        let mut payload = Vec::new();
        value.encode(&mut payload);
        Constant { tag: value.tag(), payload, written: None }
    }

    /// A name of fields, or another text.
    pub fn text(text: &str) -> Constant {
        Constant { tag: Tag::String, payload: text.into(), written: None }
    }

    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Where it is in this batch. A constant belongs to one stage: what others write is not readable yet.
    #[inline]
    pub fn cell(&mut self, dict: &Dictionaries, arena: &mut Arena<'_>) -> Result<Cell> {
        match self.written {
            Some((generation, cell)) if generation == dict.generation() => Ok(cell),
            _ => self.write(dict, arena),
        }
    }

    #[cold]
    fn write(&mut self, dict: &Dictionaries, arena: &mut Arena<'_>) -> Result<Cell> {
        let payload = &self.payload;
        let cell = arena.write(self.tag, NONE, |out| {
            out.extend_from_slice(payload);
            Ok(())
        })?;
        self.written = Some((dict.generation(), cell));
        Ok(cell)
    }

    /// A part of a map with that name, whose value is null until [`Part::with`] says otherwise.
    #[inline]
    pub fn name(&mut self, dict: &Dictionaries, arena: &mut Arena<'_>) -> Result<Part> {
        self.cell(dict, arena).map(|cell| Part::named(cell.off, cell.len))
    }
}
