//! What an author implements, and the registry entry of a plugin.

use std::rc::Rc;
use std::time::Duration;

use crate::batch::Batch;
use crate::config::{Config, ConfigDef};
use crate::dictionary::Dictionaries;
use crate::error::{Error, Result};
use crate::fields::{Decode, Part};
use crate::limits;
use crate::memory::Memory;
use crate::plan::Context;
use crate::record::{CellOut, Record};
use crate::sketch::{CellSketch, Sketch, SketchWriter};
use crate::stage::Pass;
use crate::state::State;
use crate::value::{Tag, Value, ValueRef};

/// When a source wants to be polled again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once, as soon as the host takes the batch.
    Now,
    /// After that time.
    After(Duration),
    /// When that file descriptor has something to read.
    Readable(u32),
    /// Never: all was emitted. Events still arrive.
    Never,
}

/// Reads a foreign system.
pub trait Source {
    /// Appends records to the batch, at most as many as the context's limits say. Must not wait.
    fn poll(&mut self, batch: &mut Batch) -> Result<Next>;

    /// These batches (numbered from 1 in order of non-empty polls) are written in Kafka or were dropped.
    fn durable(&mut self, _batches: &[i64]) -> Result<()> {
        Ok(())
    }

    /// Offsets up to this batch are stored: acknowledge to the foreign system.
    fn committed(&mut self, _batch: i64) -> Result<()> {
        Ok(())
    }

    fn stop(&mut self) {}
}

/// A topic partition with an offset: the next one to be read, −1 if not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicOffset {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

/// A record that a sink gives up after an earlier put took it, at the place that it had in Kafka.
#[derive(Clone, Debug)]
pub struct Errant {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub error: Error,
}

impl Errant {
    /// The body of the message that says so.
    pub(crate) fn to_body(&self) -> Vec<u8> {
        let text = self.error.text();
        let mut entries = vec![
            ("topic", Value::str(&self.topic)),
            ("partition", Value::Int32(self.partition)),
            ("offset", Value::Int64(self.offset)),
            ("message", Value::str(limits::cut(&text, limits::ERROR_BYTES))),
        ];
        if let Some(class) = self.error.class {
            entries.push(("class", Value::str(limits::cut(class, limits::ERROR_CLASS_BYTES))));
        }
        Value::Map(entries.into_iter().map(|(key, value)| (Value::str(key), value)).collect()).to_body()
    }
}

/// Writes to a foreign system.
pub trait Sink {
    /// Takes the records of the batch. A retriable error has the same batch delivered again; single records are given
    /// up with [`Batch::fail`].
    fn put(&mut self, batch: &mut Batch) -> Result<()>;

    /// Whether it never looks at keys and values.
    fn ignores_values(&self) -> bool {
        false
    }

    /// Makes all that was put durable; returns the offsets that are safe to commit.
    fn flush(&mut self, offsets: Vec<TopicOffset>) -> Result<Vec<TopicOffset>> {
        Ok(offsets)
    }

    /// Hands over the records that it gives up although an earlier put took them (Connect's ErrantRecordReporter). It is
    /// asked after each put, and after each flush: what that said is committed once they are in the dead-letter topic.
    fn take_errant(&mut self) -> Vec<Errant> {
        Vec::new()
    }

    fn open(&mut self, _partitions: &[TopicOffset]) -> Result<()> {
        Ok(())
    }

    fn close(&mut self, _partitions: &[TopicOffset]) -> Result<()> {
        Ok(())
    }

    fn stop(&mut self) {}
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Keep,
    Drop,
}

/// Changes, drops or multiplies records.
pub trait Transform {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome>;

    /// Applies it to the records of a batch. Not to be written by hand: it is here so that each transform has a loop of
    /// its own, into which `apply` is inlined, in place of a virtual call per record.
    #[doc(hidden)]
    fn apply_to_all(&mut self, pass: &mut Pass<'_>) {
        pass.each(|record| self.apply(record));
    }

    /// Whether it reads keys and values that lie apart as such, or none at all: by [`Record::lay_apart`],
    /// [`Record::field`], [`Record::read`] or [`Record::whole`]. What it then puts as key or value may lie apart, too; its
    /// list of fields belongs to it alone.
    fn takes_apart(&self) -> bool {
        false
    }

    /// Does to a sketch what it does to each record; false if a sketch can't show it. `dict` has the schemas. What it does
    /// must follow from the record alone; what it leaves out must be free ([`crate::FieldSketch::is_free`]).
    fn sketch(&mut self, _sketch: &mut Sketch, _dict: &mut Dictionaries) -> Result<bool> {
        Ok(false)
    }

    /// What another version of it takes over, for plugins that are [`Plugin::keeping_state`].
    fn state(&mut self) -> Option<&mut dyn State> {
        None
    }
}

