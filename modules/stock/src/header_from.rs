//! HeaderFrom: moves or copies fields of the key or value to headers.

use std::rc::Rc;

use berth_guest::{
    put_header, Cell, ConfigDef, ConfigKey, ConfigType, Context, Dictionaries, Error, Importance, Layouts, Make,
    Memory, Outcome, Part, PerSchema, Plugin, Record, Result, Schema, Scratch, Tag, Transform, Validator, NONE,
};

use crate::field_reader::FieldReader;
use crate::fields::{add_field, is_named, replace_null_key, require_map, require_struct, same_basics, Half};

pub fn plugins() -> Vec<Plugin> {
    let key = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(HeaderFrom::new(context, Half::Key)?)) };
    let value =
        |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(HeaderFrom::new(context, Half::Value)?)) };
    let plugin = |class, make| {
        let doc = "Moves or copies fields of the key or value to headers.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition())
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.HeaderFrom$Key", key).aliases(&["HeaderFrom$Key"]),
        plugin("org.apache.kafka.connect.transforms.HeaderFrom$Value", value).aliases(&["HeaderFrom$Value"]),
    ]
}

fn definition() -> ConfigDef {
    let list = |name, doc| {
        let key = ConfigKey::new(name, ConfigType::List, doc);
        key.importance(Importance::High).validator(Validator::NonEmpty)
    };
    let doc = "move: the fields go to headers and are gone; copy: they also stay.";
    ConfigDef::new(vec![
        list("fields", "Fields whose values become headers."),
        list("headers", "Names of the headers, one for each field, in the order of the fields."),
        ConfigKey::new("operation", ConfigType::String, doc)
            .importance(Importance::High)
            .validator(Validator::OneOf(vec!["move".into(), "copy".into()])),
        replace_null_key(),
    ])
}

/// What becomes of structs of one schema.
struct Derived {
    /// The field of each header, with the index of its schema.
    headers: Vec<(FieldReader, u32)>,
    /// Schema and fields of the struct that stays behind after a move.
    rest: Option<(u32, Vec<FieldReader>)>,
}

/// Where maps of the same names have the fields, and which others they have.
struct Taken {
    places: Vec<Option<usize>>,
    rest: Vec<usize>,
}

struct HeaderFrom {
    half: Half,
    fields: Vec<String>,
    headers: Vec<String>,
    moves: bool,
    /// What is done, for messages.
    purpose: String,
    replace_null: bool,
    derived: PerSchema<Rc<Derived>>,
    layouts: Layouts<Rc<Taken>>,
    scratch: Scratch,
}

impl HeaderFrom {
    fn new(context: &Context, half: Half) -> Result<HeaderFrom> {
        let config = definition().parse(&context.config)?;
        let (fields, headers) = (config.list("fields"), config.list("headers"));
        if fields.len() != headers.len() {
            return Err(Error::config("'fields' config must have the same number of elements as 'headers' config."));
        }
        let operation = config.string("operation");
        Ok(HeaderFrom {
            half,
            fields,
            headers,
            moves: operation == "move",
            purpose: format!("header {operation}"),
            replace_null: config.boolean("replace.null.with.default"),
            derived: PerSchema::default(),
            layouts: Layouts::default(),
            scratch: Scratch::default(),
        })
    }

    fn take_from_map(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_map(&cell, record, &self.purpose)?;
        let mut cell = record.lay_apart(&cell)?;
        let (memory, fields) = (record.memory, &self.fields);
        let taken = self.layouts.get(&mut cell, record, |parts| Rc::new(Taken::of(parts, fields, memory))).clone();
        let part = |place: &Option<usize>| place.map_or(Part::named(0, 0), |i| record.arena.parts(&cell)[i]);
        let values: Vec<Part> = taken.places.iter().map(part).collect();
        let mut scratch = std::mem::take(&mut self.scratch);
        let done = self.add_headers(record, |i, out, name| {
            put_header(out, name, NONE, values[i].value(memory, &mut scratch));
            Ok(())
        });
        self.scratch = scratch;
        done?;
        if self.moves {
            let mut rest = record.arena.keep_parts(&cell, &taken.rest);
            self.layouts.mark(&mut rest);
            self.half.set(record, rest);
        }
        Ok(())
    }

