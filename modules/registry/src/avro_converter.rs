//! AvroConverter: Avro with its schemas in a schema registry.

use std::rc::Rc;

use berth_guest::{
    CellOut, ConfigDef, ConfigKey, ConfigType, Context, Converter, Importance, Make, Plugin, Result, Schema, ValueRef,
};

use crate::avro::read::{read, Read};
use crate::avro::schema::Avro;
use crate::avro::write::{plan, Write};
use crate::avro::{compatible, from_connect, to_connect, Options};
use crate::converter::{Format, RegistryConverter};
use crate::schemas::Registered;
use crate::settings;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Converter>> {
        let (settings, config) = settings::read(context, &definition())?;
        let options = Options {
            enhanced: config.boolean("enhanced.avro.schema.support"),
            meta_data: config.boolean("connect.meta.data"),
            scrub: config.boolean("scrub.invalid.names"),
            null_over_default: config.boolean("ignore.default.for.nullables"),
        };
        Ok(Box::new(RegistryConverter::new(options, settings)))
    };
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

fn parse(registered: &Registered) -> Result<Rc<Avro>> {
    let before: Vec<&str> = registered.references.iter().map(|r| r.text.as_str()).collect();
    Avro::parse(&registered.text, &before)
}

impl Format for Options {
    const KIND: &'static str = "AVRO";
    type Reader = Read;
    type Writer = Write;

    fn reader(&self, registered: &Registered, _: &[u8]) -> Result<(Schema, Read)> {
        let made = to_connect::translate(&*parse(registered)?, *self)?;
        Ok((made.schema, made.read))
    }

    fn describe(&self, schema: &Schema) -> Result<(String, Option<String>)> {
        Ok((from_connect::translate(schema, *self)?, from_connect::record_name(schema, *self)))
    }

    fn writer(&self, schema: &Schema, registered: &Registered) -> Result<Write> {
        plan(schema, &*parse(registered)?, *self)
    }

    fn problem(&self, registered: &Registered, own: &str) -> Result<Option<String>> {
        Ok(compatible::problem(&*parse(registered)?, &*Avro::parse(own, &[])?))
    }

    fn read(&self, plan: &Read, payload: &[u8], schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        out.build(schema, |b| read(plan, payload, b))
    }

    fn write(&self, plan: &Write, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        plan.value(value, out)
    }
}