/// Says something of a record; a transform may be guarded by it.
pub trait Predicate {
    fn test(&mut self, record: &mut Record<'_>) -> Result<bool>;

    /// See [`Transform::takes_apart`].
    fn takes_apart(&self) -> bool {
        false
    }

    /// See [`Transform::state`].
    fn state(&mut self) -> Option<&mut dyn State> {
        None
    }
}

/// Translates between the bytes in Kafka and Connect values.
pub trait Converter {
    /// `raw` is RAW or NULL.
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()>;

    /// `schema` is the index of the value's schema.
    #[allow(clippy::wrong_self_convention, reason = "the pair of to_connect, as Connect names them")]
    fn from_connect(&mut self, value: ValueRef<'_>, schema: u32, out: &mut CellOut<'_>) -> Result<()>;

    /// The same for a map or struct that lies apart; `None`: it has to be put together first.
    fn parts_writer(&mut self) -> Option<&mut dyn PartsWriter> {
        None
    }

    /// What writes sketched keys or values as [`Converter::from_connect`] does; `None` if nothing can.
    fn sketch_writer(
        &mut self,
        _sketch: &CellSketch,
        _dict: &mut Dictionaries,
    ) -> Result<Option<Rc<dyn SketchWriter>>> {
        Ok(None)
    }

    /// Whether null without a schema becomes null, always.
    fn keeps_null(&self) -> bool {
        false
    }

    /// Reads texts that [`Converter::to_connect`] leaves unread.
    fn decode(&self) -> Option<Decode> {
        None
    }

    /// See [`Transform::state`].
    fn state(&mut self) -> Option<&mut dyn State> {
        None
    }
}

/// A converter that writes values that lie apart.
pub trait PartsWriter {
    /// `tag` is MAP or STRUCT, `schema` the index of its schema.
    fn convert(&mut self, parts: &[Part], tag: Tag, memory: &Memory, schema: u32, out: &mut CellOut<'_>) -> Result<()>;
}

/// What a connector instance does between events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Look again after that time.
    After(Duration),
    /// Tasks need new configurations now; look again after that time.
    Reconfigure(Duration),
    Never,
}

/// Divides a connector's work into tasks.
pub trait Connector {
    fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>>;

    /// Called while the connector runs, for plugins that watch for changes.
    fn watch(&mut self) -> Result<Watch> {
        Ok(Watch::Never)
    }

    fn stop(&mut self) {}
}

/// Gives every task the connector's configuration.
#[derive(Debug)]
pub struct SameConfig {
    pub config: Config,
    pub limit: usize,
}

impl Connector for SameConfig {
    fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>> {
        Ok(vec![self.config.clone(); max_tasks.min(self.limit)])
    }
}

/// Makes a plugin from its context; wrong configurations are refused here.
pub type New<T> = fn(&Context) -> Result<Box<T>>;

/// How the plugin is made, by kind.
#[derive(Clone, Copy)]
pub enum Make {
    Source(New<dyn Connector>, New<dyn Source>),
    Sink(New<dyn Connector>, New<dyn Sink>),
    Transform(New<dyn Transform>),
    Predicate(New<dyn Predicate>),
    Converter(New<dyn Converter>),
}

/// What validation has to say about one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remark {
    pub name: String,
    pub value: Option<String>,
    pub errors: Vec<String>,
    pub recommended: Vec<String>,
    pub hidden: bool,
}

/// What became of offsets that a user sets for a stopped connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Altered {
    /// Offsets of this connector can't be set from outside.
    Unsupported,
    /// Only those that Connect keeps; the connector may keep others in its own system.
    InConnect,
    /// All there are.
    Everywhere,
}

/// Agrees to offsets that a user sets: partition (a map, or null if the user wrote that) and offset (a map, or null to
/// delete it). A sink's maps have the keys `kafka_topic`, `kafka_partition` and `kafka_offset`.
pub type AlterOffsets = fn(&Config, &[(Value, Value)]) -> Result<Altered>;

/// Says whether a source can do something under a configuration; `None`: it does not say (Connect's null).
pub type Supports = fn(&Config) -> Result<Option<bool>>;

/// A plugin of the module.
#[derive(Clone)]
pub struct Plugin {
    pub class: &'static str,
    pub aliases: Vec<&'static str>,
    pub version: &'static str,
    pub doc: &'static str,
    /// Class name of the tasks; empty = class.
    pub task_class: &'static str,
    pub capabilities: Vec<&'static str>,
    /// What of a capability alone; one that is not here is asked for as a whole.
    pub needs: Vec<(&'static str, Vec<&'static str>)>,
    /// The connector instance stays alive to ask for a new division into tasks.
    pub watches: bool,
    /// Its stages have a [`State`].
    pub keeps_state: bool,
    /// Records of a source come with source partition and offset; else only where its module is the source's, too.
    pub wants_source: bool,
    /// A converter that also serves as header converter.
    pub headers: bool,
    /// Kind in the manifest where it is not that of `make`.
    kind: Option<&'static str>,
    pub config: ConfigDef,
    pub validate: fn(&Config) -> Vec<Remark>,
    /// Asked before a user's offsets for the stopped connector are stored; `None`: [`Altered::InConnect`].
    pub alter_offsets: Option<AlterOffsets>,
    /// Whether a source delivers exactly once; `None`: it does not say.
    pub exactly_once: Option<Supports>,
    /// Whether a source ends transactions itself; `None`: it does not.
    pub transaction_boundaries: Option<Supports>,
    pub make: Make,
}

