//! InsertField: adds metadata of the record or a fixed text as fields.

use std::rc::Rc;

use berth_guest::schema::TIMESTAMP;
use berth_guest::{
    Arena, Cell, ConfigDef, ConfigKey, ConfigType, Constant, Context, Entry, Error, Field, Layouts, Make, Outcome,
    Part, PerSchema, Plugin, Record, Result, Schema, Tag, Transform, Type, NONE, NO_TIMESTAMP,
};

use crate::field_reader::{carry_all, FieldReader};
use crate::fields::{add_field, is_named, null_in_required, require_map, require_struct, same_basics, Half};

const PURPOSE: &str = "field insertion";

pub fn plugins() -> Vec<Plugin> {
    let key = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(InsertField::new(context, Half::Key)?)) };
    let value =
        |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(InsertField::new(context, Half::Value)?)) };
    let plugin = |class, make| {
        let doc = "Adds the topic, partition, offset, timestamp or a fixed text as fields.";
        Plugin::new(class, crate::KAFKA_VERSION, doc, Make::Transform(make)).config(definition())
    };
    vec![
        plugin("org.apache.kafka.connect.transforms.InsertField$Key", key).aliases(&["InsertField$Key"]),
        plugin("org.apache.kafka.connect.transforms.InsertField$Value", value).aliases(&["InsertField$Value"]),
    ]
}

fn definition() -> ConfigDef {
    let field = |name, doc| ConfigKey::new(name, ConfigType::String, doc).null();
    ConfigDef::new(vec![
        field("topic.field", "Field for the topic. A name may end in ! (required field) or ? (optional, as without)."),
        field("partition.field", "Field for the partition, named as topic.field is."),
        field("offset.field", "Field for the offset in Kafka, named as topic.field is; for sinks only."),
        field("timestamp.field", "Field for the record's timestamp, named as topic.field is."),
        field("static.field", "Field for the fixed text, named as topic.field is."),
        field("static.value", "The fixed text."),
        ConfigKey::new("replace.null.with.default", ConfigType::Boolean, "Copy a field's default in place of null.")
            .default("true"),
    ])
}

/// What a field gets.
#[derive(Debug)]
enum Source {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Text(Constant),
}

#[derive(Debug)]
struct Insertion {
    name: Rc<str>,
    /// The same as bytes.
    text: Constant,
    optional: bool,
    source: Source,
}

impl Insertion {
    fn new(spec: Option<&str>, source: Source) -> Option<Insertion> {
        let spec = spec?;
        let (name, optional) = match (spec.strip_suffix('?'), spec.strip_suffix('!')) {
            (Some(name), _) => (name, true),
            (_, Some(name)) => (name, false),
            _ => (spec, true),
        };
        Some(Insertion { name: name.into(), text: Constant::text(name), optional, source })
    }

    fn field(&self) -> Field {
        let mut schema = match self.source {
            Source::Topic | Source::Text(_) => Schema::new(Type::String),
            Source::Partition => Schema::new(Type::Int32),
            Source::Offset => Schema::new(Type::Int64),
            Source::Timestamp => Schema::temporal(TIMESTAMP),
        };
        schema.optional = self.optional;
        Field { name: self.name.clone(), schema: Rc::new(schema) }
    }

    /// Whether the record has it.
    fn is_there(&self, entry: &Entry) -> bool {
        match self.source {
            Source::Partition => entry.partition >= 0,
            Source::Timestamp => entry.timestamp != NO_TIMESTAMP,
            _ => true,
        }
    }

    fn value(&mut self, record: &mut Record<'_>, with_schema: bool) -> Result<Cell> {
        let there = self.is_there(record.entry);
        let (entry, arena) = (&*record.entry, &mut record.arena);
        match &mut self.source {
            _ if !there => Ok(Cell::NULL),
            Source::Topic if !entry.has_topic() => Ok(Cell::NULL),
            Source::Topic => {
                let topic = record.dict.topic(entry.topic);
                arena.write(Tag::String, NONE, |out| {
                    out.extend_from_slice(topic.as_bytes());
                    Ok(())
                })
            }
            Source::Partition => put(Tag::Int32, entry.partition.to_le_bytes(), arena),
            Source::Offset => put(Tag::Int64, entry.offset.to_le_bytes(), arena),
            Source::Timestamp if with_schema => put(Tag::Date, entry.timestamp.to_le_bytes(), arena),
            Source::Timestamp => put(Tag::Int64, entry.timestamp.to_le_bytes(), arena),
            Source::Text(text) => text.cell(record.dict, arena),
        }
    }
}

/// Writes a number; its size is known, so no call copies it.
#[inline]
fn put<const N: usize>(tag: Tag, bytes: [u8; N], arena: &mut Arena<'_>) -> Result<Cell> {
    arena.write(tag, NONE, |out| {
        out.extend_from_slice(&bytes);
        Ok(())
    })
}

struct InsertField {
    half: Half,
    insertions: Vec<Insertion>,
    replace_null: bool,
    derived: PerSchema<Rc<Derived>>,
    layouts: Layouts<Changes>,
    added: Vec<Part>,
}

struct Derived {
    schema: u32,
    /// Fields of the schema before that mind null.
    readers: Vec<FieldReader>,
}

