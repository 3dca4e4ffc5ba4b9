//! Measures JSON: text to Connect value and back without schemas, and text to value from envelopes, natively or as Wasm.
//! Prints nanoseconds per record and, so that runs on different machines can be compared, the ratio to a check of the
//! same text for UTF-8.

use std::hint::black_box;
use std::time::{Duration, Instant};

use berth_guest::{Builder, Dictionaries, Stack, ValueRef};
use stock::json_lexer::Lexer;
use stock::json_writer::Style;
use stock::{json_schema, json_typed};

const RECORDS: usize = 1_000;
const MEASURE_FOR: Duration = Duration::from_millis(3);
const ROUNDS: usize = 40;

fn record(i: u64) -> String {
    let (n, ts, price) = (i * 7_919 % 1_000_000, 1_700_000_000_000 + i, i * 31 % 1_000);
    format!(
        "{{\"id\":{i},\"type\":\"order.paid\",\"ts\":{ts},\"customer\":{{\"id\":{n},\"name\":\"stone\",\"email\":\
         \"c{n}@ex.io\",\"tier\":\"platinum\"}},\"items\":[{{\"sku\":\"SKU-{n}\",\"qty\":5,\"price\":{price}.01}},\
         {{\"sku\":\"SKU-{ts}\",\"qty\":3,\"price\":{price}.65}}],\"amount\":\"73567.01\",\"card\":\"522194355700\",\
         \"ip\":\"10.168.32.7\",\"active\":true,\"note\":null}}"
    )
}

const SCHEMA: &str = "{\"type\":\"struct\",\"fields\":[{\"type\":\"int64\",\"optional\":false,\"field\":\"id\"},\
    {\"type\":\"string\",\"optional\":true,\"field\":\"name\"},{\"type\":\"double\",\"optional\":false,\
    \"field\":\"ratio\"},{\"type\":\"bytes\",\"optional\":false,\"name\":\"org.apache.kafka.connect.data.Decimal\",\
    \"version\":1,\"parameters\":{\"scale\":\"2\"},\"field\":\"price\"},{\"type\":\"array\",\"items\":\
    {\"type\":\"string\",\"optional\":false},\"optional\":false,\"field\":\"tags\"}],\"optional\":false,\
    \"name\":\"bench.Row\"}";

fn row(i: u64) -> String {
    format!(
        "{{\"id\":{i},\"name\":\"amber {i}\",\"ratio\":{}.5,\"price\":\"AXs=\",\"tags\":[\"amber\",\"autumn\"]}}",
        i % 97
    )
}

/// Nanoseconds per record of the fastest of some rounds, the one that was disturbed least.
fn fastest(mut pass: impl FnMut()) -> f64 {
    let round = |_| {
        let (started, mut passes) = (Instant::now(), 0);
        while started.elapsed() < MEASURE_FOR {
            pass();
            passes += 1;
        }
        started.elapsed().as_nanos() as f64 / (passes * RECORDS) as f64
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn main() {
    let texts: Vec<String> = (0..RECORDS as u64).map(record).collect();
    let mut stack = Stack::default();
    let mut values = Vec::new();
    for text in &texts {
        let mut value = Vec::new();
        let mut b = Builder::new(&mut value, &mut stack);
        Lexer::new(text).build(&mut b).expect("JSON");
        values.push((b.tag(), value));
    }
    let mut out = Vec::new();
    let floor = fastest(|| {
        for text in &texts {
            black_box(std::str::from_utf8(black_box(text.as_bytes())).is_ok());
        }
    });
    let parse = fastest(|| {
        out.clear();
        for text in &texts {
            let _ = Lexer::new(black_box(text)).build(&mut Builder::new(&mut out, &mut stack));
        }
        black_box(&out);
    });
    let (style, mut dict) = (Style { replace_null: true, numeric: false }, Dictionaries::default());
    let write = fastest(|| {
        out.clear();
        for (tag, value) in &values {
            let _ = style.value(black_box(ValueRef::new(*tag, value)), None, &mut dict, &mut out);
        }
        black_box(&out);
    });
    let envelopes: Vec<String> =
        (0..RECORDS as u64).map(|i| format!("{{\"schema\":{SCHEMA},\"payload\":{}}}", row(i))).collect();
    let node = Lexer::new(SCHEMA).node(0).expect("JSON");
    let schema = json_schema::schema(&node, true).ok().flatten().expect("a schema");
    let typed = fastest(|| {
        out.clear();
        for text in &envelopes {
            let payload = json_typed::payload_behind(black_box(text), SCHEMA).expect("an envelope");
            let mut b = Builder::new(&mut out, &mut stack);
            json_typed::build(&mut Lexer::new(payload), &schema, true, &mut b).expect("a row");
        }
        black_box(&out);
    });
    let tree = fastest(|| {
        for text in &envelopes {
            let node = Lexer::new(black_box(text)).node(0).expect("JSON");
            black_box(json_schema::value(&schema, node.get("payload"), true).expect("a row"));
        }
    });
    let bytes = texts.iter().map(String::len).sum::<usize>() / RECORDS;
    println!("{bytes} bytes a record, {} with a schema", envelopes[0].len());
    for (what, ns) in [("check", floor), ("parse", parse), ("write", write), ("typed", typed), ("tree", tree)] {
        println!("{what} {ns:7.1} ns {:7.1} MB/s {:6.2} x", bytes as f64 * 1e3 / ns, ns / floor);
    }
}
