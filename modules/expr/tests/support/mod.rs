//! Runs plugins of the module over single records, on the fake host.

#![allow(dead_code, reason = "each test uses its part")]

use berth_guest::event::{kind, message};
use berth_guest::fake::{stage, FakeHost};
use berth_guest::{put_header, Batch, Cell, End, Entry, Schema, Tag, Value, ValueRef, NONE};

/// A record before or after a transform.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    pub topic: String,
    pub partition: i32,
    pub timestamp: i64,
    pub key: Value,
    pub key_schema: Option<Schema>,
    pub value: Value,
    pub value_schema: Option<Schema>,
    pub headers: Vec<(String, Value, Option<Schema>)>,
}

/// A record of topic orders, partition 3, offset 42.
pub fn record(value: Value) -> Given {
    Given {
        topic: "orders".to_string(),
        partition: 3,
        timestamp: 1_700_000_000_000,
        key: Value::str("k1"),
        key_schema: None,
        value,
        value_schema: None,
        headers: vec![("trace".to_string(), Value::str("t-1"), None), ("n".to_string(), Value::Int32(7), None)],
    }
}

pub fn structured(value: Value, schema: Schema) -> Given {
    Given { value_schema: Some(schema), ..record(value) }
}

/// What became of each record: the record, nothing if it was dropped, or its error.
pub type Became = Vec<Result<Option<Given>, String>>;

pub fn run(config: &[(&str, &str)], records: &[Given]) -> Became {
    let plan = vec![stage("transform", "Expr", config)];
    match run_plan(plan, records) {
        Ok(became) => became,
        Err(error) => records.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// Applies a transform to one record that it keeps.
pub fn apply(config: &[(&str, &str)], given: &Given) -> Given {
    run(config, std::slice::from_ref(given)).remove(0).unwrap().expect("a record that is kept")
}

/// The error of one record, or of the configuration.
pub fn error(config: &[(&str, &str)], given: &Given) -> String {
    run(config, std::slice::from_ref(given)).remove(0).expect_err("an error")
}

pub fn run_plan(stages: Vec<Value>, records: &[Given]) -> Result<Became, String> {
    let mut host = FakeHost::default();
    host.plan("task", stages, Vec::new());
    let input = encode(records);
    host.event(kind::BATCH, &input);
    if let End::Failed(error) = host.run(&expr::plugins()) {
        return Err(error.message);
    }
    let said = host.said(message::RESULT).next().expect("a result");
    let mut batch = Batch::from_result(said.bytes(), &input).unwrap();
    let mut became: Became = records.iter().map(|_| Ok(None)).collect();
    for failure in &batch.failures {
        let mut text = failure.error.message.clone();
        if !failure.error.field.is_empty() {
            text = format!("{text} [field {}]", failure.error.field);
        }
        became[failure.origin as usize] = Err(text);
    }
    for entry in std::mem::take(&mut batch.entries) {
        became[entry.origin as usize] = Ok(Some(decode(&mut batch, &entry)));
    }
    Ok(became)
}

fn encode(records: &[Given]) -> Vec<u8> {
    let mut batch = Batch::default();
    for (i, given) in records.iter().enumerate() {
        let mut entry = Entry::new(batch.dict.intern_topic(&given.topic).unwrap());
        (entry.partition, entry.timestamp) = (given.partition, given.timestamp);
        (entry.offset, entry.origin) = (42 + i as i64, i as u32);
        entry.key = put(&mut batch, &given.key, &given.key_schema);
        entry.value = put(&mut batch, &given.value, &given.value_schema);
        let mut block = Vec::new();
        for (name, value, schema) in &given.headers {
            let schema = schema.as_ref().map_or(NONE, |schema| batch.dict.intern_schema(schema).unwrap());
            let body = value.to_body();
            put_header(&mut block, name, schema, ValueRef::of_item(&body).unwrap());
        }
        let headers = batch.write(Tag::Raw, NONE, |out| {
            out.extend_from_slice(&block);
            Ok(())
        });
        let headers = headers.unwrap();
        (entry.headers_off, entry.headers_len) = (headers.off, headers.len);
        entry.header_count = given.headers.len() as u16;
        batch.entries.push(entry);
    }
    batch.input_count = records.len() as u32;
    batch.to_bytes().unwrap()
}

fn put(batch: &mut Batch, value: &Value, schema: &Option<Schema>) -> Cell {
    let schema = schema.as_ref().map_or(NONE, |schema| batch.dict.intern_schema(schema).unwrap());
    let written = batch.write(value.tag(), schema, |out| {
        value.encode(out);
        Ok(())
    });
    written.unwrap()
}

fn decode(batch: &mut Batch, entry: &Entry) -> Given {
    let schema = |batch: &mut Batch, i: u32| batch.dict.schema(i).unwrap().map(|schema| (*schema).clone());
    let block = batch.value(&Cell::new(entry.headers_off, entry.headers_len, Tag::Raw, NONE)).payload.to_vec();
    let headers = berth_guest::Headers::new(&block)
        .map(|h| (h.key.to_string(), Value::decode(h.value).unwrap(), schema(batch, h.schema)))
        .collect();
    Given {
        topic: batch.dict.topic(entry.topic).to_string(),
        partition: entry.partition,
        timestamp: entry.timestamp,
        key: Value::decode(batch.value(&entry.key)).unwrap(),
        key_schema: schema(batch, entry.key.schema),
        value: Value::decode(batch.value(&entry.value)).unwrap(),
        value_schema: schema(batch, entry.value.schema),
        headers,
    }
}
