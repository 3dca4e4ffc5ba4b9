//! Appends values to a data area. Containers are written as a stream; their tables follow when they are closed.

use crate::bytes::append;
use crate::value::{Tag, ValueRef};

/// Positions of open containers; kept between records so that a builder allocates nothing in the long run.
#[derive(Debug, Default)]
pub struct Stack {
    ends: Vec<u32>,
    frames: Vec<(usize, usize)>,
}

/// A place to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    bytes: usize,
    ends: usize,
    frames: usize,
    top: Tag,
}

/// Writes one value. At the top level the tag is kept apart (a cell holds it); within containers it is written.
#[derive(Debug)]
pub struct Builder<'a> {
    out: &'a mut Vec<u8>,
    stack: &'a mut Stack,
    top: Tag,
}

impl<'a> Builder<'a> {
    pub fn new(out: &'a mut Vec<u8>, stack: &'a mut Stack) -> Self {
        stack.ends.clear();
        stack.frames.clear();
        Builder { out, stack, top: Tag::Null }
    }

    /// Tag of the value that was written at the top level.
    pub fn tag(&self) -> Tag {
        self.top
    }

    /// Where the builder stands, for [`Builder::back_to`].
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.out.len(), ends: self.stack.ends.len(), frames: self.stack.frames.len(), top: self.top }
    }

    /// Forgets what was written since.
    pub fn back_to(&mut self, mark: Mark) {
        self.out.truncate(mark.bytes);
        self.stack.ends.truncate(mark.ends);
        self.stack.frames.truncate(mark.frames);
        self.top = mark.top;
    }

    /// Number of containers that are open.
    pub fn depth(&self) -> usize {
        self.stack.frames.len()
    }

    #[inline]
    fn before(&mut self, tag: Tag) {
        if self.stack.frames.is_empty() {
            self.top = tag;
        } else {
            self.out.push(tag as u8);
        }
    }

    #[inline]
    fn after(&mut self) {
        if let Some(&(start, _)) = self.stack.frames.last() {
            self.stack.ends.push((self.out.len() - start) as u32);
        }
    }

    #[inline]
    fn scalar(&mut self, tag: Tag, payload: &[u8]) {
        self.before(tag);
        append(payload, self.out);
        self.after();
    }

    pub fn null(&mut self) {
        self.scalar(Tag::Null, &[]);
    }

    pub fn i8(&mut self, n: i8) {
        self.scalar(Tag::Int8, &n.to_le_bytes());
    }

    pub fn i16(&mut self, n: i16) {
        self.scalar(Tag::Int16, &n.to_le_bytes());
    }

    pub fn i32(&mut self, n: i32) {
        self.scalar(Tag::Int32, &n.to_le_bytes());
    }

    #[inline]
    pub fn i64(&mut self, n: i64) {
        self.scalar(Tag::Int64, &n.to_le_bytes());
    }

    pub fn f32(&mut self, n: f32) {
        self.scalar(Tag::Float32, &n.to_le_bytes());
    }

    #[inline]
    pub fn f64(&mut self, n: f64) {
        self.scalar(Tag::Float64, &n.to_le_bytes());
    }

    pub fn boolean(&mut self, b: bool) {
        self.scalar(Tag::Boolean, &[b as u8]);
    }

    #[inline]
    pub fn str(&mut self, text: &str) {
        self.scalar(Tag::String, text.as_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.scalar(Tag::Bytes, bytes);
    }

    /// Milliseconds since the epoch, for Date, Time and Timestamp.
    pub fn date(&mut self, ms: i64) {
        self.scalar(Tag::Date, &ms.to_le_bytes());
    }

    /// `unscaled` is two's complement, big endian, shortest form.
    pub fn decimal(&mut self, scale: i32, unscaled: &[u8]) {
        self.before(Tag::Decimal);
        self.out.extend_from_slice(&scale.to_le_bytes());
        self.out.extend_from_slice(unscaled);
        self.after();
    }

    /// Copies a value as it stands. Structs inside keep their schema index, so it must come from the same batch.
    #[inline]
    pub fn value(&mut self, value: ValueRef<'_>) {
        self.scalar(value.tag, value.payload);
    }

    /// Streams the payload of one scalar into the data area.
    #[inline]
    pub fn with(&mut self, tag: Tag, write: impl FnOnce(&mut Vec<u8>)) {
        self.before(tag);
        write(self.out);
        self.after();
    }

    /// Opens a container; its items follow, then a `close_*`.
    #[inline]
    pub fn open(&mut self, tag: Tag) {
        self.before(tag);
        self.stack.frames.push((self.out.len(), self.stack.ends.len()));
    }

    #[inline]
    fn close(&mut self, schema: Option<u32>, per_entry: usize) {
        let Some((_, first)) = self.stack.frames.pop() else { return };
        let count = self.stack.ends.len() - first;
        self.out.reserve(4 * count + 8);
        for end in &self.stack.ends[first..] {
            self.out.extend_from_slice(&end.to_le_bytes());
        }
        self.stack.ends.truncate(first);
        if let Some(schema) = schema {
            self.out.extend_from_slice(&schema.to_le_bytes());
        }
        self.out.extend_from_slice(&((count / per_entry) as u32).to_le_bytes());
        self.after();
    }

    pub fn close_array(&mut self) {
        self.close(None, 1);
    }

    /// Items were key, value, key, value.
    pub fn close_map(&mut self) {
        self.close(None, 2);
    }

    /// `schema` is an index in the batch's schemas, or `NONE`: the one declared around it.
    pub fn close_struct(&mut self, schema: u32) {
        self.close(Some(schema), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Value, NONE};

    #[test]
    fn streamed_containers_equal_the_owned_encoding() {
        let want = Value::Map(vec![
            (Value::str("a"), Value::Array(vec![Value::Int64(1), Value::Null])),
            (Value::str("s"), Value::Struct(NONE, vec![Value::Float64(1.5)])),
        ]);
        let (mut out, mut stack) = (b"before".to_vec(), Stack::default());
        let mut b = Builder::new(&mut out, &mut stack);
        b.open(Tag::Map);
        b.str("a");
        b.open(Tag::Array);
        b.i64(1);
        b.null();
        b.close_array();
        b.str("s");
        b.open(Tag::Struct);
        b.f64(1.5);
        b.close_struct(NONE);
        b.close_map();
        assert_eq!(b.tag(), Tag::Map);
        let mut expected = b"before".to_vec();
        want.encode(&mut expected);
        assert_eq!(out, expected);
    }
}