    fn take_from_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_struct(&cell, record, &self.purpose)?;
        let mut cache = std::mem::take(&mut self.derived);
        let derived = cache.get(record.dict, cell.schema, |dict, schema| Ok(Rc::new(self.derive(dict, &schema)?)));
        self.derived = cache;
        let derived = derived?;
        let values: Vec<Part> = derived.headers.iter().map(|(field, _)| field.part(&cell, record)).collect();
        if let Some((schema, fields)) = &derived.rest {
            let mut rest = Vec::with_capacity(fields.len());
            for field in fields {
                rest.push(field.carry(field.part(&cell, record), &mut record.arena)?);
            }
            let cell = record.arena.put_apart(&rest, Tag::Struct, *schema)?;
            self.half.set(record, cell);
        }
        let memory = record.memory;
        self.add_headers(record, |i, out, name| {
            let (field, schema) = &derived.headers[i];
            let value = field.value(&values[i], memory);
            if value.is_null() && !field.field.schema.optional {
                let schema = field.field.schema.describe();
                let message = format!("A null value requires an optional schema but was {schema}");
                return Err(Error::data(message).at(&field.field.name));
            }
            put_header(out, name, *schema, value);
            Ok(())
        })
    }

    fn derive(&self, dict: &mut Dictionaries, schema: &Schema) -> Result<Derived> {
        let mut headers = Vec::new();
        for name in &self.fields {
            let Some(i) = schema.index_of(name) else {
                let message = format!("Field does not exist: {name}");
                return Err(Error::data(message).class("java.lang.NullPointerException").at(name));
            };
            let field = FieldReader::new(schema, i, self.replace_null);
            let index = dict.intern_schema(&field.field.schema)?;
            headers.push((field, index));
        }
        let rest = if self.moves { Some(self.derive_rest(dict, schema)?) } else { None };
        Ok(Derived { headers, rest })
    }

    fn derive_rest(&self, dict: &mut Dictionaries, schema: &Schema) -> Result<(u32, Vec<FieldReader>)> {
        let mut rest = same_basics(schema);
        let mut readers = Vec::new();
        for reader in FieldReader::all(schema, self.replace_null) {
            if !self.fields.iter().any(|name| **name == *reader.field.name) {
                add_field(&mut rest, reader.field.clone())?;
                readers.push(reader);
            }
        }
        Ok((dict.intern_schema(&rest)?, readers))
    }

    /// Appends the headers behind those that are there; `put` appends the i-th.
    fn add_headers(
        &self,
        record: &mut Record<'_>,
        mut put: impl FnMut(usize, &mut Vec<u8>, &str) -> Result<()>,
    ) -> Result<()> {
        let entry = *record.entry;
        let present = record.memory.bytes(entry.headers_off, entry.headers_len);
        record.set_headers(entry.header_count as usize + self.headers.len(), |out| {
            out.extend_from_slice(present);
            self.headers.iter().enumerate().try_for_each(|(i, name)| put(i, out, name))
        })
    }
}

impl Taken {
    fn of(parts: &[Part], fields: &[String], memory: &Memory) -> Taken {
        let place = |name: &String| parts.iter().position(|part| is_named(part, memory, name));
        let places: Vec<Option<usize>> = fields.iter().map(place).collect();
        let rest = (0..parts.len()).filter(|i| !places.contains(&Some(*i))).collect();
        Taken { places, rest }
    }
}

impl Transform for HeaderFrom {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        match cell.schema {
            NONE => self.take_from_map(record, cell)?,
            _ => self.take_from_struct(record, cell)?,
        }
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::{Type, Value};

    use super::*;
    use crate::trial::{header, Records};

    fn config(operation: &str) -> [(&str, &str); 3] {
        [("fields", "id,name"), ("headers", "h,h"), ("operation", operation)]
    }

    fn person() -> Schema {
        let (id, name) = (Schema::new(Type::Int64), Schema::new(Type::String).optional());
        Schema::new(Type::Struct)
            .named("Person")
            .field("name", name)
            .field("age", Schema::new(Type::Int8))
            .field("id", id)
    }

    fn records() -> Records {
        let named = Schema::new(Type::Struct).field("id", Schema::new(Type::String)).field("name", person());
        let ann = Value::Struct(NONE, vec![Value::str("Ann"), Value::Int8(33), Value::Int64(1)]);
        let mut records = Records::default();
        records.add(Some(&person()), &ann).headers(&[header("h", Value::str("stays"))]);
        records.add(None, &Value::map([("id", Value::Int8(2)), ("x", Value::Null)]));
        records.add(Some(&named), &Value::Struct(NONE, vec![Value::str("3"), ann]));
        records.add(Some(&person()), &Value::Null);
        records.add(None, &Value::Null);
        records
    }

    #[test]
    fn records_of_several_schemas_get_headers_of_their_own() {
        let mut passed = records().through("transform", "HeaderFrom$Value", &config("move"));
        let of = |schema: Schema, value| ("h".to_string(), Some(schema), value);
        let text = || Schema::new(Type::String);
        let first = [header("h", Value::str("stays")), of(Schema::new(Type::Int64), Value::Int64(1))];
        assert_eq!(passed.headers(0)[..2], first);
        assert_eq!(passed.headers(0)[2], of(text().optional(), Value::str("Ann")));
        assert_eq!(passed.headers(1), [header("h", Value::Int8(2)), header("h", Value::Null)]);
        let ann = Value::Struct(NONE, vec![Value::str("Ann"), Value::Int8(33), Value::Int64(1)]);
        assert_eq!(passed.headers(2), [of(text(), Value::str("3")), of(person(), ann)]);
        let rest = Schema::new(Type::Struct).named("Person").field("age", Schema::new(Type::Int8));
        assert_eq!(passed.value(0), (Some(Rc::new(rest)), Value::Struct(NONE, vec![Value::Int8(33)])));
        assert_eq!(passed.value(1), (None, Value::map([("x", Value::Null)])));
        assert_eq!(passed.value(2), (Some(Rc::new(Schema::new(Type::Struct))), Value::Struct(NONE, vec![])));
        let refused = passed.errors().into_iter().map(|(record, _)| record).collect::<Vec<_>>();
        assert_eq!(refused, [3, 4]);
    }

    #[test]
    fn a_copy_leaves_the_value_where_it_is() {
        let mut passed = records().through("transform", "HeaderFrom$Value", &config("copy"));
        assert_eq!(passed.headers(0).len(), 3);
        assert_eq!(*passed.value(0).0.unwrap(), person());
        assert_eq!(passed.value(1), (None, Value::map([("id", Value::Int8(2)), ("x", Value::Null)])));
    }
}
