//! DropHeaders: removes headers by name.

use berth_guest::{
    put_header, ConfigDef, ConfigKey, ConfigType, Context, Header, Importance, Make, Outcome, Plugin, Record, Result,
    Transform, Validator,
};

use crate::same_headers::SameHeaders;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Transform>> {
        let config = definition().parse(&context.config)?;
        Ok(Box::new(DropHeaders { names: config.list("headers"), last: SameHeaders::default() }))
    };
    Plugin::new(
        "org.apache.kafka.connect.transforms.DropHeaders",
        crate::KAFKA_VERSION,
        "Removes all headers of some names.",
        Make::Transform(new),
    )
    .aliases(&["DropHeaders"])
    .config(definition())
}

fn definition() -> ConfigDef {
    let doc = "Names of the headers to remove; each header of such a name goes.";
    ConfigDef::new(vec![ConfigKey::new("headers", ConfigType::List, doc)
        .importance(Importance::High)
        .validator(Validator::NonEmpty)])
}

struct DropHeaders {
    names: Vec<String>,
    last: SameHeaders,
}

impl Transform for DropHeaders {
    #[inline]
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        if record.entry.header_count > 0 {
            let DropHeaders { names, last } = self;
            last.replace(record, |record| drop_named(names, record))?;
        }
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}

fn drop_named(names: &[String], record: &mut Record<'_>) -> Result<()> {
    let keeps = |header: &Header<'_>| !names.iter().any(|name| name == header.key);
    let headers = record.headers();
    let kept = headers.filter(keeps).count();
    if kept < record.entry.header_count as usize {
        record.set_headers(kept, |out| {
            headers.filter(keeps).for_each(|header| put_header(out, header.key, header.schema, header.value));
            Ok(())
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use berth_guest::Value;

    use crate::trial::{header, Records};

    #[test]
    fn each_record_loses_its_own_headers() {
        let mut records = Records::default();
        let many: Vec<_> = (0..4_000).map(|i| header(["a", "b"][i % 2], Value::Int32(i as i32))).collect();
        records.add(None, &Value::Null).headers(&many);
        records.add(None, &Value::Null);
        records.add(None, &Value::Null).headers(&[header("a", Value::Null), header("c", Value::str("kept"))]);
        records.add(None, &Value::Null).headers(&[header("c", Value::str("kept"))]);
        let mut passed = records.through("transform", "DropHeaders", &[("headers", "a, x")]);
        let left = passed.headers(0);
        assert_eq!(left.len(), 2_000);
        assert!(left.iter().enumerate().all(|(i, h)| *h == header("b", Value::Int32(2 * i as i32 + 1))));
        let kept = [header("c", Value::str("kept"))];
        assert_eq!((passed.headers(1), passed.headers(2), passed.headers(3)), (vec![], kept.to_vec(), kept.to_vec()));
    }
}
