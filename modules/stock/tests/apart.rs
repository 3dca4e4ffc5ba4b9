//! Values that lie apart between stages must give what values that are put together before every stage give: chains over
//! generated JSON, both ways.

use berth_guest::event::{kind, message};
use berth_guest::fake::{converter, stage, FakeHost};
use berth_guest::{Batch, Entry, Tag, Value, NONE};

mod json_texts;
use json_texts::{json, object, Chance};

/// How many chains are tried; BERTH_APART_CASES asks for more.
const CASES: u64 = 3_000;

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
    match chance.below(9) {
        0 => of("InsertField$Value", &[("static.field", "b"), ("static.value", "x"), ("timestamp.field", "ts")]),
        1 => of("InsertField$Value", &[("topic.field", "a"), ("static.field", "a"), ("static.value", "y")]),
        2 => of("ReplaceField$Value", &[("exclude", "c,id")]),
        3 => of("ReplaceField$Value", &[("renames", "a:b,b:a,id:key")]),
        4 => of("ReplaceField$Value", &[("include", "a,amount"), ("renames", "amount:a")]),
        5 => of("ExtractField$Value", &[("field", "a")]),
        6 => of("HoistField$Value", &[("field", "all")]),
        7 => of("Cast$Value", &[("spec", "a:string,id:int32,amount:float64")]),
        _ => of("MaskField$Value", &[("fields", "b,amount")]),
    }
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

/// What comes out: the value of each record, or why it failed.
fn play(stages: &[Value], input: &[u8], assembles: bool) -> Vec<(u32, String)> {
    let mut host = FakeHost::default();
    host.assembles = assembles;
    host.plan("task", stages.to_vec(), Vec::new());
    host.event(kind::BATCH, input);
    host.run(&stock::plugins());
    if let Some(failed) = host.said(message::FAILED).next() {
        return vec![(NONE, format!("{:?}", failed.value()))];
    }
    let result = host.said(message::RESULT).next().expect("an answer");
    let batch = Batch::from_result(result.bytes(), input).expect("a sound answer");
    let mut all: Vec<(u32, String)> = batch
        .entries
        .iter()
        .map(|e| (e.origin, format!("{:?} {}", e.value.tag(), String::from_utf8_lossy(batch.value(&e.value).payload))))
        .collect();
    all.extend(batch.failures.iter().map(|f| (f.origin, format!("{:?} {}", f.error.kind, f.error.message))));
    all.sort();
    all
}

#[test]
fn chains_give_the_same_whether_values_lie_apart_or_not() {
    let cases = std::env::var("BERTH_APART_CASES").map_or(CASES, |n| n.parse().expect("a number of cases"));
    let (mut records, mut came) = (0, 0);
    for case in 0..cases {
        let mut chance = Chance(case);
        let config = [("schemas.enable", "false")];
        let mut stages = vec![converter("value_converter", "JsonConverter", false, &config)];
        stages.extend((0..chance.below(5)).map(|_| transform(&mut chance)));
        stages.push(match chance.below(4) {
            0 => converter("value_converter", "StringConverter", true, &[]),
            _ => converter("value_converter", "JsonConverter", true, &config),
        });
        let texts: Vec<String> = (0..8).map(|_| text(&mut chance)).collect();
        let input = batch(&texts);
        let (whole, apart) = (play(&stages, &input, true), play(&stages, &input, false));
        assert_eq!(apart, whole, "case {case}: {texts:#?}\n{stages:?}");
        records += texts.len();
        came += apart.iter().filter(|(_, text)| text.starts_with("Raw")).count();
    }
    assert!(came * 4 > records, "only {came} of {records} records came through: the chains test too little");
}
