//! Texts: charsets, hashes, base64, properties, format strings, texts of schemas, values and records.

use berth_guest::{Dictionaries, Error, Schema, ValueRef};

use super::json::Json;
use super::model;
use super::{Answer, Refusal};
use crate::charset::Charset;
use crate::java_record::{Origin, RecordText};
use crate::wtf8;
use crate::{base64, java_format, java_hash, java_properties, java_text};

/// Plays an operation of this family.
pub fn play(op: &str, vector: &Json) -> Answer {
    let text = vector.get("text").text().unwrap_or_default();
    Ok(match op {
        "String.trim" => text_json(java_text::trim(text)),
        "String.isBlank" => Json::object([("blank", Json::Bool(java_text::trim(text).is_empty()))]),
        "String.hashCode" => Json::object([("hash", Json::number_of(java_hash::string_hash(text)))]),
        "String.getBytes" => {
            let mut bytes = Vec::new();
            charset(vector)?.encode(text, &mut bytes);
            Json::object([("bytes", model::base64_json(&bytes))])
        }
        "new String" => {
            let mut out = Vec::new();
            charset(vector)?.decode(&bytes(vector)?, &mut out);
            let text = Json::text_of(String::from_utf8_lossy(&out));
            Json::object([("value", Json::object([("t", Json::text_of("string")), ("v", text)]))])
        }
        "String.format" => format(text, vector.get("args"))?,
        "Base64.decode" => {
            let illegal = |message| Error::data(message).class("java.lang.IllegalArgumentException");
            Json::object([("bytes", model::base64_json(&base64::decode_java(text).map_err(illegal)?))])
        }
        "Properties.load" => {
            let pairs = java_properties::load(text)?;
            let pairs = pairs.into_iter().map(|(key, value)| (key, Json::Text(value))).collect();
            Json::object([("properties", Json::Object(pairs))])
        }
        "murmur2" => hashed(&bytes(vector)?),
        "HashMap.order" => ordered(vector.get("keys")),
        "toString" => text_json(&value_text(vector.get("schema"), vector.get("value"))?),
        "Schema.toString" => text_json(&schema(vector)?.describe()),
        "Field.toString" => {
            let (name, index) = (vector.get("name").text(), vector.get("index").int().unwrap_or(0));
            let schema = schema(vector)?;
            text_json(&java_text::field(name.unwrap_or_default(), index, &schema))
        }
        "Record.toString" => text_json(&record(vector.get("input"))?.to_string()),
        _ => return Err(Refusal::Unknown),
    })
}

fn text_json(text: &str) -> Json {
    Json::object([("text", Json::text_of(text))])
}

fn charset(vector: &Json) -> Result<Charset, Refusal> {
    Charset::of(vector.get("charset").text().unwrap_or_default()).ok_or(Refusal::Foreign)
}

fn bytes(vector: &Json) -> Result<Vec<u8>, Refusal> {
    base64::decode(vector.get("bytes").text().unwrap_or_default()).map_err(|_| Refusal::Foreign)
}

fn schema(vector: &Json) -> Result<std::rc::Rc<Schema>, Refusal> {
    model::schema(vector.get("schema"))?.ok_or(Refusal::Foreign)
}

fn format(pattern: &str, args: &Json) -> Answer {
    let mut dict = Dictionaries::default();
    let mut bodies = Vec::new();
    for arg in args.list() {
        bodies.push(model::value(arg, None, &mut dict)?.to_body());
    }
    let args: Vec<ValueRef<'_>> = bodies.iter().filter_map(|body| ValueRef::of_item(body)).collect();
    Ok(text_json(&java_format::format(pattern, &args, &mut dict)?))
}

/// The hash of a key, and its partition where a topic has so many.
fn hashed(key: &[u8]) -> Json {
    const COUNTS: [u32; 8] = [1, 2, 3, 5, 7, 12, 50, 1000];
    let chosen = COUNTS.map(|count| (count.to_string(), Json::number_of(java_hash::partition(key, count))));
    Json::object([
        ("hash", Json::number_of(java_hash::murmur2(key))),
        ("partition", Json::Object(chosen.into_iter().collect())),
    ])
}

fn ordered(keys: &Json) -> Json {
    let keys: Vec<&str> = keys.list().iter().filter_map(Json::text).collect();
    let order = || {
        let order = java_hash::hash_map_order(&keys);
        Json::List(order.into_iter().map(|i| Json::text_of(keys[i])).collect())
    };
    Json::object([("order", order()), ("setOrder", order())])
}

fn value_text(schema: &Json, value: &Json) -> Result<String, Refusal> {
    let mut dict = Dictionaries::default();
    let declared = model::schema(schema)?;
    let body = model::value(value, declared.as_deref(), &mut dict)?.to_body();
    let mut out = Vec::new();
    let value = ValueRef::of_item(&body).unwrap_or(ValueRef::NULL);
    java_text::append(value, declared.as_deref(), &mut dict, &mut out);
    Ok(wtf8::shown(&out).into_owned())
}

fn schema_text(schema: &Json) -> Result<String, Refusal> {
    Ok(model::schema(schema)?.map_or("null".into(), |schema| schema.describe()))
}

fn record(input: &Json) -> Result<RecordText, Refusal> {
    let text = |key| input.get(key).text().map(String::from);
    let int = |key| input.get(key).int();
    let mut headers = Vec::new();
    for header in input.get("headers").list() {
        let key = header.get("key").text().unwrap_or_default().to_string();
        let value = value_text(header.get("schema"), header.get("value"))?;
        headers.push((key, value, schema_text(header.get("schema"))?));
    }
    let origin = match input.get("kind").text() {
        Some("source") => Origin::Source {
            partition: value_text(&Json::Null, input.get("sourcePartition"))?,
            offset: value_text(&Json::Null, input.get("sourceOffset"))?,
        },
        _ => Origin::Sink {
            offset: int("offset").unwrap_or(0),
            timestamp_type: match input.get("timestampType").text() {
                Some("CREATE_TIME") => "CreateTime",
                Some("LOG_APPEND_TIME") => "LogAppendTime",
                _ => "NoTimestampType",
            },
            topic: text("originalTopic"),
            partition: int("originalPartition"),
            original_offset: int("originalOffset").unwrap_or(0),
        },
    };
    Ok(RecordText {
        topic: text("topic"),
        partition: int("partition"),
        key: value_text(input.get("keySchema"), input.get("key"))?,
        key_schema: schema_text(input.get("keySchema"))?,
        value: value_text(input.get("valueSchema"), input.get("value"))?,
        value_schema: schema_text(input.get("valueSchema"))?,
        timestamp: int("timestamp"),
        headers,
        origin,
    })
}
