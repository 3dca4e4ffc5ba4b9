//! RecordIsTombstone: a predicate on the value.

use berth_guest::{Context, Make, Plugin, Predicate, Record, Result};

pub fn plugin() -> Plugin {
    let new = |_: &Context| -> Result<Box<dyn Predicate>> { Ok(Box::new(RecordIsTombstone)) };
    Plugin::new(
        "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
        crate::KAFKA_VERSION,
        "True for records whose value is null, with a schema or without.",
        Make::Predicate(new),
    )
    .aliases(&["RecordIsTombstone"])
}

#[derive(Debug)]
struct RecordIsTombstone;

impl Predicate for RecordIsTombstone {
    fn test(&mut self, record: &mut Record<'_>) -> Result<bool> {
        Ok(record.entry.value.is_null())
    }

    fn takes_apart(&self) -> bool {
        true
    }
}
