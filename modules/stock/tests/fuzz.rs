//! Converters over bytes that nobody meant to write: whatever comes, each record has a value or an error that says
//! something, and what was written is read back as the same.

mod support;

use berth_guest::event::{kind, message};
use berth_guest::fake::{converter, FakeHost};
use berth_guest::fuzz::{for_seeds, Chance};
use berth_guest::{Batch, End, Entry, Tag, NONE};
use support::{json, object};

/// How many batches a test tries without BERTH_FUZZ_TIME.
const BATCHES: u64 = 1_000;
const RECORDS: usize = 16;

/// What became of records: bytes, or the message of the error; `None`: null.
type Outcome = Vec<Result<Option<Vec<u8>>, String>>;

fn batch(texts: &[Vec<u8>]) -> Vec<u8> {
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic("orders").unwrap();
    for (i, text) in texts.iter().enumerate() {
        let mut entry = Entry::new(topic);
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(text);
            Ok(())
        };
        entry.value = batch.write(Tag::Raw, NONE, write).unwrap();
        (entry.partition, entry.offset, entry.origin) = (0, i as i64, i as u32);
        batch.entries.push(entry);
    }
    batch.input_count = texts.len() as u32;
    batch.to_bytes().unwrap()
}

/// Reads texts with a converter and writes them with the same.
fn there_and_back(class: &str, config: &[(&str, &str)], texts: &[Vec<u8>]) -> Outcome {
    let mut host = FakeHost::default();
    let stages =
        vec![converter("value_converter", class, false, config), converter("value_converter", class, true, config)];
    host.plan("task", stages, Vec::new());
    let input = batch(texts);
    host.event(kind::BATCH, &input);
    let end = host.run(&stock::plugins());
    assert!(matches!(end, End::Stopped), "{end:?}");
    let result = host.said(message::RESULT).next().expect("an answer");
    let batch = Batch::from_result(result.bytes(), &input).expect("a sound answer");
    let mut outcome: Vec<_> = (0..texts.len()).map(|_| None).collect();
    let mut put = |origin: u32, became| {
        assert!(outcome[origin as usize].replace(became).is_none(), "record {origin} has two outcomes");
    };
    for entry in &batch.entries {
        let null = entry.value.is_null();
        put(entry.origin, Ok((!null).then(|| batch.value(&entry.value).payload.to_vec())));
    }
    for failure in &batch.failures {
        assert!(!failure.error.message.is_empty(), "an error that says nothing");
        put(failure.origin, Err(failure.error.message.clone()));
    }
    outcome.into_iter().enumerate().map(|(i, became)| became.unwrap_or_else(|| panic!("record {i} is gone"))).collect()
}

/// What JSON has no number for is written as a text, which reads as 0: so does Jackson.
const NO_NUMBERS: [&str; 2] = ["Infinity\"", "NaN\""];

/// What came back once must come back the same ever after. Tells how many records did.
fn assert_settled(class: &str, config: &[(&str, &str)], texts: &[Vec<u8>]) -> usize {
    let written: Vec<Vec<u8>> = there_and_back(class, config, texts).into_iter().flatten().flatten().collect();
    let again = there_and_back(class, config, &written);
    for (text, became) in written.iter().zip(&again) {
        let text = String::from_utf8_lossy(text);
        match became {
            Ok(_) if NO_NUMBERS.iter().any(|n| text.contains(n)) => {}
            Ok(Some(bytes)) => assert_eq!(String::from_utf8_lossy(bytes), text),
            other => panic!("{text} was written and can't be read: {other:?}"),
        }
    }
    written.len()
}

/// Bytes that mean something to one of the converters.
const TOKENS: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u00",
    "\\ud800",
    "null",
    "true",
    "-",
    "0",
    "1e",
    "1e400",
    "9223372036854775808",
    "0x",
    "\u{0}",
    "\u{feff}",
    "ä",
    "😀",
    " ",
    "\n",
    "\"schema\":",
    "\"payload\":",
    "\"type\":",
    "\"fields\":",
    "\"int8\"",
    "\"default\":",
    "\"optional\":true",
    "\"name\":\"org.apache.kafka.connect.data.Decimal\"",
    "\"scale\"",
    "1970-01-01",
    "T00:00:00.000Z",
    "23:59:60",
    "NaN",
    "Infinity",
    "'",
    "//",
];

