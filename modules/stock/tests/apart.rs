//! Values that lie apart between stages, and records that go past the stages, must give what values that are put together
//! before every stage give: chains over generated JSON and generated structs, all ways.

use std::rc::Rc;

mod support;

use berth_guest::event::{kind, message};
use berth_guest::fake::{converter, stage, FakeHost};
use berth_guest::fuzz::Chance;
use berth_guest::host::Passing;
use berth_guest::schema::{DATE, TIMESTAMP};
use berth_guest::{Batch, Cell, Entry, Headers, Schema, Tag, Type, Value, NONE};
use support::{json, object};

/// How many chains are tried; BERTH_APART_CASES asks for more.
const CASES: u64 = 3_000;
/// Records of a batch of structs: enough for the schemas that they have.
const ROWS: u32 = 24;

/// An object, most of the time, and sometimes a broken one.
fn text(chance: &mut Chance) -> String {
    let mut out = String::new();
    match chance.below(8) {
        0 => json(chance, 0, &mut out),
        _ => object(chance, 0, &mut out),
    }
    if chance.below(10) == 0 {
        let at = chance.below(out.len().max(1));
        let at = (at..=out.len()).find(|i| out.is_char_boundary(*i)).unwrap_or(0);
        out.truncate(at);
    }
    out
}

fn transform(chance: &mut Chance) -> Value {
    let of = |plugin: &str, config: &[(&str, &str)]| stage("transform", plugin, config);
    match chance.below(22) {
        0 => of("InsertField$Value", &[("static.field", "b"), ("static.value", "x"), ("timestamp.field", "ts")]),
        1 => of("InsertField$Value", &[("topic.field", "a"), ("static.field", "a"), ("static.value", "y")]),
        2 => of("ReplaceField$Value", &[("exclude", "c,id")]),
        3 => of("ReplaceField$Value", &[("renames", "a:b,b:a,id:key")]),
        4 => of("ReplaceField$Value", &[("include", "a,amount"), ("renames", "amount:a")]),
        5 => of("ExtractField$Value", &[("field", "a")]),
        6 => of("HoistField$Value", &[("field", "all")]),
        7 => of("Cast$Value", &[("spec", "a:string,id:int32,amount:float64")]),
        8 => of("MaskField$Value", &[("fields", "b,amount")]),
        9 => of("Flatten$Value", &[("delimiter", chance.one(&["_", ".", ""]))]),
        10 => of("TimestampConverter$Value", &[("field", "id"), ("target.type", chance.one(&["Timestamp", "unix"]))]),
        11 => of(
            "TimestampConverter$Value",
            &[("field", "a"), ("target.type", "string"), ("format", "yyyy-MM-dd'T'HH:mm:ss.SSS")],
        ),
        12 => of("ValueToKey", &[("fields", chance.one(&["a", "id,b", "c,c", "amount,id,a"]))]),
        13 => of("ExtractField$Key", &[("field", chance.one(&["a", "id", "c"]))]),
        14 => of("ExtractField$Value", &[("field", chance.one(&["a.b", "c.id.a"])), ("field.syntax.version", "V2")]),
        15 => of("HoistField$Key", &[("field", "a")]),
        16 => of("SetSchemaMetadata$Value", &[("schema.name", "renamed")]),
        17 => of("HeaderFrom$Value", &[("fields", "a,id"), ("headers", "h,i"), ("operation", "copy")]),
        18 => of("HeaderFrom$Value", &[("fields", "b,a"), ("headers", "h,h"), ("operation", "move")]),
        19 => of("DropHeaders", &[("headers", "h")]),
        20 => of("InsertHeader", &[("header", "h"), ("value.literal", "[1,2]")]),
        _ => of("MaskField$Value", &[("fields", "a"), ("replacement", "7")]),
    }
}

/// A schema of structs, some of whose fields are what the transforms name.
fn schema(chance: &mut Chance, depth: usize) -> Schema {
    let mut schema = Schema::new(Type::Struct);
    for name in ["a", "b", "c", "id", "amount", "a.b", "a_b"] {
        if chance.below(3) > 0 {
            let field = field_schema(chance, depth);
            schema = schema.field(name, field);
        }
    }
    schema
}

