//! JsonConverter: JSON with or without the schema envelope.

use std::collections::HashMap;
use std::rc::Rc;

use berth_guest::{
    part_of, Builder, CellOut, CellSketch, Config, ConfigDef, ConfigKey, ConfigType, Context, Converter, Decode,
    Dictionaries, Error, Importance, Make, Memory, Part, PartsWriter, PerSchema, Plugin, Result, Schema, Scratch,
    SketchWriter, Tag, Type, Validator, ValueRef, NONE,
};

use crate::converter_type;
use crate::json_encoding;
use crate::json_fields::fields;
use crate::json_lexer::{Lexer, Problem, Read};
use crate::json_node::build_node;
use crate::json_schema;
use crate::json_shapes::Shapes;
use crate::json_struct::{Listed, StructWriter};
use crate::json_typed::{self, Envelope};
use crate::json_writer::{Apart, Style};
use crate::logical_types::is_logical;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Converter>> { Ok(Box::new(JsonConverter::new(context)?)) };
    Plugin::new(
        "org.apache.kafka.connect.json.JsonConverter",
        crate::KAFKA_VERSION,
        "Values as JSON, with their schema beside them or without.",
        Make::Converter(new),
    )
    .aliases(&["Json", "JsonConverter"])
    .config(definition())
    .for_headers()
}

fn definition() -> ConfigDef {
    let formats = ["NUMERIC", "BASE64"].map(String::from).to_vec();
    ConfigDef::new(vec![
        converter_type::key(),
        ConfigKey::new("schemas.enable", ConfigType::Boolean, "Write and expect a schema beside each value.")
            .default("true")
            .importance(Importance::High)
            .shown("Schemas", 0, "MEDIUM", "Enable Schemas"),
        ConfigKey::new("schemas.cache.size", ConfigType::Int, "Most schemas that are kept translated.")
            .default("1000")
            .importance(Importance::High)
            .shown("Schemas", 1, "MEDIUM", "Schema Cache Size"),
        ConfigKey::new("decimal.format", ConfigType::String, "How decimals are written: as base64 or as numbers.")
            .default("BASE64")
            .importance(Importance::Low)
            .validator(Validator::OneOfCi(formats))
            .shown("Serialization", 0, "MEDIUM", "Decimal Format"),
        ConfigKey::new(
            "replace.null.with.default",
            ConfigType::Boolean,
            "Write and read a field's default in place of null.",
        )
        .default("true")
        .importance(Importance::Low)
        .shown("Serialization", 1, "MEDIUM", "Replace null with default"),
    ])
}

struct JsonConverter {
    schemas: bool,
    /// Schema of `schema.content`: payloads come without an envelope.
    content: Option<Rc<Known>>,
    style: Style,
    /// `{"schema":…,"payload":` for each schema of the batch.
    prefixes: PerSchema<Rc<[u8]>>,
    /// What writes structs; `None`: the general writer has to.
    structs: PerSchema<Option<Rc<StructWriter>>>,
    known: KnownSchemas,
    /// Fields of the object at hand, and room for one of them.
    parts: Vec<Part>,
    scratch: Scratch,
    /// Objects that were read.
    shapes: Shapes,
    /// Room for texts that are not UTF-8.
    room: Vec<u8>,
}

/// A schema that was read.
#[derive(Debug)]
struct Known {
    text: Box<str>,
    /// The schema and its bytes; none for JSON null.
    schema: Option<(Rc<Schema>, Vec<u8>)>,
}

/// Schemas by their JSON text.
#[derive(Debug)]
struct KnownSchemas {
    limit: usize,
    last: Option<Rc<Known>>,
    all: HashMap<Box<str>, Rc<Known>>,
}