fn damaged(chance: &mut Chance, text: String) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    if chance.below(3) > 0 {
        chance.damage(&mut bytes, &TOKENS);
    }
    if chance.below(8) == 0 {
        let at = chance.below(bytes.len() + 1);
        bytes.splice(at..at, *b"\xED\xA0\x80"); // half a surrogate pair, which Jackson reads
    }
    bytes
}

const JSON: &str = "JsonConverter";

#[test]
fn json_without_schemas() {
    for_seeds(BATCHES, |chance| {
        let texts: Vec<Vec<u8>> = (0..RECORDS)
            .map(|_| {
                let mut text = String::new();
                json(chance, 0, &mut text);
                damaged(chance, text)
            })
            .collect();
        assert_settled(JSON, &[("schemas.enable", "false")], &texts);
    });
}

const LOGICAL: [(&str, &str); 4] = [
    ("int32", "org.apache.kafka.connect.data.Date"),
    ("int32", "org.apache.kafka.connect.data.Time"),
    ("int64", "org.apache.kafka.connect.data.Timestamp"),
    ("bytes", "org.apache.kafka.connect.data.Decimal"),
];

/// Appends a schema and a value that fits it, or nearly.
fn typed(chance: &mut Chance, depth: usize, schema: &mut String, value: &mut String) {
    let optional = chance.below(3) == 0;
    schema.push_str(&format!("{{\"optional\":{optional},"));
    if chance.below(8) == 0 {
        schema.push_str("\"version\":2,\"doc\":\"d\",\"parameters\":{\"p\":\"1\"},");
    }
    let nulled = optional && chance.below(4) == 0;
    let mut own = String::new();
    match chance.below(if depth > 2 { 9 } else { 13 }) {
        0..=3 => {
            let kinds = ["int8", "int16", "int32", "int64"];
            schema.push_str(&format!("\"type\":\"{}\"", chance.one(&kinds)));
            own.push_str(chance.one(&["0", "-1", "127", "-128", "300", "9223372036854775807", "1.5", "\"1\""]));
        }
        4 => {
            schema.push_str(&format!("\"type\":\"{}\"", chance.one(&["float", "double"])));
            own.push_str(chance.one(&["0.1", "-0.0", "1e39", "1e400", "5", "1.17549435E-38", "\"NaN\""]));
        }
        5 => {
            schema.push_str("\"type\":\"boolean\"");
            own.push_str(chance.one(&["true", "false", "1"]));
        }
        6 => {
            schema.push_str(
                chance.one(&["\"type\":\"string\",\"default\":\"x\"", "\"type\":\"string\",\"default\":\"\\udc00\""]),
            );
            own.push_str(chance.one(&["\"\"", "\"ä\\n\\u0000\"", "\"\\ud83d\\ude00\"", "\"\\ud83da\"", "7"]));
        }
        7 => {
            schema.push_str("\"type\":\"bytes\"");
            own.push_str(chance.one(&["\"\"", "\"AP8=\"", "\"AP8\"", "\"*\"", "[1]"]));
        }
        8 => {
            let (kind, name) = LOGICAL[chance.below(4)];
            schema.push_str(&format!("\"type\":\"{kind}\",\"name\":\"{name}\",\"version\":1"));
            let scale = chance.one(&["2", "0", "-3", "x", "2147483647"]);
            schema.push_str(&format!(",\"parameters\":{{\"scale\":\"{scale}\"}}"));
            own.push_str(chance.one(&[
                "0",
                "-1",
                "86400000",
                "9223372036854775807",
                "\"AQ==\"",
                "\"\"",
                "12.50",
                "1e5",
            ]));
        }
        9 => {
            schema.push_str("\"type\":\"array\",\"items\":");
            list(chance, depth, schema, &mut own);
        }
        10 => map(chance, depth, schema, &mut own),
        _ => fields(chance, depth, schema, &mut own),
    }
    schema.push('}');
    value.push_str(if nulled { "null" } else { &own });
}

