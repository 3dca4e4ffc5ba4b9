//! RegexRouter: renames topics that match a pattern.

use berth_guest::{
    ConfigDef, ConfigKey, ConfigType, Context, Error, Importance, Make, Outcome, PerTopic, Plugin, Record, Result,
    Transform, Validator,
};

use crate::java_regex::{check, Pattern, ReplacementError};

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(RegexRouter::new(context)?)) };
    Plugin::new(
        "org.apache.kafka.connect.transforms.RegexRouter",
        crate::KAFKA_VERSION,
        "Renames topics that match a regular expression.",
        Make::Transform(new),
    )
    .aliases(&["RegexRouter"])
    .config(definition())
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![
        ConfigKey::new("regex", ConfigType::String, "Pattern that a topic must match as a whole.")
            .importance(Importance::High)
            .validator(Validator::Custom("valid regex", check)),
        ConfigKey::new("replacement", ConfigType::String, "New name; $1 and ${name} stand for groups of the pattern.")
            .importance(Importance::High),
    ])
}

struct RegexRouter {
    pattern: Pattern,
    replacement: String,
    /// The last topic with its new name; most batches have one topic.
    last: Option<(String, Option<String>)>,
    /// The new topic of each topic of the batch.
    routed: PerTopic<u32>,
}

impl RegexRouter {
    fn new(context: &Context) -> Result<RegexRouter> {
        let config = definition().parse(&context.config)?;
        let pattern = Pattern::new(&config.string("regex")).map_err(|e| Error::config(e.to_string()))?;
        Ok(RegexRouter { pattern, replacement: config.string("replacement"), last: None, routed: PerTopic::default() })
    }

    fn route(&self, topic: &str) -> Result<Option<String>> {
        if !self.pattern.matches(topic).map_err(|e| Error::connect(e.to_string()))? {
            return Ok(None);
        }
        let renamed = self.pattern.replace_first(topic, &self.replacement);
        let failed = |e: ReplacementError| Error::connect(e.to_string()).class(e.class());
        renamed.map(Some).map_err(failed)
    }
}

/// Java's matcher fails on null.
#[cold]
pub fn no_topic() -> Error {
    Error::connect("the record has no topic").class("java.lang.NullPointerException")
}

impl Transform for RegexRouter {
    #[inline]
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        if !record.entry.has_topic() {
            return Err(no_topic());
        }
        let from = record.entry.topic;
        if let Some(to) = self.routed.get(record.dict, from) {
            record.entry.topic = to;
            return Ok(Outcome::Keep);
        }
        if self.last.as_ref().is_none_or(|(topic, _)| topic != record.topic()) {
            self.last = Some((record.topic().to_string(), self.route(record.topic())?));
        }
        if let Some((_, Some(topic))) = &self.last {
            record.set_topic(topic)?;
        }
        self.routed.set(record.dict, from, record.entry.topic);
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::Value;

    use crate::trial::Records;

    #[test]
    fn a_record_without_a_topic_is_an_error_and_no_empty_topic() {
        let mut records = Records::default();
        records.add(None, &Value::Null).add(None, &Value::Null).without_topic();
        let passed = records.through("transform", "RegexRouter", &[("regex", ".*"), ("replacement", "x$0")]);
        assert_eq!((passed.len(), passed.topic(0)), (1, "xt".to_string()));
        assert_eq!(passed.errors(), [(1, "the record has no topic".to_string())]);
    }
}