impl KnownSchemas {
    fn get(&mut self, text: &str, replace_null: bool) -> Result<Rc<Known>> {
        if let Some(last) = self.last.as_ref().filter(|last| *last.text == *text) {
            return Ok(last.clone());
        }
        let known = match self.all.get(text) {
            Some(known) => known.clone(),
            None => {
                let known = Rc::new(Known::read(text, replace_null)?);
                if self.all.len() >= self.limit {
                    self.all.clear();
                }
                if self.limit > 0 {
                    self.all.insert(text.into(), known.clone());
                }
                known
            }
        };
        self.last = Some(known.clone());
        Ok(known)
    }
}

impl Known {
    fn read(text: &str, replace_null: bool) -> Result<Known> {
        let node = Lexer::new(text).node(0).map_err(broken)?;
        let schema = json_schema::schema(&node, replace_null)?;
        let schema = schema.map(|schema| {
            let bytes = schema.to_bytes();
            (schema, bytes)
        });
        Ok(Known { text: text.into(), schema })
    }
}

const ENVELOPE: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not \
     contain additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your \
     converter configuration.";

/// `schema.content` came with Kafka 4.2: no version of the definition that is imitated here lists it.
fn content(config: &Config, replace_null: bool) -> Result<Option<Rc<Known>>> {
    let Some(text) = config.get("schema.content").map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let invalid = |error: Error| {
        let cause = error.causes.first().map_or(error.message.as_str(), |(_, message)| message);
        Error::config(format!(
            "Invalid value {text} for configuration schema.content: {cause}; give a schema as an envelope would hold it"
        ))
    };
    let known = Known::read(text, replace_null).map_err(invalid)?;
    Ok(known.schema.is_some().then(|| Rc::new(known)))
}

impl JsonConverter {
    fn new(context: &Context) -> Result<JsonConverter> {
        let config = definition().parse(&converter_type::fill(context))?;
        let style = Style {
            replace_null: config.boolean("replace.null.with.default"),
            numeric: config.string("decimal.format").eq_ignore_ascii_case("NUMERIC"),
        };
        let limit = config.int("schemas.cache.size").max(0) as usize;
        Ok(JsonConverter {
            schemas: config.boolean("schemas.enable"),
            content: content(&context.config, style.replace_null)?,
            style,
            prefixes: PerSchema::default(),
            structs: PerSchema::default(),
            known: KnownSchemas { limit, last: None, all: HashMap::new() },
            parts: Vec::new(),
            scratch: Scratch::default(),
            shapes: Shapes::default(),
            room: Vec::new(),
        })
    }

    /// `at` is where the text begins in the record's bytes, if it is there as it stands.
    fn read(&mut self, text: &str, at: Option<usize>, out: &mut CellOut<'_>) -> Result<()> {
        match (self.schemas, &self.content) {
            (false, _) => self.read_plain(text, at, out),
            (true, Some(content)) => self.read_typed(&content.clone(), text, out),
            (true, None) => self.read_envelope(text, out),
        }
    }

    fn read_plain(&mut self, text: &str, at: Option<usize>, out: &mut CellOut<'_>) -> Result<()> {
        let mut lexer = Lexer::new(text);
        match (lexer.peek(), at.filter(|_| out.may_be_apart())) {
            (None, _) => {
                out.null(NONE);
                return Ok(());
            }
            (Some(b'{'), Some(at)) => match fields(text, part_of(out.cell.off, at), &mut self.parts) {
                Ok(()) => {
                    self.shapes.learn(text);
                    *out.cell = out.arena.put_apart(&self.parts, Tag::Map, NONE)?;
                    return Ok(());
                }
                Err(Problem::Duplicate) => {}
                Err(problem) => return Err(broken(problem)),
            },
            _ => {}
        }
        out.build(NONE, |b| read(text, b).map_err(broken))
    }

    fn read_envelope(&mut self, text: &str, out: &mut CellOut<'_>) -> Result<()> {
        if self.read_as_before(text, out)? {
            return Ok(());
        }
        if Lexer::new(text).is_blank() {
            return Err(Error::data(ENVELOPE));
        }
        let Some(Envelope { schema, payload }) = json_typed::envelope(text).map_err(broken)? else {
            return Err(Error::data(ENVELOPE));
        };
        let known = self.known.get(schema, self.style.replace_null)?;
        self.read_typed(&known, payload, out)
    }

