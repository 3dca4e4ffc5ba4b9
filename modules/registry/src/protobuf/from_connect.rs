//! Connect schemas as Protobuf schemas: the text that is registered.

use std::fmt::Write as _;
use std::rc::Rc;

use berth_guest::{schema, Error, Result, Schema, Type};

use super::names::*;
use super::Options;
use crate::avro::names::{is_valid, scrub};

/// The Protobuf schema of a Connect schema.
pub fn translate(schema: &Schema, options: Options) -> Result<String> {
    if schema.kind != Type::Struct {
        return Err(Error::data(format!(
            "{} is no struct, and Protobuf has messages only: put the value into one (transform HoistField), or use \
             another converter",
            schema.describe()
        )));
    }
    let full = record_name(schema, options);
    let (package, name) = full.rsplit_once('.').unwrap_or(("", &full));
    let mut writer = Writer { options, imports: Vec::new(), unnamed: 1 };
    let message = writer.message(name, schema, 0)?;
    let mut text = "syntax = \"proto3\";\n".to_string();
    if !package.is_empty() {
        let _ = writeln!(text, "package {package};");
    }
    text.push('\n');
    writer.imports.sort_unstable();
    for import in &writer.imports {
        let _ = writeln!(text, "import \"{import}\";");
    }
    if !writer.imports.is_empty() {
        text.push('\n');
    }
    text.push_str(&message);
    Ok(text)
}

/// The full name of a struct's message.
pub fn record_name(schema: &Schema, options: Options) -> String {
    match schema.name() {
        Some(name) if options.scrub => scrub(name),
        Some(name) => name.into(),
        None => format!("{DEFAULT_NAME}1"),
    }
}

struct Writer {
    options: Options,
    imports: Vec<&'static str>,
    /// Structs without a name so far.
    unnamed: usize,
}

/// A field's type and what Connect notes of it.
struct Kind {
    text: String,
    /// Name and definition of the message or enum that the type needs.
    nested: Option<(String, String)>,
    notes: Vec<(&'static str, String)>,
}

impl Kind {
    fn of(text: &str) -> Kind {
        Kind { text: text.into(), nested: None, notes: Vec::new() }
    }
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

impl Writer {
    fn import(&mut self, file: &'static str) {
        if !self.imports.contains(&file) {
            self.imports.push(file);
        }
    }

    fn name(&self, name: &str) -> Result<String> {
        let name = if self.options.scrub { scrub(&name.replace('.', "_")) } else { name.to_string() };
        if !is_valid(&name) || name.contains('.') {
            return Err(Error::data(format!(
                "{name} is no name that Protobuf allows: set scrub.invalid.names=true, or rename it (transforms \
                 ReplaceField, SetSchemaMetadata)"
            )));
        }
        Ok(name)
    }

    fn message(&mut self, name: &str, schema: &Schema, level: usize) -> Result<String> {
        let mut body = String::new();
        let (mut numbers, mut next) = (numbers_of(schema), 1);
        let mut nested: Vec<(String, String)> = Vec::new();
        for field in &schema.fields {
            let union = field.schema.name().filter(|name| name.starts_with(UNION));
            if let Some(union) = union {
                let _ = writeln!(body, "{}oneof {} {{", indent(level + 1), self.name(&union[UNION.len()..])?);
                for member in &field.schema.fields {
                    let number = number_of(&member.schema, &mut numbers, &mut next);
                    self.field(&member.name, &member.schema, number, level + 2, &mut body, &mut nested, true)?;
                }
                let _ = writeln!(body, "{}}}", indent(level + 1));
                continue;
            }
            let number = number_of(&field.schema, &mut numbers, &mut next);
            self.field(&field.name, &field.schema, number, level + 1, &mut body, &mut nested, false)?;
        }
        let definitions: String = nested.into_iter().map(|(_, text)| text).collect();
        Ok(format!("{0}message {1} {{\n{body}{definitions}{0}}}\n", indent(level), self.name(name)?))
    }

    #[allow(clippy::too_many_arguments, reason = "where a field goes is four things")]
    fn field(
        &mut self,
        name: &str,
        schema: &Schema,
        number: u32,
        level: usize,
        body: &mut String,
        nested: &mut Vec<(String, String)>,
        in_oneof: bool,
    ) -> Result<()> {
        let name = self.name(name)?;
        let kind = self.kind(&name, schema, level)?;
        if let Some((of, definition)) = &kind.nested {
            match nested.iter().find(|(known, _)| known == of) {
                None => nested.push((of.clone(), definition.clone())),
                Some((_, known)) if known == definition => {}
                Some(_) => {
                    return Err(Error::data(format!(
                    "two different structs are named {of}: give one of them another name (transform SetSchemaMetadata)"
                )))
                }
            }
        }
        let is_scalar = !matches!(schema.kind, Type::Array | Type::Map | Type::Struct) && !kind.text.starts_with('.');
        let label = match schema.kind {
            Type::Array => "repeated ",
            Type::Map if !kind.text.starts_with("map<") => "repeated ",
            _ if is_scalar && schema.optional && self.options.optional_keyword && !in_oneof => "optional ",
            _ => "",
        };
        let mut notes = String::new();
        if !kind.notes.is_empty() {
            self.import("confluent/meta.proto");
            let all: Vec<String> =
                kind.notes.iter().map(|(key, value)| format!("{{key: \"{key}\", value: \"{value}\"}}")).collect();
            notes = format!(" [(confluent.field_meta) = {{params: [{}]}}]", all.join(", "));
        }
        let _ = writeln!(body, "{}{label}{} {name} = {number}{notes};", indent(level), kind.text);
        Ok(())
    }

