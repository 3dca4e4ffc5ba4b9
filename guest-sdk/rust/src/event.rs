//! Events of the host and messages of the guest (sections 5 and 6 of the ABI).

use crate::error::{malformed, Error, Result};
use crate::plugin::TopicOffset;
use crate::value::{u32_at, Value};

pub(crate) const EVENT_BYTES: usize = 16;

/// Kinds of events.
pub mod kind {
    pub const PLAN: u32 = 1;
    pub const BATCH: u32 = 2;
    pub const STOP: u32 = 3;
    pub const PAUSE: u32 = 4;
    pub const RESUME: u32 = 5;
    pub const DURABLE: u32 = 6;
    pub const COMMITTED: u32 = 7;
    pub const OPEN: u32 = 8;
    pub const CLOSE: u32 = 9;
    pub const FLUSH: u32 = 10;
    pub const CONFIGS: u32 = 11;
    pub const VALIDATE: u32 = 12;
    pub const REPLY: u32 = 13;
    pub const ALTER_OFFSETS: u32 = 14;
    pub const EXPORT: u32 = 15;
    pub const IMPORT: u32 = 16;
    pub const ALONE: u32 = 18;
}

/// Kinds of messages.
pub mod message {
    pub const READY: i32 = 1;
    pub const RECORDS: i32 = 2;
    pub const RESULT: i32 = 3;
    pub const MANIFEST: i32 = 4;
    pub const CONFIGS: i32 = 5;
    pub const VALIDATED: i32 = 6;
    pub const FAILED: i32 = 7;
    pub const RECONFIGURE: i32 = 8;
    pub const REQUEST: i32 = 9;
    pub const ALTERED: i32 = 10;
    pub const ERRANT: i32 = 11;
    pub const STATE: i32 = 12;
    pub const IMPORTED: i32 = 13;
}

/// An event with its bytes.
#[derive(Debug)]
pub struct Event {
    pub kind: u32,
    pub seq: u32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: usize,
}

impl Event {
    /// Reads the header; `bytes` may be longer than the event.
    pub(crate) fn decode(bytes: Vec<u8>, len: usize) -> Result<Event> {
        let header = || Some((u32_at(&bytes, 0)?, u32_at(&bytes, 4)?, u32_at(&bytes, 8)?));
        match header() {
            Some((kind, seq, body)) if EVENT_BYTES + body as usize == len && len <= bytes.len() => {
                Ok(Event { kind, seq, bytes, end: len })
            }
            _ => Err(malformed("event")),
        }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[EVENT_BYTES..self.end]
    }

    pub(crate) fn value(&self) -> Result<Value> {
        Value::decode_body(self.body())
    }

    /// The body of OPEN, CLOSE and FLUSH.
    pub(crate) fn offsets(&self) -> Result<Vec<TopicOffset>> {
        let value = self.value()?;
        let one = |v: &Value| match v.as_array() {
            [topic, partition, offset] => Some(TopicOffset {
                topic: topic.as_str()?.to_string(),
                partition: partition.as_int()? as i32,
                offset: offset.as_int()?,
            }),
            _ => None,
        };
        value.as_array().iter().map(one).collect::<Option<_>>().ok_or_else(|| malformed("list of offsets"))
    }

    /// The bytes of an event, for tests.
    pub fn encode(kind: u32, seq: u32, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        [kind, seq, body.len() as u32, 0].iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
        out.extend_from_slice(body);
        out
    }
}

/// The list of offsets in a value body.
pub fn offsets_value(offsets: &[TopicOffset]) -> Value {
    let one =
        |o: &TopicOffset| Value::Array(vec![Value::str(&o.topic), Value::Int32(o.partition), Value::Int64(o.offset)]);
    Value::Array(offsets.iter().map(one).collect())
}

/// The body of FAILED. `record` −1 = none.
pub(crate) fn failed(error: &Error, stage: usize, record: i64) -> Value {
    let mut value = Value::map([
        ("code", Value::Int32(error.kind as i32)),
        ("message", Value::str(crate::limits::cut(&error.text(), crate::limits::ERROR_BYTES))),
        ("stage", Value::Int32(stage as i32)),
        ("record", Value::Int64(record)),
    ]);
    if let (Value::Map(entries), Some(class)) = (&mut value, error.class) {
        entries.push((Value::str("class"), Value::str(class)));
    }
    value
}
