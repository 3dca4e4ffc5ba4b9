//! TopicNameMatches: a predicate on the topic.

use berth_guest::{
    ConfigDef, ConfigKey, ConfigType, Context, Error, Make, PerTopic, Plugin, Predicate, Record, Result, Validator,
};

use crate::java_regex::{check, Pattern};

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Predicate>> {
        let config = definition().parse(&context.config)?;
        let pattern = Pattern::new(&config.string("pattern")).map_err(|e| Error::config(e.to_string()))?;
        Ok(Box::new(TopicNameMatches { pattern, last: None, said: PerTopic::default() }))
    };
    Plugin::new(
        "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        crate::KAFKA_VERSION,
        "True for records whose topic matches a regular expression.",
        Make::Predicate(new),
    )
    .aliases(&["TopicNameMatches"])
    .config(definition())
}

fn definition() -> ConfigDef {
    let rule = |text: Option<&str>| match text {
        Some("") => Err("String must be non-empty".to_string()),
        _ => check(text),
    };
    ConfigDef::new(vec![ConfigKey::new("pattern", ConfigType::String, "Pattern that the topic must match as a whole.")
        .validator(Validator::Custom("non-empty string, valid regex", rule))])
}

struct TopicNameMatches {
    pattern: Pattern,
    /// The last topic and what was said of it.
    last: Option<(String, bool)>,
    /// What was said of each topic of the batch.
    said: PerTopic<bool>,
}

impl Predicate for TopicNameMatches {
    #[inline]
    fn test(&mut self, record: &mut Record<'_>) -> Result<bool> {
        if !record.entry.has_topic() {
            return Ok(false);
        }
        if let Some(said) = self.said.get(record.dict, record.entry.topic) {
            return Ok(said);
        }
        let said = match &self.last {
            Some((topic, said)) if topic == record.topic() => *said,
            _ => self.pattern.matches(record.topic()).map_err(|e| Error::connect(e.to_string()))?,
        };
        self.last = Some((record.topic().to_string(), said));
        self.said.set(record.dict, record.entry.topic, said);
        Ok(said)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}
