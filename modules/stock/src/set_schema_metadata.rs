//! SetSchemaMetadata: gives the schema of a struct another name or version.

use std::rc::Rc;

use berth_guest::{
    Cell, ConfigDef, ConfigKey, ConfigType, Context, Error, Importance, Make, Outcome, PerSchema, Plugin, Record,
    Result, Schema, Tag, Transform, Type, Value, NONE,
};

use crate::field_reader::{carry_all, FieldReader};
use crate::fields::{replace_null_key, Half};

const PURPOSE: &str = "updating schema metadata";

pub fn plugins() -> Vec<Plugin> {
    let key =
        |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(SetSchemaMetadata::new(context, Half::Key)?)) };
    let value = |context: &Context| -> Result<Box<dyn Transform>> {
        Ok(Box::new(SetSchemaMetadata::new(context, Half::Value)?))
    };
    let plugin = |class, make| {
        let doc = "Gives the schema of a struct another name, another version or both.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition())
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.SetSchemaMetadata$Key", key).aliases(&["SetSchemaMetadata$Key"]),
        plugin("org.apache.kafka.connect.transforms.SetSchemaMetadata$Value", value)
            .aliases(&["SetSchemaMetadata$Value"]),
    ]
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![
        ConfigKey::new("schema.name", ConfigType::String, "New name of the schema; not set: it keeps its own.")
            .null()
            .importance(Importance::High),
        ConfigKey::new("schema.version", ConfigType::Int, "New version of the schema; not set: it keeps its own.")
            .null()
            .importance(Importance::High),
        replace_null_key(),
    ])
}

struct Derived {
    schema: u32,
    /// Fields that mind null.
    strict: Vec<FieldReader>,
}

struct SetSchemaMetadata {
    half: Half,
    name: Option<Rc<str>>,
    version: Option<i32>,
    replace_null: bool,
    derived: PerSchema<Rc<Derived>>,
}

impl SetSchemaMetadata {
    fn new(context: &Context, half: Half) -> Result<SetSchemaMetadata> {
        let config = definition().parse(&context.config)?;
        let (name, version) = (config.text("schema.name"), config.text("schema.version"));
        if name.is_none() && version.is_none() {
            return Err(Error::config("Neither schema name nor version configured"));
        }
        Ok(SetSchemaMetadata {
            half,
            name: name.map(Rc::from),
            version: version.map(|_| config.int("schema.version") as i32),
            replace_null: config.boolean("replace.null.with.default"),
            derived: PerSchema::default(),
        })
    }

    fn derived(&mut self, record: &mut Record<'_>, schema: u32) -> Result<Rc<Derived>> {
        let (name, version, replace_null) = (&self.name, self.version, self.replace_null);
        self.derived.get(record.dict, schema, |dict, schema| {
            if schema.kind != Type::Struct {
                return Err(Error::data("Cannot list fields on non-struct type"));
            }
            let new = renamed(&schema, name.clone(), version);
            let strict = FieldReader::all(&schema, replace_null).filter(FieldReader::minds_null).collect();
            Ok(Rc::new(Derived { schema: dict.intern_schema(&new)?, strict }))
        })
    }
}

/// The schema with another name or version. A default that is a struct was made before, so it keeps the schema it had.
fn renamed(schema: &Schema, name: Option<Rc<str>>, version: Option<i32>) -> Schema {
    let mut new = Schema::clone(schema);
    new.name = name.or(new.name);
    new.version = version.or(new.version);
    if let Some(Value::Struct(..)) = new.default {
        let without_default = |schema: &Schema| Schema { default: None, default_schema: None, ..schema.clone() };
        let made_with = schema.default_schema.clone().unwrap_or_else(|| Rc::new(without_default(schema)));
        new.default_schema = Some(made_with).filter(|old| **old != without_default(&new));
    }
    new
}

