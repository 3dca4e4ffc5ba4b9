//! JsonConverter: JSON with or without the schema envelope.

use std::collections::HashMap;
use std::rc::Rc;

use berth_guest::{
    part_of, Builder, CellOut, ConfigDef, ConfigKey, ConfigType, Context, Converter, Decode, Dictionaries, Error,
    Importance, Make, Memory, Part, PartsWriter, PerSchema, Plugin, Result, Schema, Tag, Validator, ValueRef, NONE,
};

use crate::converter_type;
use crate::json_encoding;
use crate::json_fields::fields;
use crate::json_lexer::{build_node, Lexer, Node, Problem, Read};
use crate::json_schema;
use crate::json_writer::Style;

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
    cache: usize,
    style: Style,
    /// `{"schema":…,"payload":` for each schema of the batch.
    prefixes: PerSchema<Rc<[u8]>>,
    /// Schemas by their JSON text.
    known: HashMap<String, Rc<Schema>>,
    /// Fields of the object at hand.
    parts: Vec<Part>,
    /// Room for texts that are not UTF-8.
    room: Vec<u8>,
}

const ENVELOPE: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not \
     contain additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your \
     converter configuration.";

impl JsonConverter {
    fn new(context: &Context) -> Result<JsonConverter> {
        let config = definition().parse(&converter_type::fill(context))?;
        Ok(JsonConverter {
            schemas: config.boolean("schemas.enable"),
            cache: config.int("schemas.cache.size").max(0) as usize,
            style: Style {
                replace_null: config.boolean("replace.null.with.default"),
                numeric: config.string("decimal.format").eq_ignore_ascii_case("NUMERIC"),
            },
            prefixes: PerSchema::default(),
            known: HashMap::new(),
            parts: Vec::new(),
            room: Vec::new(),
        })
    }

    /// `at` is where the text begins in the record's bytes, if it is there as it stands.
    fn read(&mut self, text: &str, at: Option<usize>, out: &mut CellOut<'_>) -> Result<()> {
        match self.schemas {
            true => self.read_envelope(text, out),
            false => self.read_plain(text, at, out),
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
        let mut lexer = Lexer::new(text);
        if lexer.is_blank() {
            return Err(Error::data(ENVELOPE));
        }
        let node = lexer.node(0).map_err(broken)?;
        let (Node::Object(members), Some(schema), Some(payload)) = (&node, node.get("schema"), node.get("payload"))
        else {
            return Err(Error::data(ENVELOPE));
        };
        if members.len() != 2 {
            return Err(Error::data(ENVELOPE));
        }
        let Some(schema) = self.schema(schema)? else {
            return match payload {
                Node::Null => {
                    out.null(NONE);
                    Ok(())
                }
                _ => out.build(NONE, |b| {
                    build_node(payload, b);
                    Ok(())
                }),
            };
        };
        let value = json_schema::value(&schema, Some(payload), self.style.replace_null)?;
        let index = out.dict.intern_schema(&schema)?;
        out.write(value.tag(), index, |out| {
            value.encode(out);
            Ok(())
        })
    }

    fn schema(&mut self, node: &Node<'_>) -> Result<Option<Rc<Schema>>> {
        let key = format!("{node:?}");
        if let Some(schema) = self.known.get(&key) {
            return Ok(Some(schema.clone()));
        }
        let schema = json_schema::schema(node, self.style.replace_null)?;
        if let Some(schema) = &schema {
            if self.known.len() >= self.cache {
                self.known.clear();
            }
            self.known.insert(key, schema.clone());
        }
        Ok(schema)
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
    let text = std::str::from_utf8(text).unwrap_or("null");
    if read(text, b).is_err() {
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

    fn decode(&self) -> Option<Decode> {
        Some(decode)
    }
}

impl PartsWriter for JsonConverter {
    fn convert(&mut self, parts: &[Part], tag: Tag, memory: &Memory, schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        let declared = out.dict.schema(schema)?;
        let style = self.style;
        self.write(schema, declared.is_some(), out, |dict, bytes| {
            style.parts(parts, tag, declared.as_deref(), memory, dict, bytes)
        })
    }
}

impl JsonConverter {
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
