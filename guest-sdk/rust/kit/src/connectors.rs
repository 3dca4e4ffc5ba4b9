//! kit.Counter and kit.Collect.

use std::collections::HashMap;

use berth_guest::{
    put_header, side, Batch, Config, ConfigDef, ConfigKey, ConfigType, Connector, Context, Entry, Errant, Error,
    Importance, Make, Next, Plugin, Remark, Result, SameConfig, Sink, Source, Tag, TopicOffset, Validator, Value,
    ValueRef, NONE,
};

pub fn counter() -> Plugin {
    let connector =
        |context: &Context| -> Result<Box<dyn Connector>> { Ok(Box::new(Numbered(context.config.clone()))) };
    let task = |context: &Context| -> Result<Box<dyn Source>> { Ok(Box::new(Counter::new(context)?)) };
    Plugin::new("kit.Counter", "1.0.0", "Counts.", Make::Source(connector, task))
        .config(definition())
        .validate(validate)
}

fn definition() -> ConfigDef {
    let at_least_one = Validator::Range { min: Some(1.0), max: None };
    ConfigDef::new(vec![
        ConfigKey::new("topic", ConfigType::String, "").importance(Importance::High),
        ConfigKey::new("count", ConfigType::Int, "").default("3"),
        ConfigKey::new("batch", ConfigType::Int, "").default("2").validator(at_least_one),
        ConfigKey::new("transactions", ConfigType::Boolean, "").default("false"),
    ])
}

fn validate(config: &Config) -> Vec<Remark> {
    match config.get("topic") {
        Some(topic) if topic.contains(' ') => vec![Remark {
            name: "topic".into(),
            errors: vec![format!("Invalid value {topic} for configuration topic: Topic may not contain spaces")],
            ..Remark::default()
        }],
        _ => Vec::new(),
    }
}

struct Numbered(Config);

impl Connector for Numbered {
    fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>> {
        let numbered = |n: usize| {
            let mut config = self.0.clone();
            config.set("task.number", &n.to_string());
            config
        };
        Ok((0..max_tasks).map(numbered).collect())
    }
}

struct Counter {
    topic: String,
    count: i64,
    batch: i64,
    transactions: bool,
    partition: Vec<u8>,
    next: i64,
    /// Where the current poll's share ends, when it did not fit one batch.
    until: i64,
    max_records: usize,
    max_bytes: usize,
}

impl Counter {
    fn new(context: &Context) -> Result<Counter> {
        let config = definition().parse(&context.config)?;
        let partition = Value::map([("task", Value::Int64(context.task as i64))]);
        let mut payload = Vec::new();
        partition.encode(&mut payload);
        let stored = context.offset(&partition).and_then(|o| o.get("position").as_int());
        let next = stored.map_or(0, |n| n + 1);
        Ok(Counter {
            topic: config.string("topic"),
            count: config.int("count"),
            batch: config.int("batch"),
            transactions: config.boolean("transactions"),
            partition: payload,
            next,
            until: next,
            max_records: context.batch_records,
            max_bytes: context.batch_bytes,
        })
    }

    fn record(&self, i: i64, batch: &mut Batch) -> Result<Entry> {
        let mut entry = Entry::new(batch.dict.intern_topic(&self.topic)?);
        entry.timestamp = 1000 + i;
        entry.timestamp_type = 1;
        entry.source_partition = batch.dict.intern_partition(&self.partition)?;
        let (int32, string) = (batch.dict.intern_schema_bytes(&[2, 0])?, batch.dict.intern_schema_bytes(&[7, 1])?);
        entry.key = batch.build(int32, |b| {
            b.i32(i as i32);
            Ok(())
        })?;
        entry.value = batch.build(string, |b| {
            b.str(&format!("n{i}"));
            Ok(())
        })?;
        if i % 2 == 0 {
            let block = batch.write(Tag::Raw, NONE, |out| {
                put_header(out, "even", NONE, ValueRef::new(Tag::Boolean, &[1]));
                Ok(())
            })?;
            (entry.header_count, entry.headers_off, entry.headers_len) = (1, block.off, block.len);
        }
        let offset = batch.build(NONE, |b| {
            b.open(Tag::Map);
            b.str("position");
            b.i64(i);
            b.close_map();
            Ok(())
        })?;
        (entry.source_offset_off, entry.source_offset_len) = (offset.off, offset.len);
        Ok(entry)
    }
}

