//! Avro schemas as a tree in which every use of a name stands for its definition. Properties that Avro itself does not
//! know are kept on every type: Connect writes its own to primitive ones, too.

use std::collections::HashMap;
use std::rc::Rc;

use berth_guest::{Error, Result};
use serde_json::{Map, Value as Json};

/// Nesting that a Connect schema can have, too.
const DEPTH: usize = 60;

/// A type with all that was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Avro {
    pub kind: Kind,
    /// Full name of a record, an enum or a fixed.
    pub name: Option<String>,
    pub doc: Option<String>,
    /// What else stands beside `type`.
    pub props: Map<String, Json>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum(Vec<String>),
    Array(Rc<Avro>),
    Map(Rc<Avro>),
    Union(Vec<Rc<Avro>>),
    Record(Vec<Field>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub schema: Rc<Avro>,
    pub doc: Option<String>,
    pub default: Option<Json>,
    pub aliases: Vec<String>,
}

impl Avro {
    pub fn plain(kind: Kind) -> Avro {
        Avro { kind, name: None, doc: None, props: Map::new() }
    }

    /// Reads a schema; `before` are those that it refers to, what is needed first in front.
    pub fn parse(text: &str, before: &[&str]) -> Result<Rc<Avro>> {
        let mut parser = Parser { names: HashMap::new() };
        for text in before {
            parser.text(text)?;
        }
        parser.text(text)
    }

    pub fn prop(&self, key: &str) -> Option<&str> {
        self.props.get(key)?.as_str()
    }

    /// The name of the type within unions and messages.
    pub fn type_name(&self) -> &str {
        if let Some(name) = &self.name {
            return name;
        }
        match &self.kind {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::String => "string",
            Kind::Fixed(_) => "fixed",
            Kind::Enum(_) => "enum",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Record(_) => "record",
        }
    }
}

/// Splits a full name into its namespace and the rest.
pub fn split_name(full: &str) -> (&str, &str) {
    full.rsplit_once('.').unwrap_or(("", full))
}

/// Names that are defined; `None`: the definition is still being read.
struct Parser {
    names: HashMap<String, Option<Rc<Avro>>>,
}

fn bad(what: impl std::fmt::Display) -> Error {
    Error::data(format!("the Avro schema can't be used: {what}"))
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<Rc<Avro>> {
        // A registry may hold a primitive type as its bare name.
        let json = serde_json::from_str(text)
            .or_else(|error| primitive(text).map(|_| Json::String(text.into())).ok_or(error))
            .map_err(|error| bad(format!("it is not JSON: {error}")))?;
        self.schema(&json, "", 0)
    }

    fn schema(&mut self, json: &Json, space: &str, depth: usize) -> Result<Rc<Avro>> {
        if depth > DEPTH {
            return Err(bad(format!("it is nested deeper than {DEPTH} levels")));
        }
        match json {
            Json::String(name) => self.named(name, space),
            Json::Array(members) => {
                let members = members.iter().map(|m| self.schema(m, space, depth + 1)).collect::<Result<Vec<_>>>()?;
                union(members)
            }
            Json::Object(object) => self.object(object, space, depth),
            other => Err(bad(format!("{other} stands where a type must stand"))),
        }
    }

    fn named(&mut self, name: &str, space: &str) -> Result<Rc<Avro>> {
        if let Some(kind) = primitive(name) {
            return Ok(Rc::new(Avro::plain(kind)));
        }
        let full = full_name(name, space);
        match self.names.get(&full).or_else(|| self.names.get(name)) {
            Some(Some(schema)) => Ok(schema.clone()),
            Some(None) => Err(bad(format!("record {full} contains itself, which a Connect schema can't"))),
            None => Err(bad(format!("{full} is not defined in it nor in its references"))),
        }
    }

    fn object(&mut self, object: &Map<String, Json>, space: &str, depth: usize) -> Result<Rc<Avro>> {
        let kind = match object.get("type") {
            Some(Json::String(kind)) => kind.as_str(),
            Some(inner) => return self.schema(inner, space, depth + 1),
            None => return Err(bad(format!("{} has no type", Json::Object(object.clone())))),
        };
        let name = object.get("name").and_then(Json::as_str);
        let own = match object.get("namespace").and_then(Json::as_str) {
            Some(own) if !name.is_some_and(|name| name.contains('.')) => own,
            _ => space,
        };
        let is_named = matches!(kind, "record" | "error" | "enum" | "fixed");
        let full = match (is_named, name) {
            (true, Some(name)) => Some(full_name(name, own)),
            (true, None) => return Err(bad(format!("a {kind} has no name"))),
            (false, _) => None,
        };
        if let Some(full) = &full {
            if self.names.insert(full.clone(), None).is_some() {
                return Err(bad(format!("{full} is defined twice")));
            }
        }
        let within = full.as_deref().map_or(own, |full| split_name(full).0).to_string();
        let schema = Rc::new(Avro {
            kind: self.kind(kind, object, &within, depth)?,
            name: full.clone(),
            doc: object.get("doc").and_then(Json::as_str).map(String::from),
            props: props(object),
        });
        if let Some(full) = full {
            self.names.insert(full, Some(schema.clone()));
        }
        Ok(schema)
    }

    fn kind(&mut self, kind: &str, object: &Map<String, Json>, space: &str, depth: usize) -> Result<Kind> {
        let missing = |key: &str| bad(format!("type {kind} has no usable {key}"));
        Ok(match kind {
            "array" => {
                Kind::Array(self.schema(object.get("items").ok_or_else(|| missing("items"))?, space, depth + 1)?)
            }
            "map" => {
                Kind::Map(self.schema(object.get("values").ok_or_else(|| missing("values"))?, space, depth + 1)?)
            }
            "fixed" => {
                let size = object.get("size").and_then(Json::as_u64).ok_or_else(|| missing("size"))?;
                Kind::Fixed(usize::try_from(size).map_err(|_| missing("size"))?)
            }
            "enum" => {
                let symbols = object.get("symbols").and_then(Json::as_array).ok_or_else(|| missing("symbols"))?;
                Kind::Enum(symbols.iter().filter_map(|s| s.as_str().map(String::from)).collect())
            }
            "record" | "error" => {
                let fields = object.get("fields").and_then(Json::as_array).ok_or_else(|| missing("fields"))?;
                Kind::Record(fields.iter().map(|f| self.field(f, space, depth)).collect::<Result<_>>()?)
            }
            other => return Ok(self.named(other, space)?.kind.clone()),
        })
    }

    fn field(&mut self, json: &Json, space: &str, depth: usize) -> Result<Field> {
        let text = |key: &str| json.get(key).and_then(Json::as_str).map(String::from);
        let name = text("name").ok_or_else(|| bad(format!("field {json} has no name")))?;
        let schema = json.get("type").ok_or_else(|| bad(format!("field {name} has no type")))?;
        let aliases = json.get("aliases").and_then(Json::as_array);
        Ok(Field {
            schema: self.schema(schema, space, depth + 1)?,
            doc: text("doc"),
            default: json.get("default").cloned(),
            aliases: aliases.into_iter().flatten().filter_map(|a| a.as_str().map(String::from)).collect(),
            name,
        })
    }
}

