//! The benchmark's source of rows that have a schema: row i depends on i alone, and what repeats every 1,000 rows is made
//! once.

use berth_guest::{
    Batch, Builder, ConfigDef, ConfigKey, ConfigType, Connector, Context, Entry, Importance, Make, Next, Plugin,
    Result, SameConfig, Schema, Source, Tag, Type, Validator, Value, NONE,
};

const PERIOD: usize = 1000;
const BATCH_ROWS: usize = 2000;
const WORDS: [&str; 8] = ["amber", "anchor", "april", "arrow", "autumn", "basin", "beacon", "birch"];

/// What rows have in common whose numbers are equal modulo [`PERIOD`].
struct Pattern {
    name: String,
    note: String,
    price: Vec<u8>,
    tags: [&'static str; 2],
    street: String,
    city: &'static str,
}

impl Pattern {
    fn new(p: usize) -> Pattern {
        let name = format!("{} {}", WORDS[p & 7], WORDS[(p >> 3) & 7]);
        Pattern {
            note: format!("note {name}"),
            name,
            price: shortest(100 + 7919 * p as i64),
            tags: [WORDS[(p >> 1) & 7], WORDS[(p >> 4) & 7]],
            street: format!("{} street {p}", WORDS[(p >> 2) & 7]),
            city: WORDS[(p >> 5) & 7],
        }
    }
}

/// A positive number in two's complement, big endian, in as few bytes as hold its sign.
fn shortest(n: i64) -> Vec<u8> {
    let bytes = n.to_be_bytes();
    let first = bytes.iter().position(|b| *b != 0).unwrap_or(7);
    bytes[first - (bytes[first] >> 7) as usize..].to_vec()
}

fn address_schema() -> Schema {
    let text = || Schema::new(Type::String);
    Schema::new(Type::Struct)
        .named("bench.Address")
        .field("street", text())
        .field("city", text())
        .field("zip", Schema::new(Type::Int32))
}

fn row_schema() -> Schema {
    let text = || Schema::new(Type::String);
    Schema::new(Type::Struct)
        .named("bench.Row")
        .versioned(1)
        .field("id", Schema::new(Type::Int64))
        .field("name", text())
        .field("active", Schema::new(Type::Boolean))
        .field("qty", Schema::new(Type::Int32))
        .field("ratio", Schema::new(Type::Float64))
        .field("price", Schema::decimal(2))
        .field("created", Schema::temporal("org.apache.kafka.connect.data.Timestamp"))
        .field("note", text().optional())
        .field("tags", Schema::array(text()))
        .field("address", address_schema())
}

struct RowSource {
    topic: String,
    rows: i64,
    next: i64,
    most: usize,
    partition: Vec<u8>,
    schema: Vec<u8>,
    patterns: Vec<Pattern>,
}

impl RowSource {
    fn new(context: &Context) -> Result<RowSource> {
        let config = config().parse(&context.config)?;
        let partition = Value::map([("source", Value::str("struct"))]);
        let stored = context.offset(&partition).and_then(|offset| offset.get("next").as_int());
        let mut payload = Vec::new();
        partition.encode(&mut payload);
        Ok(RowSource {
            topic: config.string("topic"),
            rows: config.int("records"),
            next: stored.unwrap_or(0),
            most: context.batch_records.min(BATCH_ROWS),
            partition: payload,
            schema: row_schema().to_bytes(),
            patterns: (0..PERIOD).map(Pattern::new).collect(),
        })
    }

    fn write(&self, i: i64, row: &mut Builder<'_>) {
        let pattern = &self.patterns[i as usize % PERIOD];
        row.open(Tag::Struct);
        row.i64(i);
        row.str(&pattern.name);
        row.boolean(i % 2 == 0);
        row.i32((i % 97) as i32);
        row.f64((i % 1000) as f64 / 8.0);
        row.decimal(2, &pattern.price);
        row.date(1_700_000_000_000 + 7 * i);
        match i % 3 {
            0 => row.null(),
            _ => row.str(&pattern.note),
        }
        row.open(Tag::Array);
        pattern.tags.iter().for_each(|tag| row.str(tag));
        row.close_array();
        row.open(Tag::Struct);
        row.str(&pattern.street);
        row.str(pattern.city);
        row.i32(10_000 + (i % 1000) as i32);
        row.close_struct(NONE);
        row.close_struct(NONE);
    }
}

impl Source for RowSource {
    fn poll(&mut self, batch: &mut Batch) -> Result<Next> {
        let mut template = Entry::new(batch.dict.intern_topic(&self.topic)?);
        template.source_partition = batch.dict.intern_partition(&self.partition)?;
        let schema = batch.dict.intern_schema_bytes(&self.schema)?;
        let mut offset = Vec::new();
        Value::map([("next", Value::Int64(0))]).encode(&mut offset);
        let number = 1 + "next".len() + 1;
        while self.next < self.rows && batch.entries.len() < self.most {
            let mut entry = template;
            entry.timestamp = 1_700_000_000_000 + self.next;
            entry.value = batch.build(schema, |row| {
                self.write(self.next, row);
                Ok(())
            })?;
            self.next += 1;
            offset[number..number + 8].copy_from_slice(&self.next.to_le_bytes());
            entry.source_offset_off = batch.here();
            entry.source_offset_len = offset.len() as u32;
            batch.arena.extend_from_slice(&offset);
            batch.entries.push(entry);
        }
        Ok(if self.next < self.rows { Next::Now } else { Next::Never })
    }
}

fn config() -> ConfigDef {
    ConfigDef::new(vec![
        ConfigKey::new("topic", ConfigType::String, "Topic that the rows go to.")
            .importance(Importance::High)
            .validator(Validator::NonEmpty),
        ConfigKey::new("records", ConfigType::Long, "How many rows to emit.").importance(Importance::High),
    ])
}

fn plugins() -> Vec<Plugin> {
    let connector = |context: &Context| -> Result<Box<dyn Connector>> {
        config().parse(&context.config)?;
        Ok(Box::new(SameConfig { config: context.config.clone(), limit: 1 }))
    };
    let task = |context: &Context| -> Result<Box<dyn Source>> { Ok(Box::new(RowSource::new(context)?)) };
    vec![Plugin::new("bench.RowSource", "1", "Emits rows that have a schema.", Make::Source(connector, task))
        .config(config())]
}

berth_guest::main!(plugins);
