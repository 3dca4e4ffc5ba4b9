//! Texts with half a surrogate pair are written as Java's serializers write them.

mod support;

use berth_guest::{Schema, Type, Value, NONE};
use support::{batch, convert, there_and_back};

fn half() -> Value {
    Value::utf16(&[0xD800, 'ä' as u16])
}

fn row() -> (Schema, Value) {
    let text = || Schema::new(Type::String);
    let schema = Schema::new(Type::Struct).named("Row").field("s", text()).field("m", Schema::map(text(), text()));
    (schema, Value::Struct(NONE, vec![half(), Value::Map(vec![(half(), half())])]))
}

#[test]
fn utf_8_has_a_question_mark() {
    let (schema, value) = row();
    let text = || Value::str("?ä");
    for class in ["io.confluent.connect.avro.AvroConverter", "io.confluent.connect.protobuf.ProtobufConverter"] {
        let ((_, read), _) = there_and_back(class, &[], &schema, value.clone());
        let Value::Struct(_, fields) = read else { panic!("{class}: {read:?}") };
        assert_eq!(fields, [text(), Value::Map(vec![(text(), text())])], "{class}");
    }
}

#[test]
fn json_has_an_escape() {
    let (schema, value) = row();
    let class = "io.confluent.connect.json.JsonSchemaConverter";
    let (written, failures) = convert(class, true, &[], batch(&[(Some(&schema), value)]));
    assert!(failures.is_empty(), "{failures:?}");
    let Value::Raw(bytes) = &written[0].1 else { panic!("{written:?}") };
    let json = String::from_utf8_lossy(&bytes[5..]);
    assert_eq!(json, r#"{"s":"\uD800ä","m":{"\uD800ä":"\uD800ä"}}"#);
}