fn field_schema(chance: &mut Chance, depth: usize) -> Schema {
    let mut schema = match chance.below(if depth > 2 { 9 } else { 13 }) {
        0 => Schema::new(Type::Int32),
        1 => Schema::new(Type::Int64),
        2 => Schema::new(Type::Float64),
        3 | 4 => Schema::new(Type::String),
        5 => Schema::new(Type::Boolean),
        6 => Schema::decimal(2),
        7 => Schema::temporal(chance.one(&[TIMESTAMP, DATE])),
        8 => Schema::new(Type::Bytes),
        9 => Schema::array(field_schema(chance, depth + 1)),
        10 => Schema::map(Schema::new(Type::String), field_schema(chance, depth + 1)),
        _ => self::schema(chance, depth + 1),
    };
    if chance.below(8) == 0 && schema.kind != Type::Struct {
        schema.default = Some(value(chance, &schema)).filter(|default| *default != Value::Null);
    }
    schema.optional = chance.below(2) == 0;
    schema
}

/// A value of a schema; sometimes null, and rarely so where it may not be.
fn value(chance: &mut Chance, schema: &Schema) -> Value {
    if chance.below(if schema.optional { 3 } else { 60 }) == 0 {
        return Value::Null;
    }
    let child = |schema: &Option<Rc<Schema>>| schema.as_deref().cloned().expect("a child");
    match (schema.kind, schema.name()) {
        (_, Some(TIMESTAMP)) => Value::Date(chance.below(2_000_000_000_000) as i64),
        (_, Some(DATE)) => Value::Date(86_400_000 * chance.below(20_000) as i64),
        (_, Some(_)) => Value::Decimal(2, vec![1 + chance.below(100) as u8]),
        (Type::Int32, _) => Value::Int32(chance.below(100_000) as i32),
        (Type::Int64, _) => Value::Int64(chance.below(1_000_000_000_000) as i64 - 7),
        (Type::Float64, _) => Value::Float64(chance.below(10_000) as f64 / 8.0),
        (Type::Boolean, _) => Value::Boolean(chance.below(2) == 0),
        (Type::Bytes, _) => Value::Bytes(vec![chance.below(256) as u8; 3]),
        (Type::Array, _) => {
            Value::Array((0..chance.below(3)).map(|_| value(chance, &child(&schema.element))).collect())
        }
        (Type::Map, _) => Value::Map(vec![(halved(chance), value(chance, &child(&schema.element)))]),
        (Type::Struct, _) => Value::Struct(NONE, schema.fields.iter().map(|f| value(chance, &f.schema)).collect()),
        _ if chance.below(6) == 0 => halved(chance),
        _ if chance.below(40) == 0 => Value::Object("java.util.UUID".into(), "of no schema".into()),
        _ => Value::str(chance.one(&["", "12", "text", "a \"quoted\" text", "ä", "2020-02-03T04:05:06.007"])),
    }
}

/// A text that may hold half a surrogate pair.
fn halved(chance: &mut Chance) -> Value {
    let units = [0xD800, 0xDC00, b'\\'.into(), b'k'.into()];
    Value::utf16(&(0..=chance.below(3)).map(|_| units[chance.below(units.len())]).collect::<Vec<_>>())
}

/// Records with values of two schemas.
fn rows(chance: &mut Chance) -> Vec<u8> {
    let schemas = [schema(chance, 0), schema(chance, 0)];
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic("rows").unwrap();
    for i in 0..ROWS {
        let schema = &schemas[chance.below(2)];
        let row = Value::Struct(NONE, schema.fields.iter().map(|field| value(chance, &field.schema)).collect());
        let mut entry = Entry::new(topic);
        let index = batch.dict.intern_schema(schema).unwrap();
        let write = |out: &mut Vec<u8>| {
            row.encode(out);
            Ok(())
        };
        entry.value = batch.write(Tag::Struct, index, write).unwrap();
        (entry.offset, entry.origin, entry.timestamp) = (i as i64, i, 1_700_000_000_000);
        batch.entries.push(entry);
    }
    batch.input_count = ROWS;
    batch.to_bytes().unwrap()
}

