//! Datagen: a source of made-up, typed records. Record `i` of a task is a pure function of seed, task and `i`.

use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use berth_guest::schema::TIMESTAMP;
use berth_guest::{
    Batch, Builder, Cell, ConfigDef, ConfigKey, ConfigType, Connector, Context, Entry, Importance, Make, Next, Plugin,
    Result, SameConfig, Schema, Source, Tag, Type, Validator, Value, NONE,
};

pub fn plugin() -> Plugin {
    let connector = |context: &Context| -> Result<Box<dyn Connector>> {
        definition().parse(&context.config)?;
        Ok(Box::new(SameConfig { config: context.config.clone(), limit: usize::MAX }))
    };
    let task = |context: &Context| -> Result<Box<dyn Source>> { Ok(Box::new(Datagen::new(context)?)) };
    Plugin::new(
        "berth.Datagen",
        env!("CARGO_PKG_VERSION"),
        "Makes up records, the same ones for the same seed, at a given rate.",
        Make::Source(connector, task),
    )
    .aliases(&["datagen", "Datagen"])
    .config(definition())
}

fn definition() -> ConfigDef {
    let at_least = |n: f64| Validator::Range { min: Some(n), max: None };
    let kinds = ["struct", "json", "line"].map(String::from).to_vec();
    ConfigDef::new(vec![
        ConfigKey::new("topic", ConfigType::String, "Topic that the records go to.")
            .importance(Importance::High)
            .validator(Validator::NonEmpty),
        ConfigKey::new(
            "kind",
            ConfigType::String,
            "What a value is: struct (with a schema), json (a map without one) or line (a text).",
        )
        .default("struct")
        .validator(Validator::OneOf(kinds)),
        ConfigKey::new("rate", ConfigType::Double, "Records per second of each task; 0 = as fast as Kafka takes them.")
            .default("1")
            .validator(at_least(0.0)),
        ConfigKey::new("count", ConfigType::Long, "Records after which each task is done; -1 = never.")
            .default("-1")
            .validator(at_least(-1.0)),
        ConfigKey::new("seed", ConfigType::Long, "Records are the same for the same seed.").default("1"),
        ConfigKey::new("line.bytes", ConfigType::Int, "Length of a line.").default("100").validator(at_least(1.0)),
        ConfigKey::new("batch.size", ConfigType::Int, "Most records in one batch.")
            .default("2000")
            .validator(at_least(1.0)),
    ])
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Struct,
    Json,
    Line,
}

#[derive(Debug)]
struct Datagen {
    topic: String,
    shape: Shape,
    rate: f64,
    count: i64,
    seed: u64,
    line_bytes: usize,
    batch: usize,
    partition: Vec<u8>,
    schema: Vec<u8>,
    index: i64,
    started: Option<(Instant, i64)>,
}

const WORDS: [&str; 16] = [
    "anchor", "beacon", "canal", "dock", "estuary", "ferry", "gangway", "harbour", "inlet", "jetty", "keel", "lagoon",
    "mooring", "narrows", "oar", "pier",
];
const STATES: [&str; 4] = ["NEW", "PAID", "SHIPPED", "RETURNED"];
/// Time of record 0, so that records are the same whenever they are made.
const EPOCH_MS: i64 = 1_700_000_000_000;

impl Datagen {
    fn new(context: &Context) -> Result<Datagen> {
        let config = definition().parse(&context.config)?;
        let partition = Value::map([("task", Value::Int32(context.task))]);
        let mut payload = Vec::new();
        partition.encode(&mut payload);
        let stored = context.offset(&partition).and_then(|offset| offset.get("index").as_int());
        Ok(Datagen {
            topic: config.string("topic"),
            shape: match config.text("kind") {
                Some("line") => Shape::Line,
                Some("json") => Shape::Json,
                _ => Shape::Struct,
            },
            rate: config.double("rate"),
            count: config.int("count"),
            seed: mix(config.int("seed") as u64 ^ ((context.task as u64) << 32)),
            line_bytes: config.int("line.bytes") as usize,
            batch: (config.int("batch.size") as usize).min(context.batch_records),
            partition: payload,
            schema: schema().to_bytes(),
            index: stored.unwrap_or(0).max(0),
            started: None,
        })
    }

