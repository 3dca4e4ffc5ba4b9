//! A field of a struct as transforms read it: its value, or the default of its schema in place of null. Found and
//! prepared once per schema.

use berth_guest::{Arena, Builder, Field, Items, Memory, Part, Result, Schema, Value, ValueRef, NONE};

use crate::fields::null_in_required;

#[derive(Clone, Debug)]
pub struct FieldReader {
    index: usize,
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

    #[inline]
    pub fn read<'v>(&'v self, items: &Items<'v>) -> ValueRef<'v> {
        let value = items.get(self.index).unwrap_or(ValueRef::NULL);
        match &self.default {
            Some(default) if value.is_null() => ValueRef::of_item(default).unwrap_or(value),
            _ => value,
        }
    }

    /// The same of a struct that lies apart.
    #[inline]
    pub fn read_part<'v>(&'v self, parts: &[Part], memory: &'v Memory, scratch: &'v mut Vec<u8>) -> ValueRef<'v> {
        let part = parts.get(self.index).copied().unwrap_or(Part::named(0, 0));
        match &self.default {
            Some(default) if part.is_null() => ValueRef::of_item(default).unwrap_or(ValueRef::NULL),
            _ => part.value(memory, scratch),
        }
    }

    /// What is read as a part of another struct. Null in a required field is an error.
    #[inline]
    pub fn carry(&self, parts: &[Part], arena: &mut Arena<'_>) -> Result<Part> {
        let part = parts.get(self.index).copied().unwrap_or(Part::named(0, 0));
        if !part.is_null() {
            return Ok(part);
        }
        match self.default.as_deref().and_then(ValueRef::of_item) {
            Some(default) if !default.is_null() => {
                let cell = arena.build(NONE, |b| {
                    b.value(default);
                    Ok(())
                })?;
                Ok(part.with(cell))
            }
            _ if !self.field.schema.optional => Err(null_in_required(&self.field)),
            _ => Ok(part),
        }
    }

    /// Writes what is read as the same field of another struct. Null in a required field is an error.
    #[inline]
    pub fn copy(&self, items: &Items<'_>, b: &mut Builder<'_>) -> Result<()> {
        let value = self.read(items);
        if value.is_null() && !self.field.schema.optional {
            return Err(null_in_required(&self.field));
        }
        b.value(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::{Tag, Type};

    use super::*;

    fn schema() -> Schema {
        let defaulted = Schema { default: Some(Value::Int32(7)), ..Schema::new(Type::Int32) };
        Schema::new(Type::Struct).field("a", defaulted).field("b", Schema::new(Type::String).optional())
    }

    #[test]
    fn null_is_read_as_the_default_if_wanted() {
        let body = Value::Struct(NONE, vec![Value::Null, Value::Null]).to_body();
        let items = ValueRef::of_item(&body).unwrap().items();
        for (replace_null, want) in [(true, [Value::Int32(7), Value::Null]), (false, [Value::Null, Value::Null])] {
            let schema = schema();
            let read = FieldReader::all(&schema, replace_null).map(|r| Value::decode(r.read(&items)).unwrap());
            assert_eq!(read.collect::<Vec<_>>(), want);
        }
    }

    #[test]
    fn null_is_not_copied_to_a_required_field() {
        let body = Value::Struct(NONE, vec![Value::Null, Value::Null]).to_body();
        let items = ValueRef::of_item(&body).unwrap().items();
        let (mut out, mut stack) = (Vec::new(), Default::default());
        let mut b = Builder::new(&mut out, &mut stack);
        b.open(Tag::Struct);
        FieldReader::new(&schema(), 1, false).copy(&items, &mut b).unwrap();
        let error = FieldReader::new(&schema(), 0, false).copy(&items, &mut b).unwrap_err();
        assert_eq!(error.message, "Invalid value: null used for required field: \"a\", schema type: INT32");
    }
}
