//! A registry in memory behind the fake host, and values taken through a converter and back.

use std::cell::RefCell;

use berth_guest::event::{kind, message};
use berth_guest::fake::{converter, FakeHost};
use berth_guest::{Batch, End, Entry, Error, Failure, Result, Schema, Value, NONE};

thread_local! {
    /// Type and text; the id is the index and one more.
    pub static SCHEMAS: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
    pub static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Answers as the host does.
pub fn serve(request: &Value) -> Result<Value> {
    let call = request.get("call").as_str().unwrap_or_default().to_string();
    assert_eq!(request.get("capability").as_str(), Some("schema-registry"));
    CALLS.with_borrow_mut(|calls| calls.push(call.clone()));
    let arguments = request.get("arguments");
    let text = |key: &str| arguments.get(key).as_str().unwrap_or_default().to_string();
    SCHEMAS.with_borrow_mut(|schemas| {
        let schema = |i: usize| {
            Value::map([
                ("id", Value::Int32(i as i32 + 1)),
                ("type", Value::str(&schemas[i].0)),
                ("schema", Value::str(&schemas[i].1)),
                ("references", Value::Array(Vec::new())),
            ])
        };
        match call.as_str() {
            "schema" => match arguments.get("id").as_int() {
                Some(id @ 1..) if id as usize <= schemas.len() => Ok(schema(id as usize - 1)),
                id => Err(Error::data(format!("no schema {id:?}"))),
            },
            "latest" if schemas.is_empty() => Err(Error::data("no subject")),
            "latest" => Ok(schema(schemas.len() - 1)),
            "register" => {
                let new = (text("type"), text("schema"));
                let at = schemas.iter().position(|s| *s == new).unwrap_or_else(|| {
                    schemas.push(new);
                    schemas.len() - 1
                });
                Ok(Value::map([("id", Value::Int32(at as i32 + 1))]))
            }
            "lookup" => match schemas.iter().position(|s| s.1 == text("schema")) {
                Some(at) => Ok(Value::map([("id", Value::Int32(at as i32 + 1))])),
                None => Err(Error::data("Schema not found")),
            },
            _ => Err(Error::retriable("down")),
        }
    })
}

/// A batch with one record a value.
pub fn batch(values: &[(Option<&Schema>, Value)]) -> Batch {
    let mut batch = Batch::default();
    let topic = batch.dict.intern_topic("orders").unwrap();
    for (i, (schema, value)) in values.iter().enumerate() {
        let index = schema.map_or(NONE, |schema| batch.dict.intern_schema(schema).unwrap());
        let mut entry = Entry::new(topic);
        entry.value = batch
            .write(value.tag(), index, |out| {
                value.encode(out);
                Ok(())
            })
            .unwrap();
        entry.origin = i as u32;
        batch.entries.push(entry);
    }
    batch.input_count = values.len() as u32;
    batch
}

/// What came of a batch: schema and value a record, and failures.
pub type Converted = (Vec<(Option<Schema>, Value)>, Vec<Failure>);

/// Runs values through one converter.
pub fn convert(class: &str, from: bool, config: &[(&str, &str)], mut input: Batch) -> Converted {
    let mut host = FakeHost::default();
    host.serve = Some(serve);
    let mut all = vec![("schema.registry.url", "http://registry")];
    all.extend_from_slice(config);
    host.plan("task", vec![converter("value_converter", class, from, &all)], Vec::new());
    let bytes = input.to_bytes().unwrap();
    host.event(kind::BATCH, &bytes);
    let end = host.run(&registry::plugins());
    assert!(matches!(end, End::Stopped), "{end:?}");
    let result = host.said(message::RESULT).next().expect("a result").bytes();
    let mut batch = Batch::from_result(result, &bytes).unwrap();
    let mut values = Vec::new();
    for entry in batch.entries.clone() {
        let schema = batch.dict.schema(entry.value.schema).unwrap().map(|s| (*s).clone());
        values.push((schema, Value::decode(batch.value(&entry.value)).unwrap()));
    }
    (values, std::mem::take(&mut batch.failures))
}

/// Takes a value to bytes and back; gives what came back and the bytes.
pub fn there_and_back(
    class: &str,
    config: &[(&str, &str)],
    schema: &Schema,
    value: Value,
) -> ((Option<Schema>, Value), Vec<u8>) {
    let (written, failures) = convert(class, true, config, batch(&[(Some(schema), value)]));
    assert!(failures.is_empty(), "{failures:?}");
    let Value::Raw(bytes) = &written[0].1 else { panic!("{written:?}") };
    let bytes = bytes.clone();
    let (read, failures) = convert(class, false, config, batch(&[(None, written[0].1.clone())]));
    assert!(failures.is_empty(), "{failures:?}");
    (read.into_iter().next().unwrap(), bytes)
}

/// The only failure of a batch.
pub fn refusal(class: &str, from: bool, config: &[(&str, &str)], input: Batch) -> Failure {
    let (values, mut failures) = convert(class, from, config, input);
    assert!(values.is_empty() && failures.len() == 1, "{values:?} {failures:?}");
    failures.remove(0)
}
