//! AvroConverter: Avro with its schemas in a schema registry.

use std::collections::HashMap;
use std::rc::Rc;

use berth_guest::{
    CellOut, ConfigDef, ConfigKey, ConfigType, Context, Converter, Error, Importance, Make, Plugin, Result, Schema,
    Tag, ValueRef, NONE,
};

use crate::avro::read::{read, Read};
use crate::avro::schema::Avro;
use crate::avro::write::{plan, Write};
use crate::avro::{compatible, from_connect, to_connect, Options};
use crate::schemas::{by_id, id_of, latest, Known, Registered};
use crate::settings::{self, Settings};
use crate::wire;

const KIND: &str = "AVRO";

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Converter>> { Ok(Box::new(AvroConverter::new(context)?)) };
    Plugin::new(
        "io.confluent.connect.avro.AvroConverter",
        crate::VERSION,
        "Values as Avro, with their schemas in a schema registry.",
        Make::Converter(new),
    )
    .aliases(&["Avro", "AvroConverter"])
    .capabilities(&["schema-registry"])
    .config(definition())
}

fn definition() -> ConfigDef {
    let flag =
        |name, preset, doc| ConfigKey::new(name, ConfigType::Boolean, doc).default(preset).importance(Importance::Low);
    settings::definition(vec![
        flag("enhanced.avro.schema.support", "false", "Keep enums, and the packages of what is in a union."),
        flag("connect.meta.data", "true", "Write what only Connect knows of a schema into the Avro schema."),
        flag("scrub.invalid.names", "false", "Replace characters in names that Avro does not allow."),
        flag("ignore.default.for.nullables", "false", "Write null, not the default, where a nullable field is null."),
    ])
}

/// What a schema's id stands for.
#[derive(Debug)]
struct Reader {
    /// The Connect schema, as its bytes.
    schema: Vec<u8>,
    read: Read,
}

/// How values of a Connect schema are written.
#[derive(Debug)]
struct Writer {
    id: i32,
    write: Write,
}

struct AvroConverter {
    settings: Settings,
    options: Options,
    readers: Known<i32, Reader>,
    last_reader: Option<(i32, Rc<Reader>)>,
    /// By topic and Connect schema.
    writers: Known<(String, Vec<u8>), Writer>,
    /// The same by their indices in the batch of this generation.
    of_batch: (u64, HashMap<(u32, u32), Rc<Writer>>),
}

impl AvroConverter {
    fn new(context: &Context) -> Result<AvroConverter> {
        let (settings, config) = settings::read(context, &definition())?;
        Ok(AvroConverter {
            options: Options {
                enhanced: config.boolean("enhanced.avro.schema.support"),
                meta_data: config.boolean("connect.meta.data"),
                scrub: config.boolean("scrub.invalid.names"),
                null_over_default: config.boolean("ignore.default.for.nullables"),
            },
            readers: Known::new(settings.cache),
            last_reader: None,
            writers: Known::new(settings.cache),
            of_batch: (0, HashMap::new()),
            settings,
        })
    }

    fn reader(&mut self, id: i32, out: &mut CellOut<'_>) -> Result<Rc<Reader>> {
        if let Some((last, reader)) = &self.last_reader {
            if *last == id {
                return Ok(reader.clone());
            }
        }
        let reader = match self.readers.get(&id) {
            Some(reader) => reader,
            None => {
                let registered = by_id(id, KIND, out)?;
                let made = to_connect::translate(&*parse(&registered)?, self.options).map_err(|e| of_schema(id, e))?;
                let reader = Reader { schema: made.schema.to_bytes(), read: made.read };
                self.readers.put(id, reader, -1)
            }
        };
        self.last_reader = Some((id, reader.clone()));
        Ok(reader)
    }

    fn writer(&mut self, index: u32, schema: &Schema, out: &mut CellOut<'_>) -> Result<Rc<Writer>> {
        let generation = out.dict.generation();
        if self.of_batch.0 != generation {
            self.of_batch = (generation, HashMap::new());
        }
        let place = (out.topic_index(), index);
        if let Some(writer) = self.of_batch.1.get(&place) {
            return Ok(writer.clone());
        }
        let key = (out.topic().to_string(), schema.to_bytes());
        let writer = match self.writers.get(&key) {
            Some(writer) => writer,
            None => {
                let made = self.make_writer(&key.0, schema, out)?;
                let seconds = if self.settings.use_latest { self.settings.latest_seconds } else { -1 };
                self.writers.put(key, made, seconds)
            }
        };
        self.of_batch.1.insert(place, writer.clone());
        Ok(writer)
    }

    fn make_writer(&self, topic: &str, schema: &Schema, out: &mut CellOut<'_>) -> Result<Writer> {
        let text = from_connect::translate(schema, self.options)?;
        let record = from_connect::record_name(schema, self.options);
        let own = Avro::parse(&text, &[])?;
        if self.settings.schema_id >= 0 {
            let registered = by_id(self.settings.schema_id, KIND, out)?;
            return self.with_registered(schema, &own, &registered, "the schema of use.schema.id");
        }
        let subject = self.settings.subject(topic, record.as_deref())?;
        if self.settings.use_latest {
            let registered = latest(&subject, KIND, out)?;
            return self.with_registered(schema, &own, &registered, &format!("the newest schema of subject {subject}"));
        }
        let id = id_of(&self.settings, &subject, KIND, &text, out)?;
        Ok(Writer { id, write: plan(schema, &own, self.options)? })
    }

    fn with_registered(&self, schema: &Schema, own: &Avro, registered: &Registered, what: &str) -> Result<Writer> {
        let avro = parse(registered)?;
        if let (true, Some(why)) = (self.settings.strict_latest, compatible::problem(&avro, own)) {
            return Err(Error::data(format!(
                "{what} (id {}) can't read the record's schema: {why}; register one that can, or set \
                 latest.compatibility.strict=false",
                registered.id
            )));
        }
        Ok(Writer { id: registered.id, write: plan(schema, &avro, self.options)? })
    }
}

fn parse(registered: &Registered) -> Result<Rc<Avro>> {
    let before: Vec<&str> = registered.references.iter().map(|r| r.text.as_str()).collect();
    Avro::parse(&registered.text, &before).map_err(|error| of_schema(registered.id, error))
}

fn of_schema(id: i32, mut error: Error) -> Error {
    error.message = format!("schema {id}: {}", error.message);
    error
}

impl Converter for AvroConverter {
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        if raw.is_null() {
            out.null(NONE);
            return Ok(());
        }
        let (id, payload) = wire::split(raw.payload)?;
        let reader = self.reader(id, out)?;
        let schema = out.schema_bytes(&reader.schema)?;
        out.build(schema, |b| read(&reader.read, payload, b)).map_err(|error| of_schema(id, error))
    }

    fn from_connect(&mut self, value: ValueRef<'_>, index: u32, out: &mut CellOut<'_>) -> Result<()> {
        let Some(schema) = out.dict.schema(index)? else {
            if value.is_null() {
                out.null(NONE);
                return Ok(());
            }
            return Err(Error::data(format!(
                "a value without a schema ({:?}) can't be written as Avro: have the source give one (JsonConverter with \
                 schemas.enable=true, StringConverter), or use JsonConverter",
                value.tag
            )));
        };
        if value.is_null() && schema.optional && schema.default.is_none() {
            out.null(NONE);
            return Ok(());
        }
        let writer = self.writer(index, &schema, out)?;
        out.write(Tag::Raw, NONE, |bytes| {
            wire::begin(writer.id, bytes);
            writer.write.value(value, bytes)
        })
    }
}
