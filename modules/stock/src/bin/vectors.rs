//! Plays recorded vectors through the plugins, by way of the main loop and the fake host:
//! `vectors DIR [-v] [NAME…]` reads `DIR/NAME*.jsonl` and prints what passed. Operations that are no plugin's are asked
//! of the library.

use std::collections::BTreeMap;

use berth_guest::event::{kind, message};
use berth_guest::fake::{converter, stage, FakeHost};
use berth_guest::{Batch, Kind, Value};
use stock::base64;
use stock::java_time::{set_default_zone, Zone};
use stock::vectors::compare::{self, difference, same_text};
use stock::vectors::json::Json;
use stock::vectors::model::{self, Foreign};

/// Outcome of one line.
enum Verdict {
    Passed,
    Failed(String),
    /// The ABI has no form for a value in it, or no plugin of that class is in the module.
    Skipped,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let Some(dir) = args.next() else {
        eprintln!("usage: vectors DIR [-v] [NAME...]");
        std::process::exit(2);
    };
    let (options, names): (Vec<String>, Vec<String>) = args.partition(|a| a.starts_with('-'));
    let mut files: Vec<_> = std::fs::read_dir(&dir).expect("a folder of vectors").flatten().map(|f| f.path()).collect();
    files.sort();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "jsonl")) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !names.is_empty() && !names.iter().any(|n| name.starts_with(n.as_str())) {
            continue;
        }
        let text = std::fs::read_to_string(file).expect("a readable file");
        let mut counts = BTreeMap::new();
        for line in text.lines() {
            let vector = Json::parse(line).expect("a line of JSON");
            let name_it = |outcome: &str, why: &str| {
                if !options.is_empty() {
                    let [id, note] = ["id", "note"].map(|key| vector.get(key).text().unwrap_or(""));
                    println!("{outcome} {id} ({note}){why}");
                }
            };
            let slot = match play_line(&name, line, &vector) {
                Verdict::Passed => "passed",
                Verdict::Skipped => {
                    name_it("SKIP", "");
                    "skipped"
                }
                Verdict::Failed(why) => {
                    name_it("FAIL", &format!("\n {why}"));
                    "failed"
                }
            };
            *counts.entry(slot).or_insert(0) += 1;
        }
        let count = |slot| counts.get(slot).copied().unwrap_or(0);
        if count("passed") + count("failed") > 0 {
            println!("{name}: {} passed, {} failed, {} skipped", count("passed"), count("failed"), count("skipped"));
        }
        passed += count("passed");
        failed += count("failed");
        skipped += count("skipped");
    }
    println!("{passed} passed, {failed} failed ({skipped} skipped)");
    std::process::exit((failed > 0) as i32);
}

/// The ABI has no ByteBuffer: what Connect would have said of a byte array is right as well.
fn play_line(file: &str, line: &str, vector: &Json) -> Verdict {
    let verdict = play(file, vector);
    let with_arrays = compare::with_arrays_for_buffers(line);
    match verdict {
        Verdict::Failed(_) if with_arrays != line => play(file, &Json::parse(&with_arrays).expect("a line of JSON")),
        verdict => verdict,
    }
}

fn play(file: &str, vector: &Json) -> Verdict {
    set_default_zone(Zone::of(vector.get("tz").text().unwrap_or("UTC")));
    let outcome = match file {
        "json-converter" | "simple-converters" => play_converter(vector),
        "values" => match play_library(file, vector) {
            Ok(Verdict::Passed) => play_values(vector),
            library => library,
        },
        "java-format" | "schema-projector" | "schema-validation" => play_library(file, vector),
        "predicates" => play_record(vector, "predicate"),
        _ if file.starts_with("transforms-") => play_record(vector, "transform"),
        _ => return Verdict::Skipped,
    };
    outcome.unwrap_or(Verdict::Skipped)
}

/// What the module said about one batch.
enum Answer {
    Result(Box<Batch>),
    Failed(Value),
}

