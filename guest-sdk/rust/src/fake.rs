//! A host for tests: it deals scripted events and keeps what the guest says. Time passes only in [`FakeHost::waits`].

use std::collections::VecDeque;

use crate::batch::Batch;
use crate::entry::ENTRY_BYTES;
use crate::error::{Error, Result};
use crate::event::{kind, message, Event};
use crate::host::{Host, Passing, Wait};
use crate::plugin::Plugin;
use crate::run::{run, End};
use crate::value::{u32_at, Value};

/// A message that the guest put.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub kind: i32,
    pub seq: i32,
    pub head: Vec<u8>,
    pub data: Vec<u8>,
}

impl Said {
    /// The value of MANIFEST, CONFIGS, VALIDATED and FAILED.
    pub fn value(&self) -> Result<Value> {
        Value::decode_body(&self.bytes())
    }

    pub fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.data].concat()
    }
}

/// A scripted host.
#[derive(Debug, Default)]
pub struct FakeHost {
    events: VecDeque<Vec<u8>>,
    seq: u32,
    /// What the guest put.
    pub said: Vec<Said>,
    /// What the guest committed: seq and offsets.
    pub commits: Vec<(i32, Value)>,
    /// What the guest slept for.
    pub waits: Vec<Wait>,
    /// How many sleeps it may take once the script has ended, before the host says stop.
    pub patience: usize,
    /// How many `put`s answer −1 before one is taken.
    pub full: usize,
    /// How records pass the stages.
    pub passing: Passing,
    /// Answers requests: gets the body of REQUEST, gives the result or what the host would refuse it with.
    pub serve: Option<fn(&Value) -> Result<Value>>,
}

impl FakeHost {
    /// Adds an event; returns its number.
    pub fn event(&mut self, kind: u32, body: &[u8]) -> u32 {
        self.seq += 1;
        self.events.push_back(Event::encode(kind, self.seq, body));
        self.seq
    }

    pub fn value_event(&mut self, kind: u32, value: &Value) -> u32 {
        self.event(kind, &value.to_body())
    }

    /// Adds the plan of a task with these stages: kind, plugin, config, further members.
    pub fn plan(&mut self, role: &str, stages: Vec<Value>, more: Vec<(&str, Value)>) -> u32 {
        let mut entries = vec![(Value::str("role"), Value::str(role)), (Value::str("stages"), Value::Array(stages))];
        entries.extend(more.into_iter().map(|(k, v)| (Value::str(k), v)));
        self.value_event(kind::PLAN, &Value::Map(entries))
    }

    /// Queues the reply to a request, behind the events that wait already.
    fn reply(&mut self, seq: i32, request: &[u8]) {
        let refused = Err(Error::internal("this test serves no requests"));
        let answer = match (Value::decode_body(request), self.serve) {
            (Ok(request), Some(serve)) => serve(&request),
            _ => refused,
        };
        let (code, message, result) = match answer {
            Ok(result) => (0, String::new(), result),
            Err(error) => (error.kind as i32, error.message, Value::Null),
        };
        self.value_event(
            kind::REPLY,
            &Value::map([
                ("request", Value::Int64(seq.into())),
                ("code", Value::Int32(code)),
                ("message", Value::str(message)),
                ("result", result),
            ]),
        );
    }

    /// Runs a module to its end.
    pub fn run(&mut self, plugins: &[Plugin]) -> End {
        run(self, plugins)
    }

    /// Messages of one kind.
    pub fn said(&self, kind: i32) -> impl Iterator<Item = &Said> {
        self.said.iter().filter(move |s| s.kind == kind)
    }

    /// The batches of RECORDS messages.
    pub fn records(&self) -> Vec<Batch> {
        self.said(message::RECORDS).map(|s| Batch::from_bytes(s.bytes()).expect("a well-formed batch")).collect()
    }
}

