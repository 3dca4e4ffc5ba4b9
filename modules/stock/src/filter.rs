//! Filter: drops every record; a predicate says which.

use berth_guest::{Context, Make, Outcome, Plugin, Record, Result, Transform};

pub fn plugin() -> Plugin {
    let new = |_: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(Filter)) };
    Plugin::new(
        "org.apache.kafka.connect.transforms.Filter",
        crate::KAFKA_VERSION,
        "Drops all records; guard it with a predicate.",
        Make::Transform(new),
    )
    .aliases(&["Filter"])
}

#[derive(Debug)]
struct Filter;

impl Transform for Filter {
    fn apply(&mut self, _: &mut Record<'_>) -> Result<Outcome> {
        Ok(Outcome::Drop)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}
