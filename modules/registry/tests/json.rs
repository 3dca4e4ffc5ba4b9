//! JsonSchemaConverter: both ways, on a registry in memory.

mod support;

use berth_guest::schema::{DATE, TIMESTAMP};
use berth_guest::{Schema, Type, Value, NONE};
use support::{batch, convert, framed, refusal, register, registered, there_and_back};

const JSON: &str = "io.confluent.connect.json.JsonSchemaConverter";

fn plain(kind: Type) -> Schema {
    Schema::new(kind)
}

#[test]
fn values_come_back_with_their_schemas() {
    let cases: Vec<(Schema, Value, &str)> = vec![
        (plain(Type::Int8), Value::Int8(-8), "-8"),
        (plain(Type::Int64), Value::Int64(i64::MIN), "-9223372036854775808"),
        (plain(Type::Float32), Value::Float32(1.5), "1.5"),
        (plain(Type::Float64), Value::Float64(3.0), "3.0"),
        (plain(Type::Float64), Value::Float64(f64::INFINITY), r#""Infinity""#),
        (plain(Type::Boolean), Value::Boolean(true), "true"),
        (plain(Type::String), Value::str("a\"é\n"), r#""a\"é\n""#),
        (plain(Type::Bytes), Value::Bytes(vec![0, 255]), r#""AP8=""#),
        (Schema::decimal(2), Value::Decimal(2, vec![0xF8, 0x31]), r#""+DE=""#),
        (Schema::temporal(DATE), Value::Date(86_400_000), "1"),
        (Schema::temporal(TIMESTAMP), Value::Date(-5), "-5"),
        (plain(Type::String).optional(), Value::str("x"), r#""x""#),
        (Schema::array(plain(Type::Int32).optional()), Value::Array(vec![Value::Int32(1), Value::Null]), "[1,null]"),
        (
            Schema::map(plain(Type::String), plain(Type::Int64)),
            Value::Map(vec![(Value::str("a"), Value::Int64(1))]),
            r#"{"a":1}"#,
        ),
        (
            Schema::map(plain(Type::Int32), plain(Type::String)),
            Value::Map(vec![(Value::Int32(7), Value::str("seven"))]),
            r#"[{"key":7,"value":"seven"}]"#,
        ),
        (
            plain(Type::Struct)
                .named("shop.Order")
                .versioned(3)
                .field("z", plain(Type::Int32))
                .field("a", Schema { default: Some(Value::str("d")), ..plain(Type::String).optional() }),
            Value::Struct(NONE, vec![Value::Int32(1), Value::str("x")]),
            r#"{"z":1,"a":"x"}"#,
        ),
    ];
    for (schema, value, text) in cases {
        let ((got, back), bytes) = there_and_back(JSON, &[], &schema, value.clone());
        assert_eq!(std::str::from_utf8(&bytes[5..]).unwrap(), text);
        assert_eq!((got.as_ref(), &back), (Some(&schema), &value));
    }
    let numeric = [("decimal.format", "NUMERIC")];
    let (_, bytes) = there_and_back(JSON, &numeric, &Schema::decimal(2), Value::Decimal(2, vec![0xF8, 0x31]));
    assert_eq!(&bytes[5..], b"-19.99");
}

#[test]
fn the_text_that_is_registered_is_the_one_of_other_clients() {
    let schema =
        plain(Type::Struct).named("R").field("id", plain(Type::Int32)).field("note", plain(Type::String).optional());
    let _ = there_and_back(JSON, &[], &schema, Value::Struct(NONE, vec![Value::Int32(1), Value::Null]));
    assert_eq!(
        registered(),
        concat!(
            r#"{"type":"object","properties":{"id":{"type":"integer","connect.type":"int32","connect.index":0},"#,
            r#""note":{"oneOf":[{"type":"null"},{"type":"string"}],"connect.index":1}},"title":"R"}"#
        )
    );
}

#[test]
fn what_others_wrote_is_read() {
    let cases = [
        (r#"{"type":["null","string"]}"#, "null", Value::Null),
        (r#"{"type":"integer"}"#, "7", Value::Int64(7)),
        (
            r##"{"type":"object","properties":{"p":{"$ref":"#/definitions/P"}},"definitions":{"P":{"type":"number"}}}"##,
            r#"{"p":1.25,"more":true}"#,
            Value::Struct(NONE, vec![Value::Float64(1.25)]),
        ),
        (
            r#"{"oneOf":[{"type":"integer"},{"type":"string"}]}"#,
            r#""x""#,
            Value::Struct(NONE, vec![Value::Null, Value::str("x")]),
        ),
        (
            r#"{"type":"object","additionalProperties":{"type":"boolean"}}"#,
            r#"{"a":true}"#,
            Value::Map(vec![(Value::str("a"), Value::Boolean(true))]),
        ),
    ];
    for (text, payload, want) in cases {
        let id = register("JSON", text);
        let (read, failures) = convert(JSON, false, &[], batch(&[(None, framed(id, payload))]));
        assert!(failures.is_empty(), "{text}: {failures:?}");
        assert_eq!(read[0].1, want, "{text}");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let cases = [
        (r#"{"type":"integer"}"#, "{", "there is no JSON"),
        (r#"{"type":"integer","connect.type":"int8"}"#, "300", "300 stands where the JSON Schema wants INT8"),
        (r#"{"type":"object","properties":{"a":{"type":"string"}}}"#, r#"{"a":1}"#, "property a: 1 stands where"),
        (r#"{"type":"object"}"#, "{}", "neither properties nor a type"),
        (r##"{"type":"object","properties":{"a":{"$ref":"#"}}}"##, "{}", "it contains itself"),
        (r##"{"$ref":"other.json#/a"}"##, "{}", "other.json#/a is not among its references"),
        (r#"{"type":"array"}"#, "[]", "does not say what is in it"),
    ];
    for (text, payload, want) in cases {
        let id = register("JSON", text);
        let failure = refusal(JSON, false, &[], batch(&[(None, framed(id, payload))]));
        assert!(failure.error.message.contains(want), "{want}: {}", failure.error);
    }
}

#[test]
fn values_are_compared_with_their_schema() {
    let order = r#"{"type":"object","required":["id"],"properties":{"id":{"type":"integer","minimum":1},
        "lines":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string","pattern":"^[A-Z]+$"}}}},
        "kind":{"oneOf":[{"type":"null"},{"type":"string","maxLength":3}]}}}"#;
    let cases = [
        (r#"{"id":1,"lines":[{"sku":"A"}],"kind":"abc"}"#, "", ""),
        (r#"{"id":0}"#, "the value at '/id' does not fit the JSON Schema: must be >=1, but got 0", "id"),
        (r#"{"id":1,"lines":[{"sku":"A"},{"sku":"b"}]}"#, "at '/lines/1/sku' does not fit", "lines[1].sku"),
        (r#"{"id":1,"kind":"long"}"#, "at '/kind' does not fit", "kind"),
        ("{}", "at '' does not fit the JSON Schema: missing properties 'id'", ""),
    ];
    let id = register("JSON", order);
    for (payload, want, field) in cases {
        let given = || batch(&[(None, framed(id, payload))]);
        let (_, failures) = convert(JSON, false, &[], given());
        assert!(failures.is_empty(), "not asked for: {failures:?}");
        let (_, failures) = convert(JSON, false, &[("json.fail.invalid.schema", "true")], given());
        let (message, at) = failures.first().map_or((String::new(), ""), |f| (f.error.message.clone(), &f.error.field));
        assert!(message.contains(want) && message.is_empty() == want.is_empty(), "{payload}: {message}");
        assert_eq!(at, field, "{payload}");
    }
    let written = plain(Type::Struct).field("id", plain(Type::Int32));
    let id =
        register("JSON", r#"{"type":"object","properties":{"id":{"type":"integer","minimum":1}},"required":["id"]}"#);
    let config =
        [("auto.register.schemas", "false"), ("use.schema.id", &*id.to_string()), ("json.fail.invalid.schema", "true")];
    let value = |id| batch(&[(Some(&written), Value::Struct(NONE, vec![Value::Int32(id)]))]);
    let (_, failures) = convert(JSON, true, &config, value(1));
    assert!(failures.is_empty(), "{failures:?}");
    assert!(refusal(JSON, true, &config, value(-1)).error.message.contains("at '/id'"));
}

#[test]
fn the_newest_schema_must_be_able_to_read() {
    let config = [("auto.register.schemas", "false"), ("use.latest.version", "true")];
    register("JSON", r#"{"type":"object","properties":{"a":{"type":"integer","connect.index":0}}}"#);
    let schema = plain(Type::Struct).field("a", plain(Type::Int32));
    let (_, bytes) = there_and_back(JSON, &config, &schema, Value::Struct(NONE, vec![Value::Int32(1)]));
    assert_eq!(&bytes[5..], br#"{"a":1}"#);
    let other = plain(Type::Struct).field("b", plain(Type::Int32));
    let failure = refusal(JSON, true, &config, batch(&[(Some(&other), Value::Struct(NONE, vec![Value::Int32(1)]))]));
    assert!(failure.error.message.contains("property a is missing"), "{}", failure.error);
}

#[test]
fn half_a_surrogate_pair_is_an_escape() {
    let half = || Value::utf16(&[0xD800, 'ä' as u16]);
    let text = || Schema::new(Type::String);
    let schema = Schema::new(Type::Struct).named("Row").field("s", text()).field("m", Schema::map(text(), text()));
    let value = Value::Struct(NONE, vec![half(), Value::Map(vec![(half(), half())])]);
    let (written, failures) = convert(JSON, true, &[], batch(&[(Some(&schema), value)]));
    assert!(failures.is_empty(), "{failures:?}");
    let Value::Raw(bytes) = &written[0].1 else { panic!("{written:?}") };
    let json = String::from_utf8_lossy(&bytes[5..]);
    assert_eq!(json, r#"{"s":"\uD800ä","m":{"\uD800ä":"\uD800ä"}}"#);
}
