//! Connect schemas as Avro schemas: the text that is registered.

use std::collections::HashMap;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Error, Field, Result, Schema, Type, Value};
use serde_json::{json, Map, Value as Json};

use super::names::*;
use super::schema::split_name;
use super::to_connect::DAY_MS;
use super::Options;

/// The Avro schema of a Connect schema, as JSON.
pub fn translate(schema: &Schema, options: Options) -> Result<String> {
    let mut writer = Writer { options, defined: HashMap::new(), unnamed: 0 };
    Ok(writer.schema(schema, "")?.to_string())
}

/// The full name that a schema's record gets; `None`: it is no record.
pub fn record_name(schema: &Schema, options: Options) -> Option<String> {
    match schema.name() {
        _ if schema.kind != Type::Struct => None,
        Some(UNION) => None,
        Some(name) if options.scrub => Some(scrub(name)),
        Some(name) => Some(name.into()),
        None => Some(default_full_name()),
    }
}

struct Writer {
    options: Options,
    /// Definitions by full name: a second use says the name only.
    defined: HashMap<String, Json>,
    /// Structs without a name so far.
    unnamed: usize,
}

type Object = Map<String, Json>;

fn simple(kind: &str) -> Object {
    Map::from_iter([("type".to_string(), json!(kind))])
}

impl Writer {
    /// `space` is the namespace around it.
    fn schema(&mut self, schema: &Schema, space: &str) -> Result<Json> {
        if schema.kind == Type::Struct && schema.name() == Some(UNION) {
            return self.union(schema, space);
        }
        let mut object = self.base(schema, space)?;
        let mut named = None;
        if let Some(full) = object.shift_remove("\0full") {
            named = full.as_str().map(String::from);
        }
        self.annotate(schema, &mut object)?;
        let mut json = match object.len() {
            1 => object["type"].clone(),
            _ => Json::Object(object),
        };
        if let Some(full) = named {
            json = self.define(full, json, space)?;
        }
        if !schema.optional {
            return Ok(json);
        }
        Ok(match &schema.default {
            Some(_) => json!([json, "null"]), // a default has the type of the first member
            None => json!(["null", json]),
        })
    }

    /// The first use of a name holds its definition, the others the name.
    fn define(&mut self, full: String, json: Json, space: &str) -> Result<Json> {
        let (own, short) = split_name(&full);
        let reference = if own == space { short.to_string() } else { full.clone() };
        match self.defined.get(&full) {
            None => {
                self.defined.insert(full, json.clone());
                Ok(json)
            }
            Some(before) if *before == json => Ok(Json::String(reference)),
            Some(_) => Err(Error::data(format!(
                "two different structs are named {full}, which Avro does not allow: give one of them another name \
                 (transform SetSchemaMetadata)"
            ))),
        }
    }

    fn base(&mut self, schema: &Schema, space: &str) -> Result<Object> {
        Ok(match schema.kind {
            Type::Int8 | Type::Int16 | Type::Int32 => simple("int"),
            Type::Int64 => simple("long"),
            Type::Float32 => simple("float"),
            Type::Float64 => simple("double"),
            Type::Boolean => simple("boolean"),
            Type::String => return self.text(schema, space),
            Type::Bytes => return self.bytes(schema, space),
            Type::Array => {
                let mut object = simple("array");
                object.insert("items".into(), self.child(&schema.element, space)?);
                object
            }
            Type::Map => return self.map(schema, space),
            Type::Struct => return self.record(schema, space),
        })
    }

    fn child(&mut self, schema: &Option<std::rc::Rc<Schema>>, space: &str) -> Result<Json> {
        match schema {
            Some(schema) => self.schema(schema, space),
            None => Err(Error::data("an array or a map whose items have no schema can't be written as Avro")),
        }
    }

    /// A named type: `\0full` carries its full name to the caller.
    fn named(&self, kind: &str, full: &str, space: &str) -> Result<Object> {
        let full = if self.options.scrub { scrub(full) } else { full.to_string() };
        if !is_valid(&full) {
            return Err(Error::data(format!(
                "{full} is no name that Avro allows: set scrub.invalid.names=true, or rename it (transform \
                 SetSchemaMetadata)"
            )));
        }
        let (own, short) = split_name(&full);
        let mut object = simple(kind);
        object.insert("name".into(), json!(short));
        if own != space {
            object.insert("namespace".into(), json!(own));
        }
        object.insert("\0full".into(), json!(full));
        Ok(object)
    }

