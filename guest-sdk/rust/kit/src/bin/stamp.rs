//! A module for tests of swaps: its transformation says in each record which version it is, as that of
//! testdata/guests/stamp does in Go.

use std::time::{Duration, Instant};

use berth_guest::{
    ConfigDef, ConfigKey, ConfigType, Context, Error, Make, Outcome, Plugin, Record, Result, State, Tag, Transform,
};

const VERSION: &str = if cfg!(feature = "second") { "2.0.0" } else { "1.0.0" };

/// Counts records; the count goes from version to version.
struct Stamp {
    mark: String,
    does: String,
    count: u64,
}

impl Transform for Stamp {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let text = record.value().str().unwrap_or_default();
        self.misbehave(text)?;
        self.count += 1;
        let stamped = format!("{text} {} {}", self.count, self.mark);
        record.entry.value = record.arena.write(Tag::String, record.entry.value.schema, |out| {
            out.extend_from_slice(stamped.as_bytes());
            Ok(())
        })?;
        Ok(Outcome::Keep)
    }

    fn state(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}

impl Stamp {
    /// What a version is bad at happens at each record whose number ends in 99; it is slow at all of them.
    fn misbehave(&self, text: &str) -> Result<()> {
        let number = text.split(' ').next().unwrap_or_default();
        match self.does.as_str() {
            "panic" if number.ends_with("99") => panic!("on {number}, on purpose"),
            "fail" if number.ends_with("99") => Err(Error::data(format!("record {number} fails on purpose"))),
            "slow" => {
                let began = Instant::now();
                while began.elapsed() < Duration::from_micros(500) {}
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl State for Stamp {
    fn export(&mut self) -> Result<Vec<u8>> {
        match self.does.as_str() {
            "trap" => panic!("at the export of state, on purpose"),
            "export" => Err(Error::connect("this version does not let its state go, on purpose")),
            _ => Ok(self.count.to_string().into_bytes()),
        }
    }

    fn import(&mut self, _version: &str, state: &[u8]) -> Result<()> {
        if self.does == "import" {
            return Err(Error::connect("this version does not take state, on purpose"));
        }
        let count = std::str::from_utf8(state).ok().and_then(|text| text.parse().ok());
        self.count = count.ok_or_else(|| Error::connect("the state is not a count"))?;
        Ok(())
    }
}

fn new(context: &Context) -> Result<Box<dyn Transform>> {
    let mut does = String::new();
    if VERSION >= "2" {
        does = context.config.get("does").unwrap_or_default().to_string();
    }
    if does == "start" {
        return Err(Error::connect("this version does not start, on purpose"));
    }
    Ok(Box::new(Stamp { mark: format!("{}/{VERSION}", context.task), does, count: 0 }))
}

fn plugins() -> Vec<Plugin> {
    let doc =
        "What versions from 2.0.0 on are bad at: start, panic, fail, slow, export, import or trap (at its export).";
    let does = ConfigKey::new("does", ConfigType::String, doc).default("");
    vec![Plugin::new("test.Stamp", VERSION, "Appends a count, task and version to a text.", Make::Transform(new))
        .keeping_state()
        .config(ConfigDef::new(vec![does]))]
}

berth_guest::main!(plugins);
