//! JSON Schemas as Connect schemas, with the plan by which data is read.

use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Error, Field, Result, Schema, Type};
use serde_json::{Map, Value as Json};

use super::names::*;
use super::read::{default_value, Read};
use super::Options;
use crate::schemas::Registered;

/// A Connect schema has no more levels.
const DEPTH: usize = 60;

/// A registered schema with what it refers to.
struct Document<'a> {
    root: &'a Json,
    references: Vec<(&'a str, Json)>,
    options: Options,
}

type Translated = (Schema, Read);

/// The Connect schema of a registered JSON Schema, and how its data is read.
pub fn translate(registered: &Registered, options: Options) -> Result<Translated> {
    let parse = |text: &str| serde_json::from_str(text).map_err(|e| bad(format!("it is not JSON: {e}")));
    let root: Json = parse(&registered.text)?;
    let mut references = Vec::new();
    for reference in &registered.references {
        references.push((reference.name.as_str(), parse(&reference.text)?));
    }
    let document = Document { root: &root, references, options };
    document.schema(&root, &root, 0)
}

fn bad(what: impl std::fmt::Display) -> Error {
    Error::data(format!("the JSON Schema has no counterpart in Connect: {what}"))
}

fn text<'a>(object: &'a Map<String, Json>, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

impl Document<'_> {
    /// `root` is the document that local references are looked up in.
    fn schema(&self, json: &Json, root: &Json, depth: usize) -> Result<Translated> {
        if depth > DEPTH {
            return Err(bad(format!("it contains itself, or is nested deeper than {DEPTH} levels")));
        }
        let Json::Object(object) = json else { return Err(bad(format!("{json} says nothing of a type"))) };
        if let Some(reference) = text(object, "$ref") {
            return self.referred(reference, root, depth);
        }
        let mut made = match one_of(object) {
            Some(members) => self.one_of(&members, root, depth)?,
            None => self.typed(object, root, depth)?,
        };
        self.annotate(object, &mut made)?;
        Ok(made)
    }

    fn referred(&self, reference: &str, root: &Json, depth: usize) -> Result<Translated> {
        let (name, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let document = match name {
            "" => root,
            _ => match self
                .references
                .iter()
                .find(|(n, json)| *n == name || json.get("$id").is_some_and(|id| id == name))
            {
                Some((_, json)) => json,
                None if self.root.get("$id").is_some_and(|id| id == name) => self.root,
                None => return Err(bad(format!("{reference} is not among its references"))),
            },
        };
        let at = document.pointer(pointer).ok_or_else(|| bad(format!("{reference} leads nowhere")))?;
        self.schema(at, document, depth + 1)
    }

    fn one_of(&self, members: &[Json], root: &Json, depth: usize) -> Result<Translated> {
        let is_null = |member: &&Json| text_type(member) == Some("null");
        let some: Vec<&Json> = members.iter().filter(|member| !is_null(member)).collect();
        let optional = some.len() < members.len();
        if let ([only], true) = (&some[..], optional) {
            let (schema, read) = self.schema(only, root, depth + 1)?;
            return Ok((schema.optional(), read));
        }
        let mut schema = Schema::new(Type::Struct).named(ONE_OF);
        schema.optional = optional;
        let mut reads = Vec::new();
        for (i, member) in some.iter().enumerate() {
            let (member, read) = self.schema(member, root, depth + 1)?;
            schema = schema.field(&format!("{ONE_OF}.field.{i}"), member.optional());
            reads.push(read);
        }
        Ok((schema, Read::OneOf(reads)))
    }

    fn typed(&self, object: &Map<String, Json>, root: &Json, depth: usize) -> Result<Translated> {
        let connect = text(object, CONNECT_TYPE).unwrap_or_default();
        let plain = |kind| (Schema::new(kind), Read::Plain(kind));
        let kind = match text(object, "type") {
            Some(kind) => kind,
            None if object.contains_key("properties") => "object",
            None if object.contains_key("enum") || object.contains_key("const") => "string",
            None => return Err(bad(format!("{} has no type", Json::Object(object.clone())))),
        };
        Ok(match (kind, connect) {
            ("integer", "int8") => plain(Type::Int8),
            ("integer", "int16") => plain(Type::Int16),
            ("integer", "int32") => plain(Type::Int32),
            ("integer", _) => plain(Type::Int64),
            ("number", "bytes") => decimal(object),
            ("number", "float32") => plain(Type::Float32),
            ("number", _) => plain(Type::Float64),
            ("boolean", _) => plain(Type::Boolean),
            ("string", "bytes") => plain(Type::Bytes),
            ("string", _) => plain(Type::String),
            ("array", "map") => self.entries(object, root, depth)?,
            ("array", _) => {
                let items = object.get("items").ok_or_else(|| bad("an array does not say what is in it (items)"))?;
                let (items, read) = self.schema(items, root, depth + 1)?;
                (Schema::array(items), Read::Array(Box::new(read)))
            }
            ("object", "map") => self.map(object, root, depth)?,
            ("object", _) if !object.contains_key("properties") => self.map(object, root, depth)?,
            ("object", _) => self.structure(object, root, depth)?,
            (other, _) => return Err(bad(format!("type {other}"))),
        })
    }

    fn map(&self, object: &Map<String, Json>, root: &Json, depth: usize) -> Result<Translated> {
        let values = match object.get("additionalProperties") {
            Some(values @ Json::Object(_)) => values,
            _ => return Err(bad("an object has neither properties nor a type for additionalProperties")),
        };
        let (values, read) = self.schema(values, root, depth + 1)?;
        Ok((Schema::map(Schema::new(Type::String), values), Read::Object(Box::new(read))))
    }

    fn entries(&self, object: &Map<String, Json>, root: &Json, depth: usize) -> Result<Translated> {
        let side = |name: &str| {
            let json = object.get("items").and_then(|items| items.get("properties")?.get(name));
            self.schema(json.ok_or_else(|| bad(format!("a map's entries have no {name}")))?, root, depth + 1)
        };
        let ((key, read_key), (value, read_value)) = (side("key")?, side("value")?);
        Ok((Schema::map(key, value), Read::Entries(Box::new((read_key, read_value)))))
    }

    fn structure(&self, object: &Map<String, Json>, root: &Json, depth: usize) -> Result<Translated> {
        let properties = object.get("properties").and_then(Json::as_object);
        let required: Vec<&str> =
            object.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let mut fields: Vec<(&String, &Json)> = properties.into_iter().flatten().collect();
        fields.sort_by_key(|(_, json)| json.get(CONNECT_INDEX).and_then(Json::as_u64).unwrap_or(u64::MAX));
        let mut schema = Schema::new(Type::Struct);
        let mut reads = Vec::new();
        for (name, json) in fields {
            let (mut field, read) = self.schema(json, root, depth + 1).map_err(|mut error| {
                error.message = format!("property {name}: {}", error.message);
                error
            })?;
            field.optional |= self.options.optional_unless_required && !required.contains(&name.as_str());
            schema.fields.push(Field { name: name.as_str().into(), schema: Rc::new(field) });
            reads.push((name.clone(), read));
        }
        Ok((schema, Read::Struct(reads)))
    }

    fn annotate(&self, object: &Map<String, Json>, (schema, read): &mut Translated) -> Result<()> {
        let title = text(object, "title");
        if let (Some(title), None) = (title, &schema.name) {
            schema.name = Some(title.into());
        }
        match (title, schema.kind) {
            (Some(DATE), Type::Int32) => *read = Read::Days,
            (Some(TIME), Type::Int32) | (Some(TIMESTAMP), Type::Int64) => *read = Read::Milliseconds,
            _ => {}
        }
        if let Some(doc) = text(object, "description") {
            schema.doc = Some(doc.into());
        }
        if let Some(version) = object.get(CONNECT_VERSION).and_then(Json::as_i64) {
            schema.version = Some(version as i32);
        }
        if let Some(Json::Object(more)) = object.get(CONNECT_PARAMETERS) {
            let more = more.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_string())));
            schema.parameters = Some(more.collect());
        }
        if let Some(default) = object.get("default").filter(|default| !default.is_null()) {
            schema.default = Some(default_value(read, default)?);
        }
        Ok(())
    }
}

/// What may be one of several: `oneOf`, `anyOf`, or a list of types.
fn one_of(object: &Map<String, Json>) -> Option<Vec<Json>> {
    for key in ["oneOf", "anyOf"] {
        if let Some(Json::Array(members)) = object.get(key) {
            return Some(members.clone());
        }
    }
    let Some(Json::Array(types)) = object.get("type") else { return None };
    let with = |kind: &Json| {
        let mut member = object.clone();
        member.insert("type".into(), kind.clone());
        member.shift_remove("default");
        Json::Object(member)
    };
    Some(types.iter().map(with).collect())
}

fn text_type(json: &Json) -> Option<&str> {
    json.get("type")?.as_str()
}

fn decimal(object: &Map<String, Json>) -> Translated {
    let scale = object.get(CONNECT_PARAMETERS).and_then(|p| p.get("scale")?.as_str()?.parse().ok()).unwrap_or(0);
    let mut schema = Schema::decimal(scale);
    schema.name = Some(text(object, "title").unwrap_or(DECIMAL).into());
    (schema, Read::Decimal(scale))
}