fn batch(texts: &[String]) -> Vec<u8> {
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic("orders").unwrap();
    for (i, text) in texts.iter().enumerate() {
        let mut entry = Entry::new(topic);
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        };
        entry.value = batch.write(Tag::Raw, NONE, write).unwrap();
        (entry.partition, entry.offset, entry.origin) = (0, i as i64, i as u32);
        entry.timestamp = 1_700_000_000_000;
        batch.entries.push(entry);
    }
    batch.input_count = texts.len() as u32;
    batch.to_bytes().unwrap()
}

/// What came out.
#[derive(Debug, PartialEq)]
struct Played {
    /// Keys, values, schemas and headers of each record, or why it failed.
    records: Vec<(u32, String)>,
    /// Whether the stages looked up schemas of their own.
    derives: bool,
}

/// Plays a batch a second time, when all is known that is kept from batch to batch.
fn play(stages: &[Value], input: &[u8], passing: Passing) -> Played {
    let mut host = FakeHost::default();
    host.passing = passing;
    host.plan("task", stages.to_vec(), Vec::new());
    host.event(kind::BATCH, input);
    host.event(kind::BATCH, input);
    host.run(&stock::plugins());
    if let Some(failed) = host.said(message::FAILED).next() {
        return Played { records: vec![(NONE, format!("{:?}", failed.value()))], derives: false };
    }
    let schemas_of = |head: &[u8]| head[28..32].to_vec(); // their number, in a batch's header
    let results: Vec<_> = host.said(message::RESULT).collect();
    let derives = schemas_of(&results[1].head) != schemas_of(input);
    let [first, second] = [0, 1].map(|i| records_of(results[i].bytes(), input));
    assert_eq!(first, second, "{passing:?}, the same batch again: {stages:?}");
    Played { records: first, derives }
}

fn records_of(result: Vec<u8>, input: &[u8]) -> Vec<(u32, String)> {
    let mut batch = Batch::from_result(result, input).expect("a sound answer");
    let entries = std::mem::take(&mut batch.entries);
    let mut all: Vec<(u32, String)> = entries.iter().map(|entry| (entry.origin, text_of(entry, &mut batch))).collect();
    all.extend(batch.failures.iter().map(|f| (f.origin, format!("{:?} {}", f.error.kind, f.error.message))));
    all.sort();
    all
}

fn text_of(entry: &Entry, batch: &mut Batch) -> String {
    let mut schema = |index| format!("{:?}", batch.dict.schema(index).expect("a sound schema"));
    let schemas = (schema(entry.value.schema), schema(entry.key.schema));
    let headers = Headers::new(batch.memory.bytes(entry.headers_off, entry.headers_len));
    let headers: Vec<_> = headers.map(|header| (header.key, schema(header.schema), header.value)).collect();
    let of = |cell: &Cell| format!("{:?} {:?}", cell.tag(), String::from_utf8_lossy(batch.value(cell).payload));
    format!("{} key {} {schemas:?} {headers:?}", of(&entry.value), of(&entry.key))
}

fn cases() -> u64 {
    std::env::var("BERTH_APART_CASES").map_or(CASES, |n| n.parse().expect("a number of cases"))
}

/// How a chain ends: with converters, or with Connect values.
fn end(chance: &mut Chance, stages: &mut Vec<Value>) {
    let schemas = [("schemas.enable", chance.one(&["true", "false"]))];
    let (class, config) = match chance.below(4) {
        0 => return,
        1 => ("StringConverter", &[][..]),
        _ => ("JsonConverter", &schemas[..]),
    };
    stages.push(converter("key_converter", class, true, config));
    stages.push(converter("value_converter", class, true, config));
}

/// Plays a chain all ways; gives how many of the records came through.
fn compare(case: u64, stages: &[Value], input: &[u8]) -> usize {
    let [whole, apart, direct] =
        [Passing::Assembled, Passing::Staged, Passing::Direct].map(|passing| play(stages, input, passing));
    assert_eq!(apart.records, whole.records, "case {case}: {stages:?}");
    assert_eq!(direct.records, whole.records, "past the stages, case {case}: {stages:?}");
    whole.records.iter().filter(|(_, text)| text.contains(" key ")).count()
}

