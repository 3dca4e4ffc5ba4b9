//! Batches for tests of transforms and predicates: records made from values, and what a stage makes of them.

use std::rc::Rc;

use berth_guest::event::{kind, message};
use berth_guest::fake::{stage, FakeHost, Said};
use berth_guest::{put_header, Batch, Cell, Entry, Headers, Schema, Tag, Value, ValueRef, NONE, NO_TOPIC};

/// A header: name, schema, value.
pub type HeaderValue = (String, Option<Schema>, Value);

/// A header without a schema.
pub fn header(name: &str, value: Value) -> HeaderValue {
    (name.to_string(), None, value)
}

/// A batch that is being written, of records of one topic.
#[derive(Default)]
pub struct Records {
    batch: Batch,
}

impl Records {
    /// Adds a record with that value.
    pub fn add(&mut self, schema: Option<&Schema>, value: &Value) -> &mut Records {
        let topic = self.batch.dict.intern_topic("t").unwrap();
        let mut entry = Entry::new(topic);
        entry.origin = self.batch.entries.len() as u32;
        entry.value = self.cell(schema, value);
        self.batch.entries.push(entry);
        self.batch.input_count = self.batch.entries.len() as u32;
        self
    }

    /// Gives the last record a key.
    pub fn key(&mut self, schema: Option<&Schema>, value: &Value) -> &mut Records {
        let key = self.cell(schema, value);
        self.batch.entries.last_mut().unwrap().key = key;
        self
    }

    /// Gives the last record a timestamp, in milliseconds since the epoch.
    pub fn timestamp(&mut self, epoch_ms: i64) -> &mut Records {
        self.batch.entries.last_mut().unwrap().timestamp = epoch_ms;
        self
    }

    /// Takes the topic from the last record.
    pub fn without_topic(&mut self) -> &mut Records {
        let entry = self.batch.entries.last_mut().unwrap();
        entry.topic = self.batch.dict.intern_topic("").unwrap();
        entry.flags |= NO_TOPIC;
        self
    }

    /// Gives the last record headers.
    pub fn headers(&mut self, headers: &[HeaderValue]) -> &mut Records {
        let mut block = Vec::new();
        for (name, schema, value) in headers {
            let (schema, body) = (self.schema(schema.as_ref()), value.to_body());
            put_header(&mut block, name, schema, ValueRef::of_item(&body).unwrap());
        }
        let written = self.write(Tag::Raw, NONE, &block);
        let entry = self.batch.entries.last_mut().unwrap();
        (entry.headers_off, entry.headers_len) = (written.off, written.len);
        entry.header_count = headers.len() as u16;
        self
    }

    /// What one stage makes of the batch.
    pub fn through(self, kind: &str, plugin: &str, config: &[(&str, &str)]) -> Passed {
        Self::all_through(vec![self], kind, plugin, config).remove(0)
    }

    /// What one instance of a stage makes of batches in turn.
    pub fn all_through(mut batches: Vec<Records>, kind: &str, plugin: &str, config: &[(&str, &str)]) -> Vec<Passed> {
        let mut host = FakeHost::default();
        host.plan("task", vec![stage(kind, plugin, config)], Vec::new());
        let inputs: Vec<Vec<u8>> = batches.iter_mut().map(|records| records.batch.to_bytes().unwrap()).collect();
        for input in &inputs {
            host.event(kind::BATCH, input);
        }
        host.run(&crate::plugins());
        let passed = |(said, input): (&Said, &Vec<u8>)| {
            let batch = Batch::from_result(said.bytes(), input).unwrap();
            Passed { batch, written: said.data.len() }
        };
        host.said(message::RESULT).zip(&inputs).map(passed).collect()
    }

    fn cell(&mut self, schema: Option<&Schema>, value: &Value) -> Cell {
        let schema = self.schema(schema);
        let body = value.to_body();
        self.write(value.tag(), schema, &body[1..])
    }

    fn schema(&mut self, schema: Option<&Schema>) -> u32 {
        schema.map_or(NONE, |schema| self.batch.dict.intern_schema(schema).unwrap())
    }

    fn write(&mut self, tag: Tag, schema: u32, payload: &[u8]) -> Cell {
        let written = self.batch.write(tag, schema, |out| {
            out.extend_from_slice(payload);
            Ok(())
        });
        written.unwrap()
    }
}

/// A batch as it came out of the stage.
pub struct Passed {
    batch: Batch,
    /// Bytes of values that were written; what refers to the input is not.
    pub written: usize,
}

impl Passed {
    pub fn len(&self) -> usize {
        self.batch.entries.len()
    }

    pub fn topic(&self, i: usize) -> String {
        self.batch.dict.topic(self.batch.entries[i].topic).to_string()
    }

    /// What a predicate said of each record.
    pub fn said(&self) -> Vec<bool> {
        self.batch.entries.iter().map(|entry| entry.flags & 1 == 1).collect()
    }

    /// Record and message of each failure.
    pub fn errors(&self) -> Vec<(u32, String)> {
        self.batch.failures.iter().map(|f| (f.origin, f.error.message.clone())).collect()
    }

    /// Schema and value of the i-th record that is left.
    pub fn value(&mut self, i: usize) -> (Option<Rc<Schema>>, Value) {
        self.decoded(self.batch.entries[i].value)
    }

    pub fn key(&mut self, i: usize) -> (Option<Rc<Schema>>, Value) {
        self.decoded(self.batch.entries[i].key)
    }

    pub fn headers(&mut self, i: usize) -> Vec<HeaderValue> {
        let entry = self.batch.entries[i];
        let block = self.batch.memory.bytes(entry.headers_off, entry.headers_len).to_vec();
        let mut headers = Vec::new();
        for header in Headers::new(&block) {
            let schema = self.batch.dict.schema(header.schema).unwrap().map(|schema| (*schema).clone());
            headers.push((header.key.to_string(), schema, Value::decode(header.value).unwrap()));
        }
        assert_eq!(headers.len(), entry.header_count as usize);
        headers
    }

    fn decoded(&mut self, cell: Cell) -> (Option<Rc<Schema>>, Value) {
        let schema = self.batch.dict.schema(cell.schema).unwrap();
        (schema, Value::decode(self.batch.value(&cell)).unwrap())
    }
}