/// A stage of a plan.
pub fn stage(kind: &str, plugin: &str, config: &[(&str, &str)]) -> Value {
    let config = config.iter().map(|(k, v)| (Value::str(*k), Value::str(*v))).collect();
    Value::map([
        ("kind", Value::str(kind)),
        ("plugin", Value::str(plugin)),
        ("alias", Value::str("")),
        ("config", Value::Map(config)),
        ("from", Value::Boolean(false)),
    ])
}

/// A converter stage.
pub fn converter(kind: &str, plugin: &str, from: bool, config: &[(&str, &str)]) -> Value {
    let Value::Map(mut entries) = stage(kind, plugin, config) else { return Value::Null };
    entries.retain(|(k, _)| k.as_str() != Some("from"));
    entries.push((Value::str("from"), Value::Boolean(from)));
    Value::Map(entries)
}

impl Batch {
    /// Reads `head ‖ data`, as the host does.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Batch> {
        let mut batch = Batch::default();
        let end = bytes.len();
        batch.load(bytes, 0, end, false)?;
        Ok(batch)
    }

    /// Reads a RESULT, whose offsets may refer to the data area of `input`, the bytes of the batch that it answers.
    pub fn from_result(mut bytes: Vec<u8>, input: &[u8]) -> Result<Batch> {
        let field = |bytes: &[u8], at: usize| u32_at(bytes, at).map(|n| n as usize).unwrap_or(0);
        let (data_len, count, records) = (field(&bytes, 8), field(&bytes, 12), field(&bytes, 40));
        let referred = input.get(field(input, 4)..).unwrap_or(&[]);
        for at in (0..count).flat_map(|i| [32, 48, 64, 76].map(|part| records + ENTRY_BYTES * i + part)) {
            let off = field(&bytes, at);
            if off & 0x8000_0000 != 0 {
                let moved = ((off & 0x7FFF_FFFF) + data_len) as u32;
                bytes[at..at + 4].copy_from_slice(&moved.to_le_bytes());
            }
        }
        bytes.extend_from_slice(referred);
        let len = (data_len + referred.len()) as u32;
        bytes[8..12].copy_from_slice(&len.to_le_bytes());
        Batch::from_bytes(bytes)
    }

    /// Writes `head ‖ data`.
    pub fn to_bytes(&mut self) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        let data = self.encode(&mut head)?.to_vec();
        head.extend_from_slice(&data);
        Ok(head)
    }
}

impl Host for FakeHost {
    fn poll(&mut self, buffer: &mut [u8]) -> i32 {
        let Some(event) = self.events.front() else { return 0 };
        if event.len() > buffer.len() {
            return -(event.len() as i32);
        }
        buffer[..event.len()].copy_from_slice(event);
        self.events.pop_front().map_or(0, |event| event.len() as i32)
    }

    fn put(&mut self, kind: i32, seq: i32, head: &[u8], data: &[u8]) -> i32 {
        if self.full > 0 {
            self.full -= 1;
            return -1;
        }
        self.said.push(Said { kind, seq, head: head.to_vec(), data: data.to_vec() });
        if kind == message::REQUEST {
            self.reply(seq, &[head, data].concat());
        }
        0
    }

    fn commit(&mut self, seq: i32, body: &[u8]) -> i32 {
        match Value::decode_body(body) {
            Ok(value) => self.commits.push((seq, value)),
            Err(_) => return -3,
        }
        0
    }

    fn passing(&self) -> Passing {
        self.passing
    }

    fn wait(&mut self, wait: Wait) {
        self.waits.push(wait);
        let sleep = wait.timeout.filter(|_| !wait.writable && self.events.is_empty());
        if self.events.is_empty() && !wait.writable {
            if self.patience == 0 || sleep.is_none() {
                self.event(kind::STOP, &[]);
                return;
            }
            self.patience -= 1;
        }
        if let Some(time) = sleep {
            std::thread::sleep(time);
        }
    }
}
