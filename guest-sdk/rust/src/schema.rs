//! Connect schemas (section 3 of the ABI).

use std::fmt;
use std::rc::Rc;

use crate::error::{malformed, Result};
use crate::limits;
use crate::value::{u32_at, Tag, Value, ValueRef};

/// The type of a schema; its number is the byte of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Type {
    Int8 = 0,
    Int16 = 1,
    Int32 = 2,
    Int64 = 3,
    Float32 = 4,
    Float64 = 5,
    Boolean = 6,
    String = 7,
    Bytes = 8,
    Array = 9,
    Map = 10,
    Struct = 11,
}

const TYPES: [(Type, &str); 12] = [
    (Type::Int8, "INT8"),
    (Type::Int16, "INT16"),
    (Type::Int32, "INT32"),
    (Type::Int64, "INT64"),
    (Type::Float32, "FLOAT32"),
    (Type::Float64, "FLOAT64"),
    (Type::Boolean, "BOOLEAN"),
    (Type::String, "STRING"),
    (Type::Bytes, "BYTES"),
    (Type::Array, "ARRAY"),
    (Type::Map, "MAP"),
    (Type::Struct, "STRUCT"),
];

impl Type {
    /// Connect's name, as `INT8`.
    pub fn name(self) -> &'static str {
        TYPES[self as usize].1
    }

    pub fn of_name(name: &str) -> Option<Type> {
        TYPES.iter().find(|(_, n)| *n == name).map(|(t, _)| *t)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Name of the logical type of decimal numbers.
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// Name of the logical type of days.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// Name of the logical type of times of day.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// Name of the logical type of instants.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";

/// A field of a struct schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: Rc<str>,
    pub schema: Rc<Schema>,
}

