//! AvroConverter over schemas and bytes that nobody meant to write: whatever comes, each record has a value or an error
//! that says something, and what can be written is read back as the same.

#[allow(dead_code)] // one round trip is what the other tests are about
mod support;

use berth_guest::fuzz::{for_seeds, Chance};
use berth_guest::{Schema, Value, NONE};
use support::{batch, convert, framed, register, SCHEMAS};

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

/// How many schemas a test tries without BERTH_FUZZ_TIME.
const SEEDS: u64 = 500;
const RECORDS: usize = 8;

/// Parts of schemas.
const TOKENS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"type\":",
    "\"null\"",
    "\"long\"",
    "\"record\"",
    "\"fields\":[]",
    "\"name\":\"R0\"",
    "\"items\":",
    "\"symbols\":[\"A\"]",
    "\"size\":-1",
    "\"size\":99999999999",
    "\"default\":null",
    "\"logicalType\":\"decimal\"",
    "\"precision\":0",
    "\"scale\":9",
    "\"connect.type\":\"int8\"",
    "\"connect.default\":1",
    "\"connect.version\":\"x\"",
];

/// Varints at their edges, a length that no payload has, floating point numbers that are none.
const NUMBERS: [&[u8]; 9] = [
    &[0],
    &[1],
    &[2],
    &[0x80, 0x01],
    &[0xFE, 0xFF, 0xFF, 0xFF, 0x0F],
    &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    &[0x80],
    &[0, 0, 0xF8, 0x7F],
];

/// A schema, and payloads that it fits.
struct Made {
    schema: String,
    payloads: Vec<Vec<u8>>,
    names: usize,
}

impl Made {
    fn new(chance: &mut Chance) -> Made {
        let mut made = Made { schema: String::new(), payloads: vec![Vec::new(); RECORDS], names: 0 };
        made.part(chance, 0);
        made
    }

    fn append(&mut self, chance: &mut Chance, one: impl Fn(&mut Chance) -> Vec<u8>) {
        for payload in &mut self.payloads {
            payload.extend(one(chance));
        }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("\"name\":\"R{}\"", self.names - 1)
    }

    fn part(&mut self, chance: &mut Chance, depth: usize) {
        match chance.below(if depth > 3 { 9 } else { 14 }) {
            0 => self.schema.push_str("\"null\""),
            1 => {
                self.schema.push_str("\"boolean\"");
                self.append(chance, |chance| vec![chance.below(2) as u8]);
            }
            2 | 3 => {
                let schema = chance.one(&[
                    "\"int\"",
                    "\"long\"",
                    "{\"type\":\"int\",\"connect.type\":\"int8\"}",
                    "{\"type\":\"int\",\"logicalType\":\"date\"}",
                    "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}",
                    "{\"type\":\"int\",\"logicalType\":\"time-millis\"}",
                ]);
                self.schema.push_str(schema);
                self.append(chance, |chance| NUMBERS[chance.below(5)].to_vec());
            }
            4 => self.fixed_width(chance),
            5 | 6 => {
                let schema = chance.one(&[
                    "\"string\"",
                    "\"bytes\"",
                    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}",
                ]);
                self.schema.push_str(schema);
                self.append(chance, |chance| match chance.below(3) {
                    0 => vec![0],
                    1 => vec![4, b'a', b'b'],
                    _ => vec![4, 0xC3, 0xA4],
                });
            }
            7 => self.named(chance, "\"type\":\"fixed\",\"size\":2", |chance| vec![chance.number() as u8, 0]),
            8 => self.named(chance, "\"type\":\"enum\",\"symbols\":[\"A\",\"B\"]", |chance| {
                vec![chance.one(&["0", "2"]).as_bytes()[0] - b'0']
            }),
            9 => self.nested(chance, depth, "{\"type\":\"array\",\"items\":", &[2], "}"),
            10 => self.nested(chance, depth, "{\"type\":\"map\",\"values\":", &[2, 2, b'k'], "}"),
            11 => self.union(chance, depth),
            _ => self.record(chance, depth),
        }
    }

    fn fixed_width(&mut self, chance: &mut Chance) {
        let (schema, width) = match chance.below(2) {
            0 => ("\"float\"", 4),
            _ => ("\"double\"", 8),
        };
        self.schema.push_str(schema);
        self.append(chance, |chance| chance.number().to_le_bytes()[..width].to_vec());
    }

    fn named(&mut self, chance: &mut Chance, rest: &str, one: impl Fn(&mut Chance) -> Vec<u8>) {
        let name = self.name();
        self.schema.push_str(&format!("{{{rest},{name}}}"));
        self.append(chance, one);
    }

    /// A list or map with one item each: a block of its own and the end of blocks.
    fn nested(&mut self, chance: &mut Chance, depth: usize, open: &str, block: &[u8], close: &str) {
        self.schema.push_str(open);
        self.append(chance, |_| block.to_vec());
        self.part(chance, depth + 1);
        self.append(chance, |_| vec![0]);
        self.schema.push_str(close);
    }

    fn union(&mut self, chance: &mut Chance, depth: usize) {
        self.schema.push_str("[\"null\",");
        self.append(chance, |_| vec![2]);
        self.part(chance, depth + 1);
        self.schema.push(']');
    }

    fn record(&mut self, chance: &mut Chance, depth: usize) {
        let name = self.name();
        self.schema.push_str(&format!("{{\"type\":\"record\",{name},\"fields\":["));
        for i in 0..chance.below(5) {
            let comma = if i > 0 { "," } else { "" };
            self.schema.push_str(&format!("{comma}{{\"name\":\"f{i}\",\"type\":"));
            self.part(chance, depth + 1);
            self.schema.push('}');
        }
        self.schema.push_str("]}");
    }
}