impl Transform for SetSchemaMetadata {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        if cell.schema == NONE {
            return match cell.is_null() {
                true => Ok(Outcome::Keep),
                false => Err(Error::data(format!("Schema required for [{PURPOSE}]"))),
            };
        }
        let derived = self.derived(record, cell.schema)?;
        let cell = match reads_as_it_stands(&cell, record, &derived) {
            true => cell,
            false => {
                let cell = record.lay_apart(&cell)?;
                carry_all(&derived.strict, &cell, record)?;
                cell
            }
        };
        self.half.set(record, cell.under(derived.schema));
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}

/// Whether the same bytes are the value under the new schema: no field is null that has a default or must be set, and
/// the struct does not carry a schema of its own.
fn reads_as_it_stands(cell: &Cell, record: &Record<'_>, derived: &Derived) -> bool {
    if cell.tag() != Tag::Struct || cell.is_apart() {
        return cell.tag() != Tag::Struct;
    }
    let value = record.cell(cell);
    let items = value.items();
    let is_set = |field: &FieldReader| items.get(field.index).is_some_and(|item| !item.is_null());
    value.struct_schema() == NONE && derived.strict.iter().all(is_set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Records;

    fn struct_of(values: Vec<Value>) -> Value {
        Value::Struct(NONE, values)
    }

    #[test]
    fn the_value_is_referred_to_unless_a_null_is_read_as_a_default() {
        let defaulted = Schema { default: Some(Value::Int32(7)), ..Schema::new(Type::Int32).optional() };
        let schema = Schema::new(Type::Struct).named("old").field("a", defaulted).field("b", Schema::new(Type::String));
        let other = Schema::new(Type::Struct).versioned(3).field("c", Schema::new(Type::Int8).optional());
        let set = struct_of(vec![Value::Int32(1), Value::str("x")]);
        let mut records = Records::default();
        records.add(Some(&schema), &set).add(Some(&other), &struct_of(vec![Value::Null])).add(Some(&schema), &set);
        let config = [("schema.name", "new")];
        let mut passed = records.through("transform", "SetSchemaMetadata$Value", &config);
        assert_eq!((passed.len(), passed.written), (3, 0));
        let renamed = |schema: &Schema| Schema { name: Some("new".into()), ..schema.clone() };
        assert_eq!(passed.value(0), (Some(Rc::new(renamed(&schema))), set.clone()));
        assert_eq!(passed.value(1), (Some(Rc::new(renamed(&other))), struct_of(vec![Value::Null])));
        assert_eq!(passed.value(2), (Some(Rc::new(renamed(&schema))), set));

        let mut records = Records::default();
        records.add(Some(&schema), &struct_of(vec![Value::Null, Value::str("x")]));
        let mut passed = records.through("transform", "SetSchemaMetadata$Value", &config);
        assert_eq!(passed.value(0).1, struct_of(vec![Value::Int32(7), Value::str("x")]));
    }

    #[test]
    fn a_default_keeps_the_schema_that_it_was_made_with() {
        let old = Schema::new(Type::Struct).named("old").field("a", Schema::new(Type::Int32));
        let defaulted = Schema { default: Some(struct_of(vec![Value::Int32(3)])), ..old.clone() };
        let new = renamed(&defaulted, Some("new".into()), None);
        assert_eq!((new.name(), new.default_schema.as_deref()), (Some("new"), Some(&old)));
        assert_eq!(renamed(&new, None, Some(2)).default_schema.as_deref(), Some(&old));
        assert_eq!(renamed(&new, Some("old".into()), None), defaulted);
    }

    #[test]
    fn null_in_a_required_field_is_an_error_of_that_record() {
        let schema = Schema::new(Type::Struct).field("a", Schema::new(Type::Int32));
        let mut records = Records::default();
        records.add(Some(&schema), &struct_of(vec![Value::Null]));
        records.add(Some(&schema), &struct_of(vec![Value::Int32(1)]));
        let passed = records.through("transform", "SetSchemaMetadata$Value", &[("schema.version", "2")]);
        let message = "Invalid value: null used for required field: \"a\", schema type: INT32";
        assert_eq!(passed.errors(), [(0, message.to_string())]);
        assert_eq!(passed.len(), 1);
    }
}