    fn text(&mut self, schema: &Schema, space: &str) -> Result<Object> {
        let (true, Some(name)) = (self.options.enhanced, schema.parameter(ENUM)) else { return Ok(simple("string")) };
        let mut object = self.named("enum", name, space)?;
        if let Some(doc) = schema.parameter(&format!("{ENUM_DOC}{}", split_name(name).1)) {
            object.insert("doc".into(), json!(doc));
        }
        let prefix = format!("{ENUM}.");
        let parameters = schema.parameters.iter().flatten();
        let symbols: Vec<&str> = parameters.filter(|(k, _)| k.starts_with(&prefix)).map(|(_, v)| v.as_str()).collect();
        object.insert("symbols".into(), json!(symbols));
        Ok(object)
    }

    fn bytes(&mut self, schema: &Schema, space: &str) -> Result<Object> {
        let fixed = schema.parameter(FIXED_SIZE).and_then(|size| size.parse::<usize>().ok());
        let mut object = match fixed {
            Some(size) => {
                let name = schema.name().filter(|name| *name != DECIMAL);
                let mut object = self.named("fixed", name.unwrap_or(&default_full_name()), space)?;
                object.insert("size".into(), json!(size));
                object
            }
            None => simple("bytes"),
        };
        if schema.name() == Some(DECIMAL) {
            let number = |key: &str, preset: i64| schema.parameter(key).and_then(|n| n.parse().ok()).unwrap_or(preset);
            object.insert("scale".into(), json!(number("scale", 0)));
            object.insert("precision".into(), json!(number(PRECISION, PRECISION_PRESET as i64)));
        }
        Ok(object)
    }

    /// Avro's maps have texts as keys; others are arrays of entries.
    fn map(&mut self, schema: &Schema, space: &str) -> Result<Object> {
        if schema.key.as_ref().is_some_and(|key| key.kind == Type::String && !key.optional) {
            let mut object = simple("map");
            object.insert("values".into(), self.child(&schema.element, space)?);
            return Ok(object);
        }
        let default = format!("{NAMESPACE}.{MAP_ENTRY}");
        let mut entry = self.named("record", schema.name().unwrap_or(&default), space)?;
        let full = entry.shift_remove("\0full").and_then(|full| full.as_str().map(String::from)).unwrap_or(default);
        let within = split_name(&full).0;
        entry.insert(
            "fields".into(),
            json!([
                {"name": "key", "type": self.child(&schema.key, within)?},
                {"name": "value", "type": self.child(&schema.element, within)?},
            ]),
        );
        if schema.name().is_some() {
            entry.insert(CONNECT_INTERNAL.into(), json!(MAP_ENTRY));
        }
        let mut object = simple("array");
        object.insert("items".into(), self.define(full, Json::Object(entry), space)?);
        Ok(object)
    }

    fn record(&mut self, schema: &Schema, space: &str) -> Result<Object> {
        let name = match schema.name() {
            Some(name) => name.to_string(),
            None => {
                self.unnamed += 1;
                match self.unnamed {
                    1 => default_full_name(),
                    n => format!("{}{n}", default_full_name()),
                }
            }
        };
        let mut object = self.named("record", &name, space)?;
        let full = object["\0full"].as_str().unwrap_or_default().to_string();
        if let Some(doc) = &schema.doc {
            object.insert("doc".into(), json!(&**doc));
        }
        let within = split_name(&full).0;
        let fields = schema.fields.iter().map(|field| self.field(field, within)).collect::<Result<Vec<_>>>()?;
        object.insert("fields".into(), Json::Array(fields));
        Ok(object)
    }