fn run(stages: Vec<Value>, batch: Option<&mut Batch>) -> Answer {
    let mut host = FakeHost::default();
    host.plan("task", stages, Vec::new());
    let mut input = Vec::new();
    if let Some(batch) = batch {
        input = batch.to_bytes().expect("a batch that can be encoded");
        host.event(kind::BATCH, &input);
    }
    host.run(&stock::plugins());
    if let Some(failed) = host.said(message::FAILED).next() {
        return Answer::Failed(failed.value().expect("a value body"));
    }
    let result = host.said(message::RESULT).next();
    let batch = result.map(|said| Batch::from_result(said.bytes(), &input).expect("a sound result"));
    Answer::Result(Box::new(batch.unwrap_or_default()))
}

fn known(class: &str) -> bool {
    stock::plugins().iter().any(|p| p.class == class)
}

fn config(json: &Json) -> Vec<(String, String)> {
    match json {
        Json::Object(members) => members.iter().filter_map(|(k, v)| Some((k.clone(), v.text()?.to_string()))).collect(),
        _ => Vec::new(),
    }
}

fn planned(make: impl Fn(&[(&str, &str)]) -> Value, json: &Json) -> Value {
    let config = config(json);
    let pairs: Vec<(&str, &str)> = config.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    make(&pairs)
}

fn play_record(vector: &Json, kind: &str) -> Result<Verdict, Foreign> {
    let class = vector.get("class").text().unwrap_or_default();
    if !known(class) {
        return Ok(Verdict::Skipped);
    }
    let stages = vec![planned(|config| stage(kind, class, config), vector.get("config"))];
    let expected = vector.get("result");
    let mut input = if vector.has("input") { Some(model::record(vector.get("input"))?) } else { None };
    let mut result = match run(stages, input.as_mut()) {
        Answer::Failed(failed) => return Ok(compare_error(expected, "configure", &failed_parts(&failed))),
        Answer::Result(result) => result,
    };
    if let Some(failure) = result.failures.first() {
        let parts = (failure.error.kind, failure.error.message.clone());
        return Ok(compare_error(expected, "apply", &parts));
    }
    if expected.has("error") {
        return Ok(Verdict::Failed(format!("want {:?}, got no error", expected.get("error"))));
    }
    if expected.has("configured") || expected.has("ok") {
        return Ok(Verdict::Passed);
    }
    if expected.has("test") {
        let got = result.entries[0].flags & 1 == 1;
        return Ok(verdict(format!("{:?}", expected.get("test")), format!("{:?}", Json::Bool(got))));
    }
    if expected.has("dropped") || result.entries.is_empty() {
        return Ok(verdict(expected.has("dropped"), result.entries.is_empty()));
    }
    let want = if expected.has("unchanged") { vector.get("input") } else { expected.get("record") };
    let mut want = model::record(want)?;
    let bytes = want.to_bytes().expect("bytes");
    let mut want = Batch::from_bytes(bytes).expect("a sound batch");
    Ok(verdict(model::record_text(&mut want, 0), model::record_text(&mut result, 0)))
}

fn verdict<T: PartialEq + std::fmt::Display>(want: T, got: T) -> Verdict {
    match want == got {
        true => Verdict::Passed,
        false => Verdict::Failed(format!("want {want}\n got  {got}")),
    }
}

fn failed_parts(failed: &Value) -> (Kind, String) {
    let kind = failed.get("code").as_int().and_then(|n| Kind::of(n as u32)).unwrap_or(Kind::Internal);
    (kind, failed.get("message").as_str().unwrap_or_default().to_string())
}

fn compare_error(expected: &Json, phase: &str, got: &(Kind, String)) -> Verdict {
    let error = expected.get("error");
    let (class, message) = (error.get("class").text().unwrap_or(""), error.get("message").text().unwrap_or(""));
    let kinds = match class.rsplit('.').next().unwrap_or("") {
        "ConfigException" => &[Kind::Config][..],
        "DataException" | "SchemaBuilderException" => &[Kind::Data],
        "" => &[],
        // The ABI carries the class of a failed start only, so any kind may stand for another class.
        _ => &[Kind::Data, Kind::Connect, Kind::Config],
    };
    let phase_fits = !error.has("phase") || error.get("phase").text() == Some(phase) || phase == "convert";
    let (text, causes) = got.1.split_once("\nCaused by: ").map_or((got.1.as_str(), None), |(text, c)| (text, Some(c)));
    let text_fits = error.has("messageFrom") || same_text(message, text);
    let wanted: Vec<&str> = error.get("causes").list().iter().filter_map(|c| c.get("class").text()).collect();
    let class_of = |cause: &str| cause.split(':').next().unwrap_or_default().to_string();
    let causes_fit = causes.is_none_or(|all| all.split("\nCaused by: ").map(class_of).eq(wanted));
    if kinds.contains(&got.0) && phase_fits && text_fits && causes_fit {
        return Verdict::Passed;
    }
    Verdict::Failed(format!(
        "want {:?} {class}: {message:?} {:?}\n got  {phase} {:?}: {:?}",
        error.get("phase"),
        expected.has("error"),
        got.0,
        got.1
    ))
}

