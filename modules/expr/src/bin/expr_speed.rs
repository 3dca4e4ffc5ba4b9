//! Measures expressions over JSON records of 300 bytes as the converter leaves them, natively or as Wasm. Prints
//! nanoseconds per record, first those of the main loop alone, which are part of all that follow.

use std::hint::black_box;
use std::time::{Duration, Instant};

use berth_guest::event::kind;
use berth_guest::fake::{stage, FakeHost};
use berth_guest::{Batch, Entry, Tag, Value, NONE};

const RECORDS: u32 = 1_000;
const BATCHES: usize = 4;
const ROUNDS: usize = 150;

fn record(i: u32) -> Value {
    let n = i64::from(i) * 7_919 % 1_000_000;
    let item = |sku: i64, qty: i64| {
        Value::map([
            ("sku", Value::str(format!("SKU-{sku}"))),
            ("qty", Value::Int64(qty)),
            ("price", Value::Float64(12.65)),
        ])
    };
    let customer = Value::map([
        ("id", Value::Int64(n)),
        ("name", Value::str("stone")),
        ("email", Value::str(format!("c{n}@ex.io"))),
        ("tier", Value::str("platinum")),
    ]);
    Value::map([
        ("id", Value::Int64(i.into())),
        ("type", Value::str("order.paid")),
        ("ts", Value::Int64(1_700_000_000_000 + i64::from(i))),
        ("customer", customer),
        ("items", Value::Array(vec![item(n, 5), item(n + 1, 3)])),
        ("card", Value::str("522194355700")),
        ("ip", Value::str("10.168.32.7")),
        ("amount", Value::Float64(f64::from(i % 200))),
        ("active", Value::Boolean(true)),
        ("note", Value::Null),
    ])
}

fn batch() -> Vec<u8> {
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic("orders").expect("room for a topic");
    for i in 0..RECORDS {
        let mut entry = Entry::new(topic);
        let written = batch.write(Tag::Map, NONE, |out| {
            record(i).encode(out);
            Ok(())
        });
        entry.value = written.expect("room for a record");
        (entry.origin, entry.partition, entry.timestamp) = (i, 0, 1_700_000_000_000);
        batch.entries.push(entry);
    }
    batch.input_count = RECORDS;
    batch.to_bytes().expect("room for a batch")
}

/// How long a run of some batches takes; without a configuration there is no stage.
fn run(config: &[(&str, &str)], batch: &[u8], batches: usize) -> Duration {
    let mut host = FakeHost::default();
    let stages = (!config.is_empty()).then(|| stage("transform", "Expr", config));
    host.plan("task", stages.into_iter().collect(), Vec::new());
    for _ in 0..batches {
        host.event(kind::BATCH, batch);
    }
    let started = Instant::now();
    black_box(host.run(&expr::plugins()));
    started.elapsed()
}

/// The fastest of some rounds, less what starting costs.
fn fastest(config: &[(&str, &str)], batch: &[u8]) -> f64 {
    let best = |batches| (0..ROUNDS).map(|_| run(config, batch, batches)).min().unwrap_or_default();
    let spent = best(BATCHES).saturating_sub(best(0));
    spent.as_nanos() as f64 / (BATCHES * RECORDS as usize) as f64
}

fn main() {
    let batch = batch();
    let configs: [(&str, &[(&str, &str)]); 7] = [
        ("main loop alone", &[]),
        ("filter by a constant", &[("filter", "true")]),
        ("filter on a field", &[("filter", "value.amount > 100.0")]),
        (
            "filter on three fields",
            &[(
                "filter",
                "value.type == 'order.paid' && value.customer.tier in ['gold', 'platinum'] && value.amount > 100.0",
            )],
        ),
        ("loop over items", &[("filter", "value.items.exists(i, i.qty > 4)")]),
        ("route", &[("topic", "topic + '-' + value.customer.tier")]),
        ("set a field", &[("set.total", "value.amount * 1.19")]),
    ];
    for (what, config) in configs {
        println!("{what:24} {:7.1} ns a record", fastest(config, &batch));
    }
}
