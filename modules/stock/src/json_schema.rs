//! Schemas and values of JsonConverter's envelope, from JSON.

use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Error, Field, Result, Schema, Type, Value, NONE};

use crate::base64;
use crate::decimal::Decimal;
use crate::java_number::shorten;
use crate::java_time::DAY_MS;
use crate::json_lexer::{is_whole, to_f64, to_i64};
use crate::json_node::Node;
use crate::json_text::Text;
use crate::logical_types::{decimal_scale, time_of};

/// Class of errors in the building of a schema.
const BUILDER: &str = "org.apache.kafka.connect.errors.SchemaBuilderException";

/// JSON's names of types, in the order of the ABI.
pub const TYPE_NAMES: [&str; 12] =
    ["int8", "int16", "int32", "int64", "float", "double", "boolean", "string", "bytes", "array", "map", "struct"];

const TYPES: [Type; 12] = [
    Type::Int8,
    Type::Int16,
    Type::Int32,
    Type::Int64,
    Type::Float32,
    Type::Float64,
    Type::Boolean,
    Type::String,
    Type::Bytes,
    Type::Array,
    Type::Map,
    Type::Struct,
];

/// A schema; JSON null is none.
pub fn schema(node: &Node<'_>, replace_null: bool) -> Result<Option<Rc<Schema>>> {
    if *node == Node::Null {
        return Ok(None);
    }
    let Some(name) = node.get("type").and_then(Node::text) else {
        return Err(Error::data("Schema must contain 'type' field"));
    };
    let Some(at) = TYPE_NAMES.iter().position(|n| *n == name) else {
        return Err(Error::data(format!("Unknown schema type: {name}")));
    };
    let mut out = Schema::new(TYPES[at]);
    let child = |key: &str, what: &str| match node.get(key) {
        None | Some(Node::Null) => Err(Error::data(what.to_string())),
        Some(node) => schema(node, replace_null),
    };
    match out.kind {
        Type::Array => out.element = child("items", "Array schema did not specify the element type")?,
        Type::Map => {
            out.key = child("keys", "Map schema did not specify the key type")?;
            out.element = child("values", "Map schema did not specify the value type")?;
        }
        Type::Struct => out.fields = fields(node, replace_null)?,
        _ => {}
    }
    attributes(node, &mut out, replace_null)?;
    Ok(Some(Rc::new(out)))
}

fn fields(node: &Node<'_>, replace_null: bool) -> Result<Vec<Field>> {
    let Some(Node::Array(list)) = node.get("fields") else {
        return Err(Error::data("Struct schema's \"fields\" argument is not an array."));
    };
    let mut out: Vec<Field> = Vec::new();
    for field in list {
        let Some(name) = field.get("field").and_then(Node::text) else {
            return Err(Error::data("Struct schema's field name not specified properly"));
        };
        let schema = schema(field, replace_null)?.ok_or_else(|| Error::data("Schema must contain 'type' field"))?;
        if out.iter().any(|f| &*f.name == name) {
            let message = format!("Cannot create field because of field name duplication {name}");
            return Err(Error::data(message).class(BUILDER));
        }
        out.push(Field { name: name.into(), schema });
    }
    Ok(out)
}

fn attributes(node: &Node<'_>, out: &mut Schema, replace_null: bool) -> Result<()> {
    out.optional = node.get("optional") == Some(&Node::Bool(true));
    out.name = node.get("name").and_then(Node::text).map(Rc::from);
    out.doc = node.get("doc").and_then(Node::text).map(Rc::from);
    if let Some(Node::Number(text)) = node.get("version") {
        if is_whole(text) {
            out.version = Some(to_i64(text) as i32);
        }
    }
    if let Some(Node::Object(members)) = node.get("parameters") {
        let pair = |(key, value): &(Text<'_>, Node<'_>)| match value.text() {
            Some(text) => Ok((key.shown.to_string(), text.to_string())),
            None => Err(Error::data("Schema parameters must have string values.")),
        };
        let pairs = members.iter().map(pair).collect::<Result<Vec<_>>>()?;
        out.parameters = if pairs.is_empty() { None } else { Some(pairs) };
    }
    if let Some(default) = node.get("default") {
        let value = value(out, Some(default), replace_null)?;
        if matches!(value, Value::Struct(..)) || (value == Value::Null && !out.optional) {
            return Err(Error::data("Invalid default value").class(BUILDER));
        }
        if value != Value::Null {
            out.default = Some(value);
        }
    }
    Ok(())
}

