//! A field of a struct as transforms read it: its value, or the default of its schema in place of null. Found and
//! prepared once per schema.

use berth_guest::{Arena, Cell, Field, FieldSketch, Memory, Part, Record, Result, Schema, Value, ValueRef, NONE};

use crate::fields::null_in_required;

#[derive(Clone, Debug)]
pub struct FieldReader {
    pub index: usize,
    pub field: Field,
    /// `tag u8, payload` of what stands for null.
    default: Option<Vec<u8>>,
}

impl FieldReader {
    /// A reader of the field at `index`, which must be there. `replace_null`: null is read as the schema's default.
    pub fn new(schema: &Schema, index: usize, replace_null: bool) -> FieldReader {
        let field = schema.fields[index].clone();
        let default = field.schema.default.as_ref().filter(|_| replace_null).map(Value::to_body);
        FieldReader { index, field, default }
    }

    /// Readers of all fields, in order.
    pub fn all(schema: &Schema, replace_null: bool) -> impl Iterator<Item = FieldReader> + '_ {
        (0..schema.fields.len()).map(move |index| FieldReader::new(schema, index, replace_null))
    }

    /// Whether null means something here: a default, or an error.
    pub fn minds_null(&self) -> bool {
        !self.field.schema.optional || self.default.is_some()
    }

    /// Does to a sketch of the field what [`FieldReader::carry`] does.
    pub fn sketch(&self, field: &mut FieldSketch) {
        if self.minds_null() {
            field.mind_null();
        }
    }

    /// The field of a struct, lying apart or not.
    #[inline]
    pub fn part(&self, cell: &Cell, record: &Record<'_>) -> Part {
        record.field(cell, self.index).unwrap_or(Part::named(0, 0))
    }

    /// What is read. Fields of structs are never texts that nobody has looked at.
    #[inline]
    pub fn value<'v>(&'v self, part: &Part, memory: &'v Memory) -> ValueRef<'v> {
        self.or_default(part.stored(memory))
    }

    /// The default in place of null.
    #[inline]
    pub fn or_default<'v>(&'v self, value: ValueRef<'v>) -> ValueRef<'v> {
        match &self.default {
            Some(default) if value.is_null() => ValueRef::of_item(default).unwrap_or(ValueRef::NULL),
            _ => value,
        }
    }

    /// What is read as a part of another value.
    #[inline]
    pub fn read(&self, part: Part, arena: &mut Arena<'_>) -> Result<Part> {
        match &self.default {
            Some(default) if part.is_null() => put(default, arena).map(|cell| part.with(cell)),
            _ => Ok(part),
        }
    }

    /// The same as a field of another struct: null in a required field is an error.
    #[inline]
    pub fn carry(&self, part: Part, arena: &mut Arena<'_>) -> Result<Part> {
        if !part.is_null() {
            return Ok(part);
        }
        let read = self.read(part, arena)?;
        match read.is_null() && !self.field.schema.optional {
            true => Err(null_in_required(&self.field)),
            false => Ok(read),
        }
    }
}

/// Whether any of the fields of those indexes is null or missing: in most structs none is that minds it.
#[inline]
pub fn any_null(indexes: &[usize], parts: &[Part]) -> bool {
    indexes.iter().any(|i| parts.get(*i).is_none_or(Part::is_null))
}

#[cold]
fn put(body: &[u8], arena: &mut Arena<'_>) -> Result<Cell> {
    arena.build(NONE, |b| {
        b.value(ValueRef::of_item(body).unwrap_or(ValueRef::NULL));
        Ok(())
    })
}

/// Has fields of a struct that lies apart read as those of another struct: `readers` are those that mind null.
#[inline]
pub fn carry_all(readers: &[FieldReader], cell: &Cell, record: &mut Record<'_>) -> Result<()> {
    for reader in readers {
        match record.arena.parts(cell).get(reader.index) {
            Some(part) if part.is_null() => {
                let carried = reader.carry(*part, &mut record.arena)?;
                record.arena.parts_mut(cell)[reader.index] = carried;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use berth_guest::{Tag, Type};

    use super::*;

    #[test]
    fn null_is_read_as_the_default_if_wanted() {
        let defaulted = Schema { default: Some(Value::Int32(7)), ..Schema::new(Type::Int32).optional() };
        let schema = Schema::new(Type::Struct).field("a", defaulted).field("b", Schema::new(Type::String).optional());
        for (replace_null, want) in [(true, [Value::Int32(7), Value::Null]), (false, [Value::Null, Value::Null])] {
            let null = Part::named(0, 0);
            assert_eq!(null.tag, Tag::Null as u8);
            let readers: Vec<FieldReader> = FieldReader::all(&schema, replace_null).collect();
            let read = readers.iter().map(|r| Value::decode(r.value(&null, &Memory::default())).unwrap());
            assert_eq!(read.collect::<Vec<_>>(), want);
            assert_eq!(readers.iter().map(FieldReader::minds_null).collect::<Vec<_>>(), [replace_null, false]);
        }
    }
}
