//! ProtobufConverter: Protobuf with its schemas in a schema registry.

use berth_guest::{
    CellOut, ConfigDef, ConfigKey, ConfigType, Context, Converter, Error, Importance, Make, Plugin, Result, Schema,
    ValueRef,
};
use prost_reflect::{FileDescriptor, MessageDescriptor};

use crate::converter::{Format, RegistryConverter};
use crate::protobuf::files::{compile, message_at};
use crate::protobuf::read::{read, Read};
use crate::protobuf::write::{plan, Write};
use crate::protobuf::{from_connect, to_connect, Options};
use crate::schemas::Registered;
use crate::settings;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Converter>> {
        let (settings, config) = settings::read(context, &definition())?;
        let options = Options {
            enhanced: config.boolean("enhanced.protobuf.schema.support"),
            optional_keyword: config.boolean("optional.for.nullables"),
            int_for_enums: config.boolean("int.for.enums"),
            flatten_unions: config.boolean("flatten.unions"),
            scrub: config.boolean("scrub.invalid.names"),
        };
        Ok(Box::new(RegistryConverter::new(options, settings)))
    };
    Plugin::new(
        "io.confluent.connect.protobuf.ProtobufConverter",
        crate::VERSION,
        "Values as Protobuf, with their schemas in a schema registry.",
        Make::Converter(new),
    )
    .aliases(&["Protobuf", "ProtobufConverter"])
    .capabilities(&["schema-registry"])
    .config(definition())
}

fn definition() -> ConfigDef {
    let flag = |name, doc| ConfigKey::new(name, ConfigType::Boolean, doc).default("false").importance(Importance::Low);
    settings::definition(vec![
        flag("enhanced.protobuf.schema.support", "Name structs with the package of their message."),
        flag("optional.for.nullables", "Only fields with the keyword optional are optional; else all are."),
        flag("int.for.enums", "Enums are numbers, not texts."),
        flag("flatten.unions", "Fields of a oneof stand in the struct itself, not in one of their own."),
        flag("scrub.invalid.names", "Replace characters in names that Protobuf does not allow."),
    ])
}

/// How a registered message is written: its place in the file, then its fields.
pub struct Place {
    indexes: Vec<u8>,
    write: Write,
}

/// The path of a message as it stands behind the schema's id: a count and so many indices, zigzag; the first message of
/// a file, by far the most frequent one, is a single 0.
fn indexes_of(path: &[usize]) -> Vec<u8> {
    if path == [0] {
        return vec![0];
    }
    let mut out = Vec::new();
    for n in std::iter::once(path.len()).chain(path.iter().copied()) {
        crate::avro::write::put_long(n as i64, &mut out);
    }
    out
}

/// Most levels of a nested message: a longer path is no path.
const LEVELS: i64 = 64;

fn number(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        n |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some((n >> 1) as i64 ^ -((n & 1) as i64));
        }
    }
    None
}

/// The path, and how many bytes it takes.
fn path_of(bytes: &[u8]) -> Option<(Vec<usize>, usize)> {
    let mut at = 0;
    let count = number(bytes, &mut at).filter(|count| (0..=LEVELS).contains(count))?;
    if count == 0 {
        return Some((vec![0], at));
    }
    let mut path = Vec::new();
    for _ in 0..count {
        path.push(usize::try_from(number(bytes, &mut at)?).ok()?);
    }
    Some((path, at))
}

/// The message that a record is written as: the one of its name, or the first.
fn target(file: &FileDescriptor, name: &str) -> Result<(Vec<usize>, MessageDescriptor)> {
    let named = file.messages().position(|m| m.full_name() == name || m.name() == name).unwrap_or(0);
    let message = message_at(file, &[named]).ok_or_else(|| Error::data("the Protobuf schema has no message"))?;
    Ok((vec![named], message))
}

impl Format for Options {
    const KIND: &'static str = "PROTOBUF";
    type Reader = Read;
    type Writer = Place;

    fn select<'p>(&self, payload: &'p [u8]) -> Result<(&'p [u8], &'p [u8])> {
        match path_of(payload) {
            Some((_, n)) => Ok(payload.split_at(n)),
            None => Err(Error::data(
                "behind the schema's id there is no list of message indexes: the value was not written as Protobuf \
                 with a schema registry",
            )),
        }
    }

    fn reader(&self, registered: &Registered, selected: &[u8]) -> Result<(Schema, Read)> {
        let path = path_of(selected).map_or(vec![0], |(path, _)| path);
        let file = compile(registered)?;
        let message = message_at(&file, &path)
            .ok_or_else(|| Error::data(format!("it has no message {path:?} (indexes), which the value names")))?;
        to_connect::translate(&message, *self)
    }

    fn describe(&self, schema: &Schema) -> Result<(String, Option<String>)> {
        Ok((from_connect::translate(schema, *self)?, Some(from_connect::record_name(schema, *self))))
    }

    fn writer(&self, schema: &Schema, registered: &Registered) -> Result<Place> {
        let file = compile(registered)?;
        let (path, message) = target(&file, &from_connect::record_name(schema, *self))?;
        Ok(Place { indexes: indexes_of(&path), write: plan(schema, &message, self.scrub)? })
    }

    /// Any message reads any other; only fields of one number must agree in type.
    fn problem(&self, registered: &Registered, own: &str) -> Result<Option<String>> {
        let own = compile(&Registered { text: own.into(), references: Vec::new(), ..registered.clone() })?;
        let (reader, writer) = (compile(registered)?, target(&own, "")?.1);
        let (_, reader) = target(&reader, writer.full_name())?;
        let clash = writer.fields().find_map(|field| {
            let known = reader.get_field(field.number())?;
            let same = known.cardinality() == field.cardinality()
                && std::mem::discriminant(&known.kind()) == std::mem::discriminant(&field.kind());
            (!same).then(|| format!("field {} is {:?} there", field.name(), known.kind()))
        });
        Ok(clash)
    }

    fn read(&self, plan: &Read, payload: &[u8], schema: u32, out: &mut CellOut<'_>) -> Result<()> {
        out.build(schema, |b| read(plan, payload, b))
    }

    fn write(&self, place: &Place, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
        if value.is_null() {
            return Err(Error::data("a null with a default can't be written as Protobuf: make the schema optional"));
        }
        out.extend_from_slice(&place.indexes);
        place.write.value(value, out)
    }
}