/// A value of a schema. Kinds that don't fit are read leniently, as Jackson's accessors do.
pub fn value(schema: &Schema, node: Option<&Node<'_>>, replace_null: bool) -> Result<Value> {
    let node = match node {
        None | Some(Node::Null) => {
            return match &schema.default {
                Some(default) if replace_null => Ok(default.clone()),
                _ if schema.optional => Ok(Value::Null),
                _ => Err(Error::data(format!("Invalid null value for required {} field", schema.kind))),
            }
        }
        Some(node) => node,
    };
    if let Some(logical) = logical(schema, node) {
        return logical;
    }
    let number = match node {
        Node::Number(text) => Number(text),
        _ => Number("0"),
    };
    Ok(match schema.kind {
        Type::Int8 => Value::Int8(number.long() as i8),
        Type::Int16 => Value::Int16(number.long() as i16),
        Type::Int32 => Value::Int32(number.long() as i32),
        Type::Int64 => Value::Int64(number.long()),
        Type::Float32 => Value::Float32(number.float()),
        Type::Float64 => Value::Float64(number.double()),
        Type::Boolean => Value::Boolean(*node == Node::Bool(true)),
        Type::String => match node {
            Node::Text(text) => text.value(),
            _ => Value::Null,
        },
        Type::Bytes => match node.text() {
            None => Value::Null,
            Some(text) => Value::Bytes(binary(text).map_err(|cause| because("Invalid bytes field", cause))?),
        },
        Type::Array => array(schema, node, replace_null)?,
        Type::Map => map(schema, node, replace_null)?,
        Type::Struct => structure(schema, node, replace_null)?,
    })
}

/// Accessors of Jackson's number nodes.
pub struct Number<'a>(pub &'a str);

impl Number<'_> {
    pub fn long(&self) -> i64 {
        if is_whole(self.0) {
            return to_i64(self.0);
        }
        Decimal::parse(self.0).map_or(0, |decimal| decimal.long_value())
    }

    pub fn double(&self) -> f64 {
        if is_whole(self.0) {
            if let Ok(n) = self.0.parse::<i64>() {
                return n as f64;
            }
        }
        to_f64(self.0)
    }

    pub fn float(&self) -> f32 {
        self.0.parse::<f32>().unwrap_or(0.0) + 0.0
    }
}

fn logical(schema: &Schema, node: &Node<'_>) -> Option<Result<Value>> {
    let name = schema.name()?;
    let integral = |what: &str, fits: bool, kind: &str| match (node, fits) {
        (Node::Number(text), true) => Ok(to_i64(text)),
        _ => Err(Error::data(format!(
            "Invalid type for {what}, underlying representation should be {kind} but was {}",
            node.kind()
        ))),
    };
    let (whole, int) = match node {
        Node::Number(text) => (is_whole(text), is_whole(text) && text.parse::<i32>().is_ok()),
        _ => (false, false),
    };
    Some(match name {
        DECIMAL => decimal(schema, node),
        DATE => integral("Date", int, "integer").map(|days| Value::Date(days * DAY_MS)),
        TIME => integral("Time", int, "integer").and_then(time_of).map(Value::Date),
        TIMESTAMP => integral("Timestamp", whole, "integral").map(Value::Date),
        _ => return None,
    })
}

fn decimal(schema: &Schema, node: &Node<'_>) -> Result<Value> {
    match node {
        Node::Number(text) => {
            let decimal = Decimal::parse(text).ok_or_else(|| Error::data("Invalid bytes for Decimal field"))?;
            Ok(Value::Decimal(decimal.scale, decimal.unscaled()))
        }
        Node::Text(text) => {
            decimal_of(schema, &text.shown).map_err(|cause| because("Invalid bytes for Decimal field", cause))
        }
        _ => Err(Error::data(format!(
            "Invalid type for Decimal, underlying representation should be numeric or bytes but was {}",
            node.kind()
        ))),
    }
}

