//! Blackhole: a sink that counts and drops.

use berth_guest::{side, Batch, ConfigDef, Connector, Context, Make, Plugin, Result, SameConfig, Sink};

pub fn plugin() -> Plugin {
    let connector = |context: &Context| -> Result<Box<dyn Connector>> {
        Ok(Box::new(SameConfig { config: context.config.clone(), limit: usize::MAX }))
    };
    let task = |_: &Context| -> Result<Box<dyn Sink>> { Ok(Box::new(Blackhole)) };
    Plugin::new(
        "berth.Blackhole",
        env!("CARGO_PKG_VERSION"),
        "Counts records in the metric blackhole_records and drops them.",
        Make::Sink(connector, task),
    )
    .aliases(&["blackhole", "Blackhole"])
    .config(ConfigDef::default())
}

#[derive(Debug)]
struct Blackhole;

impl Sink for Blackhole {
    fn put(&mut self, batch: &mut Batch) -> Result<()> {
        side::count("blackhole_records", batch.entries.len() as f64);
        Ok(())
    }

    fn ignores_values(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use berth_guest::Entry;

    #[test]
    fn records_are_counted() {
        side::native::take_metrics();
        let mut batch = Batch::default();
        batch.entries = vec![Entry::new(0); 3];
        Blackhole.put(&mut batch).unwrap();
        Blackhole.put(&mut batch).unwrap();
        assert_eq!(side::native::take_metrics()["blackhole_records"], 6.0);
    }
}
