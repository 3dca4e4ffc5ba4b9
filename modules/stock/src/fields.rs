//! What transforms of fields share: which half of the record they work on, copies of schemas, and Connect's messages.

use berth_guest::{
    same, Cell, CellSketch, ConfigKey, ConfigType, Error, Field, Layouts, Memory, Part, Record, Result, Schema, Sketch,
    Tag, Type, ValueRef,
};

use crate::java_class::name_of;

/// The half of the record that `…$Key` and `…$Value` work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    Key,
    Value,
}

impl Half {
    pub fn cell(self, record: &Record<'_>) -> Cell {
        match self {
            Half::Key => record.entry.key,
            Half::Value => record.entry.value,
        }
    }

    pub fn set(self, record: &mut Record<'_>, cell: Cell) {
        match self {
            Half::Key => record.entry.key = cell,
            Half::Value => record.entry.value = cell,
        }
    }

    pub fn sketch(self, sketch: &mut Sketch) -> &mut CellSketch {
        match self {
            Half::Key => &mut sketch.key,
            Half::Value => &mut sketch.value,
        }
    }
}

/// The key that says whether a field's default is read in place of null.
pub fn replace_null_key() -> ConfigKey {
    let doc = "Read a field's default in place of null.";
    ConfigKey::new("replace.null.with.default", ConfigType::Boolean, doc).default("true")
}

/// A value without a schema must be a map.
#[inline]
pub fn require_map(found: &Cell, record: &Record<'_>, purpose: &str) -> Result<()> {
    match found.tag() == Tag::Map {
        true => Ok(()),
        false => Err(no_map(record.cell(found), purpose)),
    }
}

/// As [`require_map`], of a value within another.
#[inline]
pub fn require_map_value(found: ValueRef<'_>, purpose: &str) -> Result<()> {
    match found.tag == Tag::Map {
        true => Ok(()),
        false => Err(no_map(found, purpose)),
    }
}

#[cold]
fn no_map(found: ValueRef<'_>, purpose: &str) -> Error {
    wanted("Map objects supported in absence of schema", found, purpose)
}

/// A value with a schema must be a struct.
#[inline]
pub fn require_struct(found: &Cell, record: &Record<'_>, purpose: &str) -> Result<()> {
    match found.tag() == Tag::Struct {
        true => Ok(()),
        false => Err(wanted("Struct objects supported", record.cell(found), purpose)),
    }
}

#[cold]
fn wanted(what: &str, found: ValueRef<'_>, purpose: &str) -> Error {
    Error::data(format!("Only {what} for [{purpose}], found: {}", name_of(found)))
}

/// Class of errors in schemas that are made.
pub const SCHEMA_BUILDER: &str = "org.apache.kafka.connect.errors.SchemaBuilderException";

/// A struct schema with the name, version, doc and parameters of another, and no fields yet.
pub fn same_basics(schema: &Schema) -> Schema {
    Schema {
        name: schema.name.clone(),
        version: schema.version,
        doc: schema.doc.clone(),
        parameters: schema.parameters.clone(),
        ..Schema::new(Type::Struct)
    }
}

/// Adds a field; a name that is there already is an error.
pub fn add_field(schema: &mut Schema, field: Field) -> Result<()> {
    if field.name.is_empty() {
        return Err(Error::data("fieldName cannot be null.").class(SCHEMA_BUILDER));
    }
    if schema.index_of(&field.name).is_some() {
        let message = format!("Cannot create field because of field name duplication {}", field.name);
        return Err(Error::data(message).class(SCHEMA_BUILDER));
    }
    schema.fields.push(field);
    Ok(())
}

/// Whether a part of a map has that name.
#[inline]
pub fn is_named(part: &Part, memory: &Memory, name: &str) -> bool {
    part.name_len as usize == name.len()
        && part.name_tag == Tag::String as u8
        && same(part.name(memory).payload, name.as_bytes())
}

/// Where maps have the fields of some names. A stage keeps it, as maps of a batch nearly always have the same names.
#[derive(Default)]
pub struct Places {
    layouts: Layouts<Box<[Option<usize>]>>,
}

impl Places {
    /// The index of each of `names` in the map, which lies apart.
    #[inline]
    pub fn of<S: AsRef<str>>(&mut self, names: &[S], map: &mut Cell, record: &mut Record<'_>) -> &[Option<usize>] {
        let memory = record.memory;
        self.layouts.get(map, record, |parts| {
            let place = |name: &S| parts.iter().position(|part| is_named(part, memory, name.as_ref()));
            names.iter().map(place).collect()
        })
    }
}

/// The error of a struct that gets null for a field that must be set.
pub fn null_in_required(field: &Field) -> Error {
    let (name, kind) = (&field.name, field.schema.kind);
    Error::data(format!("Invalid value: null used for required field: \"{name}\", schema type: {kind}")).at(name)
}