fn list(chance: &mut Chance, depth: usize, schema: &mut String, value: &mut String) {
    let mut item = String::new();
    typed(chance, depth + 1, schema, &mut item);
    value.push_str(&format!("[{}]", vec![item; chance.below(3)].join(",")));
}

fn map(chance: &mut Chance, depth: usize, schema: &mut String, value: &mut String) {
    let (mut keys, mut key) = (String::new(), String::new());
    let (mut values, mut item) = (String::new(), String::new());
    match chance.below(2) {
        0 => (keys, key) = ("{\"type\":\"string\"}".into(), chance.one(&["\"k\"", "\"\\ud800k\""]).into()),
        _ => typed(chance, depth + 1, &mut keys, &mut key),
    }
    typed(chance, depth + 1, &mut values, &mut item);
    schema.push_str(&format!("\"type\":\"map\",\"keys\":{keys},\"values\":{values}"));
    match chance.below(3) {
        0 => value.push_str(&format!("[[{key},{item}]]")),
        _ => value.push_str(&format!("{{{key}:{item}}}")),
    }
}

fn fields(chance: &mut Chance, depth: usize, schema: &mut String, value: &mut String) {
    schema.push_str("\"type\":\"struct\",\"name\":\"s\",\"fields\":[");
    value.push('{');
    for i in 0..chance.below(5) {
        let (mut inner, mut item) = (String::new(), String::new());
        typed(chance, depth + 1, &mut inner, &mut item);
        let (comma, name) = (if i > 0 { "," } else { "" }, chance.one(&["a", "b", "c", "d\\u00e4", ""]));
        schema.push_str(&format!("{comma}{{\"field\":\"{name}\",{}", &inner[1..]));
        if chance.below(8) > 0 {
            let comma = if value.ends_with('{') { "" } else { "," };
            value.push_str(&format!("{comma}\"{name}\":{item}"));
        }
    }
    schema.push(']');
    value.push('}');
}

#[test]
fn json_with_schemas() {
    let mut came = 0;
    for_seeds(BATCHES, |chance| {
        let texts: Vec<Vec<u8>> = (0..RECORDS)
            .map(|_| {
                let (mut schema, mut payload) = (String::new(), String::new());
                typed(chance, 0, &mut schema, &mut payload);
                damaged(chance, format!("{{\"schema\":{schema},\"payload\":{payload}}}"))
            })
            .collect();
        let config = match chance.below(3) {
            0 => vec![("decimal.format", "numeric")],
            1 => vec![("replace.null.with.default", "false")],
            _ => Vec::new(),
        };
        came += assert_settled(JSON, &config, &texts);
    });
    assert!(came > 0, "no text was ever read: the test tests nothing");
}

const HEADERS: [&str; 24] = [
    "",
    "null",
    "text",
    "\"quoted\"",
    "\"a\\\"b\"",
    "12",
    "-129",
    "3.5",
    "1e400",
    "12345678901234567890123",
    "true",
    "NaN",
    "2020-02-30",
    "2020-01-01T00:00:00.000Z",
    "12:34:56.789Z",
    "[1,2,[3]]",
    "[1,\"a\",null]",
    "{\"a\":1,\"b\":{\"c\":[]}}",
    "{1:2,}",
    "[,]",
    "{a:}",
    "[\"",
    "\\",
    "[1 2]",
];

/// Texts of headers: what is within quotes may lose a level of them each time, as in Connect, so they need not settle.
#[test]
fn header_values() {
    for_seeds(BATCHES, |chance| {
        let texts: Vec<Vec<u8>> = (0..RECORDS)
            .map(|_| {
                let mut text = String::new();
                match chance.below(4) {
                    0 => object(chance, 0, &mut text),
                    _ => (0..=chance.below(3)).for_each(|_| text.push_str(chance.one(&HEADERS))),
                }
                damaged(chance, text)
            })
            .collect();
        for became in there_and_back("SimpleHeaderConverter", &[], &texts) {
            let text = became.expect("every text is a value: what is nothing else is a string").unwrap_or_default();
            assert!(std::str::from_utf8(&text).is_ok(), "{text:?}");
        }
    });
}
