//! The text of a record as the `toString` of SinkRecord and SourceRecord gives it.

use std::fmt;

use berth_guest::{Cell, Record, Schema, Scratch, Tag, ValueRef, NONE, NO_TIMESTAMP};

use crate::java_text;
use crate::wtf8;

/// A record does not know where it was before the transforms so far; topic, partition and offset stand for that. Source
/// partition and offset are null where the stage was not told.
pub fn text(record: &mut Record<'_>) -> String {
    let entry = *record.entry;
    let topic = entry.has_topic().then(|| record.topic().to_string());
    let partition = (entry.partition != -1).then_some(entry.partition as i64);
    let (key, key_schema) = cell_texts(record, &entry.key);
    let (value, value_schema) = cell_texts(record, &entry.value);
    let text = RecordText {
        origin: match record.is_sink() {
            true => Origin::Sink {
                offset: entry.offset,
                timestamp_type: timestamp_type(entry.timestamp_type),
                topic: topic.clone(),
                partition,
                original_offset: entry.offset,
            },
            false => source(record),
        },
        topic,
        partition,
        key,
        key_schema,
        value,
        value_schema,
        timestamp: (entry.timestamp != NO_TIMESTAMP).then_some(entry.timestamp),
        headers: headers(record),
    };
    text.to_string()
}

fn timestamp_type(kind: u8) -> &'static str {
    match kind {
        1 => "CreateTime",
        2 => "LogAppendTime",
        _ => "NoTimestampType",
    }
}

fn source(record: &mut Record<'_>) -> Origin {
    let place = record.dict.partition(record.entry.source_partition).map(<[u8]>::to_vec);
    let place = place.as_deref().map_or(ValueRef::NULL, |place| ValueRef::new(Tag::Map, place));
    let offset = match record.entry.source_offset_len {
        NONE => ValueRef::NULL,
        len => ValueRef::new(Tag::Map, record.memory.bytes(record.entry.source_offset_off, len)),
    };
    Origin::Source { partition: value_text(record, place, None), offset: value_text(record, offset, None) }
}

/// The texts of a value and of its schema.
fn cell_texts(record: &mut Record<'_>, cell: &Cell) -> (String, String) {
    let schema = record.schema(cell).ok().flatten();
    let mut scratch = Scratch::default();
    let value = record.read(cell, &mut scratch);
    (value_text(record, value, schema.as_deref()), schema_text(schema.as_deref()))
}

fn headers(record: &mut Record<'_>) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for header in record.headers() {
        let schema = record.dict.schema(header.schema).ok().flatten();
        let value = value_text(record, header.value, schema.as_deref());
        all.push((header.key.to_string(), value, schema_text(schema.as_deref())));
    }
    all
}

fn value_text(record: &mut Record<'_>, value: ValueRef<'_>, schema: Option<&Schema>) -> String {
    let mut out = Vec::new();
    java_text::append(value, schema, record.dict, &mut out);
    wtf8::shown(&out).into_owned()
}

fn schema_text(schema: Option<&Schema>) -> String {
    schema.map_or("null".into(), Schema::describe)
}

/// The parts of a record, as texts; `None` = null.
#[derive(Debug, Default)]
pub struct RecordText {
    pub topic: Option<String>,
    pub partition: Option<i64>,
    pub key: String,
    pub key_schema: String,
    pub value: String,
    pub value_schema: String,
    pub timestamp: Option<i64>,
    /// Name, value and schema.
    pub headers: Vec<(String, String, String)>,
    pub origin: Origin,
}

/// What a record of a sink or of a source has besides.
#[derive(Debug, Default)]
pub enum Origin {
    #[default]
    Unknown,
    Sink {
        offset: i64,
        timestamp_type: &'static str,
        topic: Option<String>,
        partition: Option<i64>,
        original_offset: i64,
    },
    Source {
        partition: String,
        offset: String,
    },
}

/// Java's text of something that may be null.
struct Nullable<'a, T>(&'a Option<T>);

impl<T: fmt::Display> fmt::Display for Nullable<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("null"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Unknown => Ok(()),
            Origin::Sink { offset, timestamp_type, topic, partition, original_offset } => write!(
                f,
                "SinkRecord{{kafkaOffset={offset}, timestampType={timestamp_type}, originalTopic={}, \
                 originalKafkaPartition={}, originalKafkaOffset={original_offset}}} ",
                Nullable(topic),
                Nullable(partition)
            ),
            Origin::Source { partition, offset } => {
                write!(f, "SourceRecord{{sourcePartition={partition}, sourceOffset={offset}}} ")
            }
        }
    }
}

impl fmt::Display for RecordText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}ConnectRecord{{topic='{}', kafkaPartition={}, key={}, keySchema={}, value={}, valueSchema={}, \
             timestamp={}, headers=ConnectHeaders(headers=",
            self.origin,
            Nullable(&self.topic),
            Nullable(&self.partition),
            self.key,
            self.key_schema,
            self.value,
            self.value_schema,
            Nullable(&self.timestamp)
        )?;
        for (i, (key, value, schema)) in self.headers.iter().enumerate() {
            f.write_str(if i == 0 { "[" } else { ", " })?;
            write!(f, "ConnectHeader(key={key}, value={value}, schema={schema})")?;
        }
        f.write_str(if self.headers.is_empty() { ")}" } else { "])}" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_print_as_in_java() {
        let headers =
            vec![("h".into(), "x".into(), "Schema{STRING}".into()), ("i".into(), "null".into(), "null".into())];
        let origin = Origin::Source { partition: "{}".into(), offset: "{n=1}".into() };
        let record =
            RecordText { topic: Some("t".into()), partition: Some(1), headers, origin, ..RecordText::default() };
        assert_eq!(
            record.to_string(),
            "SourceRecord{sourcePartition={}, sourceOffset={n=1}} ConnectRecord{topic='t', kafkaPartition=1, key=, \
             keySchema=, value=, valueSchema=, timestamp=null, headers=ConnectHeaders(headers=[ConnectHeader(key=h, \
             value=x, schema=Schema{STRING}), ConnectHeader(key=i, value=null, schema=null)])}"
        );
    }
}
