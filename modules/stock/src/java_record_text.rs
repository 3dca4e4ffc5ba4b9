//! The texts of Connect's records as their `toString` gives them, for logs.

use std::fmt;

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
