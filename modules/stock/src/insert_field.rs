//! InsertField: adds metadata of the record or a fixed text as fields.

use std::rc::Rc;

use berth_guest::schema::TIMESTAMP;
use berth_guest::{
    Arena, Cell, ConfigDef, ConfigKey, ConfigType, Context, Entry, Error, Field, Make, Outcome, Part, PerSchema,
    Plugin, Record, Result, Schema, Tag, Transform, Type, NONE, NO_TIMESTAMP,
};

use crate::fields::{add_field, carry, is_named, null_in_required, require_map, require_struct, same_basics, Half};

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
#[derive(Clone, Debug)]
enum Source {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Text(String),
}

#[derive(Clone, Debug)]
struct Insertion {
    name: Rc<str>,
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
        Some(Insertion { name: name.into(), optional, source })
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

    fn value(&self, entry: &Entry, topic: &str, with_schema: bool, arena: &mut Arena<'_>) -> Result<Cell> {
        arena.build(NONE, |b| {
            match &self.source {
                _ if !self.is_there(entry) => b.null(),
                Source::Topic if topic.is_empty() => b.null(),
                Source::Topic => b.str(topic),
                Source::Partition => b.i32(entry.partition),
                Source::Offset => b.i64(entry.offset),
                Source::Timestamp if with_schema => b.date(entry.timestamp),
                Source::Timestamp => b.i64(entry.timestamp),
                Source::Text(text) => b.str(text),
            }
            Ok(())
        })
    }
}

struct InsertField {
    half: Half,
    insertions: Vec<Insertion>,
    replace_null: bool,
    topic: String,
    derived: PerSchema<(u32, Rc<Schema>)>,
    parts: Vec<Part>,
}

impl InsertField {
    fn new(context: &Context, half: Half) -> Result<InsertField> {
        let config = definition().parse(&context.config)?;
        let text = config.text("static.value").map(|text| Source::Text(text.to_string()));
        let insertions: Vec<Insertion> = [
            Insertion::new(config.text("topic.field"), Source::Topic),
            Insertion::new(config.text("partition.field"), Source::Partition),
            Insertion::new(config.text("offset.field"), Source::Offset),
            Insertion::new(config.text("timestamp.field"), Source::Timestamp),
            text.clone().and_then(|text| Insertion::new(config.text("static.field"), text)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if config.text("static.field").is_some() && text.is_none() {
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
        Ok(InsertField {
            half,
            insertions,
            replace_null,
            topic: String::new(),
            derived: PerSchema::default(),
            parts: Vec::new(),
        })
    }

    fn add_to_map(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_map(record.cell(&cell), PURPOSE)?;
        record.take_apart(&cell, &mut self.parts);
        let entry = *record.entry;
        let there = || self.insertions.iter().filter(|i| i.is_there(&entry));
        for (i, insertion) in there().enumerate() {
            self.parts.retain(|part| !is_named(part, record.memory, &insertion.name));
            // Of insertions with one name the last one counts.
            if there().skip(i + 1).any(|later| later.name == insertion.name) {
                continue;
            }
            let name = record.arena.name_part(&insertion.name)?;
            self.parts.push(name.with(insertion.value(&entry, &self.topic, false, &mut record.arena)?));
        }
        let cell = record.arena.put_apart(&self.parts, Tag::Map, NONE)?;
        self.half.set(record, cell);
        Ok(())
    }

    fn add_to_struct(&mut self, record: &mut Record<'_>, cell: Cell) -> Result<()> {
        require_struct(record.cell(&cell), PURPOSE)?;
        let insertions = &self.insertions;
        let (index, old) = self.derived.get(record.dict, cell.schema, |dict, schema| {
            let mut new = same_basics(&schema);
            new.fields = schema.fields.clone();
            insertions.iter().try_for_each(|i| add_field(&mut new, i.field()))?;
            Ok((dict.intern_schema(&new)?, schema))
        })?;
        record.take_apart(&cell, &mut self.parts);
        for (part, field) in self.parts.iter_mut().zip(&old.fields) {
            *part = carry(*part, field, self.replace_null, &mut record.arena)?;
        }
        for insertion in &self.insertions {
            // The empty topic stands for none. What else may be missing is left out, also where it is required.
            if matches!(insertion.source, Source::Topic) && self.topic.is_empty() && !insertion.optional {
                return Err(null_in_required(&insertion.field()));
            }
            let value = insertion.value(record.entry, &self.topic, true, &mut record.arena)?;
            self.parts.push(Part::named(0, 0).with(value));
        }
        let cell = record.arena.put_apart(&self.parts, Tag::Struct, index)?;
        self.half.set(record, cell);
        Ok(())
    }
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
        if record.topic() != self.topic {
            self.topic = record.topic().to_string();
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
