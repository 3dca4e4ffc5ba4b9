//! InsertHeader: adds a header with a fixed value.

use berth_guest::{
    put_header, ConfigDef, ConfigKey, ConfigType, Context, FixedSchema, Importance, Make, Outcome, Plugin, Record,
    Result, Transform, Validator, Value, ValueRef, NONE,
};

use crate::same_headers::SameHeaders;
use crate::values::parse;

pub fn plugin() -> Plugin {
    let new = |context: &Context| -> Result<Box<dyn Transform>> { Ok(Box::new(InsertHeader::new(context)?)) };
    Plugin::new(
        "org.apache.kafka.connect.transforms.InsertHeader",
        crate::KAFKA_VERSION,
        "Adds a header with a fixed value to each record.",
        Make::Transform(new),
    )
    .aliases(&["InsertHeader"])
    .config(definition())
}

fn definition() -> ConfigDef {
    let text = |name, doc| {
        let key = ConfigKey::new(name, ConfigType::String, doc);
        key.importance(Importance::High).validator(Validator::NonNull)
    };
    ConfigDef::new(vec![
        text("header", "Name of the header. Headers of that name that are there already stay."),
        text(
            "value.literal",
            "Value of the header; numbers, booleans, dates, lists and maps are recognised by their form.",
        ),
    ])
}

struct InsertHeader {
    name: String,
    /// `tag u8, payload`.
    value: Vec<u8>,
    schema: Option<FixedSchema>,
    last: SameHeaders,
}

impl InsertHeader {
    fn new(context: &Context) -> Result<InsertHeader> {
        let config = definition().parse(&context.config)?;
        let typed = parse(&config.string("value.literal"));
        Ok(InsertHeader {
            name: config.string("header"),
            value: typed.as_ref().map_or(Value::Null, |typed| typed.value.clone()).to_body(),
            schema: typed.map(|typed| FixedSchema::new(&typed.schema.to_bytes())),
            last: SameHeaders::default(),
        })
    }
}

impl Transform for InsertHeader {
    #[inline]
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Outcome> {
        let InsertHeader { name, value, schema, last } = self;
        last.replace(record, |record| {
            let schema = schema.as_mut().map_or(Ok(NONE), |schema| schema.index(record.dict))?;
            let entry = *record.entry;
            let present = record.memory.bytes(entry.headers_off, entry.headers_len);
            record.set_headers(entry.header_count as usize + 1, |out| {
                out.extend_from_slice(present);
                put_header(out, name, schema, ValueRef::of_item(value).unwrap_or(ValueRef::NULL));
                Ok(())
            })
        })?;
        Ok(Outcome::Keep)
    }

    fn takes_apart(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use berth_guest::{limits, Schema, Type, Value};

    use crate::trial::{header, Records};

    const CONFIG: [(&str, &str); 2] = [("header", "h"), ("value.literal", "[1,2]")];

    #[test]
    fn headers_of_each_batch_name_the_schemas_of_that_batch() {
        let (text, ints) = (Schema::new(Type::String), Schema::array(Schema::new(Type::Int8)));
        let mut first = Records::default();
        first.add(None, &Value::Null);
        first.add(None, &Value::Null).headers(&[header("h", Value::str("stays"))]);
        let mut second = Records::default();
        second.add(Some(&text), &Value::str("takes the first place among the schemas"));
        let passed = Records::all_through(vec![first, second], "transform", "InsertHeader", &CONFIG);
        let added = ("h".to_string(), Some(ints), Value::Array(vec![Value::Int8(1), Value::Int8(2)]));
        for mut batch in passed {
            assert_eq!(batch.headers(0)[..], *std::slice::from_ref(&added));
            if batch.len() > 1 {
                assert_eq!(batch.headers(1), [header("h", Value::str("stays")), added.clone()]);
            }
        }
    }

    #[test]
    fn no_record_gets_more_headers_than_the_abi_can_count() {
        let mut records = Records::default();
        records.add(None, &Value::Null).headers(&vec![header("a", Value::Null); limits::RECORD_HEADERS]);
        records.add(None, &Value::Null).headers(&vec![header("a", Value::Null); limits::RECORD_HEADERS - 1]);
        let mut passed = records.through("transform", "InsertHeader", &CONFIG);
        assert_eq!(passed.headers(0).len(), limits::RECORD_HEADERS);
        assert_eq!(passed.errors(), [(0, "a record with 4097 headers; the limit is 4096".to_string())]);
    }
}
