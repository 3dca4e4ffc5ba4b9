//! Whole plans through the main loop, on the fake host.

use std::path::PathBuf;

use berth_guest::event::{kind, message};
use berth_guest::fake::{converter, stage, FakeHost};
use berth_guest::{Batch, End, Entry, Kind, Tag, Value, NONE};

const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let dir = std::env::temp_dir().join(format!("berth-pipeline-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Folder(dir)
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }

    fn granted(&self) -> Vec<(&'static str, Value)> {
        vec![("files", Value::strings(&[self.0.display().to_string()]))]
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn values(batch: &Batch) -> Vec<String> {
    let text = |e: &Entry| String::from_utf8_lossy(batch.value(&e.value).payload).into_owned();
    batch.entries.iter().map(text).collect()
}

fn raw_batch(values: &[&str]) -> Vec<u8> {
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic("orders").unwrap();
    for (i, text) in values.iter().enumerate() {
        let mut entry = Entry::new(topic);
        let written = batch.write(Tag::Raw, NONE, |out| {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        });
        entry.value = written.unwrap();
        (entry.partition, entry.offset, entry.origin) = (0, i as i64, i as u32);
        batch.entries.push(entry);
    }
    batch.input_count = values.len() as u32;
    batch.to_bytes().unwrap()
}

#[test]
fn lines_of_a_file_leave_as_bytes() {
    let folder = Folder::new("source");
    std::fs::write(folder.path("in"), "one\ntwo\nrest").unwrap();
    let mut host = FakeHost::default();
    host.patience = 1;
    let stages = vec![
        stage("source", "FileStreamSource", &[("file", &folder.path("in")), ("topic", "t")]),
        converter("key_converter", STRING, true, &[]),
        converter("value_converter", STRING, true, &[]),
    ];
    host.plan("task", stages, folder.granted());
    assert!(matches!(host.run(&stock::plugins()), End::Stopped));
    let batches = host.records();
    assert_eq!(batches.len(), 1);
    assert_eq!(values(&batches[0]), ["one", "two"]);
    assert!(batches[0].entries.iter().all(|e| e.value.tag() == Tag::Raw && e.key.is_null()));
    assert_eq!(batches[0].dict.topic(batches[0].entries[0].topic), "t");
}

#[test]
fn a_full_window_and_a_pause_hold_records_back() {
    let mut host = FakeHost::default();
    host.full = 1;
    let config = [("topic", "t"), ("kind", "line"), ("rate", "0"), ("count", "3"), ("batch.size", "2")];
    host.plan("task", vec![stage("source", "datagen", &config)], Vec::new());
    host.event(kind::PAUSE, &[]);
    host.event(kind::RESUME, &[]);
    host.run(&stock::plugins());
    let counts: Vec<usize> = host.records().iter().map(|b| b.entries.len()).collect();
    assert_eq!(counts, [2, 1]);
    let seqs: Vec<i32> = host.said(message::RECORDS).map(|s| s.seq).collect();
    assert_eq!(seqs, [1, 2]);
}

#[test]
fn stages_run_fused_and_a_broken_record_is_reported_beside_the_rest() {
    let mut host = FakeHost::default();
    let stages = vec![
        converter("value_converter", JSON, false, &[("schemas.enable", "false")]),
        stage("transform", "InsertField$Value", &[("static.field", "origin"), ("static.value", "x")]),
        stage("transform", "ReplaceField$Value", &[("exclude", "drop"), ("renames", "a:b")]),
        stage("transform", "RegexRouter", &[("regex", "ord(.*)"), ("replacement", "new-$1")]),
        converter("value_converter", JSON, true, &[("schemas.enable", "false")]),
    ];
    host.plan("task", stages, Vec::new());
    let input = raw_batch(&["{\"a\":1,\"drop\":2}", "{broken", "{\"c\":[1.5,null,\"\\u00e4\"]}"]);
    host.event(kind::BATCH, &input);
    host.run(&stock::plugins());
    let result = host.said(message::RESULT).next().unwrap();
    let batch = Batch::from_result(result.bytes(), &input).unwrap();
    assert_eq!(values(&batch), ["{\"b\":1,\"origin\":\"x\"}", "{\"c\":[1.5,null,\"ä\"],\"origin\":\"x\"}"]);
    assert_eq!(batch.entries.iter().map(|e| e.origin).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(batch.dict.topic(batch.entries[0].topic), "new-ers");
    assert_eq!((batch.failures[0].origin, batch.failures[0].error.kind), (1, Kind::Data));
}

#[test]
fn lines_are_hoisted_to_json_and_extracted_again() {
    let folder = Folder::new("hoist");
    std::fs::write(folder.path("in"), "one\n\"two\"\n").unwrap();
    let mut host = FakeHost::default();
    host.patience = 1;
    let stages = vec![
        stage("source", "FileStreamSource", &[("file", &folder.path("in")), ("topic", "orders")]),
        stage("transform", "org.apache.kafka.connect.transforms.HoistField$Value", &[("field", "line")]),
        stage("transform", "InsertField$Value", &[("static.field", "origin"), ("static.value", "x")]),
        converter("key_converter", JSON, true, &[]),
        converter("value_converter", JSON, true, &[("schemas.enable", "false")]),
    ];
    host.plan("task", stages, folder.granted());
    assert!(matches!(host.run(&stock::plugins()), End::Stopped));
    let texts = values(&host.records()[0]);
    assert_eq!(texts, ["{\"line\":\"one\",\"origin\":\"x\"}", "{\"line\":\"\\\"two\\\"\",\"origin\":\"x\"}"]);

    let mut host = FakeHost::default();
    let stages = vec![
        converter("value_converter", JSON, false, &[("schemas.enable", "false")]),
        stage("transform", "org.apache.kafka.connect.transforms.ExtractField$Value", &[("field", "line")]),
        stage("sink", "FileStreamSink", &[("file", &folder.path("out"))]),
    ];
    host.plan("task", stages, folder.granted());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    host.event(kind::BATCH, &raw_batch(&texts));
    host.value_event(kind::FLUSH, &Value::Array(Vec::new()));
    assert!(matches!(host.run(&stock::plugins()), End::Stopped));
    assert_eq!(std::fs::read_to_string(folder.path("out")).unwrap(), "one\n\"two\"\n");
}

#[test]
fn untouched_values_refer_to_the_input() {
    let mut host = FakeHost::default();
    host.plan("task", vec![converter("value_converter", STRING, false, &[])], Vec::new());
    let long = "y".repeat(10_000);
    let input = raw_batch(&[&long]);
    host.event(kind::BATCH, &input);
    host.run(&stock::plugins());
    let result = host.said(message::RESULT).next().unwrap();
    assert!(result.bytes().len() < 1_000);
    assert_eq!(values(&Batch::from_result(result.bytes(), &input).unwrap()), [long]);
}

#[test]
fn a_sink_writes_flushes_and_commits() {
    let folder = Folder::new("sink");
    let mut host = FakeHost::default();
    let stages = vec![
        converter("value_converter", STRING, false, &[]),
        stage("sink", "FileStreamSink", &[("file", &folder.path("out"))]),
    ];
    host.plan("task", stages, folder.granted());
    host.event(kind::BATCH, &raw_batch(&["a", "b"]));
    let offsets = Value::Array(vec![Value::Array(vec![Value::str("orders"), Value::Int32(0), Value::Int64(2)])]);
    let seq = host.value_event(kind::FLUSH, &offsets);
    assert!(matches!(host.run(&stock::plugins()), End::Stopped));
    assert_eq!(host.commits, [(seq as i32, offsets)]);
    assert_eq!(std::fs::read_to_string(folder.path("out")).unwrap(), "a\nb\n");
    let result = host.said(message::RESULT).next().unwrap();
    assert!(Batch::from_bytes(result.bytes()).unwrap().entries.is_empty());
}

#[test]
fn a_connector_divides_its_work_and_refuses_a_missing_topic() {
    let mut host = FakeHost::default();
    let source = |config: &[(&str, &str)]| vec![stage("source", "FileStreamSourceConnector", config)];
    host.plan("connector", source(&[("topic", "t"), ("x", "y")]), Vec::new());
    host.value_event(kind::CONFIGS, &Value::map([("max_tasks", Value::Int32(5))]));
    host.run(&stock::plugins());
    let configs = host.said(message::CONFIGS).next().unwrap().value().unwrap();
    assert_eq!(configs.as_array().len(), 1);
    assert_eq!(configs.as_array()[0].get("x").as_str(), Some("y"));

    let mut host = FakeHost::default();
    host.plan("connector", source(&[]), Vec::new());
    match host.run(&stock::plugins()) {
        End::Failed(error) => assert_eq!(error.kind, Kind::Config),
        End::Stopped => panic!("it started without a topic"),
    }
}

#[test]
fn validation_answers_for_rules_of_the_plugin() {
    let mut host = FakeHost::default();
    host.plan("validate", Vec::new(), Vec::new());
    let request = Value::map([
        ("plugin", Value::str("org.apache.kafka.connect.transforms.RegexRouter")),
        ("kind", Value::str("transform")),
        ("config", Value::map([("regex", Value::str("(")), ("replacement", Value::str("x"))])),
    ]);
    host.value_event(kind::VALIDATE, &request);
    host.run(&stock::plugins());
    let answer = host.said(message::VALIDATED).next().unwrap().value().unwrap();
    assert_eq!(answer.as_array()[0].get("name").as_str(), Some("regex"));
    assert_eq!(answer.as_array()[0].get("errors").as_array().len(), 1);
}

#[test]
fn every_plugin_is_in_the_manifest_once() {
    let mut host = FakeHost::default();
    host.plan("describe", Vec::new(), Vec::new());
    host.run(&stock::plugins());
    let manifest = host.said(message::MANIFEST).next().unwrap().value().unwrap();
    let name = |p: &Value| (p.get("class").as_str().unwrap().to_string(), p.get("kind").as_str().unwrap().to_string());
    let mut names: Vec<_> = manifest.get("plugins").as_array().iter().map(name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 22);
}
