//! Connect values in the flat encoding of the ABI (section 2): tags, readers in place, and an owned tree for control
//! messages and tests.

use crate::bytes::is_ascii;
use crate::error::{malformed, Result};
use crate::limits;
use crate::sys;

/// `NONE` of the ABI in any u32 index.
pub const NONE: u32 = u32::MAX;

/// The class of a value in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Tag {
    Null = 0,
    Raw = 1,
    Int8 = 2,
    Int16 = 3,
    Int32 = 4,
    Int64 = 5,
    Float32 = 6,
    Float64 = 7,
    Boolean = 8,
    String = 9,
    Bytes = 10,
    Array = 11,
    Map = 12,
    Struct = 13,
    Decimal = 14,
    Date = 15,
    BigInt = 16,
    /// Of a class that Connect has no type for.
    Object = 17,
}

impl Tag {
    /// The tag of a byte, `None` if there is no such tag.
    #[inline]
    pub fn of(byte: u8) -> Option<Tag> {
        sys::tag_of(byte)
    }
}

#[inline]
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let b = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// Tells whether bytes are UTF-8. Most text is ASCII, which is found out 16 bytes at a time.
#[inline]
pub fn is_utf8(bytes: &[u8]) -> bool {
    is_ascii(bytes) || std::str::from_utf8(bytes).is_ok()
}

/// The text that bytes are, if they are UTF-8; see [`is_utf8`].
#[inline]
pub fn text(bytes: &[u8]) -> Option<&str> {
    sys::text(bytes)
}

/// A value read in place: its tag and its payload. Readers answer zero or empty to a payload that is too short, so
/// nothing here can trap; [`Value::decode`] and [`ValueRef::check`] refuse such payloads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueRef<'a> {
    pub tag: Tag,
    pub payload: &'a [u8],
}

impl<'a> ValueRef<'a> {
    pub const NULL: ValueRef<'static> = ValueRef { tag: Tag::Null, payload: &[] };

    #[inline]
    pub fn new(tag: Tag, payload: &'a [u8]) -> Self {
        ValueRef { tag, payload }
    }

    /// Reads `tag u8, payload`.
    pub fn of_item(item: &'a [u8]) -> Option<Self> {
        let (&first, payload) = item.split_first()?;
        Some(ValueRef { tag: Tag::of(first)?, payload })
    }

