//! What transforms of fields share: which half of the record they work on, copies of schemas, and Connect's messages.

use berth_guest::{
    Arena, Cell, ConfigKey, ConfigType, Error, Field, Memory, Part, Record, Result, Schema, Tag, Type, Value, ValueRef,
    NONE,
};

use crate::java_class::class_name;

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
}

/// The key that says whether a field's default is read in place of null.
pub fn replace_null_key() -> ConfigKey {
    let doc = "Read a field's default in place of null.";
    ConfigKey::new("replace.null.with.default", ConfigType::Boolean, doc).default("true")
}

/// A value without a schema must be a map.
pub fn require_map(value: ValueRef<'_>, purpose: &str) -> Result<()> {
    require(value, Tag::Map, "Map objects supported in absence of schema", purpose)
}

/// A value with a schema must be a struct.
pub fn require_struct(value: ValueRef<'_>, purpose: &str) -> Result<()> {
    require(value, Tag::Struct, "Struct objects supported", purpose)
}

fn require(value: ValueRef<'_>, tag: Tag, what: &str, purpose: &str) -> Result<()> {
    if value.tag == tag {
        return Ok(());
    }
    let found = class_name(value.tag);
    Err(Error::data(format!("Only {what} for [{purpose}], found: {found}")))
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
        && part.name(memory).payload == name.as_bytes()
}

/// A field's value as it goes on under the schema of the field; null becomes the default if that is asked for.
#[inline]
pub fn carry(part: Part, field: &Field, replace_null: bool, arena: &mut Arena<'_>) -> Result<Part> {
    if !part.is_null() {
        return Ok(part);
    }
    let schema = &field.schema;
    match &schema.default {
        Some(_) if replace_null => {
            arena.build(NONE, |b| copy(b, ValueRef::NULL, field, true)).map(|cell| part.with(cell))
        }
        _ if schema.optional => Ok(part),
        _ => Err(null_in_required(field)),
    }
}

/// Copies a field's value; null becomes the default of its schema if that is asked for.
pub fn copy(b: &mut berth_guest::Builder<'_>, value: ValueRef<'_>, field: &Field, replace_null: bool) -> Result<()> {
    let schema = &field.schema;
    match &schema.default {
        Some(default) if replace_null && value.is_null() => {
            let body = Value::to_body(default);
            b.value(ValueRef::of_item(&body).unwrap_or(value));
        }
        _ if value.is_null() && !schema.optional => return Err(null_in_required(field)),
        _ => b.value(value),
    }
    Ok(())
}

/// The error of a struct that gets null for a field that must be set.
pub fn null_in_required(field: &Field) -> Error {
    let (name, kind) = (&field.name, field.schema.kind);
    Error::data(format!("Invalid value: null used for required field: \"{name}\", schema type: {kind}")).at(name)
}
