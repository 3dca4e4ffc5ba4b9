//! Measures whole chains natively or as Wasm, on the main loop that every task runs: those of a sink (converters,
//! transforms, a sink that counts) and one of a source in another module (transforms, converters). Prints nanoseconds
//! per record. Arguments name the chains to measure; none are all.

use std::time::{Duration, Instant};

use berth_guest::event::{kind, message, Event};
use berth_guest::fake::{converter, stage};
use berth_guest::host::{Host, Wait};
use berth_guest::schema::TIMESTAMP;
use berth_guest::{Batch, Builder, Cell, Entry, Schema, Tag, Type, Value, NONE};

const RECORDS: usize = 500;
/// Less than a slice of time that a busy machine gives a process.
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

/// A consumer's batch of texts.
fn texts(text: fn(u64) -> String) -> Vec<u8> {
    batch(|batch, i| {
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(text(1_000_000 + i).as_bytes());
            Ok(())
        };
        batch.write(Tag::Raw, NONE, write).expect("room for a record")
    })
}

/// The rows of the benchmark's source.
fn rows() -> Vec<u8> {
    let optional_text = Schema::new(Type::String).optional();
    let address = Schema::new(Type::Struct)
        .named("bench.Address")
        .field("street", Schema::new(Type::String))
        .field("city", Schema::new(Type::String))
        .field("zip", Schema::new(Type::Int32));
    let schema = Schema::new(Type::Struct)
        .named("bench.Row")
        .versioned(1)
        .field("id", Schema::new(Type::Int64))
        .field("name", Schema::new(Type::String))
        .field("active", Schema::new(Type::Boolean))
        .field("qty", Schema::new(Type::Int32))
        .field("ratio", Schema::new(Type::Float64))
        .field("price", Schema::decimal(2))
        .field("created", Schema::temporal(TIMESTAMP))
        .field("note", optional_text)
        .field("tags", Schema::array(Schema::new(Type::String)))
        .field("address", address)
        .to_bytes();
    batch(|batch, i| {
        let schema = batch.dict.intern_schema_bytes(&schema).expect("a schema");
        let write = |row: &mut Builder<'_>| {
            row_of(i as i64, row);
            Ok(())
        };
        batch.build(schema, write).expect("room for a record")
    })
}

fn row_of(i: i64, row: &mut Builder<'_>) {
    row.open(Tag::Struct);
    row.i64(1_000_000 + i);
    row.str("autumn basin");
    row.boolean(i % 2 == 0);
    row.i32((i % 97) as i32);
    row.f64(i as f64 / 8.0);
    row.decimal(2, &(1_000_000 + 7_919 * i as i32).to_be_bytes()[1..]);
    row.date(1_700_000_000_000 + 7 * i);
    match i % 3 {
        0 => row.null(),
        _ => row.str("note autumn basin"),
    }
    row.open(Tag::Array);
    ["arrow", "amber"].iter().for_each(|tag| row.str(tag));
    row.close_array();
    row.open(Tag::Struct);
    row.str("beacon street 417");
    row.str("birch");
    row.i32(10_000 + i as i32);
    row.close_struct(NONE);
    row.close_struct(NONE);
}

/// Records whose values are what `value` writes, as the host hands them over.
fn batch(value: impl Fn(&mut Batch, u64) -> Cell) -> Vec<u8> {
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic("in-orders").expect("a topic");
    for i in 0..RECORDS {
        let mut entry = Entry::new(topic);
        entry.value = value(&mut batch, i as u64);
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

/// Measures one chain if it is asked for.
fn measure(name: &str, batch: fn() -> Vec<u8>, stages: Vec<Value>) {
    if std::env::args().len() > 1 && !std::env::args().any(|wanted| wanted == name) {
        return;
    }
    let plan = Value::map([("role", Value::str("task")), ("stages", Value::Array(stages))]);
    let mut feeder = Feeder::new(plan.to_body(), Event::encode(kind::BATCH, 0, &batch()));
    berth_guest::run(&mut feeder, &stock::plugins());
    match feeder.failed {
        Some(why) => println!("{name} failed: {why}"),
        None => println!("{name} {:.1} ns", feeder.best),
    }
}

/// A sink's chain: these transforms between converters and a sink that drops all.
fn sink(value_converter: &str, config: &[(&str, &str)], transforms: &[Value]) -> Vec<Value> {
    let mut stages = vec![
        converter("key_converter", "StringConverter", false, &[]),
        converter("value_converter", value_converter, false, config),
        converter("header_converter", "SimpleHeaderConverter", false, &[]),
    ];
    stages.extend_from_slice(transforms);
    stages.push(stage("sink", "blackhole", &[]));
    stages
}

fn transform(plugin: &str, config: &[(&str, &str)]) -> Value {
    stage("transform", plugin, config)
}

fn route_by_day() -> Value {
    let format = [("topic.format", "${topic}-${timestamp}"), ("timestamp.format", "yyyyMMdd")];
    transform("TimestampRouter", &format)
}

/// Chain A of the benchmark.
fn orders() -> Vec<Value> {
    let insert = [("static.field", "origin"), ("static.value", "bench"), ("timestamp.field", "ingested")];
    vec![
        transform("InsertField$Value", &insert),
        transform("ReplaceField$Value", &[("exclude", "note,ip"), ("renames", "ts:event_time,type:event_type")]),
        transform("Cast$Value", &[("spec", "amount:float64,id:string")]),
        transform("MaskField$Value", &[("fields", "card"), ("replacement", "****")]),
        route_by_day(),
    ]
}

/// Chain B, with the converters that follow it.
fn rows_to_json() -> Vec<Value> {
    let time = [("field", "created"), ("target.type", "string"), ("format", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")];
    vec![
        transform("Flatten$Value", &[("delimiter", "_")]),
        transform("Cast$Value", &[("spec", "qty:int64,ratio:string")]),
        transform("TimestampConverter$Value", &time),
        transform("ValueToKey", &[("fields", "id")]),
        transform("ExtractField$Key", &[("field", "id")]),
        converter("key_converter", "JsonConverter", true, &[]),
        converter("value_converter", "JsonConverter", true, &[]),
        converter("header_converter", "SimpleHeaderConverter", true, &[]),
    ]
}

/// Chain C.
fn lines() -> Vec<Value> {
    vec![
        transform("InsertHeader", &[("header", "origin"), ("value.literal", "bench")]),
        transform("RegexRouter", &[("regex", "in-(.*)"), ("replacement", "out-$1")]),
        route_by_day(),
        transform("HoistField$Value", &[("field", "line")]),
        transform("DropHeaders", &[("headers", "origin")]),
    ]
}

fn main() {
    let json = [("schemas.enable", "false")];
    let (json, string) =
        (|chain: &[Value]| sink("JsonConverter", &json, chain), |chain: &[Value]| sink("StringConverter", &[], chain));
    let (orders_of, lines_of) = (|| texts(order), || texts(line));
    measure("P3", orders_of, json(&orders()));
    for (i, name) in ["P3s1", "P3s2", "P3s3", "P3s4"].into_iter().enumerate() {
        measure(name, orders_of, json(&orders()[..=i]));
    }
    measure("P4", rows, rows_to_json());
    measure("P5s0", lines_of, string(&[]));
    measure("P5s1", lines_of, string(&lines()[..1]));
    measure("P5s5", lines_of, string(&lines()));
    measure("P5j0", orders_of, json(&[]));
}