fn union(members: Vec<Rc<Avro>>) -> Result<Rc<Avro>> {
    if members.is_empty() || members.iter().any(|m| matches!(m.kind, Kind::Union(_))) {
        return Err(bad("a union must have members, and none that is a union"));
    }
    Ok(Rc::new(Avro::plain(Kind::Union(members))))
}

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

fn full_name(name: &str, space: &str) -> String {
    match name.contains('.') || space.is_empty() {
        true => name.trim_start_matches('.').into(),
        false => format!("{space}.{name}"),
    }
}

fn props(object: &Map<String, Json>) -> Map<String, Json> {
    const KNOWN: [&str; 10] =
        ["type", "name", "namespace", "doc", "fields", "symbols", "items", "values", "size", "aliases"];
    object.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_namespace() {
        let schema = Avro::parse(
            r#"{"type":"record","name":"a.b.R","fields":[
                {"name":"e","type":{"type":"enum","name":"E","symbols":["X"]}},
                {"name":"again","type":"E"},{"name":"far","type":["null","a.b.E"],"default":null}]}"#,
            &[],
        )
        .unwrap();
        let Kind::Record(fields) = &schema.kind else { panic!("{schema:?}") };
        assert_eq!(fields[0].schema.name.as_deref(), Some("a.b.E"));
        assert_eq!(fields[1].schema, fields[0].schema);
        assert_eq!(fields[2].default, Some(Json::Null));
    }

    #[test]
    fn references_define_names() {
        let e = r#"{"type":"enum","name":"x.E","symbols":["X"]}"#;
        let r = r#"{"type":"record","name":"R","fields":[{"name":"e","type":"x.E"}]}"#;
        assert!(Avro::parse(r, &[e]).is_ok());
        assert_eq!(Avro::parse("string", &[]).unwrap().kind, Kind::String);
    }

    #[test]
    fn what_can_not_be_used_is_named() {
        for (text, want) in [
            ("{", "not JSON"),
            (r#""nope""#, "nope is not defined"),
            (r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#, "R contains itself"),
            (r#"{"type":"array"}"#, "no usable items"),
            (r#"[]"#, "a union must have members"),
            (r#"{"type":"fixed","name":"F","size":-1}"#, "no usable size"),
            (r#"{"type":"enum","symbols":[]}"#, "has no name"),
            ("17", "17 stands where"),
        ] {
            let error = Avro::parse(text, &[]).unwrap_err();
            assert!(error.message.contains(want), "{text}: {error}");
        }
        let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(70), "}".repeat(70));
        assert!(Avro::parse(&deep, &[]).unwrap_err().message.contains("deeper"));
    }
}