/// A schema with all its attributes. Children are shared, so deriving one schema from another copies little.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub kind: Type,
    pub optional: bool,
    pub name: Option<Rc<str>>,
    pub version: Option<i32>,
    pub doc: Option<Rc<str>>,
    pub parameters: Option<Vec<(String, String)>>,
    pub default: Option<Value>,
    /// What a default that is a struct was made with, where that is not this schema without its default: a schema may
    /// have been renamed since. Counts only beside such a default.
    pub default_schema: Option<Rc<Schema>>,
    /// Keys of a MAP; `None` if not known.
    pub key: Option<Rc<Schema>>,
    /// Elements of an ARRAY or values of a MAP; `None` if not known.
    pub element: Option<Rc<Schema>>,
    /// Fields of a STRUCT.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A required schema without attributes.
    pub fn new(kind: Type) -> Schema {
        Schema {
            kind,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: None,
            default: None,
            default_schema: None,
            key: None,
            element: None,
            fields: Vec::new(),
        }
    }

    pub fn optional(mut self) -> Schema {
        self.optional = true;
        self
    }

    pub fn named(mut self, name: &str) -> Schema {
        self.name = Some(name.into());
        self
    }

    pub fn versioned(mut self, version: i32) -> Schema {
        self.version = Some(version);
        self
    }

    /// Adds a field to a STRUCT.
    pub fn field(mut self, name: &str, schema: Schema) -> Schema {
        self.fields.push(Field { name: name.into(), schema: Rc::new(schema) });
        self
    }

    pub fn array(element: Schema) -> Schema {
        Schema { element: Some(Rc::new(element)), ..Schema::new(Type::Array) }
    }

    pub fn map(key: Schema, value: Schema) -> Schema {
        Schema { key: Some(Rc::new(key)), element: Some(Rc::new(value)), ..Schema::new(Type::Map) }
    }

    /// One of [`DATE`], [`TIME`], [`TIMESTAMP`].
    pub fn temporal(name: &str) -> Schema {
        let kind = if name == TIMESTAMP { Type::Int64 } else { Type::Int32 };
        Schema::new(kind).named(name).versioned(1)
    }

    pub fn decimal(scale: i32) -> Schema {
        let mut schema = Schema::new(Type::Bytes).named(DECIMAL).versioned(1);
        schema.parameters = Some(vec![("scale".into(), scale.to_string())]);
        schema
    }

    /// Name as text, if any.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Index of a field.
    pub fn index_of(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|f| &*f.name == field)
    }

    /// Value of a parameter.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.as_ref()?.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Connect's text: `Schema{name:TYPE}` or `Schema{TYPE}`.
    pub fn describe(&self) -> String {
        match &self.name {
            Some(name) => format!("Schema{{{name}:{}}}", self.kind),
            None => format!("Schema{{{}}}", self.kind),
        }
    }

    /// Appends the bytes of the ABI.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let flags = [
            self.optional,
            self.name.is_some(),
            self.version.is_some(),
            self.doc.is_some(),
            self.parameters.is_some(),
            self.default.is_some(),
            self.own_schema_of_default().is_some(),
        ];
        out.push(self.kind as u8);
        out.push(flags.iter().enumerate().map(|(bit, set)| (*set as u8) << bit).sum());
        self.name.iter().for_each(|text| put_str(text, out));
        self.version.iter().for_each(|version| out.extend_from_slice(&version.to_le_bytes()));
        self.doc.iter().for_each(|text| put_str(text, out));
        if let Some(parameters) = &self.parameters {
            out.extend_from_slice(&(parameters.len() as u32).to_le_bytes());
            for (key, value) in parameters {
                put_str(key, out);
                put_str(value, out);
            }
        }
        if let Some(default) = &self.default {
            out.push(default.tag() as u8);
            put_sized(out, |out| default.encode(out));
        }
        if let Some(own) = self.own_schema_of_default() {
            put_sized(out, |out| own.encode(out));
        }
        self.encode_children(out);
    }

    fn own_schema_of_default(&self) -> Option<&Schema> {
        let is_struct = matches!(self.default, Some(Value::Struct(..)));
        self.default_schema.as_deref().filter(|_| is_struct)
    }

    fn encode_children(&self, out: &mut Vec<u8>) {
        let child = |schema: &Option<Rc<Schema>>, out: &mut Vec<u8>| {
            put_sized(out, |out| schema.iter().for_each(|s| s.encode(out)));
        };
        match self.kind {
            Type::Array => child(&self.element, out),
            Type::Map => {
                child(&self.key, out);
                child(&self.element, out);
            }
            Type::Struct => {
                out.extend_from_slice(&(self.fields.len() as u32).to_le_bytes());
                for field in &self.fields {
                    put_str(&field.name, out);
                    put_sized(out, |out| field.schema.encode(out));
                }
            }
            _ => {}
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// Reads a schema that fills `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<Schema> {
        let mut reader = Reader { bytes, at: 0 };
        match reader.schema(0) {
            Some(schema) if reader.at == bytes.len() => Ok(schema),
            _ => Err(malformed("schema")),
        }
    }
}

