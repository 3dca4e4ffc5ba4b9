//! ValueToKey: makes the key of fields of the value.

use std::rc::Rc;

use berth_guest::{
    Cell, CellSketch, ConfigDef, ConfigKey, ConfigType, Constant, Context, Dictionaries, Error, Field, FieldSketch,
    Importance, Make, Outcome, Part, PerSchema, Plugin, Record, Result, Schema, Sketch, Tag, Transform, Type,
    Validator, NONE,
};

use crate::field_reader::FieldReader;
use crate::fields::{add_field, replace_null_key, require_map, require_struct, Places};

const PURPOSE: &str = "copying fields from value to key";

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(ValueToKey::new(context)?)) };
    Plugin::new(
        "org.apache.kafka.connect.transforms.ValueToKey",
        crate::KAFKA_VERSION,
        "Puts a new key, made of fields of the value, in the place of the key.",
        Make::Transform(new),
    )
    .aliases(&["ValueToKey"])
    .config(definition())
}

fn definition() -> ConfigDef {
    let doc = "Fields of the value that the key gets, in that order.";
    ConfigDef::new(vec![
        ConfigKey::new("fields", ConfigType::List, doc).importance(Importance::High).validator(Validator::NonEmpty),
        replace_null_key(),
    ])
}

/// The keys that values of one schema give.
struct Derived {
    schema: u32,
    fields: Vec<FieldReader>,
}

struct ValueToKey {
    fields: Vec<String>,
    replace_null: bool,
    derived: PerSchema<Rc<Derived>>,
    /// The same names as bytes, and where they are in maps.
    names: Vec<Constant>,
    places: Places,
    key: Vec<Part>,
}

impl ValueToKey {
    fn new(context: &Context) -> Result<ValueToKey> {
        let config = definition().parse(&context.config)?;
        let fields = config.list("fields");
        Ok(ValueToKey {
            names: fields.iter().map(|name| Constant::text(name)).collect(),
            places: Places::default(),
            key: Vec::new(),
            fields,
            replace_null: config.boolean("replace.null.with.default"),
            derived: PerSchema::default(),
        })
    }

    fn key_of_map(&mut self, record: &mut Record<'_>, value: Cell) -> Result<Cell> {
        require_map(&value, record, PURPOSE)?;
        let mut value = record.lay_apart(&value)?;
        let places = self.places.of(&self.fields, &mut value, record);
        self.key.clear();
        for (i, place) in places.iter().enumerate() {
            if self.fields[..i].contains(&self.fields[i]) {
                continue;
            }
            let name = self.names[i].name(record.dict, &mut record.arena)?;
            let field = place.map_or(name, |place| record.arena.parts(&value)[place]);
            self.key.push(Part { name_off: name.name_off, ..field });
        }
        record.arena.put_apart(&self.key, Tag::Map, NONE)
    }

    fn derived(&mut self, dict: &mut Dictionaries, schema: u32) -> Result<Rc<Derived>> {
        let (names, replace_null) = (&self.fields, self.replace_null);
        self.derived.get(dict, schema, |dict, schema| {
            let (key, fields) = derive(names, &schema, replace_null)?;
            Ok(Rc::new(Derived { schema: dict.intern_schema(&key)?, fields }))
        })
    }

    fn key_of_struct(&mut self, record: &mut Record<'_>, value: Cell) -> Result<Cell> {
        require_struct(&value, record, PURPOSE)?;
        let derived = self.derived(record.dict, value.schema)?;
        self.key.clear();
        for field in &derived.fields {
            let part = field.part(&value, record);
            self.key.push(field.carry(part, &mut record.arena)?);
        }
        record.arena.put_apart(&self.key, Tag::Struct, derived.schema)
    }
}

/// The key's schema and the readers of its fields.
fn derive(names: &[String], schema: &Schema, replace_null: bool) -> Result<(Schema, Vec<FieldReader>)> {
    let mut key = Schema::new(Type::Struct);
    let mut fields = Vec::new();
    for name in names {
        let Some(i) = schema.index_of(name) else {
            return Err(Error::data(format!("Field does not exist: {name}")).at(name));
        };
        add_field(&mut key, Field { name: name.as_str().into(), schema: schema.fields[i].schema.clone() })?;
        fields.push(FieldReader::new(schema, i, replace_null));
    }
    Ok((key, fields))
}

impl Transform for ValueToKey {
    #[inline]
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let value = record.entry.value;
        record.entry.key = match value.schema {
            NONE => self.key_of_map(record, value)?,
            _ => self.key_of_struct(record, value)?,
        };
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }

    fn sketch(&mut self, sketch: &mut Sketch, dict: &mut Dictionaries) -> Result<bool> {
        let CellSketch::Struct { schema, fields } = &sketch.value else { return Ok(false) };
        let derived = self.derived(dict, *schema)?;
        let of_key = |reader: &FieldReader| {
            let mut field = fields.get(reader.index)?.clone();
            reader.sketch(&mut field);
            Some(field)
        };
        let Some(fields) = derived.fields.iter().map(of_key).collect() else { return Ok(false) };
        if !sketch.key.fields().iter().all(FieldSketch::is_free) {
            return Ok(false);
        }
        sketch.key = CellSketch::Struct { schema: derived.schema, fields };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::Value;

    use super::*;
    use crate::trial::Records;

    #[test]
    fn values_of_several_schemas_give_keys_of_their_own() {
        let int = || Schema::new(Type::Int64);
        let wide = Schema::new(Type::Struct).field("x", Schema::new(Type::String)).field("id", int());
        let narrow = Schema::new(Type::Struct).field("id", int().optional());
        let other = Schema::new(Type::Struct).field("name", int());
        let mut records = Records::default();
        for i in 0..3 {
            records.add(Some(&wide), &Value::Struct(NONE, vec![Value::str("long enough"), Value::Int64(i)]));
            records.add(Some(&narrow), &Value::Struct(NONE, vec![Value::Null]));
            records.add(None, &Value::map([("a", Value::Null), ("id", Value::Boolean(true))]));
            records.add(Some(&other), &Value::Struct(NONE, vec![Value::Int64(i)]));
        }
        let mut passed = records.through("transform", "ValueToKey", &[("fields", "id")]);
        let key = |field| Some(Rc::new(Schema::new(Type::Struct).field("id", field)));
        for i in 0..3 {
            let number = Value::Struct(NONE, vec![Value::Int64(i as i64)]);
            assert_eq!(passed.key(3 * i), (key(int()), number));
            assert_eq!(passed.key(3 * i + 1), (key(int().optional()), Value::Struct(NONE, vec![Value::Null])));
            assert_eq!(passed.key(3 * i + 2), (None, Value::map([("id", Value::Boolean(true))])));
        }
        let unknown = |record| (record, "Field does not exist: id".to_string());
        assert_eq!(passed.errors(), [3, 7, 11].map(unknown));
    }
}
