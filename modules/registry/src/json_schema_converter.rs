//! JsonSchemaConverter: JSON with its schemas in a schema registry.

use berth_guest::{
    Builder, CellOut, ConfigDef, ConfigKey, ConfigType, Context, Converter, Importance, Make, Plugin, Result, Schema,
    Validator as Rule, ValueRef,
};

use crate::converter::{Format, RegistryConverter};
use crate::json::read::{parse, Read};
use crate::json::validate::Validator;
use crate::json::write::Write;
use crate::json::{from_connect, to_connect, Options};
use crate::schemas::Registered;
use crate::settings;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Converter>> {
        let (settings, config) = settings::read(context, &definition())?;
        let options = Options {
            numeric: config.string("decimal.format").eq_ignore_ascii_case("NUMERIC"),
            optional_unless_required: config.boolean("use.optional.for.nonrequired"),
            additional: config.boolean("object.additional.properties"),
            validate: config.boolean("json.fail.invalid.schema"),
        };
        Ok(Box::new(RegistryConverter::new(options, settings)))
    };
    Plugin::new(
        "io.confluent.connect.json.JsonSchemaConverter",
        crate::VERSION,
        "Values as JSON, with their schemas in a schema registry.",
        Make::Converter(new),
    )
    .aliases(&["JsonSchema", "JsonSchemaConverter"])
    .capabilities(&["schema-registry"])
    .config(definition())
}

fn definition() -> ConfigDef {
    let flag =
        |name, preset, doc| ConfigKey::new(name, ConfigType::Boolean, doc).default(preset).importance(Importance::Low);
    let formats = ["NUMERIC", "BASE64"].map(String::from).to_vec();
    settings::definition(vec![
        ConfigKey::new("decimal.format", ConfigType::String, "How decimals are written: as base64 or as numbers.")
            .default("BASE64")
            .importance(Importance::Low)
            .validator(Rule::OneOfCi(formats)),
        flag("use.optional.for.nonrequired", "false", "Take properties that a schema does not require as optional."),
        flag("object.additional.properties", "true", "Allow properties in objects that their schema does not name."),
        flag("json.fail.invalid.schema", "false", "Refuse values that don't fit their registered JSON Schema."),
    ])
}

impl Format for Options {
    const KIND: &'static str = "JSON";
    type Reader = Checked<Read>;
    type Writer = Checked<Write>;

    fn reader(&self, registered: &Registered, _: &[u8]) -> Result<(Schema, Self::Reader)> {
        let (schema, plan) = to_connect::translate(registered, *self)?;
        Ok((schema, self.checked(plan, registered)?))
    }

    fn describe(&self, schema: &Schema) -> Result<(String, Option<String>)> {
        Ok((from_connect::translate(schema, *self)?, schema.name().map(String::from)))
    }

    fn writer(&self, schema: &Schema, registered: &Registered) -> Result<Self::Writer> {
        self.checked(Write::plan(schema, *self)?, registered)
    }

    /// A property that the registered schema requires must be in the other one, and their types must agree.
    fn problem(&self, registered: &Registered, own: &str) -> Result<Option<String>> {
        let own = Registered { text: own.into(), references: Vec::new(), ..registered.clone() };
        let (reader, writer) = (to_connect::translate(registered, *self)?.0, to_connect::translate(&own, *self)?.0);
        Ok(problem(&reader, &writer))
    }

    fn read(&self, reader: &Self::Reader, payload: &[u8], schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        out.build(schema, |b| reader.read(payload, b))
    }

    fn write(&self, writer: &Self::Writer, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        let from = out.len();
        writer.plan.value(value, out)?;
        writer.validator.as_ref().map_or(Ok(()), |validator| validator.check_text(&out[from..]))
    }
}

/// A plan, and what its values are compared with.
pub struct Checked<P> {
    plan: P,
    validator: Option<Validator>,
}

impl Checked<Read> {
    /// Reads a payload.
    pub fn read(&self, payload: &[u8], out: &mut Builder<'_>) -> Result<()> {
        let json = parse(payload)?;
        if let Some(validator) = &self.validator {
            validator.check(&json)?;
        }
        self.plan.value(&json, out)
    }
}

impl Options {
    fn checked<P>(&self, plan: P, registered: &Registered) -> Result<Checked<P>> {
        let validator = self.validate.then(|| Validator::compile(registered)).transpose()?;
        Ok(Checked { plan, validator })
    }
}

fn problem(reader: &Schema, writer: &Schema) -> Option<String> {
    use berth_guest::Type::{Float32, Float64, Int16, Int32, Int64, Int8, Struct};
    let is_number = |schema: &Schema| matches!(schema.kind, Int8 | Int16 | Int32 | Int64 | Float32 | Float64);
    if reader.kind != writer.kind && !(is_number(reader) && is_number(writer)) {
        return Some(format!("{} can't be read as {}", writer.describe(), reader.describe()));
    }
    if writer.optional && !reader.optional {
        return Some(format!("null can't be read as {}", reader.describe()));
    }
    if reader.kind != Struct {
        let (element, given) = (reader.element.as_deref()?, writer.element.as_deref()?);
        return problem(element, given);
    }
    reader.fields.iter().find_map(|field| match writer.index_of(&field.name) {
        Some(i) => {
            problem(&field.schema, &writer.fields[i].schema).map(|why| format!("property {}: {why}", field.name))
        }
        None if field.schema.optional || field.schema.default.is_some() => None,
        None => Some(format!("property {} is missing", field.name)),
    })
}
