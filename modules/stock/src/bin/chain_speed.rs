//! Measures whole chains of a sink (converters, transforms, a sink that counts), natively or as Wasm, on the main loop
//! that every task runs. Prints nanoseconds per record.

use std::time::{Duration, Instant};

use berth_guest::event::{kind, message, Event};
use berth_guest::fake::{converter, stage};
use berth_guest::host::{Host, Wait};
use berth_guest::{Batch, Entry, Tag, Value, NONE};

const RECORDS: usize = 500;
const MEASURE_FOR: Duration = Duration::from_millis(2);
const ROUNDS: usize = 150;

/// An order of about 318 bytes.
fn order(i: u64) -> String {
    let (n, ts, price) = (i * 7_919 % 1_000_000, 1_700_000_000_000 + i, 100 + i * 31 % 899);
    format!(
        "{{\"id\":{i},\"type\":\"order.paid\",\"ts\":{ts},\"customer\":{{\"id\":{n},\"name\":\"stone\",\"email\":\
         \"c{n:06}@ex.io\",\"tier\":\"platinum\"}},\"items\":[{{\"sku\":\"SKU-{n:06}\",\"qty\":5,\"price\":{price}.01}},\
         {{\"sku\":\"SKU-55700\",\"qty\":3,\"price\":{price}.65}}],\"amount\":\"73567.01\",\"card\":\"522194355700\",\
         \"ip\":\"10.168.32.7\",\"active\":true,\"note\":null}}"
    )
}

fn line(i: u64) -> String {
    format!(
        "{i:012} amber anchor april arrow autumn basin beacon birch bolt breeze bridge cabin canal cargo cedar chart"
    )
}

/// The records as a consumer's batch.
fn batch(text: fn(u64) -> String) -> Vec<u8> {
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic("in-orders").expect("a topic");
    for i in 0..RECORDS {
        let mut entry = Entry::new(topic);
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(text(1_000_000 + i as u64).as_bytes());
            Ok(())
        };
        entry.value = batch.write(Tag::Raw, NONE, write).expect("room for a record");
        (entry.partition, entry.offset, entry.origin) = (0, i as i64, i as u32);
        (entry.timestamp, entry.timestamp_type) = (1_700_000_000_000 + i as i64, 1);
        batch.entries.push(entry);
    }
    batch.input_count = RECORDS as u32;
    batch.to_bytes().expect("a batch")
}

/// Gives a task the same batch again and again, for a while.
struct Feeder {
    plan: Option<Vec<u8>>,
    batch: Vec<u8>,
    seq: u32,
    best: f64,
    rounds: usize,
    began: Instant,
    batches: usize,
    failed: Option<String>,
}

impl Feeder {
    fn new(plan: Vec<u8>, batch: Vec<u8>) -> Feeder {
        let (best, began) = (f64::INFINITY, Instant::now());
        Feeder { plan: Some(plan), batch, seq: 1, best, rounds: 0, began, batches: 0, failed: None }
    }

    fn next(&mut self) -> Vec<u8> {
        if let Some(plan) = self.plan.take() {
            return Event::encode(kind::PLAN, 1, &plan);
        }
        if self.began.elapsed() >= MEASURE_FOR {
            let ns = self.began.elapsed().as_nanos() as f64 / (self.batches * RECORDS).max(1) as f64;
            self.best = self.best.min(ns);
            (self.rounds, self.began, self.batches) = (self.rounds + 1, Instant::now(), 0);
        }
        self.seq += 1;
        if self.rounds > ROUNDS || self.failed.is_some() {
            return Event::encode(kind::STOP, self.seq, &[]);
        }
        self.batches += 1;
        let mut event = std::mem::take(&mut self.batch);
        event[4..8].copy_from_slice(&self.seq.to_le_bytes());
        event
    }
}

impl Host for Feeder {
    fn poll(&mut self, buffer: &mut [u8]) -> i32 {
        if self.plan.is_none() && self.batch.len() > buffer.len() {
            return -(self.batch.len() as i32);
        }
        let event = self.next();
        buffer[..event.len()].copy_from_slice(&event);
        let n = event.len() as i32;
        if self.batch.is_empty() {
            self.batch = event;
        }
        n
    }

    fn put(&mut self, kind: i32, _seq: i32, head: &[u8], data: &[u8]) -> i32 {
        if kind == message::FAILED {
            self.failed = Some(String::from_utf8_lossy(&[head, data].concat()).into_owned());
        }
        0
    }

    fn commit(&mut self, _seq: i32, _body: &[u8]) -> i32 {
        0
    }

    fn wait(&mut self, _wait: Wait) {}
}

fn measure(name: &str, text: fn(u64) -> String, value_converter: (&str, &[(&str, &str)]), transforms: Vec<Value>) {
    let (class, config) = value_converter;
    let mut stages = vec![
        converter("key_converter", "StringConverter", false, &[]),
        converter("value_converter", class, false, config),
        converter("header_converter", "SimpleHeaderConverter", false, &[]),
    ];
    stages.extend(transforms);
    stages.push(stage("sink", "blackhole", &[]));
    let plan = Value::map([("role", Value::str("task")), ("stages", Value::Array(stages))]);
    let mut feeder = Feeder::new(plan.to_body(), Event::encode(kind::BATCH, 0, &batch(text)));
    berth_guest::run(&mut feeder, &stock::plugins());
    match feeder.failed {
        Some(why) => println!("{name} failed: {why}"),
        None => println!("{name} {:.1} ns", feeder.best),
    }
}

fn main() {
    let json = ("JsonConverter", &[("schemas.enable", "false")][..]);
    let string = ("StringConverter", &[][..]);
    let route = || {
        let format = [("topic.format", "${topic}-${timestamp}"), ("timestamp.format", "yyyyMMdd")];
        stage("transform", "TimestampRouter", &format)
    };
    let orders = vec![
        stage(
            "transform",
            "InsertField$Value",
            &[("static.field", "origin"), ("static.value", "bench"), ("timestamp.field", "ingested")],
        ),
        stage(
            "transform",
            "ReplaceField$Value",
            &[("exclude", "note,ip"), ("renames", "ts:event_time,type:event_type")],
        ),
        stage("transform", "Cast$Value", &[("spec", "amount:float64,id:string")]),
        stage("transform", "MaskField$Value", &[("fields", "card"), ("replacement", "****")]),
        route(),
    ];
    let lines = vec![
        stage("transform", "InsertHeader", &[("header", "origin"), ("value.literal", "bench")]),
        stage("transform", "RegexRouter", &[("regex", "in-(.*)"), ("replacement", "out-$1")]),
        route(),
        stage("transform", "HoistField$Value", &[("field", "line")]),
        stage("transform", "DropHeaders", &[("headers", "origin")]),
    ];
    measure("P3", order, json, orders);
    measure("P5j0", order, json, Vec::new());
    measure("P5s5", line, string, lines);
    measure("P5s0", line, string, Vec::new());
}