    /// How many records are due, and when the next one is.
    fn due(&mut self) -> (usize, Next) {
        let left = if self.count < 0 { i64::MAX } else { self.count - self.index };
        if left <= 0 {
            return (0, Next::Never);
        }
        let most = (self.batch as i64).min(left);
        if self.rate <= 0.0 {
            return (most as usize, Next::Now);
        }
        let (start, first) = *self.started.get_or_insert((Instant::now(), self.index));
        let by_now = first + (start.elapsed().as_secs_f64() * self.rate) as i64 + 1;
        let due = (by_now - self.index).clamp(0, most);
        let next_at = (self.index + due - first) as f64 / self.rate;
        let sleep = (next_at - start.elapsed().as_secs_f64()).max(0.001);
        (due as usize, if due == most { Next::Now } else { Next::After(Duration::from_secs_f64(sleep)) })
    }

    fn value(&self, i: i64, schema: u32, batch: &mut Batch) -> Result<Cell> {
        let random = mix(self.seed.wrapping_add((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        match self.shape {
            Shape::Line => batch.write(Tag::String, schema, |out| {
                line(i, random, self.line_bytes, out);
                Ok(())
            }),
            Shape::Json => batch.build(schema, |b| {
                b.open(Tag::Map);
                for (name, field) in FIELDS {
                    b.str(name);
                    match name {
                        // Without a schema a Date would have no meaning in JSON.
                        "created" => b.i64(created(i)),
                        _ => field(b, i, random),
                    }
                }
                b.close_map();
                Ok(())
            }),
            Shape::Struct => batch.build(schema, |b| {
                b.open(Tag::Struct);
                FIELDS.iter().for_each(|(_, field)| field(b, i, random));
                b.close_struct(NONE);
                Ok(())
            }),
        }
    }
}

/// The finaliser of SplitMix64: neighbouring numbers give unrelated ones.
fn mix(mut n: u64) -> u64 {
    n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

/// Index, blank, random words up to the length.
fn line(i: i64, mut random: u64, len: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let _ = write!(out, "{i}");
    while out.len() - start < len {
        out.push(b' ');
        out.extend_from_slice(WORDS[(random & 15) as usize].as_bytes());
        random = mix(random);
    }
    out.truncate(start + len);
}

fn created(i: i64) -> i64 {
    EPOCH_MS.wrapping_add(i.wrapping_mul(1000))
}

type Write1 = fn(&mut Builder<'_>, i64, u64);

/// Fields of a record, in order; each takes its own bits of the random number.
const FIELDS: [(&str, Write1); 8] = [
    ("id", |b, i, _| b.i64(i)),
    ("created", |b, i, _| b.date(created(i))),
    ("customer", |b, _, r| {
        b.with(Tag::String, |out| {
            out.extend_from_slice(WORDS[(r & 15) as usize].as_bytes());
            let _ = write!(out, "-{}", (r >> 4) % 10_000);
        })
    }),
    ("state", |b, _, r| b.str(STATES[(r >> 20 & 3) as usize])),
    ("quantity", |b, _, r| b.i32((r >> 22 & 31) as i32 + 1)),
    ("price", |b, _, r| b.f64((r >> 27 & 0xFFFF) as f64 / 100.0)),
    ("express", |b, _, r| b.boolean(r >> 43 & 1 == 1)),
    ("note", |b, _, r| match r >> 44 & 3 {
        0 => b.str(WORDS[(r >> 46 & 15) as usize]),
        _ => b.null(),
    }),
];

fn schema() -> Schema {
    Schema::new(Type::Struct)
        .named("berth.Order")
        .versioned(1)
        .field("id", Schema::new(Type::Int64))
        .field("created", Schema::temporal(TIMESTAMP))
        .field("customer", Schema::new(Type::String))
        .field("state", Schema::new(Type::String))
        .field("quantity", Schema::new(Type::Int32))
        .field("price", Schema::new(Type::Float64))
        .field("express", Schema::new(Type::Boolean))
        .field("note", Schema::new(Type::String).optional())
}

impl Source for Datagen {
    fn poll(&mut self, batch: &mut Batch) -> Result<Next> {
        let (due, next) = self.due();
        if due == 0 {
            return Ok(next);
        }
        let mut entry = Entry::new(batch.dict.intern_topic(&self.topic)?);
        entry.source_partition = batch.dict.intern_partition(&self.partition)?;
        entry.timestamp = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_millis() as i64);
        let schema = match self.shape {
            Shape::Struct => batch.dict.intern_schema_bytes(&self.schema)?,
            Shape::Json => NONE,
            Shape::Line => batch.dict.intern_schema_bytes(&[7, 0])?,
        };
        let key_schema = batch.dict.intern_schema_bytes(&[3, 0])?;
        for _ in 0..due {
            if self.shape != Shape::Line {
                entry.key = batch.build(key_schema, |b| {
                    b.i64(self.index);
                    Ok(())
                })?;
            }
            entry.value = self.value(self.index, schema, batch)?;
            self.index += 1;
            let offset = batch.build(NONE, |b| {
                b.open(Tag::Map);
                b.str("index");
                b.i64(self.index);
                b.close_map();
                Ok(())
            })?;
            (entry.source_offset_off, entry.source_offset_len) = (offset.off, offset.len);
            batch.entries.push(entry);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use berth_guest::{Config, StageKind};

    fn source(config: &[(&str, &str)], stored: Option<i64>) -> Datagen {
        let mut all = Config::from([("topic", "t"), ("rate", "0"), ("batch.size", "5")]);
        config.iter().for_each(|(k, v)| all.set(k, v));
        let mut context = Context::for_test(StageKind::Source, all);
        if let Some(index) = stored {
            let partition = Value::map([("task", Value::Int64(0))]);
            context.offsets = vec![(partition, Value::map([("index", Value::Int64(index))]))];
        }
        Datagen::new(&context).unwrap()
    }

    fn values(source: &mut Datagen) -> Vec<Value> {
        let mut batch = Batch::default();
        source.poll(&mut batch).unwrap();
        let mut batch = Batch::from_bytes(batch.to_bytes().unwrap()).unwrap();
        let entries = std::mem::take(&mut batch.entries);
        entries.iter().map(|e| Value::decode(batch.value(&e.value)).unwrap()).collect()
    }

    #[test]
    fn records_depend_on_seed_and_index_only() {
        for kind in ["struct", "json", "line"] {
            let mut whole = source(&[("kind", kind)], None);
            let all = [values(&mut whole), values(&mut whole)].concat();
            assert_eq!(values(&mut source(&[("kind", kind)], Some(3))), all[3..8]);
            assert_ne!(values(&mut source(&[("kind", kind), ("seed", "2")], None)), all[..5]);
        }
    }

    #[test]
    fn count_ends_the_task_and_lines_have_their_length() {
        let mut source = source(&[("kind", "line"), ("count", "7"), ("line.bytes", "33")], None);
        let all = [values(&mut source), values(&mut source), values(&mut source)].concat();
        assert_eq!(all.len(), 7);
        assert!(all.iter().all(|v| v.as_str().is_some_and(|s| s.len() == 33)));
        assert_eq!(source.poll(&mut Batch::default()).unwrap(), Next::Never);
    }

    #[test]
    fn a_rate_spreads_records_over_time() {
        let mut source = source(&[("rate", "0.5")], None);
        assert_eq!(values(&mut source).len(), 1);
        let mut batch = Batch::default();
        match source.poll(&mut batch).unwrap() {
            Next::After(time) => assert!(batch.entries.is_empty() && time > Duration::from_secs(1)),
            other => panic!("{other:?}"),
        }
    }
}
