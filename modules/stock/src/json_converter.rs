//! JsonConverter: JSON with or without the schema envelope.

use std::collections::HashMap;
use std::rc::Rc;

use berth_guest::{
    CellOut, ConfigDef, ConfigKey, ConfigType, Context, Converter, Error, Importance, Make, PerSchema, Plugin, Result,
    Schema, Tag, Validator, ValueRef, NONE,
};

use crate::converter_type;
use crate::json_encoding;
use crate::json_lexer::{build_node, Lexer, Node, Problem};
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
            room: Vec::new(),
        })
    }

    fn read(&mut self, text: &str, out: &mut CellOut<'_>) -> Result<()> {
        match self.schemas {
            true => self.read_envelope(text, out),
            false => self.read_plain(text, out),
        }
    }

    fn read_plain(&mut self, text: &str, out: &mut CellOut<'_>) -> Result<()> {
        let mut lexer = Lexer::new(text);
        if lexer.is_blank() {
            out.null(NONE);
            return Ok(());
        }
        let mut problem = None;
        let built = out.build(NONE, |b| {
            lexer.build(b).map_err(|p| {
                problem = Some(p);
                Error::data("")
            })
        });
        match (built, problem) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(Problem::Duplicate)) => {
                let node = Lexer::new(text).node(0).map_err(broken)?;
                out.build(NONE, |b| {
                    build_node(&node, b);
                    Ok(())
                })
            }
            (Err(_), Some(problem)) => Err(broken(problem)),
            (Err(error), None) => Err(error),
        }
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
            Ok(text) => self.read(text, out),
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
        let prefix: Option<Rc<[u8]>> = match (self.schemas, &declared) {
            (false, _) => None,
            (true, None) => Some(Rc::from(&b"{\"schema\":null,\"payload\":"[..])),
            (true, Some(_)) => Some(self.prefixes.get(out.dict, schema, |dict, schema| {
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
            style.value(value, declared.as_deref(), dict, bytes)?;
            if prefix.is_some() {
                bytes.push(b'}');
            }
            Ok(())
        })?;
        Ok(())
    }
}
