//! Converters through the main loop, on the fake host: bytes to Connect values and back.

use berth_guest::event::{kind, message};
use berth_guest::fake::{converter, FakeHost};
use berth_guest::{Batch, Entry, Tag, NONE};

const PACKAGE: &str = "org.apache.kafka.connect.converters.";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

fn raw_batch(values: &[&[u8]]) -> Vec<u8> {
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic("orders").unwrap();
    for (i, bytes) in values.iter().enumerate() {
        let mut entry = Entry::new(topic);
        let written = batch.write(Tag::Raw, NONE, |out| {
            out.extend_from_slice(bytes);
            Ok(())
        });
        entry.value = written.unwrap();
        (entry.partition, entry.offset, entry.origin) = (0, i as i64, i as u32);
        batch.entries.push(entry);
    }
    batch.input_count = values.len() as u32;
    batch.to_bytes().unwrap()
}

/// Reads with one converter and writes with another; gives the bytes and the messages of what failed.
fn convert(
    from: (&str, &[(&str, &str)]),
    to: (&str, &[(&str, &str)]),
    values: &[&[u8]],
) -> (Vec<Vec<u8>>, Vec<String>) {
    let mut host = FakeHost::default();
    let stages =
        vec![converter("value_converter", from.0, false, from.1), converter("value_converter", to.0, true, to.1)];
    host.plan("task", stages, Vec::new());
    let input = raw_batch(values);
    host.event(kind::BATCH, &input);
    host.run(&stock::plugins());
    let result = host.said(message::RESULT).next().expect("a result");
    let batch = Batch::from_result(result.bytes(), &input).unwrap();
    let bytes = batch.entries.iter().map(|e| batch.value(&e.value).payload.to_vec()).collect();
    (bytes, batch.failures.iter().map(|f| f.error.message.clone()).collect())
}

#[test]
fn numbers_and_booleans_are_read_and_written() {
    let cases: [(&str, &[u8], &str); 6] = [
        ("BooleanConverter", &[1], "true"),
        ("ShortConverter", &[0xFF, 0xFE], "-2"),
        ("IntegerConverter", &[0, 1, 0, 0], "65536"),
        ("LongConverter", &[0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
        ("FloatConverter", &[0x3F, 0xC0, 0, 0], "1.5"),
        ("DoubleConverter", &[0xC0, 0x04, 0, 0, 0, 0, 0, 0], "-2.5"),
    ];
    for (name, bytes, text) in cases {
        let class = format!("{PACKAGE}{name}");
        let (texts, _) = convert((&class, &[]), ("StringConverter", &[]), &[bytes]);
        assert_eq!(texts, [text.as_bytes()], "{name}");
        let alias = name.strip_suffix("Converter").unwrap();
        let (back, failures) = convert((name, &[]), (alias, &[]), &[bytes, &[7, 7, 7]]);
        assert_eq!(back, [bytes], "{name}");
        assert!(failures[0].starts_with("Failed to deserialize "), "{failures:?}");
    }
    let (_, failures) = convert(("ShortConverter", &[]), ("LongConverter", &[]), &[&[0, 1]]);
    assert_eq!(failures, ["Failed to serialize to long (was class java.lang.Short): "]);
}

#[test]
fn every_nan_is_written_alike() {
    let (bytes, _) = convert(("FloatConverter", &[]), ("FloatConverter", &[]), &[&[0xFF, 0xC0, 0, 1]]);
    assert_eq!(bytes, [[0x7F, 0xC0, 0, 0]]);
}

#[test]
fn texts_change_their_character_set() {
    let (latin, utf16) = ([("converter.encoding", "latin1")], [("converter.encoding", "UTF-16LE")]);
    let (texts, _) = convert(("StringConverter", &latin), ("StringConverter", &utf16), &[b"\xFC"]);
    assert_eq!(texts, [b"\xFC\0"]);
}

#[test]
fn schemas_are_recognised_wherever_they_come() {
    let row = |payload: &str| {
        format!(
            "{{\"schema\":{{\"type\":\"struct\",\"fields\":[{{\"type\":\"int32\",\"optional\":true,\"field\":\"a\"}},\
             {{\"type\":\"string\",\"optional\":true,\"field\":\"b\"}}],\"optional\":false}},\"payload\":{payload}}}"
        )
    };
    let texts = [
        row("{\"a\":1,\"b\":\"x\"}"),
        row("{\"b\":\"x\",\"a\":1}"),
        row("{\"a\":1.9,\"c\":[]}"),
        "{\"schema\":{\"type\":\"int8\"},\"payload\":7}".into(),
        row("{\"a\":2,\"b\":null}"),
        row("{\"a\":3,\"b\":\"x\"},\"payload\":{\"a\":4,\"b\":\"y\"}"),
        row("{\"a\":3,\"b\":\"x\"},\"more\":1"),
        row("[]"),
    ];
    let given: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    let (rows, failures) = convert((JSON, &[]), (JSON, &[("schemas.enable", "false")]), &given);
    let rows: Vec<String> = rows.into_iter().map(|row| String::from_utf8(row).unwrap()).collect();
    let (first, second) = ("{\"a\":1,\"b\":\"x\"}", "{\"a\":1,\"b\":null}");
    assert_eq!(rows, [first, first, second, "7", "{\"a\":2,\"b\":null}", "{\"a\":4,\"b\":\"y\"}"]);
    assert!(failures[0].starts_with("JsonConverter with schemas.enable requires"), "{failures:?}");
    assert_eq!(failures[1], "Structs should be encoded as JSON objects, but found ARRAY");
}

#[test]
fn payloads_without_an_envelope_take_the_schema_of_the_configuration() {
    let content = [("schema.content", "{\"type\":\"array\",\"items\":{\"type\":\"int16\"}}")];
    let (texts, failures) = convert((JSON, &content), (JSON, &[]), &[b"[1,2]", b"{}x", b"[\"a\""]);
    let schema = "{\"type\":\"array\",\"items\":{\"type\":\"int16\",\"optional\":false},\"optional\":false}";
    let want = |payload: &str| format!("{{\"schema\":{schema},\"payload\":{payload}}}").into_bytes();
    assert_eq!(texts, [want("[1,2]"), want("[]")]);
    assert!(failures[0].starts_with("Converting byte[] to Kafka Connect data failed"), "{failures:?}");
}

#[test]
fn a_schema_of_the_configuration_must_be_one() {
    let mut host = FakeHost::default();
    let content = [("schema.content", "{\"type\":\"int\"}")];
    host.plan("task", vec![converter("value_converter", JSON, false, &content)], Vec::new());
    host.event(kind::BATCH, &raw_batch(&[b"1"]));
    host.run(&stock::plugins());
    let failed = host.said(message::FAILED).next().expect("a refusal").value().unwrap();
    assert_eq!(
        failed.get("message").as_str().unwrap(),
        "Invalid value {\"type\":\"int\"} for configuration schema.content: Unknown schema type: int; give a schema \
         as an envelope would hold it"
    );
}
