//! `org.apache.kafka.connect.header.ConnectHeaders`.

use std::rc::Rc;

use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Error, Result, Schema, Type};

use super::logical::{date_from, time_from};
use super::object::{joined, Object};

/// A header: a key, which others may have too, and a value with or without a schema.
#[derive(Clone, Debug)]
pub struct ConnectHeader {
    pub key: String,
    pub schema: Option<Rc<Schema>>,
    pub value: Object,
}

/// Headers in their order.
#[derive(Clone, Debug, Default)]
pub struct ConnectHeaders {
    headers: Vec<ConnectHeader>,
}

impl ConnectHeaders {
    pub fn headers(&self) -> &[ConnectHeader] {
        &self.headers
    }

    /// Adds a header whose value must fit the schema, if it has one.
    pub fn add(&mut self, key: &str, value: Object, schema: Option<Rc<Schema>>) -> Result<()> {
        if let Some(schema) = &schema {
            check_fits(schema, &value)?;
        }
        self.push(key, value, schema);
        Ok(())
    }

    /// Adds a header without a look at whether the value fits the schema.
    pub fn push(&mut self, key: &str, value: Object, schema: Option<Rc<Schema>>) {
        self.headers.push(ConnectHeader { key: key.to_string(), schema, value });
    }

    /// `addString`, `addBytes`: the schema is optional for null alone.
    pub fn add_text_or_bytes(&mut self, key: &str, value: Object, kind: Type) {
        let schema = Schema { optional: value.is_null(), ..Schema::new(kind) };
        self.push(key, value, Some(Rc::new(schema)));
    }

    /// `addDecimal`: the schema has the scale of the value.
    pub fn add_decimal(&mut self, key: &str, value: Object) {
        let schema = match value {
            Object::Decimal { scale, .. } => Some(Rc::new(Schema::decimal(scale))),
            _ => None,
        };
        self.push(key, value, schema);
    }

    /// `addDate`, `addTime`, `addTimestamp`; `name` is that of the logical type.
    pub fn add_temporal(&mut self, key: &str, value: Object, name: &str) -> Result<()> {
        let schema = Schema::temporal(name);
        match (&value, name) {
            (Object::Date(ms), DATE) => drop(date_from(&schema, *ms)?),
            (Object::Date(ms), TIME) => drop(time_from(&schema, *ms)?),
            _ => {}
        }
        self.push(key, value, Some(Rc::new(schema)));
        Ok(())
    }

    /// `addList`, `addMap`, `addStruct`: the schema must be of this type. Null has no schema to look at.
    pub fn add_container(&mut self, key: &str, value: Object, schema: Option<Rc<Schema>>, kind: Type) -> Result<()> {
        if value.is_null() {
            return self.add(key, value, None);
        }
        if let Some(schema) = schema.as_ref().filter(|schema| schema.kind != kind) {
            return Err(Error::data(format!("Expecting {kind} but instead found {}", schema.kind)));
        }
        self.push(key, value, schema);
        Ok(())
    }

    pub fn remove(&mut self, key: &str) {
        self.headers.retain(|header| header.key != key);
    }

    pub fn clear(&mut self) {
        self.headers.clear();
    }

    /// Keeps of each key, or of one alone, the last header.
    pub fn retain_latest(&mut self, key: Option<&str>) {
        let mut latest = Vec::new();
        let mut kept = Vec::new();
        while let Some(header) = self.headers.pop() {
            let counts = key.is_none_or(|key| key == header.key);
            if counts && latest.contains(&header.key) {
                continue;
            }
            if counts {
                latest.push(header.key.clone());
            }
            kept.push(header);
        }
        kept.reverse();
        self.headers = kept;
    }

    /// `toString`.
    pub fn text(&self) -> String {
        let header = |header: &ConnectHeader| {
            let schema = header.schema.as_ref().map_or("null".into(), |schema| schema.describe());
            format!("ConnectHeader(key={}, value={}, schema={schema})", header.key, header.value.text())
        };
        format!("ConnectHeaders(headers=[{}])", joined(self.headers.iter().map(header), ", "))
    }
}

/// Whether a value fits a schema, without a look into containers.
fn check_fits(schema: &Schema, value: &Object) -> Result<()> {
    if value.is_null() {
        return match schema.optional {
            true => Ok(()),
            false => {
                Err(Error::data(format!("A null value requires an optional schema but was {}", schema.describe())))
            }
        };
    }
    let logical = |names: &[&str]| schema.name().is_some_and(|name| names.contains(&name));
    let fits = match (schema.kind, value) {
        (Type::Bytes, Object::Bytes(_) | Object::ByteBuffer { .. }) => true,
        (Type::Bytes, Object::Decimal { .. }) => logical(&[DECIMAL]),
        (Type::Boolean, Object::Boolean(_)) => true,
        (Type::String, value) => value.is_string(),
        (Type::Int8, Object::Int8(_)) | (Type::Int16, Object::Int16(_)) => true,
        (Type::Int32, Object::Int32(_)) | (Type::Int64, Object::Int64(_)) => true,
        (Type::Int32, Object::Date(_)) => logical(&[DATE, TIME]),
        (Type::Int64, Object::Date(_)) => logical(&[TIMESTAMP]),
        (Type::Float32, Object::Float32(_)) | (Type::Float64, Object::Float64(_)) => true,
        (Type::Array, Object::List(_)) | (Type::Map, Object::Map(_)) => true,
        (Type::Struct, Object::Struct(_)) => true,
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => {
            let (value, schema) = (value.text(), schema.describe());
            Err(Error::data(format!("The value {value} is not compatible with the schema {schema}")))
        }
    }
}