fn put_str(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_le_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(n)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u32(&mut self) -> Option<u32> {
        u32_at(self.take(4)?, 0)
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let n = self.u32()? as usize;
        self.take(n)
    }

    fn str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.sized()?).ok()
    }

    fn schema(&mut self, depth: usize) -> Option<Schema> {
        if depth > limits::DEPTH {
            return None;
        }
        let kind = TYPES.get(self.u8()? as usize)?.0;
        let flags = self.u8()?;
        if flags > 127 {
            return None;
        }
        let mut schema = Schema::new(kind);
        schema.optional = flags & 1 != 0;
        if flags & 2 != 0 {
            schema.name = Some(self.str()?.into());
        }
        if flags & 4 != 0 {
            schema.version = Some(self.u32()? as i32);
        }
        if flags & 8 != 0 {
            schema.doc = Some(self.str()?.into());
        }
        if flags & 16 != 0 {
            schema.parameters = Some(self.parameters()?);
        }
        if flags & 32 != 0 {
            let tag = Tag::of(self.u8()?)?;
            schema.default = Some(Value::decode(ValueRef::new(tag, self.sized()?)).ok()?);
        }
        if flags & 64 != 0 {
            schema.default_schema = Some(self.schema_of_default(schema.default.as_ref()?, depth)?);
        }
        self.children(&mut schema, depth)?;
        Some(schema)
    }

    fn schema_of_default(&mut self, default: &Value, depth: usize) -> Option<Rc<Schema>> {
        let own = self.child(depth)??;
        let Value::Struct(_, items) = default else { return None };
        (own.kind == Type::Struct && own.fields.len() == items.len()).then_some(own)
    }

    fn parameters(&mut self) -> Option<Vec<(String, String)>> {
        let n = self.u32()?;
        let mut out = Vec::new();
        for _ in 0..n {
            out.push((self.str()?.into(), self.str()?.into()));
        }
        Some(out)
    }

    fn child(&mut self, depth: usize) -> Option<Option<Rc<Schema>>> {
        let bytes = self.sized()?;
        if bytes.is_empty() {
            return Some(None);
        }
        let mut reader = Reader { bytes, at: 0 };
        let schema = reader.schema(depth + 1)?;
        (reader.at == bytes.len()).then(|| Some(Rc::new(schema)))
    }

    fn children(&mut self, schema: &mut Schema, depth: usize) -> Option<()> {
        match schema.kind {
            Type::Array => schema.element = self.child(depth)?,
            Type::Map => {
                schema.key = self.child(depth)?;
                schema.element = self.child(depth)?;
            }
            Type::Struct => {
                for _ in 0..self.u32()? {
                    let name = self.str()?.into();
                    schema.fields.push(Field { name, schema: self.child(depth)?? });
                }
            }
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::NONE;

    fn rich() -> Schema {
        let mut schema = Schema::new(Type::Struct)
            .named("N")
            .versioned(2)
            .field("a", Schema::new(Type::Int32).optional())
            .field("d", Schema::decimal(2))
            .field("m", Schema::map(Schema::new(Type::String), Schema::temporal(TIMESTAMP)))
            .field("l", Schema { element: None, ..Schema::new(Type::Array) });
        schema.doc = Some("doc".into());
        schema.parameters = Some(vec![]);
        schema.fields[0].schema = Rc::new(Schema { default: Some(Value::Int32(7)), ..Schema::new(Type::Int32) });
        schema
    }

    /// A schema whose default has the name from before.
    fn renamed() -> Schema {
        let old = Schema::new(Type::Struct).named("old").field("a", Schema::new(Type::Int32));
        Schema {
            name: Some("new".into()),
            default: Some(Value::Struct(NONE, vec![Value::Int32(3)])),
            default_schema: Some(Rc::new(old.clone())),
            ..old
        }
    }

    #[test]
    fn schemas_survive_the_round_trip() {
        assert_eq!(Schema::decode(&rich().to_bytes()).unwrap(), rich());
        assert_eq!(Schema::decode(&[7, 1]).unwrap(), Schema::new(Type::String).optional());
        assert_eq!(Schema::decode(&renamed().to_bytes()).unwrap(), renamed());
    }

    #[test]
    fn only_a_struct_has_a_schema_of_its_own_as_a_default() {
        let old = Some(Rc::new(Schema::new(Type::Struct)));
        for wrong in [Some(Value::Int32(1)), Some(Value::Null), None] {
            let schema = Schema { default: wrong, default_schema: old.clone(), ..Schema::new(Type::Int32) };
            assert_eq!(Schema::decode(&schema.to_bytes()).unwrap().default_schema, None);
        }
        let mut bytes = Schema { default: Some(Value::Int32(1)), ..Schema::new(Type::Int32) }.to_bytes();
        bytes[1] |= 64;
        bytes.extend_from_slice(&[6, 0, 0, 0, Type::Struct as u8, 0, 0, 0, 0, 0]);
        assert!(Schema::decode(&bytes).is_err());
        let short = Schema { default: Some(Value::Struct(NONE, vec![])), ..renamed() };
        assert!(Schema::decode(&short.to_bytes()).is_err());
    }

    #[test]
    fn truncated_and_flipped_schemas_never_trap() {
        for bytes in [rich().to_bytes(), renamed().to_bytes()] {
            for cut in 0..bytes.len() {
                assert!(Schema::decode(&bytes[..cut]).is_err(), "{cut}");
            }
            for at in 0..bytes.len() {
                for bit in 0..8 {
                    let mut bad = bytes.clone();
                    bad[at] ^= 1 << bit;
                    let _ = Schema::decode(&bad);
                }
            }
        }
    }
}