    #[inline]
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null
    }

    fn fixed<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        if let Some(bytes) = self.payload.get(..N) {
            out.copy_from_slice(bytes);
        }
        out
    }

    /// The number of an INT8, INT16, INT32, INT64, BOOLEAN or DATE.
    #[inline]
    pub fn int(&self) -> Option<i64> {
        Some(match self.tag {
            Tag::Int8 => i8::from_le_bytes(self.fixed()) as i64,
            Tag::Int16 => i16::from_le_bytes(self.fixed()) as i64,
            Tag::Int32 => i32::from_le_bytes(self.fixed()) as i64,
            Tag::Int64 | Tag::Date => i64::from_le_bytes(self.fixed()),
            Tag::Boolean => u8::from_le_bytes(self.fixed()) as i64,
            _ => return None,
        })
    }

    pub fn float32(&self) -> Option<f32> {
        (self.tag == Tag::Float32).then(|| f32::from_le_bytes(self.fixed()))
    }

    pub fn float64(&self) -> Option<f64> {
        (self.tag == Tag::Float64).then(|| f64::from_le_bytes(self.fixed()))
    }

    pub fn boolean(&self) -> Option<bool> {
        (self.tag == Tag::Boolean).then(|| self.payload.first() == Some(&1))
    }

    /// The text of a STRING; `None` for other tags and for bytes that are not UTF-8.
    #[inline]
    pub fn str(&self) -> Option<&'a str> {
        match self.tag {
            Tag::String => text(self.payload),
            _ => None,
        }
    }

    /// Scale and unscaled big-endian number of a DECIMAL.
    pub fn decimal(&self) -> Option<(i32, &'a [u8])> {
        if self.tag != Tag::Decimal || self.payload.len() < 5 {
            return None;
        }
        Some((i32::from_le_bytes(self.fixed()), &self.payload[4..]))
    }

    /// Class and text of an OBJECT.
    pub fn object(&self) -> Option<(&'a str, &'a str)> {
        if self.tag != Tag::Object {
            return None;
        }
        let (class, of_class) = self.payload.get(4..)?.split_at_checked(u32_at(self.payload, 0)? as usize)?;
        Some((text(class)?, text(of_class)?))
    }

    /// Number of items of an ARRAY or STRUCT, of entries of a MAP; 0 for others.
    #[inline]
    pub fn len(&self) -> usize {
        match self.tag {
            Tag::Array | Tag::Map | Tag::Struct => match self.payload.len().checked_sub(4) {
                Some(at) => u32_at(self.payload, at).unwrap_or(0) as usize,
                None => 0,
            },
            _ => 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Schema index that a STRUCT carries itself; `NONE` if it is the one declared around it.
    pub fn struct_schema(&self) -> u32 {
        match (self.tag, self.payload.len().checked_sub(8)) {
            (Tag::Struct, Some(at)) => u32_at(self.payload, at).unwrap_or(NONE),
            _ => NONE,
        }
    }

    /// The items of a container; those of a map are key, value, key, value.
    #[inline]
    pub fn items(&self) -> Items<'a> {
        let n = self.len();
        let (count, trailer) = match self.tag {
            Tag::Map => (n.saturating_mul(2), 4),
            Tag::Struct => (n, 8),
            _ => (n, 4),
        };
        let table = count.checked_mul(4).and_then(|t| self.payload.len().checked_sub(t + trailer));
        match table {
            Some(table) => Items { payload: self.payload, table, next: 0, start: 0, count },
            None => Items::EMPTY,
        }
    }

    /// The entries of a MAP.
    #[inline]
    pub fn entries(&self) -> impl Iterator<Item = (ValueRef<'a>, ValueRef<'a>)> {
        let mut items = if self.tag == Tag::Map { self.items() } else { Items::EMPTY };
        std::iter::from_fn(move || Some((items.next()?, items.next()?)))
    }

    /// Item `i` of an ARRAY or STRUCT (of the flat row of a MAP).
    #[inline]
    pub fn item(&self, i: usize) -> Option<ValueRef<'a>> {
        self.items().get(i)
    }

    /// The value of a MAP under a string key.
    pub fn get(&self, key: &str) -> Option<ValueRef<'a>> {
        self.entries().find(|(k, _)| k.tag == Tag::String && k.payload == key.as_bytes()).map(|(_, v)| v)
    }

    /// Says whether the payload is the layout of its tag, down to the last item.
    pub fn check(&self) -> Result<()> {
        if self.check_depth(0) {
            Ok(())
        } else {
            Err(malformed("value"))
        }
    }

    fn check_depth(&self, depth: usize) -> bool {
        match self.tag {
            Tag::Array | Tag::Map | Tag::Struct => depth < limits::DEPTH && self.check_items(depth),
            _ => self.check_scalar(),
        }
    }

    /// The same of an item in containers within each other, as many as `depth` says.
    #[inline(always)]
    pub(crate) fn check_item(&self, depth: usize) -> bool {
        match self.tag {
            Tag::Raw => false,
            Tag::Array | Tag::Map | Tag::Struct => depth < limits::DEPTH && self.check_items(depth),
            _ => self.check_scalar(),
        }
    }

    /// The items of a STRUCT of the schema declared around it, and where each ends; `None` if it is another one, or has
    /// not as many fields.
    #[inline]
    pub(crate) fn struct_of(payload: &[u8], fields: usize) -> Option<(&[u8], &[[u8; 4]])> {
        let (items, trailer) = payload.split_last_chunk::<8>()?;
        let (body, table) = items.split_at_checked(items.len().checked_sub(4 * fields)?)?;
        let [own, count] = [0, 4].map(|at| u32_at(trailer, at).unwrap_or(0));
        (own == NONE && count as usize == fields).then_some((body, table.as_chunks().0))
    }

    #[inline(always)]
    fn check_scalar(&self) -> bool {
        let n = self.payload.len();
        match self.tag {
            Tag::Null => n == 0,
            Tag::Raw | Tag::Bytes => true,
            Tag::String => is_utf8(self.payload),
            Tag::Int8 => n == 1,
            Tag::Boolean => n == 1 && self.payload[0] <= 1,
            Tag::Int16 => n == 2,
            Tag::Int32 | Tag::Float32 => n == 4,
            Tag::Int64 | Tag::Float64 | Tag::Date => n == 8,
            Tag::BigInt => shortest(self.payload),
            Tag::Object => self.object().is_some(),
            Tag::Decimal => n >= 5 && shortest(&self.payload[4..]),
            Tag::Array | Tag::Map | Tag::Struct => false,
        }
    }

    fn check_items(&self, depth: usize) -> bool {
        let trailer = if self.tag == Tag::Struct { 8 } else { 4 };
        let factor = if self.tag == Tag::Map { 2 } else { 1 };
        let items = self.items();
        if self.payload.len() < trailer || items.count != self.len().saturating_mul(factor) {
            return false;
        }
        let (body, table) = self.payload.split_at(items.table);
        let mut start = 0;
        for end in table.as_chunks::<4>().0.iter().take(items.count) {
            let end = u32::from_le_bytes(*end) as usize;
            // No item is empty: each has its tag.
            let Some(item) = body.get(start..end).and_then(ValueRef::of_item) else { return false };
            if !item.check_item(depth + 1) {
                return false;
            }
            start = end;
        }
        start == body.len()
    }
}