#[test]
fn chains_give_the_same_whether_values_lie_apart_or_not() {
    let (mut records, mut came) = (0, 0);
    for case in 0..cases() {
        let mut chance = Chance(case);
        let config = [("schemas.enable", "false")];
        let mut stages = vec![converter("value_converter", "JsonConverter", false, &config)];
        stages.extend((0..chance.below(5)).map(|_| transform(&mut chance)));
        end(&mut chance, &mut stages);
        let texts: Vec<String> = (0..8).map(|_| text(&mut chance)).collect();
        came += compare(case, &stages, &batch(&texts));
        records += texts.len();
    }
    assert!(came * 5 > records, "only {came} of {records} records came through: the chains test too little");
}

#[test]
fn chains_of_structs_give_the_same_whether_values_lie_apart_or_not() {
    let (mut records, mut came) = (0, 0);
    for case in 0..cases() {
        let mut chance = Chance(case);
        let mut stages: Vec<Value> = (0..1 + chance.below(4)).map(|_| transform(&mut chance)).collect();
        end(&mut chance, &mut stages);
        came += compare(case, &stages, &rows(&mut chance));
        records += ROWS as usize;
    }
    assert!(came * 5 > records, "only {came} of {records} records came through: the chains test too little");
}

/// A transform that can be sketched.
fn sketched(chance: &mut Chance) -> Value {
    let sketched = ["Cast", "Flatten", "TimestampConverter", "ValueToKey", "ExtractField"];
    loop {
        let stage = transform(chance);
        if stage.get("plugin").as_str().is_some_and(|name| sketched.iter().any(|known| name.starts_with(known))) {
            return stage;
        }
    }
}

/// Chains of what can be sketched, with a converter at their end.
fn sketched_chain(chance: &mut Chance) -> Vec<Value> {
    let mut stages: Vec<Value> = (0..chance.below(5)).map(|_| sketched(chance)).collect();
    let flag = |chance: &mut Chance| chance.one(&["true", "true", "false"]);
    let config = [
        ("schemas.enable", flag(chance)),
        ("replace.null.with.default", flag(chance)),
        ("decimal.format", chance.one(&["BASE64", "NUMERIC"])),
    ];
    stages.push(converter("key_converter", chance.one(&["JsonConverter", "StringConverter"]), true, &[]));
    stages.push(converter("value_converter", "JsonConverter", true, &config));
    stages.push(converter("header_converter", "SimpleHeaderConverter", true, &[]));
    stages
}

#[test]
fn records_that_go_past_the_stages_are_what_the_stages_make_of_them() {
    let (mut past, mut whole) = (0, 0);
    for case in 0..cases() {
        let mut chance = Chance(case);
        let (stages, input) = (sketched_chain(&mut chance), rows(&mut chance));
        let [staged, direct] = [Passing::Staged, Passing::Direct].map(|passing| play(&stages, &input, passing));
        assert_eq!(direct.records, staged.records, "case {case}: {stages:?}");
        past += usize::from(staged.derives && !direct.derives);
        whole += usize::from(staged.derives);
    }
    assert!(past * 40 > whole, "only {past} of {whole} batches went past the stages as a whole: this tests too little");
}

#[test]
fn broken_batches_are_refused_with_the_same_words() {
    let (mut refused, mut played) = (0, 0);
    for case in 0..cases() {
        let mut chance = Chance(case);
        let (stages, mut input) = (sketched_chain(&mut chance), rows(&mut chance));
        let data = u32::from_le_bytes([input[4], input[5], input[6], input[7]]) as usize; // where the head ends
        let at = data + chance.below(input.len() - data);
        input[at] = chance.below(256) as u8;
        let whole: Vec<Vec<(u32, String)>> =
            [Passing::Staged, Passing::Direct].map(|passing| play(&stages, &input, passing).records).into();
        assert_eq!(whole[1], whole[0], "case {case}, byte {at}: {stages:?}");
        refused += usize::from(whole[0][0].0 == NONE);
        played += usize::from(whole[0][0].0 != NONE);
    }
    assert!(refused > 0 && played > 0, "{refused} refused, {played} not");
}
