//! AvroConverter: both ways, on a registry in memory.

mod support;

use berth_guest::schema::{DATE, TIME, TIMESTAMP};
use berth_guest::{Kind, Schema, Type, Value, NONE};
use support::{batch, convert, framed, refusal, register, registered, there_and_back, CALLS, SCHEMAS};

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

fn with(mut schema: Schema, change: impl FnOnce(&mut Schema)) -> Schema {
    change(&mut schema);
    schema
}

fn plain(kind: Type) -> Schema {
    Schema::new(kind)
}

#[test]
fn values_come_back_with_their_schemas() {
    let inner = plain(Type::Struct).named("shop.Item").field("id", plain(Type::Int64));
    let cases: Vec<(Schema, Value)> = vec![
        (plain(Type::Int8), Value::Int8(-8)),
        (plain(Type::Int16), Value::Int16(300)),
        (plain(Type::Int32), Value::Int32(i32::MIN)),
        (plain(Type::Int64), Value::Int64(i64::MIN)),
        (plain(Type::Float32), Value::Float32(1.5)),
        (plain(Type::Float64), Value::Float64(-0.25)),
        (plain(Type::Boolean), Value::Boolean(true)),
        (plain(Type::String), Value::str("é")),
        (plain(Type::Bytes), Value::Bytes(vec![0, 255])),
        (Schema::decimal(2), Value::Decimal(2, vec![0xF8, 0x31])),
        (Schema::temporal(DATE), Value::Date(-86_400_000)),
        (Schema::temporal(TIME), Value::Date(3_600_000)),
        (Schema::temporal(TIMESTAMP), Value::Date(1_700_000_000_123)),
        (plain(Type::String).optional(), Value::str("x")),
        (Schema::array(plain(Type::Int32).optional()), Value::Array(vec![Value::Int32(1), Value::Null])),
        (Schema::array(plain(Type::Int32)), Value::Array(vec![])),
        (Schema::map(plain(Type::String), plain(Type::Int64)), Value::Map(vec![(Value::str("a"), Value::Int64(1))])),
        (
            Schema::map(plain(Type::Int32), plain(Type::String)),
            Value::Map(vec![(Value::Int32(7), Value::str("seven"))]),
        ),
        (
            Schema::map(plain(Type::Int32), plain(Type::String)).named("a.Names"),
            Value::Map(vec![(Value::Int32(7), Value::str("seven"))]),
        ),
        (
            with(plain(Type::Bytes).named("a.Hash"), |s| {
                s.parameters = Some(vec![("connect.fixed.size".into(), "2".into())]);
            }),
            Value::Bytes(vec![1, 2]),
        ),
        (
            with(
                plain(Type::Struct)
                    .named("shop.Order")
                    .versioned(3)
                    .field("first", inner.clone())
                    .field("second", inner.clone())
                    .field("maybe", with(plain(Type::Int32).optional(), |s| s.doc = Some("may be".into())))
                    .field("preset", with(plain(Type::String), |s| s.default = Some(Value::str("none")))),
                |s| s.doc = Some("An order.".into()),
            ),
            Value::Struct(
                NONE,
                vec![
                    Value::Struct(NONE, vec![Value::Int64(1)]),
                    Value::Struct(NONE, vec![Value::Int64(2)]),
                    Value::Null,
                    Value::str("given"),
                ],
            ),
        ),
        (plain(Type::Struct).field("a", plain(Type::Int32)), Value::Struct(NONE, vec![Value::Int32(1)])),
    ];
    for (schema, value) in cases {
        let ((got, back), _) = there_and_back(AVRO, &[], &schema, value.clone());
        assert_eq!(back, value, "{}", registered());
        assert_eq!(got.as_ref(), Some(&schema), "{}", registered());
    }
}

