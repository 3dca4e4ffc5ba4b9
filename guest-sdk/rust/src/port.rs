//! The way of an instance to the host: events in, messages out, and requests, whose replies come as events.

use std::collections::VecDeque;

use crate::error::{malformed, Error, Kind, Result};
use crate::event::{kind, message, Event, EVENT_BYTES};
use crate::host::{Host, Wait};
use crate::value::Value;

/// First size of the buffer for events.
const EVENT_BUFFER_BYTES: usize = 4 << 10;

/// What may ask the host.
pub trait Ask: std::fmt::Debug {
    /// Asks the host for what only it may fetch, and waits for the answer; other events stay for later. `stage` is the
    /// index in the plan of the stage that asks. Errors are the host's: all but those about data are the whole batch's.
    fn request(&mut self, stage: usize, capability: &str, call: &str, arguments: Value) -> Result<Value>;
}

/// The host and the events that it has given and nobody has taken.
pub(crate) struct Port<'h> {
    pub(crate) host: &'h mut dyn Host,
    buffer: Vec<u8>,
    queue: VecDeque<Event>,
    /// Seq of the last request.
    requests: i32,
}

impl std::fmt::Debug for Port<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Port").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl<'h> Port<'h> {
    pub(crate) fn new(host: &'h mut dyn Host) -> Self {
        Port { host, buffer: vec![0; EVENT_BUFFER_BYTES], queue: VecDeque::new(), requests: 0 }
    }

    /// The next event, or nothing.
    pub(crate) fn event(&mut self) -> Result<Option<Event>> {
        match self.queue.pop_front() {
            Some(event) => Ok(Some(event)),
            None => self.poll(),
        }
    }

    fn poll(&mut self) -> Result<Option<Event>> {
        loop {
            let n = self.host.poll(&mut self.buffer);
            if n == 0 {
                return Ok(None);
            }
            if n > 0 {
                return Event::decode(std::mem::take(&mut self.buffer), n as usize).map(Some);
            }
            let needed = n.unsigned_abs() as usize;
            if needed <= self.buffer.len() || needed > crate::limits::BATCH_BYTES + EVENT_BYTES {
                return Err(malformed("size of an event"));
            }
            self.buffer = vec![0; needed.next_power_of_two()];
        }
    }

    /// Gives an event's buffer back for the next one.
    pub(crate) fn recycle(&mut self, event: Event) {
        self.recycle_buffer(event.bytes);
    }

    pub(crate) fn recycle_buffer(&mut self, buffer: Vec<u8>) {
        if buffer.len() > self.buffer.len() {
            self.buffer = buffer;
        }
    }

    /// Hands a message over, however long it takes; false if STOP came meanwhile.
    pub(crate) fn put(&mut self, kind: i32, seq: i32, head: &[u8], data: &[u8]) -> Result<bool> {
        loop {
            match self.host.put(kind, seq, head, data) {
                0 => return Ok(true),
                -1 => {}
                code => return Err(put_error("put", kind, code, head.len() + data.len())),
            }
            self.host.wait(Wait { writable: true, ..Wait::default() });
            if let Some(event) = self.poll()? {
                if event.kind == kind::STOP {
                    self.queue.push_front(event);
                    return Ok(false);
                }
                self.queue.push_back(event);
            }
        }
    }
}

impl Ask for Port<'_> {
    fn request(&mut self, stage: usize, capability: &str, call: &str, arguments: Value) -> Result<Value> {
        self.requests = self.requests.wrapping_add(1);
        let seq = self.requests;
        let body = Value::map([
            ("stage", Value::Int32(stage as i32)),
            ("capability", Value::str(capability)),
            ("call", Value::str(call)),
            ("arguments", arguments),
        ])
        .to_body();
        if !self.put(message::REQUEST, seq, &body, &[])? {
            return Err(stopped());
        }
        loop {
            match self.poll()? {
                Some(event) if event.kind == kind::REPLY => {
                    let reply = event.value()?;
                    self.recycle(event);
                    if reply.get("request").as_int() == Some(i64::from(seq as u32)) {
                        return answer(reply);
                    }
                }
                Some(event) if event.kind == kind::STOP => {
                    self.queue.push_back(event);
                    return Err(stopped());
                }
                Some(event) => self.queue.push_back(event),
                None => self.host.wait(Wait::default()),
            }
        }
    }
}

/// The batch at hand is given again to the next instance.
fn stopped() -> Error {
    Error::retriable("the task was stopped while it waited for the host's reply").of_batch()
}

fn answer(reply: Value) -> Result<Value> {
    let code = reply.get("code").as_int().unwrap_or(0) as u32;
    if code == 0 {
        return match reply {
            Value::Map(entries) => Ok(entries
                .into_iter()
                .find(|(key, _)| key.as_str() == Some("result"))
                .map_or(Value::Null, |(_, result)| result)),
            _ => Err(malformed("reply")),
        };
    }
    let kind = Kind::of(code).ok_or_else(|| malformed("code of a reply"))?;
    let error = Error::new(kind, reply.get("message").as_str().unwrap_or_default());
    Err(if kind == Kind::Data { error } else { error.of_batch() })
}

pub(crate) fn put_error(call: &str, kind: i32, code: i32, len: usize) -> Error {
    let why = match code {
        -2 => "pointer or length outside memory",
        -3 => "not the layout of the ABI",
        -4 => "unknown kind or sequence number",
        -5 => "too large",
        -6 => "not allowed in this role",
        _ => "unknown error",
    };
    Error::internal(format!("the host refused a message ({call}, kind {kind}, {len} bytes): {why} ({code})"))
}