fn play_converter(vector: &Json) -> Result<Verdict, Foreign> {
    let class = vector.get("class").text().unwrap_or_default();
    if !known(class) {
        return Ok(Verdict::Skipped);
    }
    let op = vector.get("op").text().unwrap_or_default();
    let stage_kind = match (op.ends_with("Header"), vector.get("isKey")) {
        (true, _) => "header_converter",
        (_, Json::Bool(true)) => "key_converter",
        _ => "value_converter",
    };
    let from = op.starts_with("from");
    let stages = vec![planned(|config| converter(stage_kind, class, from, config), vector.get("config"))];
    let bytes = match vector.get("bytes").text() {
        Some(text) => Some(base64::decode(text).map_err(|_| Foreign)?),
        None => None,
    };
    let given = if from { (vector.get("schema"), vector.get("value")) } else { (&Json::Null, &Json::Null) };
    convert(vector, stages, stage_kind, from, given, bytes)
}

fn play_library(file: &str, vector: &Json) -> Result<Verdict, Foreign> {
    let answer = stock::vectors::answer(file, vector);
    if answer.has("unknown") || answer.has("foreign") {
        return Ok(Verdict::Skipped);
    }
    Ok(difference(vector, &answer).map_or(Verdict::Passed, Verdict::Failed))
}

/// SimpleHeaderConverter, where the vectors call it; the library was asked before.
fn play_values(vector: &Json) -> Result<Verdict, Foreign> {
    const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
    let op = vector.get("op").text().unwrap_or_default();
    let (from, bytes) = match op {
        "headerFromConnect" => (true, None),
        "headerToConnect" => (false, vector.get("bytes").text().map(base64::decode)),
        _ => return Ok(Verdict::Passed),
    };
    let bytes = bytes.transpose().map_err(|_| Foreign)?;
    let stages = vec![converter("header_converter", SIMPLE, from, &[])];
    let given = if from { (vector.get("schema"), vector.get("value")) } else { (&Json::Null, &Json::Null) };
    convert(vector, stages, "header_converter", from, given, bytes)
}