/// What the dictionaries and the header of a batch take, at most, beside its records.
const BATCH_OVERHEAD_BYTES: usize = 256;

impl Source for Counter {
    fn poll(&mut self, batch: &mut Batch) -> Result<Next> {
        if self.next >= self.until {
            self.until = (self.next + self.batch).min(self.count);
        }
        while self.next < self.until && batch.entries.len() < self.max_records {
            let before = batch.arena.len();
            let entry = self.record(self.next, batch)?;
            let size = batch.arena.len() + 88 * (batch.entries.len() + 1) + BATCH_OVERHEAD_BYTES + self.topic.len();
            if size > self.max_bytes && !batch.entries.is_empty() {
                batch.arena.truncate(before);
                break;
            }
            batch.entries.push(entry);
            self.next += 1;
        }
        batch.boundary = self.transactions && self.next >= self.until;
        Ok(if self.next < self.count { Next::Now } else { Next::Never })
    }

    fn durable(&mut self, batches: &[i64]) -> Result<()> {
        batches.iter().for_each(|seq| side::info(&format!("durable {seq}")));
        Ok(())
    }

    fn committed(&mut self, batch: i64) -> Result<()> {
        side::info(&format!("committed {batch}"));
        Ok(())
    }
}

pub fn collect() -> Plugin {
    let connector = |context: &Context| -> Result<Box<dyn Connector>> {
        Ok(Box::new(SameConfig { config: context.config.clone(), limit: 1 }))
    };
    let task = |_: &Context| -> Result<Box<dyn Sink>> { Ok(Box::new(Collect::default())) };
    Plugin::new("kit.Collect", "1.0.0", "Collects.", Make::Sink(connector, task))
}

type Place = (String, i32);

#[derive(Default)]
struct Collect {
    next: HashMap<Place, i64>,
    retried: Vec<(Place, i64)>,
    /// Taken, and given up by the next flush.
    late: Vec<(Place, i64)>,
    errant: Vec<Errant>,
}

impl Sink for Collect {
    fn put(&mut self, batch: &mut Batch) -> Result<()> {
        let mut given: Vec<(Place, i64)> = Vec::new();
        for i in 0..batch.entries.len() {
            let entry = batch.entries[i];
            let place = (batch.dict.topic(entry.topic).to_string(), entry.partition);
            let text = batch.value(&entry.value).str().unwrap_or_default().to_string();
            let here = (place, entry.offset);
            match text.as_str() {
                "errant" => batch.fail(i, Error::errant("errant record")),
                "retry" if !self.retried.contains(&here) => {
                    self.retried.push(here);
                    return Err(Error::retriable("try again"));
                }
                "broken" => return Err(Error::connect("broken")),
                "late" => self.late.push(here.clone()),
                _ => {}
            }
            given.push(here);
        }
        for (place, offset) in given {
            let next = self.next.entry(place).or_insert(offset + 1);
            *next = (*next).max(offset + 1);
        }
        Ok(())
    }

    fn take_errant(&mut self) -> Vec<Errant> {
        std::mem::take(&mut self.errant)
    }

    fn flush(&mut self, mut offsets: Vec<TopicOffset>) -> Result<Vec<TopicOffset>> {
        self.errant.extend(self.late.drain(..).map(|((topic, partition), offset)| {
            let error = Error::connect("late errant record").at("f");
            Errant { topic, partition, offset, error }
        }));
        for offset in &mut offsets {
            if let Some(next) = self.next.get(&(offset.topic.clone(), offset.partition)) {
                offset.offset = *next;
            }
        }
        Ok(offsets)
    }

    fn close(&mut self, partitions: &[TopicOffset]) -> Result<()> {
        for gone in partitions {
            self.next.remove(&(gone.topic.clone(), gone.partition));
        }
        Ok(())
    }
}
