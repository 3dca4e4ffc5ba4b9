//! TimestampRouter: makes the topic from a format, the topic and the record's timestamp.

use berth_guest::{
    ConfigDef, ConfigKey, ConfigType, Context, Error, Importance, Make, Outcome, PerTopic, Plugin, Record, Result,
    Transform, NO_TIMESTAMP,
};

use crate::java_record;
use crate::java_time::{SimpleDateFormat, Zone};
use crate::regex_router::no_topic;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(TimestampRouter::new(context)?)) };
    Plugin::new(
        "org.apache.kafka.connect.transforms.TimestampRouter",
        crate::KAFKA_VERSION,
        "Makes the topic from a format, the topic so far and the record's timestamp.",
        Make::Transform(new),
    )
    .aliases(&["TimestampRouter"])
    .wanting_source()
    .config(definition())
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![
        ConfigKey::new(
            "topic.format",
            ConfigType::String,
            "New name; ${topic} and ${timestamp} stand for what they say.",
        )
        .default("${topic}-${timestamp}")
        .importance(Importance::High),
        ConfigKey::new(
            "timestamp.format",
            ConfigType::String,
            "Form of the timestamp, a SimpleDateFormat pattern; UTC.",
        )
        .default("yyyyMMdd")
        .importance(Importance::High),
    ])
}

struct TimestampRouter {
    topic_format: String,
    /// Connect looks at the pattern no earlier than when a record needs it.
    timestamp_format: std::result::Result<SimpleDateFormat, String>,
    step_ms: i64,
    last: Route,
    timestamp: Vec<u8>,
    /// The last step of each topic of the batch.
    steps: PerTopic<Step>,
}

/// Timestamps that give the same topic.
#[derive(Clone, Copy)]
struct Step {
    from_ms: i64,
    /// Not part of it.
    to_ms: i64,
    routed: u32,
}

/// What the last record got. Most records share a topic and the time that the format shows.
#[derive(Default)]
struct Route {
    topic: String,
    /// Number of the step of the format in which the timestamp lies.
    step: Option<i64>,
    routed: String,
}

impl TimestampRouter {
    fn new(context: &Context) -> Result<TimestampRouter> {
        let config = definition().parse(&context.config)?;
        // Years are only printed, so no century has to be guessed.
        let timestamp_format = SimpleDateFormat::new(&config.string("timestamp.format"), Zone::Utc, 0);
        Ok(TimestampRouter {
            topic_format: config.string("topic.format"),
            step_ms: timestamp_format.as_ref().map_or(1, SimpleDateFormat::step_ms),
            timestamp_format,
            last: Route::default(),
            timestamp: Vec::new(),
            steps: PerTopic::default(),
        })
    }

    /// Routes the first record of a step.
    fn enter_step(&mut self, record: &mut Record<'_>) -> Result<()> {
        let (topic, epoch_ms) = (record.entry.topic, record.entry.timestamp);
        if epoch_ms == NO_TIMESTAMP {
            return Err(Error::data(format!("Timestamp missing on record: {}", java_record::text(record))));
        }
        let step = epoch_ms.div_euclid(self.step_ms);
        if !record.entry.has_topic() {
            return Err(no_topic());
        }
        if self.last.step != Some(step) || self.last.topic != record.topic() {
            self.route(record.topic(), epoch_ms)?;
        }
        record.set_topic(&self.last.routed)?;
        let from_ms = step.saturating_mul(self.step_ms).max(NO_TIMESTAMP + 1);
        let to_ms = (step + 1).saturating_mul(self.step_ms);
        self.steps.set(record.dict, topic, Step { from_ms, to_ms, routed: record.entry.topic });
        Ok(())
    }

    fn route(&mut self, topic: &str, epoch_ms: i64) -> Result<()> {
        let illegal = |message: &String| Error::data(message.as_str()).class("java.lang.IllegalArgumentException");
        let format = self.timestamp_format.as_ref().map_err(illegal)?;
        self.timestamp.clear();
        format.append(epoch_ms, &mut self.timestamp);
        let timestamp = String::from_utf8_lossy(&self.timestamp);
        // The topic comes first, so what it holds of the format is replaced, too.
        let routed = self.topic_format.replace("${topic}", topic).replace("${timestamp}", &timestamp);
        self.last = Route { topic: topic.to_string(), step: Some(epoch_ms.div_euclid(self.step_ms)), routed };
        Ok(())
    }
}

impl Transform for TimestampRouter {
    #[inline]
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let (topic, epoch_ms) = (record.entry.topic, record.entry.timestamp);
        match self.steps.get(record.dict, topic) {
            Some(Step { from_ms, to_ms, routed })
                if from_ms <= epoch_ms && epoch_ms < to_ms && record.entry.has_topic() =>
            {
                record.entry.topic = routed;
            }
            _ => self.enter_step(record)?,
        }
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::Value;

    use crate::java_time::DAY_MS;
    use crate::trial::Records;

    fn topics(timestamps: &[i64], config: &[(&str, &str)]) -> Vec<String> {
        let mut records = Records::default();
        for ms in timestamps {
            records.add(None, &Value::Null).timestamp(*ms);
        }
        let passed = records.through("transform", "TimestampRouter", config);
        (0..passed.len()).map(|i| passed.topic(i)).collect()
    }

    #[test]
    fn the_topic_changes_where_the_format_does() {
        let days = [0, DAY_MS - 1, DAY_MS, -1, 0];
        assert_eq!(topics(&days, &[]), ["t-19700101", "t-19700101", "t-19700102", "t-19691231", "t-19700101"]);
        let seconds = [("timestamp.format", "HHmmss"), ("topic.format", "${timestamp}")];
        assert_eq!(topics(&[999, 1000, 3_600_000], &seconds), ["000000", "000001", "010000"]);
        let constant = [("timestamp.format", "'x'")];
        assert_eq!(topics(&[0, DAY_MS], &constant), ["t-x", "t-x"]);
    }

    #[test]
    fn a_wrong_pattern_fails_records_not_the_start() {
        let mut records = Records::default();
        records.add(None, &Value::Null).timestamp(0).add(None, &Value::Null);
        let passed = records.through("transform", "TimestampRouter", &[("timestamp.format", "bad b")]);
        let errors = passed.errors();
        assert_eq!(errors[0], (0, "Illegal pattern character 'b'".to_string()));
        assert!(
            errors[1].1.starts_with("Timestamp missing on record: SourceRecord{sourcePartition=null, "),
            "{errors:?}"
        );
    }
}
