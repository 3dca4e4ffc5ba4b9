//! What a transform, predicate or converter sees of one record.

use std::rc::Rc;

use crate::builder::{Builder, Stack};
use crate::dictionary::Dictionaries;
use crate::entry::{Cell, Entry, NO_TOPIC};
use crate::error::{Error, Result};
use crate::fields::Part;
use crate::limits;
use crate::memory::{address, fits, Memory};
use crate::port::Ask;
use crate::schema::Schema;
use crate::value::{u32_at, Tag, Value, ValueRef, NONE};

/// Where a stage appends: its arena and the number that offsets into it carry.
#[derive(Debug)]
pub struct Arena<'a> {
    bytes: &'a mut Vec<u8>,
    segment: usize,
    stack: &'a mut Stack,
    /// Lists of fields that lie apart.
    pub(crate) parts: &'a mut Vec<Part>,
}

impl<'a> Arena<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a mut Vec<u8>, segment: usize, stack: &'a mut Stack, parts: &'a mut Vec<Part>) -> Self {
        Arena { bytes, segment, stack, parts }
    }

    /// Writes one value; gives its cell.
    #[inline]
    pub fn build(&mut self, schema: u32, write: impl FnOnce(&mut Builder<'_>) -> Result<()>) -> Result<Cell> {
        let start = self.bytes.len();
        let mut builder = Builder::new(self.bytes, self.stack);
        let done = write(&mut builder);
        let tag = builder.tag();
        if let Err(error) = done {
            self.bytes.truncate(start);
            return Err(error);
        }
        self.cell(start, tag, schema)
    }

    /// Streams the payload of one value; gives its cell.
    #[inline]
    pub fn write(&mut self, tag: Tag, schema: u32, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<Cell> {
        let start = self.bytes.len();
        if let Err(error) = write(self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        self.cell(start, tag, schema)
    }

    #[inline]
    fn cell(&mut self, start: usize, tag: Tag, schema: u32) -> Result<Cell> {
        let len = self.bytes.len() - start;
        if !fits(self.bytes.len()) {
            self.bytes.truncate(start);
            return Err(too_large(len));
        }
        Ok(Cell::new(address(self.segment, start), len as u32, tag, schema))
    }
}

#[cold]
fn too_large(len: usize) -> Error {
    let limit = limits::BATCH_BYTES;
    Error::data(format!("a value of {len} bytes makes the batch larger than {limit} bytes: use smaller batches"))
}

/// A header read in place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header<'a> {
    pub key: &'a str,
    pub schema: u32,
    pub value: ValueRef<'a>,
}

/// Iterates over a header block.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    bytes: &'a [u8],
}

impl<'a> Headers<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Headers { bytes }
    }
}

const HEADER_BYTES: usize = 16;

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        let key_len = u32_at(self.bytes, 0)? as usize;
        let value_len = u32_at(self.bytes, 4)? as usize;
        let schema = u32_at(self.bytes, 8)?;
        let tag = Tag::of(*self.bytes.get(12)?)?;
        let key_end = HEADER_BYTES.checked_add(key_len)?;
        let end = key_end.checked_add(value_len)?;
        let key = std::str::from_utf8(self.bytes.get(HEADER_BYTES..key_end)?).ok()?;
        let value = ValueRef::new(tag, self.bytes.get(key_end..end)?);
        self.bytes = &self.bytes[end..];
        Some(Header { key, schema, value })
    }
}

/// Appends a header to a block.
pub fn put_header(out: &mut Vec<u8>, key: &str, schema: u32, value: ValueRef<'_>) {
    out.extend_from_slice(&(key.len() as u32).to_le_bytes());
    out.extend_from_slice(&(value.payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&schema.to_le_bytes());
    out.extend_from_slice(&[value.tag as u8, 0, 0, 0]);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(value.payload);
}

/// One record during a stage. Reads see what was there before the stage; a change is visible to the next stage.
#[derive(Debug)]
pub struct Record<'a> {
    pub entry: &'a mut Entry,
    pub memory: &'a Memory,
    pub dict: &'a mut Dictionaries,
    pub arena: Arena<'a>,
    pub(crate) more: &'a mut Vec<Entry>,
}

impl<'a> Record<'a> {
    /// Name of the topic; empty if there is none, see [`Entry::has_topic`].
    pub fn topic(&self) -> &str {
        self.dict.topic(self.entry.topic)
    }

    pub fn set_topic(&mut self, topic: &str) -> Result<()> {
        self.entry.topic = self.dict.intern_topic(topic)?;
        self.entry.flags &= !NO_TOPIC;
        Ok(())
    }