    fn field(&mut self, field: &Field, space: &str) -> Result<Json> {
        let name = if self.options.scrub { scrub(&field.name.replace('.', "_")) } else { field.name.to_string() };
        if !is_valid(&name) || name.contains('.') {
            return Err(Error::data(format!(
                "field {name} has a name that Avro does not allow: set scrub.invalid.names=true, or rename it \
                 (transform ReplaceField)"
            )));
        }
        let mut object =
            Map::from_iter([("name".into(), json!(name)), ("type".into(), self.schema(&field.schema, space)?)]);
        if let Some(doc) = &field.schema.doc {
            object.insert("doc".into(), json!(&**doc));
        }
        if let Some(default) = &field.schema.default {
            object.insert("default".into(), default_json(default, &field.schema)?);
        } else if field.schema.optional {
            object.insert("default".into(), Json::Null);
        }
        Ok(Json::Object(object))
    }

    fn union(&mut self, schema: &Schema, space: &str) -> Result<Json> {
        let mut members = Vec::new();
        if schema.optional {
            members.push(json!("null"));
        }
        for field in &schema.fields {
            let member = Schema { optional: false, ..(*field.schema).clone() };
            members.push(self.schema(&member, space)?);
        }
        Ok(Json::Array(members))
    }

    /// What only Connect knows, in the order in which its own converter writes it.
    fn annotate(&self, schema: &Schema, object: &mut Object) -> Result<()> {
        if self.options.meta_data {
            let narrow = match schema.kind {
                Type::Int8 => Some("int8"),
                Type::Int16 => Some("int16"),
                _ => None,
            };
            if let Some(doc) = schema.doc.as_ref().filter(|_| schema.kind != Type::Struct) {
                object.insert(CONNECT_DOC.into(), json!(&**doc));
            }
            if let Some(version) = schema.version {
                object.insert(CONNECT_VERSION.into(), json!(version));
            }
            if let Some(parameters) = schema.parameters.as_ref().filter(|p| !p.is_empty()) {
                let parameters: Map<String, Json> = parameters.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
                object.insert(CONNECT_PARAMETERS.into(), Json::Object(parameters));
            }
            if let Some(default) = &schema.default {
                object.insert(CONNECT_DEFAULT.into(), default_json(default, schema)?);
            }
            if let Some(name) = schema.name() {
                object.insert(CONNECT_NAME.into(), json!(name));
            }
            if let Some(narrow) = narrow {
                object.insert(CONNECT_TYPE.into(), json!(narrow));
            }
        }
        let logical = match schema.name() {
            Some(DECIMAL) => "decimal",
            Some(DATE) => "date",
            Some(TIME) => "time-millis",
            Some(TIMESTAMP) => "timestamp-millis",
            _ => return Ok(()),
        };
        object.insert(LOGICAL.into(), json!(logical));
        Ok(())
    }
}

/// A default as Avro writes it: bytes as a text with a character for each byte.
fn default_json(value: &Value, schema: &Schema) -> Result<Json> {
    let text = |bytes: &[u8]| Json::String(bytes.iter().map(|b| *b as char).collect());
    let wrong = || Error::data(format!("a default of {} is no {}", schema.describe(), schema.kind));
    let child = |value: &Value, of: &Option<std::rc::Rc<Schema>>| match of {
        Some(schema) => default_json(value, schema),
        None => Err(wrong()),
    };
    Ok(match value {
        Value::Null => Json::Null,
        Value::Boolean(b) => json!(b),
        Value::Int8(_) | Value::Int16(_) | Value::Int32(_) | Value::Int64(_) => json!(value.as_int()),
        Value::Float32(n) => json!(n),
        Value::Float64(n) => json!(n),
        Value::String(s) => json!(s),
        Value::Bytes(bytes) => text(bytes),
        Value::Decimal(_, unscaled) => text(unscaled),
        Value::Date(ms) if schema.name() == Some(DATE) => json!(ms.div_euclid(DAY_MS)),
        Value::Date(ms) => json!(ms),
        Value::Array(items) => items.iter().map(|v| child(v, &schema.element)).collect::<Result<_>>()?,
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(k, v)| Ok((k.as_str().ok_or_else(wrong)?.to_string(), child(v, &schema.element)?)));
            Json::Object(entries.collect::<Result<_>>()?)
        }
        Value::Struct(_, items) => {
            let fields = schema.fields.iter().zip(items);
            Json::Object(
                fields.map(|(f, v)| Ok((f.name.to_string(), default_json(v, &f.schema)?))).collect::<Result<_>>()?,
            )
        }
        Value::Raw(_) | Value::BigInt(_) | Value::Object(..) => return Err(wrong()),
    })
}