    fn kind(&mut self, field: &str, schema: &Schema, level: usize) -> Result<Kind> {
        let noted = |text: &str, key, value: &str| Kind { notes: vec![(key, value.to_string())], ..Kind::of(text) };
        Ok(match (schema.kind, schema.name()) {
            (Type::Int8, _) => noted("int32", CONNECT_TYPE, "int8"),
            (Type::Int16, _) => noted("int32", CONNECT_TYPE, "int16"),
            (Type::Int32, Some(schema::DATE)) => {
                self.import("google/type/date.proto");
                Kind::of(".google.type.Date")
            }
            (Type::Int32, Some(schema::TIME)) => {
                self.import("google/type/timeofday.proto");
                Kind::of(".google.type.TimeOfDay")
            }
            (Type::Int64, Some(schema::TIMESTAMP)) => {
                self.import("google/protobuf/timestamp.proto");
                Kind::of(".google.protobuf.Timestamp")
            }
            (Type::Bytes, Some(schema::DECIMAL)) => {
                self.import("confluent/type/decimal.proto");
                noted(".confluent.type.Decimal", "scale", schema.parameter("scale").unwrap_or("0"))
            }
            (Type::Int32, _) => Kind::of("int32"),
            (Type::Int64, _) => Kind::of("int64"),
            (Type::Float32, _) => Kind::of("float"),
            (Type::Float64, _) => Kind::of("double"),
            (Type::Boolean, _) => Kind::of("bool"),
            (Type::Bytes, _) => Kind::of("bytes"),
            (Type::String, _) => match schema.parameter(ENUM) {
                Some(name) => self.enumeration(name, schema, level)?,
                None => Kind::of("string"),
            },
            (Type::Array, _) => {
                let element = known(&schema.element)?;
                if matches!(element.kind, Type::Array | Type::Map) {
                    return Err(Error::data(format!(
                        "field {field}: Protobuf has no arrays of arrays or maps: put the inner one into a struct"
                    )));
                }
                self.kind(field, element, level)?
            }
            (Type::Map, _) => self.map(field, schema, level)?,
            (Type::Struct, name) => {
                let short = match name {
                    Some(name) => name.rsplit('.').next().unwrap_or(name).to_string(),
                    None => {
                        self.unnamed += 1;
                        format!("{DEFAULT_NAME}{}", self.unnamed)
                    }
                };
                let nested = self.message(&short, schema, level)?;
                let short = self.name(&short)?;
                Kind { text: short.clone(), nested: Some((short, nested)), notes: Vec::new() }
            }
        })
    }

    fn enumeration(&mut self, name: &str, schema: &Schema, level: usize) -> Result<Kind> {
        let short = self.name(name.rsplit('.').next().unwrap_or(name))?;
        let prefix = format!("{ENUM}.");
        let mut nested = format!("{}enum {short} {{\n", indent(level));
        for (key, number) in schema.parameters.iter().flatten() {
            if let Some(symbol) = key.strip_prefix(&prefix) {
                let _ = writeln!(nested, "{}{symbol} = {number};", indent(level + 1));
            }
        }
        let _ = writeln!(nested, "{}}}", indent(level));
        Ok(Kind { text: short.clone(), nested: Some((short, nested)), notes: Vec::new() })
    }

    /// Keys that Protobuf's maps can have, and values that are no map or array, make a map; others messages of entries.
    fn map(&mut self, field: &str, schema: &Schema, level: usize) -> Result<Kind> {
        let (key, value) = (known(&schema.key)?, known(&schema.element)?);
        let plain_key =
            matches!(key.kind, Type::String | Type::Int32 | Type::Int64 | Type::Boolean) && key.name.is_none();
        if !plain_key || matches!(value.kind, Type::Array | Type::Map) {
            return Err(Error::data(format!(
                "field {field}: Protobuf's maps have texts, integers or booleans as keys, and neither maps nor \
                 arrays as values"
            )));
        }
        let (key, value) = (self.kind(field, key, level)?, self.kind(field, value, level)?);
        Ok(Kind { text: format!("map<{}, {}>", key.text, value.text), nested: value.nested, notes: value.notes })
    }
}

fn known(schema: &Option<Rc<Schema>>) -> Result<&Schema> {
    schema
        .as_deref()
        .ok_or_else(|| Error::data("an array or a map whose items have no schema can't be written as Protobuf"))
}

/// Numbers that fields have already, from Protobuf.
fn numbers_of(schema: &Schema) -> Vec<u32> {
    let tag = |schema: &Schema| schema.parameter(TAG).and_then(|tag| tag.parse().ok());
    schema
        .fields
        .iter()
        .flat_map(|f| std::iter::once(&f.schema).chain(f.schema.fields.iter().map(|m| &m.schema)))
        .filter_map(|schema| tag(schema))
        .collect()
}

fn number_of(schema: &Schema, taken: &mut Vec<u32>, next: &mut u32) -> u32 {
    if let Some(tag) = schema.parameter(TAG).and_then(|tag| tag.parse().ok()) {
        return tag;
    }
    while taken.contains(next) {
        *next += 1;
    }
    taken.push(*next);
    *next
}