impl Plugin {
    pub fn new(class: &'static str, version: &'static str, doc: &'static str, make: Make) -> Plugin {
        Plugin {
            class,
            aliases: Vec::new(),
            version,
            doc,
            task_class: "",
            capabilities: Vec::new(),
            needs: Vec::new(),
            watches: false,
            keeps_state: false,
            wants_source: false,
            headers: false,
            kind: None,
            config: ConfigDef::default(),
            validate: |_| Vec::new(),
            alter_offsets: None,
            exactly_once: None,
            transaction_boundaries: None,
            make,
        }
    }

    pub fn aliases(mut self, aliases: &[&'static str]) -> Self {
        self.aliases = aliases.to_vec();
        self
    }

    pub fn task_class(mut self, class: &'static str) -> Self {
        self.task_class = class;
        self
    }

    /// `files`, `stdio`, `net`, `schema-registry`, `secrets`, `topics` (whose needs are `read:PATTERN`, `write:PATTERN`).
    pub fn capabilities(mut self, wanted: &[&'static str]) -> Self {
        self.capabilities = wanted.to_vec();
        self
    }

    /// Narrows a capability: of `net` to host:port, of `files` to directories, of `secrets` to configuration keys.
    pub fn needs(mut self, capability: &'static str, parts: &[&'static str]) -> Self {
        self.needs.push((capability, parts.to_vec()));
        self
    }

    pub fn config(mut self, config: ConfigDef) -> Self {
        self.config = config;
        self
    }

    pub fn validate(mut self, validate: fn(&Config) -> Vec<Remark>) -> Self {
        self.validate = validate;
        self
    }

    pub fn alter_offsets(mut self, alter: AlterOffsets) -> Self {
        self.alter_offsets = Some(alter);
        self
    }

    pub fn exactly_once(mut self, supports: Supports) -> Self {
        self.exactly_once = Some(supports);
        self
    }

    pub fn transaction_boundaries(mut self, supports: Supports) -> Self {
        self.transaction_boundaries = Some(supports);
        self
    }

    pub fn for_headers(mut self) -> Self {
        self.headers = true;
        self
    }

    /// A converter for headers alone.
    pub fn only_headers(mut self) -> Self {
        self.kind = Some("header_converter");
        self
    }

    pub fn watching(mut self) -> Self {
        self.watches = true;
        self
    }

    pub fn keeping_state(mut self) -> Self {
        self.keeps_state = true;
        self
    }

    pub fn wanting_source(mut self) -> Self {
        self.wants_source = true;
        self
    }

    pub(crate) fn answers_to(&self, name: &str) -> bool {
        self.class == name || self.aliases.contains(&name)
    }

    fn kind(&self) -> &'static str {
        match self.make {
            Make::Source(..) => "source",
            Make::Sink(..) => "sink",
            Make::Transform(_) => "transform",
            Make::Predicate(_) => "predicate",
            Make::Converter(_) => "converter",
        }
    }

    fn to_value(&self, kind: &str) -> Value {
        let mut value = Value::map([
            ("class", Value::str(self.class)),
            ("aliases", Value::strings(&self.aliases)),
            ("kind", Value::str(kind)),
            ("version", Value::str(self.version)),
            ("doc", Value::str(self.doc)),
            ("task_class", Value::str(self.task_class)),
            ("config", self.config.to_value()),
            ("capabilities", Value::strings(&self.capabilities)),
            ("watches", Value::Boolean(self.watches)),
        ]);
        let Value::Map(entries) = &mut value else { unreachable!("it was made one above") };
        if !self.needs.is_empty() {
            let needs = self.needs.iter().map(|(capability, parts)| (Value::str(*capability), Value::strings(parts)));
            entries.push((Value::str("needs"), Value::Map(needs.collect())));
        }
        let wishes = [
            ("alters_offsets", self.alter_offsets.is_some()),
            ("goes_alone", matches!(self.make, Make::Source(..) | Make::Sink(..))),
            ("keeps_state", self.keeps_state),
            ("wants_source", self.wants_source),
        ];
        for (wish, _) in wishes.iter().filter(|(_, holds)| *holds) {
            entries.push((Value::str(*wish), Value::Boolean(true)));
        }
        value
    }
}

/// The manifest of a module (section 8 of the ABI).
pub fn manifest(plugins: &[Plugin]) -> Value {
    let mut list = Vec::new();
    for plugin in plugins {
        list.push(plugin.to_value(plugin.kind.unwrap_or(plugin.kind())));
        if plugin.headers {
            list.push(plugin.to_value("header_converter"));
        }
    }
    Value::map([
        ("abi", Value::Int32(1)),
        ("sdk", Value::str(concat!("rust ", env!("CARGO_PKG_VERSION")))),
        ("plugins", Value::Array(list)),
    ])
}