/// What is done to maps of the same names.
struct Changes {
    /// Which of the insertions the record had a value for.
    there: u32,
    /// Fields that give way.
    replaced: Vec<usize>,
    /// Insertions, in order. Of those with one name the last one counts.
    added: Vec<usize>,
}

impl InsertField {
    fn new(context: &Context, half: Half) -> Result<InsertField> {
        let config = definition().parse(&context.config)?;
        let text = config.text("static.value").map(Constant::text);
        let has_text = text.is_some();
        let insertions: Vec<Insertion> = [
            Insertion::new(config.text("topic.field"), Source::Topic),
            Insertion::new(config.text("partition.field"), Source::Partition),
            Insertion::new(config.text("offset.field"), Source::Offset),
            Insertion::new(config.text("timestamp.field"), Source::Timestamp),
            text.and_then(|text| Insertion::new(config.text("static.field"), Source::Text(text))),
        ]
        .into_iter()
        .flatten()
        .collect();
        if config.text("static.field").is_some() && !has_text {
            // Connect prints the object that stands for the field, not its name.
            return Err(Error::config(
                "Invalid value null for configuration static.value: No value specified for static field: \
                 org.apache.kafka.connect.transforms.InsertField$InsertionSpec@1",
            ));
        }
        if insertions.is_empty() {
            return Err(Error::config("No field insertion configured"));
        }
        let replace_null = config.boolean("replace.null.with.default");
        let (derived, layouts, added) = (PerSchema::default(), Layouts::default(), Vec::new());
        Ok(InsertField { half, insertions, replace_null, derived, layouts, added })
    }

    fn add_to_map(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_map(&cell, record, PURPOSE)?;
        let mut cell = record.lay_apart(&cell)?;
        let (memory, insertions) = (record.memory, &self.insertions);
        let there = (0..).zip(insertions).map(|(bit, i)| (i.is_there(record.entry) as u32) << bit).sum();
        let make = |parts: &[Part]| {
            let place = |name: &str| parts.iter().position(|part| is_named(part, memory, name));
            changes(insertions, there, place)
        };
        let known = self.layouts.get(&mut cell, record, make);
        let usual = known.there == there;
        let others;
        let changes = match usual {
            true => known,
            false => {
                others = make(record.arena.parts(&cell));
                &others
            }
        };
        self.added.clear();
        for i in &changes.added {
            let insertion = &mut self.insertions[*i];
            let value = insertion.value(record, false)?;
            self.added.push(insertion.text.name(record.dict, &mut record.arena)?.with(value));
        }
        for i in &changes.replaced {
            cell = record.arena.remove_part(&cell, *i);
        }
        let mut cell = record.arena.append_parts(&cell, &self.added)?;
        if usual {
            self.layouts.mark(&mut cell);
        }
        self.half.set(record, cell);
        Ok(())
    }

    fn add_to_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_struct(&cell, record, PURPOSE)?;
        let (insertions, replace_null) = (&self.insertions, self.replace_null);
        let derived = self.derived.get(record.dict, cell.schema, |dict, schema| {
            let mut new = same_basics(&schema);
            new.fields = schema.fields.clone();
            insertions.iter().try_for_each(|i| add_field(&mut new, i.field()))?;
            let readers = FieldReader::all(&schema, replace_null).filter(FieldReader::minds_null).collect();
            Ok(Rc::new(Derived { schema: dict.intern_schema(&new)?, readers }))
        })?;
        let cell = record.lay_apart(&cell)?;
        carry_all(&derived.readers, &cell, record)?;
        self.added.clear();
        for insertion in &mut self.insertions {
            // What else may be missing is left out, also where it is required.
            if matches!(insertion.source, Source::Topic) && !record.entry.has_topic() && !insertion.optional {
                return Err(null_in_required(&insertion.field()));
            }
            self.added.push(Part::named(0, 0).with(insertion.value(record, true)?));
        }
        let cell = record.arena.append_parts(&cell, &self.added)?;
        self.half.set(record, cell.under(derived.schema));
        Ok(())
    }
}

/// `place` gives the index of a field of that name.
fn changes(insertions: &[Insertion], there: u32, place: impl Fn(&str) -> Option<usize>) -> Changes {
    let is_there = |i: &usize| there >> i & 1 == 1;
    let is_last = |i: &usize| {
        let mut later = (i + 1..insertions.len()).filter(is_there);
        !later.any(|k| insertions[k].name == insertions[*i].name)
    };
    let added: Vec<usize> = (0..insertions.len()).filter(is_there).filter(is_last).collect();
    let mut replaced: Vec<usize> = added.iter().filter_map(|i| place(&insertions[*i].name)).collect();
    replaced.sort_unstable_by_key(|i| std::cmp::Reverse(*i)); // from the end, so that the others keep their places
    Changes { there, replaced, added }
}

impl Transform for InsertField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let cell = self.half.cell(record);
        if cell.is_null() {
            return Ok(Outcome::Keep);
        }
        if self.insertions.iter().any(|i| matches!(i.source, Source::Offset)) && !record.is_sink() {
            return Err(Error::data(format!(
                "Only SinkRecord supported for [{PURPOSE}], found: org.apache.kafka.connect.source.SourceRecord"
            )));
        }
        match cell.schema {
            NONE => self.add_to_map(record, cell)?,
            _ => self.add_to_struct(record, cell)?,
        }
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}
