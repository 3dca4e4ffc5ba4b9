//! The converter that all formats share: frames, ids, subjects, and what is kept so that the registry is asked once.

use std::collections::HashMap;
use std::rc::Rc;

use berth_guest::{CellOut, Converter, Error, Result, Schema, Tag, ValueRef, NONE};

use crate::schemas::{by_id, id_of, latest, Known, Registered};
use crate::settings::Settings;
use crate::wire;

/// A language of schemas with its encoding of data.
pub trait Format {
    /// The registry's word for it.
    const KIND: &'static str;
    /// How data of a schema is read.
    type Reader;
    /// How values of a Connect schema are written.
    type Writer;

    /// Splits what tells one of the schema's types off the payload.
    fn select<'p>(&self, payload: &'p [u8]) -> Result<(&'p [u8], &'p [u8])> {
        Ok((&[], payload))
    }

    /// The Connect schema of a registered one's selected type, and how its data is read.
    fn reader(&self, registered: &Registered, selected: &[u8]) -> Result<(Schema, Self::Reader)>;

    /// The schema to register for a Connect schema: its text, and the name that subjects may have.
    fn describe(&self, schema: &Schema) -> Result<(String, Option<String>)>;

    /// How values of a Connect schema are written as data of a registered one.
    fn writer(&self, schema: &Schema, registered: &Registered) -> Result<Self::Writer>;

    /// Says why a registered schema can't read data of another one; `None`: it can.
    fn problem(&self, registered: &Registered, own: &str) -> Result<Option<String>>;

    /// Reads a payload into the cell, under the schema with that index.
    fn read(&self, reader: &Self::Reader, payload: &[u8], schema: u32, out: &mut CellOut<'_>) -> Result<()>;

    /// Appends the payload of a value.
    fn write(&self, writer: &Self::Writer, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()>;
}

/// What a schema's id stands for.
struct Reader<R> {
    /// The Connect schema, as its bytes.
    schema: Vec<u8>,
    read: R,
}

/// How values of a Connect schema are written.
struct Writer<W> {
    id: i32,
    write: W,
}

type LastReader<R> = ((i32, Vec<u8>), Rc<Reader<R>>);

/// A batch's generation, and writers by the indices of topic and schema in it.
type OfBatch<W> = (u64, HashMap<(u32, u32), Rc<Writer<W>>>);

pub struct RegistryConverter<F: Format> {
    format: F,
    settings: Settings,
    /// By the schema's id and what selects its type.
    readers: Known<(i32, Vec<u8>), Reader<F::Reader>>,
    last_reader: Option<LastReader<F::Reader>>,
    /// By topic and Connect schema.
    writers: Known<(String, Vec<u8>), Writer<F::Writer>>,
    /// The same by their indices in the batch of this generation.
    of_batch: OfBatch<F::Writer>,
}

impl<F: Format> RegistryConverter<F> {
    pub fn new(format: F, settings: Settings) -> Self {
        RegistryConverter {
            format,
            readers: Known::new(settings.cache),
            last_reader: None,
            writers: Known::new(settings.cache),
            of_batch: (0, HashMap::new()),
            settings,
        }
    }

    fn reader(&mut self, id: i32, selected: &[u8], out: &mut CellOut<'_>) -> Result<Rc<Reader<F::Reader>>> {
        if let Some((last, reader)) = &self.last_reader {
            if last.0 == id && last.1 == selected {
                return Ok(reader.clone());
            }
        }
        let key = (id, selected.to_vec());
        let reader = match self.readers.get(&key) {
            Some(reader) => reader,
            None => {
                let registered = by_id(id, F::KIND, out)?;
                let made = self.format.reader(&registered, selected);
                let (schema, read) = made.map_err(|error| of_schema(id, error))?;
                self.readers.put(key.clone(), Reader { schema: schema.to_bytes(), read }, -1)
            }
        };
        self.last_reader = Some((key, reader.clone()));
        Ok(reader)
    }

    fn writer(&mut self, index: u32, schema: &Schema, out: &mut CellOut<'_>) -> Result<Rc<Writer<F::Writer>>> {
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

    fn make_writer(&self, topic: &str, schema: &Schema, out: &mut CellOut<'_>) -> Result<Writer<F::Writer>> {
        let (text, record) = self.format.describe(schema)?;
        if self.settings.schema_id >= 0 {
            let registered = by_id(self.settings.schema_id, F::KIND, out)?;
            return self.with_registered(schema, &text, &registered, "the schema of use.schema.id");
        }
        let subject = self.settings.subject(topic, record.as_deref())?;
        if self.settings.use_latest {
            let registered = latest(&subject, F::KIND, out)?;
            return self.with_registered(
                schema,
                &text,
                &registered,
                &format!("the newest schema of subject {subject}"),
            );
        }
        let id = id_of(&self.settings, &subject, F::KIND, &text, out)?;
        let own = Registered { id, kind: F::KIND.into(), text, references: Vec::new() };
        Ok(Writer { id, write: self.format.writer(schema, &own)? })
    }

    fn with_registered(
        &self,
        schema: &Schema,
        own: &str,
        registered: &Registered,
        what: &str,
    ) -> Result<Writer<F::Writer>> {
        let id = registered.id;
        if self.settings.strict_latest {
            if let Some(why) = self.format.problem(registered, own).map_err(|error| of_schema(id, error))? {
                return Err(Error::data(format!(
                    "{what} (id {id}) can't read the record's schema: {why}; register one that can, or set \
                     latest.compatibility.strict=false"
                )));
            }
        }
        Ok(Writer { id, write: self.format.writer(schema, registered)? })
    }
}

fn of_schema(id: i32, mut error: Error) -> Error {
    error.message = format!("schema {id}: {}", error.message);
    error
}

impl<F: Format> Converter for RegistryConverter<F> {
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        if raw.is_null() {
            out.null(NONE);
            return Ok(());
        }
        let (id, payload) = wire::split(raw.payload)?;
        let (selected, payload) = self.format.select(payload).map_err(|error| of_schema(id, error))?;
        let reader = self.reader(id, selected, out)?;
        let schema = out.schema_bytes(&reader.schema)?;
        self.format.read(&reader.read, payload, schema, out).map_err(|error| of_schema(id, error))
    }

    fn from_connect(&mut self, value: ValueRef<'_>, index: u32, out: &mut CellOut<'_>) -> Result<()> {
        let Some(schema) = out.dict.schema(index)? else {
            if value.is_null() {
                out.null(NONE);
                return Ok(());
            }
            return Err(Error::data(format!(
                "a value without a schema ({:?}) can't be registered: have the source give one (JsonConverter with \
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
            self.format.write(&writer.write, value, bytes)
        })
    }
}