/// Whether a big-endian two's complement number has no byte to spare.
fn shortest(number: &[u8]) -> bool {
    match number {
        [] => false,
        [_] => true,
        [first, second, ..] => !matches!((*first, *second >= 0x80), (0, false) | (0xFF, true)),
    }
}

/// Iterator over the items of a container.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    payload: &'a [u8],
    table: usize,
    next: usize,
    /// Where the next item begins.
    start: usize,
    count: usize,
}

impl<'a> Items<'a> {
    const EMPTY: Items<'static> = Items { payload: &[], table: 0, next: 0, start: 0, count: 0 };

    /// Item `i`, by two loads.
    #[inline]
    pub fn get(&self, i: usize) -> Option<ValueRef<'a>> {
        if i >= self.count {
            return None;
        }
        let start = if i == 0 { 0 } else { self.end(i - 1)? };
        ValueRef::of_item(self.payload.get(start..self.end(i)?)?)
    }

    #[inline]
    fn end(&self, i: usize) -> Option<usize> {
        let end = u32_at(self.payload, self.table + 4 * i)? as usize;
        (end <= self.table).then_some(end)
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = ValueRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<ValueRef<'a>> {
        if self.next >= self.count {
            return None;
        }
        let end = self.end(self.next)?;
        let item = ValueRef::of_item(self.payload.get(self.start..end)?)?;
        (self.next, self.start) = (self.next + 1, end);
        Some(item)
    }
}

/// An owned value, for control messages, configuration and tests; not for the path of records.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Raw(Vec<u8>),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    Boolean(bool),
    String(String),
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Struct(u32, Vec<Value>),
    Decimal(i32, Vec<u8>),
    Date(i64),
    BigInt(Vec<u8>),
    /// Class and text.
    Object(String, String),
}

impl Value {
    /// A text.
    pub fn str(text: impl Into<String>) -> Value {
        Value::String(text.into())
    }

    /// A text or null.
    pub fn optional(text: Option<&str>) -> Value {
        text.map_or(Value::Null, Value::str)
    }

    /// An array of texts.
    pub fn strings<S: AsRef<str>>(texts: &[S]) -> Value {
        Value::Array(texts.iter().map(|t| Value::str(t.as_ref())).collect())
    }