/// Reads framed payloads; checks that each has one outcome.
fn read(id: i32, payloads: &[Vec<u8>]) -> Vec<(Option<Schema>, Value)> {
    let raw: Vec<_> = payloads.iter().map(|payload| (None, framed(id, payload))).collect();
    let (values, failures) = convert(AVRO, false, &[], batch(&raw));
    assert_eq!(values.len() + failures.len(), payloads.len(), "{failures:?}");
    assert!(failures.iter().all(|failure| !failure.error.message.is_empty()), "{failures:?}");
    values
}

/// Writes values; gives the bytes of those that can be written, each with its value.
fn write(values: &[(Option<Schema>, Value)]) -> Vec<(&(Option<Schema>, Value), Value)> {
    let given: Vec<_> = values.iter().map(|(schema, value)| (schema.as_ref(), value.clone())).collect();
    let (written, failures) = convert(AVRO, true, &[], batch(&given));
    assert_eq!(written.len() + failures.len(), values.len(), "{failures:?}");
    let failed: Vec<u32> = failures.iter().map(|failure| failure.origin).collect();
    let left = values.iter().enumerate().filter(|(i, _)| !failed.contains(&(*i as u32))).map(|(_, value)| value);
    left.zip(written.into_iter().map(|(_, bytes)| bytes)).collect()
}

/// What was read is written and read again as the same; numbers that are none differ from themselves, so as text.
fn assert_settled(values: &[(Option<Schema>, Value)]) {
    for ((schema, value), bytes) in write(values) {
        if matches!(bytes, Value::Null) {
            continue; // a tombstone has no bytes to read
        }
        let (again, failures) = convert(AVRO, false, &[], batch(&[(None, bytes)]));
        assert!(failures.is_empty(), "{value:?} of {schema:?} was written and can't be read: {failures:?}");
        assert_eq!(shown(&again[0].1), shown(value), "{schema:?}");
    }
}

/// A value without the indices of its schemas, which are a batch's own.
fn shown(value: &Value) -> String {
    fn without(value: &Value) -> Value {
        match value {
            Value::Struct(_, fields) => Value::Struct(NONE, fields.iter().map(without).collect()),
            Value::Array(items) => Value::Array(items.iter().map(without).collect()),
            Value::Map(entries) => Value::Map(entries.iter().map(|(k, v)| (without(k), without(v))).collect()),
            other => other.clone(),
        }
    }
    format!("{:?}", without(value))
}

#[test]
fn payloads_are_read_or_refused() {
    let mut came = 0;
    for_seeds(SEEDS, |chance| {
        SCHEMAS.with_borrow_mut(Vec::clear);
        let mut made = Made::new(chance);
        let id = register("AVRO", &made.schema);
        for payload in &mut made.payloads {
            match chance.below(3) {
                0 => {}
                1 => chance.damage(payload, &["\u{0}", "\u{1}", "\u{2}", "\u{7f}"]),
                _ => (0..chance.below(6)).for_each(|_| payload.extend(NUMBERS[chance.below(NUMBERS.len())])),
            }
        }
        let values = read(id, &made.payloads);
        came += values.len();
        assert_settled(&values);
    });
    assert!(came > 0, "no payload was ever read: the test tests nothing");
}

#[test]
fn schemas_are_parsed_or_refused() {
    for_seeds(SEEDS, |chance| {
        SCHEMAS.with_borrow_mut(Vec::clear);
        let made = Made::new(chance);
        let mut text = made.schema.into_bytes();
        chance.damage(&mut text, &TOKENS);
        let id = register("AVRO", &String::from_utf8_lossy(&text));
        assert_settled(&read(id, &made.payloads));
    });
}