/// Runs one conversion and compares value, schema or bytes.
fn convert(
    vector: &Json,
    stages: Vec<Value>,
    stage_kind: &str,
    from: bool,
    given: (&Json, &Json),
    bytes: Option<Vec<u8>>,
) -> Result<Verdict, Foreign> {
    let expected = vector.get("result");
    let want_schema = model::schema(expected.get("schema"))?;
    let mut dict = berth_guest::Dictionaries::default();
    let want_body = model::value(expected.get("value"), want_schema.as_deref(), &mut dict)?.to_body();
    let in_header = stage_kind == "header_converter";
    let members = [("topic", Json::Text("topic".into())), ("partition", Json::Number("0".into()))];
    let mut record: Vec<(String, Json)> = members.into_iter().map(|(k, v)| (k.to_string(), v)).collect();
    if from && in_header {
        let members = vec![
            ("key".to_string(), Json::Text("h".into())),
            ("schema".to_string(), given.0.clone()),
            ("value".to_string(), given.1.clone()),
        ];
        record.push(("headers".into(), Json::List(vec![Json::Object(members)])));
    } else if from {
        let prefix = if stage_kind == "key_converter" { ("keySchema", "key") } else { ("valueSchema", "value") };
        record.push((prefix.0.into(), given.0.clone()));
        record.push((prefix.1.into(), given.1.clone()));
    }
    let mut batch = if from { model::record(&Json::Object(record))? } else { raw_input(stage_kind, bytes.as_deref()) };
    let mut result = match run(stages, Some(&mut batch)) {
        Answer::Failed(failed) => return Ok(compare_error(expected, "configure", &failed_parts(&failed))),
        Answer::Result(result) => result,
    };
    if let Some(failure) = result.failures.first() {
        return Ok(compare_error(expected, "convert", &(failure.error.kind, failure.error.message.clone())));
    }
    if expected.has("error") {
        return Ok(Verdict::Failed(format!("want {:?}, got no error", expected.get("error"))));
    }
    let entry = result.entries[0];
    let mut body = Vec::new();
    let mut schema_index = berth_guest::NONE;
    if in_header {
        let block = result.memory.bytes(entry.headers_off, entry.headers_len);
        for header in berth_guest::Headers::new(block) {
            body = [&[header.value.tag as u8], header.value.payload].concat();
            schema_index = header.schema;
        }
    } else {
        let cell = if stage_kind == "key_converter" { entry.key } else { entry.value };
        body = [&[cell.tag], result.memory.bytes(cell.off, cell.len)].concat();
        schema_index = cell.schema;
    }
    let got = berth_guest::ValueRef::of_item(&body).unwrap_or(berth_guest::ValueRef::NULL);
    if expected.has("bytes") || (from && expected.has("value")) {
        return Ok(compare_bytes(vector, got));
    }
    let schema = result.dict.schema(schema_index).ok().flatten();
    let got = format!("{schema:?} {}", model::text(got, schema.as_deref(), &mut result.dict));
    let want = berth_guest::ValueRef::of_item(&want_body).unwrap_or(berth_guest::ValueRef::NULL);
    let want = format!("{want_schema:?} {}", model::text(want, want_schema.as_deref(), &mut dict));
    Ok(verdict(want, got))
}

fn raw_input(stage_kind: &str, bytes: Option<&[u8]>) -> Batch {
    let mut batch = model::raw(bytes);
    let cell = batch.entries[0].value;
    match stage_kind {
        "key_converter" => {
            batch.entries[0].key = cell;
            batch.entries[0].value = berth_guest::Cell::NULL;
        }
        "header_converter" => {
            let mut block = Vec::new();
            let tag = if bytes.is_some() { berth_guest::Tag::Raw } else { berth_guest::Tag::Null };
            let value = berth_guest::ValueRef::new(tag, bytes.unwrap_or(&[]));
            berth_guest::put_header(&mut block, "h", berth_guest::NONE, value);
            let written = model::write_raw(&mut batch, &block).expect("a small header");
            let entry = &mut batch.entries[0];
            (entry.headers_off, entry.headers_len, entry.header_count) = (written.off, written.len, 1);
            entry.value = berth_guest::Cell::NULL;
        }
        _ => {}
    }
    batch
}

fn compare_bytes(vector: &Json, got: berth_guest::ValueRef<'_>) -> Verdict {
    let got = if got.is_null() { "null".into() } else { String::from_utf8_lossy(got.payload).into_owned() };
    let want = |result: &Json| {
        if result.has("value") {
            return result.get("value").get("v").text().map_or("null".to_string(), String::from);
        }
        match result.get("bytes").text() {
            None => "null".to_string(),
            Some(text) => String::from_utf8_lossy(&base64::decode(text).unwrap_or_default()).into_owned(),
        }
    };
    let wanted = [want(vector.get("result")), want(vector.get("resultJdk25"))];
    let fits = |want: &String| same_text(want, &got) || (vector.has("unordered") && same_members(want, &got));
    let count = 1 + vector.has("resultJdk25") as usize;
    match wanted[..count].iter().any(fits) {
        true => Verdict::Passed,
        false => Verdict::Failed(format!("want {}\n got  {got}", wanted[0])),
    }
}

/// Equal as JSON without regard to the order of members.
fn same_members(want: &str, got: &str) -> bool {
    fn sorted(json: Json) -> Json {
        match json {
            Json::Object(mut members) => {
                members.sort_by(|a, b| a.0.cmp(&b.0));
                Json::Object(members.into_iter().map(|(k, v)| (k, sorted(v))).collect())
            }
            Json::List(items) => Json::List(items.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    match (Json::parse(want), Json::parse(got)) {
        (Some(a), Some(b)) => sorted(a) == sorted(b),
        _ => false,
    }
}
