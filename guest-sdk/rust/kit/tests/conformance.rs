//! Plays testdata/abi/conformance.bin against the kit and reads and writes the golden bytes beside it.

use std::path::PathBuf;

use berth_guest::event::{kind, message, Event};
use berth_guest::host::{Host, Wait};
use berth_guest::{run, Batch, Cell, End, Headers, Schema, Value, ValueRef};

fn golden(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../testdata/abi").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Bytes(bytes) => bytes,
        _ => &[],
    }
}

/// Plays one case.
struct Script<'a> {
    steps: &'a [Value],
    at: usize,
    /// Bytes of the last BATCH.
    input: Vec<u8>,
    paused: bool,
    problems: Vec<String>,
}

impl Script<'_> {
    fn step(&self, key: &str) -> Option<&Value> {
        let step = self.steps.get(self.at)?;
        matches!(step, Value::Map(entries) if entries[0].0.as_str() == Some(key)).then_some(step)
    }

    fn problem(&mut self, what: String) {
        self.problems.push(format!("step {}: {what}", self.at));
    }

    fn compare(&mut self, kind: i32, got: &[u8], want: &[u8]) {
        let (got, want) = match kind {
            message::READY | message::RECONFIGURE | message::IMPORTED => (format!("{got:?}"), format!("{want:?}")),
            message::RECORDS | message::RESULT => {
                let want = Batch::from_bytes(want.to_vec()).expect("a sound expectation");
                match Batch::from_result(got.to_vec(), &self.input) {
                    Ok(got) => compare_batches(got, want),
                    Err(error) => (error.message, String::new()),
                }
            }
            _ => {
                let want = Value::decode_body(want).expect("a sound expectation");
                let got = Value::decode_body(got).unwrap_or(Value::Null);
                compare_values(kind, &got, &want)
            }
        };
        if got != want {
            self.problem(format!("message {kind}\n  want {want}\n  got  {got}"));
        }
    }
}

/// Texts of both, equal if the values count as equal.
fn compare_values(kind: i32, got: &Value, want: &Value) -> (String, String) {
    let (mut got, mut want) = (got.clone(), want.clone());
    if kind == message::MANIFEST {
        for value in [&mut got, &mut want] {
            let sorted = sorted_items(value.get("plugins"));
            *value = Value::Map(vec![
                (Value::str("abi"), value.get("abi").clone()),
                (Value::str("plugins"), Value::strings(&sorted)),
            ]);
        }
    }
    if kind == message::FAILED {
        let texts = (got.get("message").as_str().unwrap_or_default(), want.get("message").as_str().unwrap_or_default());
        let message = if texts.0.starts_with(texts.1) { texts.1.to_string() } else { texts.0.to_string() };
        for value in [&mut got, &mut want] {
            if let Value::Map(entries) = value {
                entries.retain(|(k, _)| k.as_str() != Some("class"));
            }
        }
        if let Value::Map(entries) = &mut got {
            entries.iter_mut().filter(|(k, _)| k.as_str() == Some("message")).for_each(|e| e.1 = Value::str(&message));
        }
    }
    (text(&got), text(&want))
}

fn sorted_items(list: &Value) -> Vec<String> {
    let mut items: Vec<String> = list.as_array().iter().map(text).collect();
    items.sort();
    items
}