    /// Records come with the schema of the one before, as the same bytes: then it is compared, not read.
    fn read_as_before(&mut self, text: &str, out: &mut CellOut<'_>) -> Result<bool> {
        let Some(last) = &self.known.last else { return Ok(false) };
        match json_typed::payload_behind(text, &last.text) {
            Some(payload) => self.one_pass(last, payload, true, out),
            None => Ok(false),
        }
    }

    fn read_typed(&mut self, known: &Known, payload: &str, out: &mut CellOut<'_>) -> Result<()> {
        let Some((schema, bytes)) = &known.schema else { return self.read_plain(payload, None, out) };
        if self.one_pass(known, payload, false, out)? {
            return Ok(());
        }
        let node = Lexer::new(payload).node(0).map_err(broken)?;
        let value = json_schema::value(schema, Some(&node), self.style.replace_null)?;
        let index = out.schema_bytes(bytes)?;
        out.write(value.tag(), index, |out| {
            value.encode(out);
            Ok(())
        })
    }

    /// Reads a payload in one pass; false = it takes the careful reader. `closes`: the end of the envelope must follow.
    fn one_pass(&self, known: &Known, payload: &str, closes: bool, out: &mut CellOut<'_>) -> Result<bool> {
        let Some((schema, bytes)) = &known.schema else { return Ok(false) };
        let index = out.schema_bytes(bytes)?;
        let built = out.build(index, |b| {
            let mut lexer = Lexer::new(payload);
            let done = json_typed::build(&mut lexer, schema, self.style.replace_null, b);
            match done.is_some() && (!closes || lexer.another(b'}') == Ok(false)) {
                true => Ok(()),
                false => Err(Error::data("")),
            }
        });
        Ok(built.is_ok())
    }
}

/// Reads a text in one pass, or, if an object may name a member twice, with care.
fn read(text: &str, b: &mut Builder<'_>) -> Read<()> {
    let mark = b.mark();
    match Lexer::new(text).build(b) {
        Err(Problem::Duplicate) => {
            b.back_to(mark);
            build_node(&Lexer::new(text).node(0)?, b);
            Ok(())
        }
        done => done,
    }
}

/// Reads a text that was checked before.
fn decode(text: &[u8], b: &mut Builder<'_>) {
    if read(berth_guest::text(text).unwrap_or("null"), b).is_err() {
        b.null();
    }
}

fn broken(problem: Problem) -> Error {
    let what = match problem {
        Problem::Syntax(what) => what,
        Problem::Duplicate => "duplicate member".into(),
    };
    Error::data("Converting byte[] to Kafka Connect data failed due to serialization error: ")
        .caused_by("org.apache.kafka.common.errors.SerializationException", what)
}

impl Converter for JsonConverter {
    fn to_connect(&mut self, raw: ValueRef<'_>, out: &mut CellOut<'_>) -> Result<()> {
        if raw.is_null() {
            out.null(NONE);
            return Ok(());
        }
        if !self.schemas && out.may_be_apart() {
            let place = (out.cell.off, out.dict.generation());
            let (reach, shapes) = (out.reach(), &mut self.shapes);
            let find = |parts: &mut Vec<Part>| shapes.fields(reach, raw.payload.len(), place, parts);
            if let Some(map) = out.arena.list_apart(Tag::Map, NONE, find)? {
                *out.cell = map;
                return Ok(());
            }
        }
        let mut room = std::mem::take(&mut self.room);
        let done = match json_encoding::text(raw.payload, &mut room) {
            Ok(text) => {
                let at = (text.as_ptr() as usize).wrapping_sub(raw.payload.as_ptr() as usize);
                self.read(text, Some(at).filter(|at| *at <= raw.payload.len()), out)
            }
            Err(problem) => Err(broken(problem)),
        };
        self.room = room;
        done
    }