/// `Decimal.toLogical` of a text's bytes.
fn decimal_of(schema: &Schema, text: &str) -> Result<Value> {
    let bytes = binary(text)?;
    if bytes.is_empty() {
        return Err(Error::data("Zero length BigInteger").class("java.lang.NumberFormatException"));
    }
    Ok(Value::Decimal(decimal_scale(schema)?, shorten(&bytes).to_vec()))
}

/// `JsonNode.binaryValue` of a text.
fn binary(text: &str) -> Result<Vec<u8>> {
    base64::decode_jackson(text).map_err(|why| {
        Error::data(format!("Cannot access contents of TextNode as binary due to broken Base64 encoding: {why}"))
            .class("com.fasterxml.jackson.databind.exc.InvalidFormatException")
    })
}

/// A DataException around another error.
fn because(message: &str, cause: Error) -> Error {
    let outer = Error::data(message).caused_by(cause.class_name(), cause.message);
    cause.causes.into_iter().fold(outer, |outer, (class, message)| outer.caused_by(class, message))
}

fn array(schema: &Schema, node: &Node<'_>, replace_null: bool) -> Result<Value> {
    let one = |node: &Node<'_>| match &schema.element {
        Some(element) => value(element, Some(node), replace_null),
        None => Ok(Value::Null),
    };
    let items = match node {
        Node::Array(items) => {
            let item = |(i, node)| one(node).map_err(|e| e.at(&format!("[{i}]")));
            items.iter().enumerate().map(item).collect::<Result<_>>()?
        }
        Node::Object(members) => {
            members.iter().map(|(name, node)| one(node).map_err(|e| e.at(&name.shown))).collect::<Result<_>>()?
        }
        _ => Vec::new(),
    };
    Ok(Value::Array(items))
}

fn map(schema: &Schema, node: &Node<'_>, replace_null: bool) -> Result<Value> {
    let (Some(key), Some(element)) = (&schema.key, &schema.element) else { return Ok(Value::Map(Vec::new())) };
    let mut entries: Vec<(Value, Value)> = Vec::new();
    if key.kind == Type::String {
        let Node::Object(members) = node else {
            let kind = node.kind();
            return Err(Error::data(format!(
                "Maps with string fields should be encoded as JSON objects, but found {kind}"
            )));
        };
        for (name, node) in members {
            let item = value(element, Some(node), replace_null).map_err(|e| e.at(&name.shown))?;
            entries.push((name.value(), item));
        }
        return Ok(Value::Map(entries));
    }
    let Node::Array(list) = node else {
        return Err(Error::data(format!(
            "Maps with non-string fields should be encoded as JSON array of tuples, but found {}",
            node.kind()
        )));
    };
    for entry in list {
        let Node::Array(pair) = entry else {
            return Err(Error::data(format!("Found invalid map entry instead of array tuple: {}", entry.kind())));
        };
        let [name, content] = &pair[..] else {
            let n = pair.len();
            return Err(Error::data(format!("Found invalid map entry, expected length 2 but found :{n}")));
        };
        let name = value(key, Some(name), replace_null)?;
        let content = value(element, Some(content), replace_null)?;
        match entries.iter_mut().find(|(k, _)| *k == name) {
            Some(entry) => entry.1 = content,
            None => entries.push((name, content)),
        }
    }
    Ok(Value::Map(entries))
}

fn structure(schema: &Schema, node: &Node<'_>, replace_null: bool) -> Result<Value> {
    if !matches!(node, Node::Object(_)) {
        return Err(Error::data(format!("Structs should be encoded as JSON objects, but found {}", node.kind())));
    }
    let mut items = Vec::with_capacity(schema.fields.len());
    for field in &schema.fields {
        let item = value(&field.schema, node.get(&field.name), replace_null).map_err(|e| e.at(&field.name))?;
        if item == Value::Null && !field.schema.optional {
            let (name, kind) = (&field.name, field.schema.kind);
            return Err(Error::data(format!(
                "Invalid value: null used for required field: \"{name}\", schema type: {kind}"
            ))
            .at(name));
        }
        items.push(item);
    }
    Ok(Value::Struct(NONE, items))
}