fn text(value: &Value) -> String {
    match value {
        Value::Map(entries) => {
            let mut pairs: Vec<String> = entries.iter().map(|(k, v)| format!("{}:{}", text(k), text(v))).collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}

fn compare_batches(mut got: Batch, mut want: Batch) -> (String, String) {
    for failure in &want.failures {
        for other in got.failures.iter_mut().filter(|o| o.origin == failure.origin) {
            if other.error.message.starts_with(&failure.error.message) {
                other.error.message = failure.error.message.clone();
            }
        }
    }
    (batch_text(&mut got), batch_text(&mut want))
}

fn batch_text(batch: &mut Batch) -> String {
    let mut out = format!("of {}", batch.input_count);
    for entry in std::mem::take(&mut batch.entries) {
        let cell = |cell: &Cell, batch: &mut Batch| {
            let schema = batch.dict.schema(cell.schema).unwrap();
            let value = batch.value(cell);
            format!("{:?} {:?} {:?}", value.tag, value.payload, schema.map(|s| s.to_bytes()))
        };
        out += &format!(
            "\n   {} {} {} {} {} {} {}",
            batch.dict.topic(entry.topic),
            entry.partition,
            entry.timestamp,
            entry.timestamp_type,
            entry.offset,
            entry.origin,
            entry.flags
        );
        out += &format!(" key {} value {}", cell(&entry.key, batch), cell(&entry.value, batch));
        for header in Headers::new(batch.memory.bytes(entry.headers_off, entry.headers_len)) {
            let schema = batch.dict.schema(header.schema).unwrap().map(|s| s.to_bytes());
            out += &format!(" header {} {:?} {schema:?}", header.key, header.value);
        }
        let offset = match entry.source_offset_len {
            berth_guest::NONE => None,
            len => Some(batch.memory.bytes(entry.source_offset_off, len)),
        };
        out += &format!(" at {:?} {offset:?}", batch.dict.partition(entry.source_partition));
    }
    let mut failures = std::mem::take(&mut batch.failures);
    failures.sort_by_key(|f| f.origin);
    for failure in failures {
        out += &format!("\n   error {} {} {:?} {}", failure.origin, failure.stage, failure.error.kind, failure.error);
    }
    out
}

impl Host for Script<'_> {
    fn poll(&mut self, buffer: &mut [u8]) -> i32 {
        let Some(event) = self.step("event").map(|step| bytes(step.get("event")).to_vec()) else { return 0 };
        if event.len() > buffer.len() {
            return -(event.len() as i32);
        }
        buffer[..event.len()].copy_from_slice(&event);
        match u32::from_le_bytes(event[..4].try_into().unwrap()) {
            kind::BATCH => self.input = event[16..].to_vec(),
            kind::PAUSE => self.paused = true,
            kind::RESUME => self.paused = false,
            _ => {}
        }
        self.at += 1;
        event.len() as i32
    }

    fn put(&mut self, kind: i32, seq: i32, head: &[u8], data: &[u8]) -> i32 {
        if self.step("event").is_some() {
            return -1;
        }
        let Some(step) = self.step("put").cloned() else {
            self.problem(format!("put of kind {kind}, seq {seq} was not expected"));
            return 0;
        };
        let free = matches!(kind, message::MANIFEST | message::FAILED | message::RECONFIGURE);
        let seq = if free { step.get("seq").as_int().unwrap() as i32 } else { seq };
        let want = (step.get("put").as_int().unwrap(), step.get("seq").as_int().unwrap());
        if want != (kind as i64, seq as i64) || (kind == message::RECORDS && self.paused) {
            self.problem(format!("put of kind {kind}, seq {seq}, want {want:?}, paused {}", self.paused));
        }
        self.compare(kind, &[head, data].concat(), bytes(step.get("body")));
        self.at += 1;
        0
    }

    fn commit(&mut self, seq: i32, body: &[u8]) -> i32 {
        let Some(step) = self.step("commit").cloned() else {
            self.problem("commit was not expected".into());
            return 0;
        };
        let want = (step.get("commit").as_int().unwrap() as i32, bytes(step.get("body")));
        if want != (seq, body) {
            self.problem(format!("commit {seq} {body:?}, want {want:?}"));
        }
        self.at += 1;
        0
    }

    fn wait(&mut self, wait: Wait) {
        let served = self.step("event").is_some() || (wait.writable && self.step("put").is_some());
        assert!(served || wait.timeout.is_some(), "step {}: the guest waits for nothing; {:?}", self.at, self.problems);
    }
}

fn play(case: &Value) -> Vec<String> {
    let steps = case.get("steps").as_array();
    let mut script = Script { steps, at: 0, input: Vec::new(), paused: false, problems: Vec::new() };
    let end = run(&mut script, &kit::plugins());
    match script.step("exit").map(|s| s.get("exit").as_int()) {
        Some(status) => {
            let got = matches!(end, End::Failed(_)) as i64;
            if status != Some(got) {
                script.problem(format!("ended with {end:?}, want status {status:?}"));
            }
        }
        None => script.problem(format!("the guest ended early: {end:?}")),
    }
    script.problems
}

#[test]
fn the_kit_passes_the_list() {
    let list = Value::decode_body(&golden("conformance.bin")).unwrap();
    assert!(list.as_array().len() > 10);
    let mut failed = String::new();
    for case in list.as_array() {
        for problem in play(case) {
            failed += &format!("{}: {problem}\n", case.get("name").as_str().unwrap_or("?"));
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn golden_values_are_read_and_written() {
    let names = ["values.bin", "object.bin", "halved.bin", "plan.bin", "manifest.bin", "failed.bin", "offsets.bin"];
    for name in names.into_iter().chain(["validated.bin"]) {
        let body = golden(name);
        assert_eq!(Value::decode_body(&body).unwrap().to_body(), body, "{name}");
    }
}

#[test]
fn golden_half_of_a_pair_is_read_and_written() {
    let (body, units) = (golden("halved.bin"), [b'a'.into(), b'\\'.into(), 0xD83D]);
    assert_eq!(Value::utf16(&units).to_body(), body);
    assert_eq!(ValueRef::of_item(&body).unwrap().halved().unwrap(), units);
}

#[test]
fn golden_schemas_are_read_and_written() {
    for name in ["schema.bin", "renamed.bin"] {
        let bytes = golden(name);
        assert_eq!(Schema::decode(&bytes).unwrap().to_bytes(), bytes, "{name}");
    }
}

#[test]
fn golden_batch_is_read() {
    let bytes = golden("batch.bin");
    let mut batch = Batch::from_bytes(bytes.clone()).unwrap();
    let mut again = Batch::from_bytes(bytes.clone()).unwrap();
    let written = again.to_bytes().unwrap();
    let mut again = Batch::from_result(written, &bytes).unwrap();
    assert_eq!(batch_text(&mut again), batch_text(&mut batch));
    for entry in &again.entries {
        assert!(ValueRef::new(entry.value.tag(), again.memory.bytes(entry.value.off, entry.value.len)).check().is_ok());
    }
}

#[test]
fn golden_result_is_read_through_its_references() {
    let mut input = Batch::from_bytes(golden("batch.bin")).unwrap();
    let result = Batch::from_result(golden("result.bin"), &golden("batch.bin")).unwrap();
    let origins: Vec<u32> = result.entries.iter().map(|e| e.origin).collect();
    assert_eq!(origins, [0, 2], "record 1 was dropped");
    let value =
        |batch: &Batch, i: usize| batch.memory.bytes(batch.entries[i].value.off, batch.entries[i].value.len).to_vec();
    assert_eq!(value(&result, 0), value(&input, 0), "record 0 is as it came");
    assert_ne!(value(&result, 1), value(&input, 2), "record 2 has another value");
    assert!(
        Batch::from_result(golden("result.bin"), &input.to_bytes().unwrap()[..64]).is_err(),
        "no input to refer to"
    );
}

#[test]
fn golden_event_is_written() {
    let body = Value::Array(vec![Value::Int64(1), Value::Int64(2)]).to_body();
    assert_eq!(Event::encode(kind::DURABLE, 9, &body), golden("event.bin"));
}

#[test]
fn golden_batch_cut_or_flipped_never_traps() {
    let bytes = golden("batch.bin");
    for cut in 0..bytes.len() {
        assert!(Batch::from_bytes(bytes[..cut].to_vec()).is_err(), "{cut}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            if let Ok(mut batch) = Batch::from_bytes(bad) {
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| batch.to_bytes().map(drop)))
                    .expect("no trap");
            }
        }
    }
}