    fn from_connect(&mut self, value: ValueRef<'_>, schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        let declared = out.dict.schema(schema)?;
        if value.is_null() && declared.is_none() {
            out.null(NONE);
            return Ok(());
        }
        let style = self.style;
        self.write(schema, declared.is_some(), out, |dict, bytes| style.value(value, declared.as_deref(), dict, bytes))
    }

    fn parts_writer(&mut self) -> Option<&mut dyn PartsWriter> {
        Some(self)
    }

    fn sketch_writer(&mut self, sketch: &CellSketch, dict: &mut Dictionaries) -> Result<Option<Rc<dyn SketchWriter>>> {
        let writer = match sketch {
            CellSketch::Untouched => None,
            CellSketch::Struct { schema, .. } => self.struct_writer(*schema, dict)?,
            CellSketch::Field { schema, .. } => match dict.schema(*schema)? {
                Some(schema) => Some(Rc::new(StructWriter::of_value(self.style, &schema, self.schemas, dict)?)),
                None => None,
            },
        };
        Ok(writer.map(|writer| writer as Rc<dyn SketchWriter>))
    }

    fn keeps_null(&self) -> bool {
        true
    }

    fn decode(&self) -> Option<Decode> {
        Some(decode)
    }
}

impl PartsWriter for JsonConverter {
    fn convert(&mut self, parts: &[Part], tag: Tag, memory: &Memory, schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        if tag == Tag::Struct && schema != NONE {
            if let Some(writer) = self.struct_writer(schema, out.dict)? {
                let dict = &mut *out.dict;
                *out.cell = out
                    .arena
                    .write(Tag::Raw, NONE, |bytes| writer.write(&mut Listed { parts, memory }, dict, bytes))?;
                return Ok(());
            }
        }
        let declared = out.dict.schema(schema)?;
        let style = self.style;
        let mut scratch = std::mem::take(&mut self.scratch);
        let value = Apart { parts, tag, memory };
        let done = self.write(schema, declared.is_some(), out, |dict, bytes| {
            style.apart(&value, declared.as_deref(), dict, &mut scratch, bytes)
        });
        self.scratch = scratch;
        done
    }
}

impl JsonConverter {
    fn struct_writer(&mut self, schema: u32, dict: &mut Dictionaries) -> Result<Option<Rc<StructWriter>>> {
        let (style, envelope) = (self.style, self.schemas);
        self.structs.get(dict, schema, |dict, schema| match schema.kind {
            Type::Struct if !is_logical(&schema) => {
                StructWriter::new(style, &schema, envelope, dict).map(|writer| Some(Rc::new(writer)))
            }
            _ => Ok(None),
        })
    }

    /// Writes what `value` writes, within the envelope if there is one.
    fn write(
        &mut self,
        schema: u32,
        declared: bool,
        out: &mut CellOut<'_>,
        value: impl FnOnce(&mut Dictionaries, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let style = self.style;
        let prefix: Option<Rc<[u8]>> = match (self.schemas, declared) {
            (false, _) => None,
            (true, false) => Some(Rc::from(&b"{\"schema\":null,\"payload\":"[..])),
            (true, true) => Some(self.prefixes.get(out.dict, schema, |dict, schema| {
                let mut text = b"{\"schema\":".to_vec();
                style.schema(&schema, None, dict, &mut text)?;
                text.extend_from_slice(b",\"payload\":");
                Ok(text.into())
            })?),
        };
        let dict = &mut *out.dict;
        *out.cell = out.arena.write(Tag::Raw, NONE, |bytes| {
            if let Some(prefix) = &prefix {
                bytes.extend_from_slice(prefix);
            }
            value(dict, bytes)?;
            if prefix.is_some() {
                bytes.push(b'}');
            }
            Ok(())
        })?;
        Ok(())
    }
}