    /// Whether it was read from Kafka. What a source made has no offset there; where it came from is told to stages in
    /// the source's own instance alone.
    pub fn is_sink(&self) -> bool {
        self.entry.offset >= 0
    }

    pub fn key(&self) -> ValueRef<'a> {
        self.cell(&self.entry.key)
    }

    pub fn value(&self) -> ValueRef<'a> {
        self.cell(&self.entry.value)
    }

    /// The value of a cell of this record.
    #[inline]
    pub fn cell(&self, cell: &Cell) -> ValueRef<'a> {
        ValueRef::new(cell.tag(), self.memory.bytes(cell.off, cell.len))
    }

    /// Schema of a cell; `None` = no schema.
    pub fn schema(&mut self, cell: &Cell) -> Result<Option<Rc<Schema>>> {
        self.dict.schema(cell.schema)
    }

    pub fn headers(&self) -> Headers<'a> {
        Headers::new(self.memory.bytes(self.entry.headers_off, self.entry.headers_len))
    }

    /// Replaces the headers by the block that `write` appends.
    pub fn set_headers(&mut self, count: usize, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        if count > limits::RECORD_HEADERS {
            let limit = limits::RECORD_HEADERS;
            return Err(Error::data(format!("a record with {count} headers; the limit is {limit}")));
        }
        let block = self.arena.write(Tag::Raw, NONE, write)?;
        self.entry.header_count = count as u16;
        self.entry.headers_off = block.off;
        self.entry.headers_len = block.len;
        Ok(())
    }

    /// Emits a further record after this one, made from it.
    pub fn emit(&mut self, mut entry: Entry) {
        for cell in [&mut entry.key, &mut entry.value] {
            self.arena.copy_parts(cell); // the list that it has belongs to this record
        }
        self.more.push(entry);
    }
}

/// Where a converter leaves its answer.
#[derive(Debug)]
pub struct CellOut<'a> {
    pub dict: &'a mut Dictionaries,
    pub arena: Arena<'a>,
    /// What the cell was; an answer may keep its range.
    pub cell: &'a mut Cell,
    /// The cell's bytes and what lies behind them.
    pub(crate) reach: &'a [u8],
    /// Whether the answer may lie apart.
    pub(crate) apart: bool,
    /// Topic of the record.
    pub(crate) topic: u32,
    pub(crate) port: &'a mut (dyn Ask + 'a),
    /// Index of the stage in the plan.
    pub(crate) stage: usize,
}

impl<'a> CellOut<'a> {
    /// Name of the record's topic.
    pub fn topic(&self) -> &str {
        self.dict.topic(self.topic)
    }

    /// Index of the record's topic, for what is kept during a batch.
    pub fn topic_index(&self) -> u32 {
        self.topic
    }

    /// Asks the host for what only it may fetch, and waits for the answer: see [`Ask::request`].
    pub fn request(&mut self, capability: &str, call: &str, arguments: Value) -> Result<Value> {
        self.port.request(self.stage, capability, call, arguments)
    }

    /// The bytes of what the cell was, and whatever lies behind them in memory: for readers that look at more bytes at
    /// once than may be left. Empty if that is not known.
    #[inline]
    pub fn reach(&self) -> &'a [u8] {
        self.reach
    }

    /// The same bytes under another tag and schema.
    #[inline]
    pub fn keep(&mut self, tag: Tag, schema: u32) {
        self.cell.tag = tag as u8;
        self.cell.schema = schema;
    }

    /// Part of the same bytes.
    pub fn keep_range(&mut self, start: u32, len: u32, tag: Tag, schema: u32) {
        *self.cell = Cell::new(self.cell.off + start, len, tag, schema);
    }

    /// Whether the answer may lie apart.
    pub fn may_be_apart(&self) -> bool {
        self.apart
    }

    pub fn null(&mut self, schema: u32) {
        *self.cell = Cell::null(schema);
    }

    /// A value that is built anew.
    #[inline]
    pub fn build(&mut self, schema: u32, write: impl FnOnce(&mut Builder<'_>) -> Result<()>) -> Result<()> {
        *self.cell = self.arena.build(schema, write)?;
        Ok(())
    }

    /// A payload that is streamed.
    #[inline]
    pub fn write(&mut self, tag: Tag, schema: u32, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        *self.cell = self.arena.write(tag, schema, write)?;
        Ok(())
    }

    /// Index of a schema given as its bytes.
    #[inline]
    pub fn schema_bytes(&mut self, schema: &[u8]) -> Result<u32> {
        self.dict.intern_schema_bytes(schema)
    }
}