#[test]
fn the_text_that_is_registered_is_the_one_of_other_clients() {
    let order = plain(Type::Struct)
        .named("shop.Order")
        .field("id", plain(Type::Int8))
        .field("price", Schema::decimal(2))
        .field("note", plain(Type::String).optional());
    let value = Value::Struct(NONE, vec![Value::Int8(1), Value::Decimal(2, vec![1]), Value::Null]);
    let (_, bytes) = there_and_back(AVRO, &[], &order, value);
    assert_eq!(bytes[5..], [2, 2, 1, 0]);
    assert_eq!(
        registered(),
        r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":{"type":"int","connect.type":"int8"}},{"name":"price","type":{"type":"bytes","scale":2,"precision":64,"connect.version":1,"connect.parameters":{"scale":"2"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}},{"name":"note","type":["null","string"],"default":null}],"connect.name":"shop.Order"}"#
    );
    let _ = there_and_back(
        AVRO,
        &[("connect.meta.data", "false")],
        &plain(Type::Struct).named("R").field("id", plain(Type::Int8)),
        Value::Struct(NONE, vec![Value::Int8(1)]),
    );
    assert_eq!(
        registered(),
        r#"{"type":"record","name":"R","namespace":"","fields":[{"name":"id","type":"int"}]}"#
            .replace(r#","namespace":"""#, "")
    );
}

#[test]
fn what_others_wrote_is_read() {
    let cases: [(&str, &[u8], Value); 8] = [
        (r#"{"type":"enum","name":"E","symbols":["A","B"]}"#, &[2], Value::str("B")),
        (r#"["int","string"]"#, &[2, 2, b'x'], Value::Struct(NONE, vec![Value::Null, Value::str("x")])),
        (r#"["null","int","string"]"#, &[0], Value::Null),
        (r#"["string","null"]"#, &[2], Value::Null),
        // two blocks, the first one with its size
        (
            r#"{"type":"array","items":"int"}"#,
            &[1, 2, 2, 2, 4, 0],
            Value::Array(vec![Value::Int32(1), Value::Int32(2)]),
        ),
        (r#"{"type":"long","logicalType":"timestamp-micros"}"#, &[4], Value::Int64(2)),
        (
            r#"{"type":"fixed","name":"F","size":3,"logicalType":"decimal","precision":5,"scale":1}"#,
            &[0xFF, 0xFF, 0x9C],
            Value::Decimal(1, vec![0x9C]),
        ),
        (r#""bytes""#, &[0], Value::Bytes(vec![])),
    ];
    for (text, payload, want) in cases {
        let id = register("AVRO", text);
        let (read, failures) = convert(AVRO, false, &[], batch(&[(None, framed(id, payload))]));
        assert!(failures.is_empty(), "{text}: {failures:?}");
        assert_eq!(read[0].1, want, "{text}");
    }
}

#[test]
fn enums_survive_with_enhanced_support() {
    let id = register("AVRO", r#"{"type":"enum","name":"a.E","doc":"d","symbols":["A","B"]}"#);
    let config = [("enhanced.avro.schema.support", "true")];
    let (read, _) = convert(AVRO, false, &config, batch(&[(None, framed(id, [2]))]));
    let (schema, value) = &read[0];
    let ((again, back), bytes) = there_and_back(AVRO, &config, schema.as_ref().unwrap(), value.clone());
    assert_eq!((again.as_ref(), &back), (schema.as_ref(), value));
    assert_eq!(bytes[5..], [2]);
    assert!(registered().starts_with(r#"{"type":"enum","name":"E","namespace":"a","doc":"d","symbols":["A","B"]"#));
}

#[test]
fn bad_bytes_are_named() {
    let id = register(
        "AVRO",
        r#"{"type":"record","name":"R","fields":[{"name":"s","type":"string"},{"name":"b","type":"boolean"}]}"#,
    );
    let json = SCHEMAS.with_borrow_mut(|all| {
        all.push(("JSON".into(), "{}".into()));
        all.len() as i32
    });
    let cases: [(Value, &str); 9] = [
        (Value::Raw(b"{}".to_vec()), "byte 0x7B where 0 must stand"),
        (Value::Raw(vec![0, 1]), "ends after 2 bytes"),
        (framed(999, []), "schema 999: no schema"),
        (framed(json, []), "is of type JSON, this converter is for AVRO"),
        (framed(id, [4, b'x']), "at byte 1 of 2: a text of 2 bytes goes beyond the end"),
        (framed(id, [2, 0xFF, 0]), "a text is not UTF-8"),
        (framed(id, [2, b'x', 7]), "7 is no boolean"),
        (framed(id, [2, b'x', 1, 0]), "1 bytes are left over"),
        (framed(id, [0x80; 11]), "a number of more than 10 bytes"),
    ];
    for (value, want) in cases {
        let failure = refusal(AVRO, false, &[], batch(&[(None, value)]));
        assert!(failure.error.message.contains(want), "{want}: {}", failure.error);
        assert_eq!((failure.error.kind, failure.origin), (Kind::Data, 0));
    }
}

#[test]
fn bad_values_are_named() {
    let required = plain(Type::Struct).named("R").field("a", plain(Type::Int32));
    let cases: [(Option<Schema>, Value, &str); 6] = [
        (None, Value::str("x"), "a value without a schema"),
        (
            Some(required.clone()),
            Value::Struct(NONE, vec![Value::Null]),
            "field a: Invalid value: null used for required",
        ),
        (Some(plain(Type::Int32)), Value::str("x"), "a value of class String"),
        (Some(Schema::decimal(2)), Value::Decimal(1, vec![1]), "mismatching scale"),
        (Some(Schema::temporal(DATE)), Value::Date(1), "must be a midnight"),
        (Some(required.named("a-b")), Value::Struct(NONE, vec![Value::Int32(1)]), "scrub.invalid.names=true"),
    ];
    for (schema, value, want) in cases {
        let failure = refusal(AVRO, true, &[], batch(&[(schema.as_ref(), value)]));
        assert!(failure.error.message.contains(want), "{want}: {}", failure.error);
    }
}

#[test]
fn the_newest_schema_is_written_by_name() {
    let config = [("auto.register.schemas", "false"), ("use.latest.version", "true")];
    register(
        "AVRO",
        r#"{"type":"record","name":"R","fields":[{"name":"b","type":["null","string"],"default":null},
            {"name":"n","type":"int","default":7},{"name":"a","type":"long"}]}"#,
    );
    let schema = plain(Type::Struct).named("R").field("a", plain(Type::Int32)).field("b", plain(Type::String));
    let value = Value::Struct(NONE, vec![Value::Int32(1), Value::str("x")]);
    let ((_, back), bytes) = there_and_back(AVRO, &config, &schema, value);
    assert_eq!(bytes[5..], [2, 2, b'x', 14, 2]);
    assert_eq!(back, Value::Struct(NONE, vec![Value::str("x"), Value::Int32(7), Value::Int64(1)]));

    let other = plain(Type::Struct).named("R").field("c", plain(Type::Int32));
    let failure = refusal(AVRO, true, &config, batch(&[(Some(&other), Value::Struct(NONE, vec![Value::Int32(1)]))]));
    assert!(failure.error.message.contains("field a is missing and has no default"), "{}", failure.error);
}

#[test]
fn steady_state_asks_nothing() {
    let schema = plain(Type::Struct).named("R").field("a", plain(Type::Int32));
    let value = |n| (Some(&schema), Value::Struct(NONE, vec![Value::Int32(n)]));
    let many: Vec<_> = (0..100).map(value).collect();
    let (written, _) = convert(AVRO, true, &[], batch(&many));
    let raw: Vec<_> = written.iter().map(|(_, value)| (None, value.clone())).collect();
    let (read, _) = convert(AVRO, false, &[], batch(&raw));
    assert_eq!(read.len(), 100);
    CALLS.with_borrow(|calls| assert_eq!(calls[..], ["register", "schema"]));
}

#[test]
fn mutated_bytes_never_trap() {
    let id = register(
        "AVRO",
        r#"{"type":"record","name":"R","fields":[{"name":"l","type":{"type":"array","items":["null","string","long"]}},
            {"name":"m","type":{"type":"map","values":{"type":"array","items":"null"}}},{"name":"d","type":"double"},
            {"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}}]}"#
            .replace(r#"{"type":"array","items":"null"}"#, r#"{"type":"record","name":"N","fields":[]}"#)
            .as_str(),
    );
    let sound = [4, 2, 2, b'x', 4, 6, 0, 2, 2, b'k', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut inputs = Vec::new();
    let mut seed = 1u64;
    for _ in 0..20_000 {
        let mut bytes = sound.to_vec();
        for _ in 0..3 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let at = (seed >> 33) as usize % bytes.len();
            match seed >> 62 {
                0 => bytes[at] ^= 1 << (seed >> 20 & 7),
                1 => bytes[at] = (seed >> 12) as u8,
                2 => bytes.truncate(at + 1),
                _ => bytes.insert(at, (seed >> 12) as u8),
            }
        }
        inputs.push((None, framed(id, &bytes)));
    }
    let count = inputs.len();
    let (values, failures) = convert(AVRO, false, &[], batch(&inputs));
    assert_eq!(values.len() + failures.len(), count);
    assert!(values.len() > 100 && failures.len() > 100, "{} read, {} refused", values.len(), failures.len());
}

#[test]
fn half_a_surrogate_pair_is_a_question_mark() {
    let half = || Value::utf16(&[0xD800, 'ä' as u16]);
    let text = || Schema::new(Type::String);
    let schema = Schema::new(Type::Struct).named("Row").field("s", text()).field("m", Schema::map(text(), text()));
    let value = Value::Struct(NONE, vec![half(), Value::Map(vec![(half(), half())])]);
    let ((_, read), _) = there_and_back(AVRO, &[], &schema, value);
    let Value::Struct(_, fields) = read else { panic!("{read:?}") };
    assert_eq!(fields, [Value::str("?ä"), Value::map([("?ä", Value::str("?ä"))])]);
}
