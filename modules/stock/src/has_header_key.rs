//! HasHeaderKey: a predicate on the names of headers.

use berth_guest::{ConfigDef, ConfigKey, ConfigType, Context, Make, Plugin, Predicate, Record, Result, Validator};

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Predicate>> {
        let config = definition().parse(&context.config)?;
        Ok(Box::new(HasHeaderKey { name: config.string("name") }))
    };
    Plugin::new(
        "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
        crate::KAFKA_VERSION,
        "True for records with at least one header of a name.",
        Make::Predicate(new),
    )
    .aliases(&["HasHeaderKey"])
    .config(definition())
}

fn definition() -> ConfigDef {
    ConfigDef::new(vec![
        ConfigKey::new("name", ConfigType::String, "Name that a header must have.").validator(Validator::NonEmpty)
    ])
}

struct HasHeaderKey {
    name: String,
}

impl Predicate for HasHeaderKey {
    fn test(&mut self, record: &mut Record<'_>) -> Result<bool> {
        Ok(record.headers().any(|header| header.key == self.name))
    }

    fn takes_apart(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::Value;

    use crate::trial::{header, Records};

    #[test]
    fn each_record_is_asked_for_its_own_headers() {
        let mut records = Records::default();
        records.add(None, &Value::Null);
        records.add(None, &Value::Null).headers(&[header("a", Value::Int8(1)), header("b", Value::Null)]);
        records.add(None, &Value::Null).headers(&[header("ab", Value::Int8(1))]);
        let said = records.through("predicate", "HasHeaderKey", &[("name", "b")]).said();
        assert_eq!(said, [false, true, false]);
    }
}
