//! The text of a record as the `toString` of SinkRecord and SourceRecord gives it.

use berth_guest::{assemble_parts, Builder, Cell, Record, Schema, Stack, Tag, ValueRef, NO_TIMESTAMP};

use crate::java_text;

/// A record does not know where it was before the transforms so far; topic, partition and offset stand for that. Source
/// partition and offset are null where the stage was not told.
pub fn text(record: &mut Record<'_>) -> String {
    let mut out = Vec::new();
    let entry = *record.entry;
    let topic = record.topic().to_string();
    let partition = number(entry.partition as i64, -1);
    if record.is_sink() {
        let (offset, kind) = (entry.offset, timestamp_type(entry.timestamp_type));
        put(&mut out, &format!("SinkRecord{{kafkaOffset={offset}, timestampType={kind}, originalTopic={topic}, "));
        put(&mut out, &format!("originalKafkaPartition={partition}, originalKafkaOffset={offset}}} "));
    } else {
        put(&mut out, "SourceRecord{sourcePartition=");
        let place = record.dict.partition(entry.source_partition).map(<[u8]>::to_vec);
        let place = place.as_deref().map_or(ValueRef::NULL, |place| ValueRef::new(Tag::Map, place));
        java_text::append(place, None, record.dict, &mut out);
        put(&mut out, ", sourceOffset=");
        java_text::append(source_offset(record), None, record.dict, &mut out);
        put(&mut out, "} ");
    }
    put(&mut out, &format!("ConnectRecord{{topic='{topic}', kafkaPartition={partition}, "));
    for (name, cell) in [("key", entry.key), ("value", entry.value)] {
        put(&mut out, &format!("{name}="));
        let schema = append_cell(record, &cell, &mut out);
        put(&mut out, &format!(", {name}Schema={schema}, "));
    }
    put(&mut out, &format!("timestamp={}, headers=", number(entry.timestamp, NO_TIMESTAMP)));
    append_headers(record, &mut out);
    put(&mut out, "}");
    String::from_utf8_lossy(&out).into_owned()
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn number(n: i64, none: i64) -> String {
    if n == none {
        "null".into()
    } else {
        n.to_string()
    }
}

fn timestamp_type(kind: u8) -> &'static str {
    match kind {
        1 => "CreateTime",
        2 => "LogAppendTime",
        _ => "NoTimestampType",
    }
}

fn source_offset<'a>(record: &Record<'a>) -> ValueRef<'a> {
    let (off, len) = (record.entry.source_offset_off, record.entry.source_offset_len);
    match len {
        berth_guest::NONE => ValueRef::NULL,
        _ => ValueRef::new(Tag::Map, record.memory.bytes(off, len)),
    }
}

/// Appends the value; gives the text of its schema.
fn append_cell(record: &mut Record<'_>, cell: &Cell, out: &mut Vec<u8>) -> String {
    let schema = record.schema(cell).ok().flatten();
    let mut whole = Vec::new();
    let value = match cell.is_apart() {
        true => assembled(record, cell, &mut whole),
        false => record.cell(cell),
    };
    java_text::append(value, schema.as_deref(), record.dict, out);
    schema.as_deref().map_or("null".into(), Schema::describe)
}

/// A value that lies apart, put together.
fn assembled<'v>(record: &Record<'_>, cell: &Cell, out: &'v mut Vec<u8>) -> ValueRef<'v> {
    let (mut parts, mut stack) = (Vec::new(), Stack::default());
    record.take_apart(cell, &mut parts);
    assemble_parts(&parts, cell.tag(), record.memory, &mut Builder::new(out, &mut stack));
    ValueRef::new(cell.tag(), out)
}

fn append_headers(record: &mut Record<'_>, out: &mut Vec<u8>) {
    put(out, "ConnectHeaders(headers=");
    for (i, header) in record.headers().enumerate() {
        put(out, if i == 0 { "[" } else { ", " });
        put(out, &format!("ConnectHeader(key={}, value=", header.key));
        let schema = record.dict.schema(header.schema).ok().flatten();
        java_text::append(header.value, schema.as_deref(), record.dict, out);
        put(out, &format!(", schema={})", schema.as_deref().map_or("null".into(), Schema::describe)));
    }
    put(out, if record.entry.header_count == 0 { ")" } else { "])" });
}