    /// A map with string keys.
    pub fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::Map(entries.into_iter().map(|(k, v)| (Value::str(k), v)).collect())
    }

    /// Copies a value out; refuses a malformed one.
    pub fn decode(value: ValueRef<'_>) -> Result<Value> {
        value.check()?;
        Ok(Self::copy(value))
    }

    /// Reads a value body, `tag u8, payload`.
    pub fn decode_body(body: &[u8]) -> Result<Value> {
        Self::decode(ValueRef::of_item(body).ok_or_else(|| malformed("value body"))?)
    }

    fn copy(v: ValueRef<'_>) -> Value {
        let int = v.int().unwrap_or(0);
        match v.tag {
            Tag::Null => Value::Null,
            Tag::Raw => Value::Raw(v.payload.to_vec()),
            Tag::Int8 => Value::Int8(int as i8),
            Tag::Int16 => Value::Int16(int as i16),
            Tag::Int32 => Value::Int32(int as i32),
            Tag::Int64 => Value::Int64(int),
            Tag::Float32 => Value::Float32(v.float32().unwrap_or(0.0)),
            Tag::Float64 => Value::Float64(v.float64().unwrap_or(0.0)),
            Tag::Boolean => Value::Boolean(int == 1),
            Tag::String => Value::str(v.str().unwrap_or_default()),
            Tag::Bytes => Value::Bytes(v.payload.to_vec()),
            Tag::Array => Value::Array(v.items().map(Self::copy).collect()),
            Tag::Map => Value::Map(v.entries().map(|(k, v)| (Self::copy(k), Self::copy(v))).collect()),
            Tag::Struct => Value::Struct(v.struct_schema(), v.items().map(Self::copy).collect()),
            Tag::Decimal => {
                let (scale, number) = v.decimal().unwrap_or((0, &[0]));
                Value::Decimal(scale, number.to_vec())
            }
            Tag::Date => Value::Date(int),
            Tag::BigInt => Value::BigInt(v.payload.to_vec()),
            Tag::Object => {
                let (class, text) = v.object().unwrap_or_default();
                Value::Object(class.into(), text.into())
            }
        }
    }

    pub fn tag(&self) -> Tag {
        match self {
            Value::Null => Tag::Null,
            Value::Raw(_) => Tag::Raw,
            Value::Int8(_) => Tag::Int8,
            Value::Int16(_) => Tag::Int16,
            Value::Int32(_) => Tag::Int32,
            Value::Int64(_) => Tag::Int64,
            Value::Float32(_) => Tag::Float32,
            Value::Float64(_) => Tag::Float64,
            Value::Boolean(_) => Tag::Boolean,
            Value::String(_) => Tag::String,
            Value::Bytes(_) => Tag::Bytes,
            Value::Array(_) => Tag::Array,
            Value::Map(_) => Tag::Map,
            Value::Struct(..) => Tag::Struct,
            Value::Decimal(..) => Tag::Decimal,
            Value::Date(_) => Tag::Date,
            Value::BigInt(_) => Tag::BigInt,
            Value::Object(..) => Tag::Object,
        }
    }

    /// Appends the payload (without the tag).
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => {}
            Value::Raw(b) | Value::Bytes(b) | Value::BigInt(b) => out.extend_from_slice(b),
            Value::Int8(n) => out.extend_from_slice(&n.to_le_bytes()),
            Value::Int16(n) => out.extend_from_slice(&n.to_le_bytes()),
            Value::Int32(n) => out.extend_from_slice(&n.to_le_bytes()),
            Value::Int64(n) | Value::Date(n) => out.extend_from_slice(&n.to_le_bytes()),
            Value::Float32(n) => out.extend_from_slice(&n.to_le_bytes()),
            Value::Float64(n) => out.extend_from_slice(&n.to_le_bytes()),
            Value::Boolean(b) => out.push(*b as u8),
            Value::String(s) => out.extend_from_slice(s.as_bytes()),
            Value::Decimal(scale, number) => {
                out.extend_from_slice(&scale.to_le_bytes());
                out.extend_from_slice(number);
            }
            Value::Object(class, text) => {
                out.extend_from_slice(&(class.len() as u32).to_le_bytes());
                out.extend_from_slice(class.as_bytes());
                out.extend_from_slice(text.as_bytes());
            }
            Value::Array(items) => Self::encode_items(items.iter(), items.len(), None, out),
            Value::Map(m) => Self::encode_items(m.iter().flat_map(|(k, v)| [k, v]), m.len(), None, out),
            Value::Struct(schema, items) => Self::encode_items(items.iter(), items.len(), Some(*schema), out),
        }
    }

    fn encode_items<'v>(items: impl Iterator<Item = &'v Value>, n: usize, schema: Option<u32>, out: &mut Vec<u8>) {
        let start = out.len();
        let mut ends = Vec::new();
        for item in items {
            out.push(item.tag() as u8);
            item.encode(out);
            ends.push((out.len() - start) as u32);
        }
        for end in ends {
            out.extend_from_slice(&end.to_le_bytes());
        }
        if let Some(schema) = schema {
            out.extend_from_slice(&schema.to_le_bytes());
        }
        out.extend_from_slice(&(n as u32).to_le_bytes());
    }

    /// `tag u8, payload`.
    pub fn to_body(&self) -> Vec<u8> {
        let mut out = vec![self.tag() as u8];
        self.encode(&mut out);
        out
    }

    /// The value of a map under a string key; Null when absent.
    pub fn get(&self, key: &str) -> &Value {
        match self {
            Value::Map(m) => m.iter().find(|(k, _)| k.as_str() == Some(key)).map_or(&Value::Null, |(_, v)| v),
            _ => &Value::Null,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// Any integer.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int8(n) => Some(*n as i64),
            Value::Int16(n) => Some(*n as i64),
            Value::Int32(n) => Some(*n as i64),
            Value::Int64(n) => Some(*n),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Boolean(b) => Some(*b),
            _ => None,
        }
    }

    /// The items of an array; empty for others.
    pub fn as_array(&self) -> &[Value] {
        match self {
            Value::Array(items) => items,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests;
