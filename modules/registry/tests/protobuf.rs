//! ProtobufConverter: both ways, on a registry in memory.

mod support;

use berth_guest::schema::{DATE, TIME, TIMESTAMP};
use berth_guest::{Schema, Type, Value, NONE};
use support::{batch, convert, framed, refusal, register, registered, there_and_back};

const PROTOBUF: &str = "io.confluent.connect.protobuf.ProtobufConverter";

fn plain(kind: Type) -> Schema {
    Schema::new(kind)
}

#[test]
fn values_come_back() {
    let item = plain(Type::Struct).named("shop.Item").field("id", plain(Type::Int64));
    let fields: Vec<(Schema, Value)> = vec![
        (plain(Type::Int8), Value::Int8(-8)),
        (plain(Type::Int16), Value::Int16(300)),
        (plain(Type::Int32), Value::Int32(i32::MIN)),
        (plain(Type::Int64), Value::Int64(i64::MIN)),
        (plain(Type::Float32), Value::Float32(1.5)),
        (plain(Type::Float64), Value::Float64(-0.25)),
        (plain(Type::Boolean), Value::Boolean(true)),
        (plain(Type::String), Value::str("é")),
        (plain(Type::String), Value::str("")),
        (plain(Type::Bytes), Value::Bytes(vec![0, 255])),
        (Schema::decimal(2), Value::Decimal(2, vec![0xF8, 0x31])),
        (Schema::temporal(DATE), Value::Date(-86_400_000)),
        (Schema::temporal(TIME), Value::Date(3_723_004)),
        (Schema::temporal(TIMESTAMP), Value::Date(-1)),
        (Schema::array(plain(Type::Int32)), Value::Array(vec![Value::Int32(1), Value::Int32(-1)])),
        (Schema::array(plain(Type::String)), Value::Array(vec![Value::str("a"), Value::str("")])),
        (Schema::array(item.clone()), Value::Array(vec![Value::Struct(NONE, vec![Value::Int64(1)])])),
        (
            Schema::map(plain(Type::Int32), plain(Type::String)),
            Value::Map(vec![(Value::Int32(7), Value::str("seven"))]),
        ),
        (
            Schema::map(plain(Type::String), item.clone()),
            Value::Map(vec![(Value::str("a"), Value::Struct(NONE, vec![Value::Int64(0)]))]),
        ),
        (item.optional(), Value::Null),
    ];
    let mut schema = plain(Type::Struct).named("shop.Everything");
    let mut values = Vec::new();
    for (i, (of, value)) in fields.into_iter().enumerate() {
        schema = schema.field(&format!("f{i}"), of);
        values.push(value);
    }
    let value = Value::Struct(NONE, values);
    let ((got, back), bytes) = there_and_back(PROTOBUF, &[], &schema, value.clone());
    assert_eq!(back, value, "{}", registered());
    assert_eq!(bytes[5], 0, "the first message");
    // What came back is written as the same message again: numbers are kept.
    let text = registered();
    let ((_, again), same) = there_and_back(PROTOBUF, &[], got.as_ref().unwrap(), back.clone());
    assert_eq!((again, &same[5..]), (back, &bytes[5..]), "{text}\n{}", registered());
}

#[test]
fn the_text_that_is_registered_is_readable() {
    let schema = plain(Type::Struct)
        .named("shop.Order")
        .field("id", plain(Type::Int8))
        .field("at", Schema::temporal(TIMESTAMP))
        .field("note", plain(Type::String).optional());
    let value = Value::Struct(NONE, vec![Value::Int8(1), Value::Date(1000), Value::Null]);
    let config = [("optional.for.nullables", "true")];
    let ((got, back), bytes) = there_and_back(PROTOBUF, &config, &schema, value.clone());
    assert_eq!(bytes[5..], [0, 8, 1, 18, 2, 8, 1]);
    assert_eq!(back, value);
    let got = got.unwrap();
    assert_eq!(
        (got.name(), got.fields[0].schema.kind, got.fields[0].schema.optional),
        (Some("Order"), Type::Int8, false)
    );
    assert_eq!(
        registered(),
        "syntax = \"proto3\";\npackage shop;\n\nimport \"confluent/meta.proto\";\nimport \"google/protobuf/timestamp.proto\";\n\n\
         message Order {\n  int32 id = 1 [(confluent.field_meta) = {params: [{key: \"connect.type\", value: \"int8\"}]}];\n  \
         .google.protobuf.Timestamp at = 2;\n  optional string note = 3;\n}\n"
    );
}

const ORDER: &str = "syntax = \"proto3\"; package p; enum Size { SMALL = 0; LARGE = 1; }
    message First { int32 a = 1; message Inner { sint32 z = 1; } }
    message Order { Size size = 1; repeated int32 n = 2; oneof pay { string card = 3; fixed32 cash = 4; } Inner in = 5;
        message Inner { sint64 z = 1; } optional bool maybe = 6; }";

#[test]
fn what_others_wrote_is_read() {
    let id = register("PROTOBUF", ORDER);
    let order = |size: &str, n: &[i32], pay: Value, inner: Value, maybe: Value| {
        let n = Value::Array(n.iter().map(|n| Value::Int32(*n)).collect());
        Value::Struct(NONE, vec![pay, Value::str(size), n, inner, maybe])
    };
    let cases: [(&[u8], Value); 5] = [
        (&[0, 8, 7], Value::Struct(NONE, vec![Value::Int32(7)])),
        (&[4, 0, 0, 8, 3], Value::Struct(NONE, vec![Value::Int32(-2)])), // First.Inner
        (&[2, 2], order("SMALL", &[], Value::Null, Value::Null, Value::Null)),
        // packed and not, a oneof, a message, an unknown field
        (
            &[2, 2, 8, 1, 18, 2, 1, 2, 16, 3, 37, 9, 0, 0, 0, 42, 2, 8, 3, 48, 0, 120, 1],
            order(
                "LARGE",
                &[1, 2, 3],
                Value::Struct(NONE, vec![Value::Null, Value::Int64(9)]),
                Value::Struct(NONE, vec![Value::Int64(-2)]),
                Value::Boolean(false),
            ),
        ),
        // the last one of a oneof counts
        (
            &[2, 2, 37, 9, 0, 0, 0, 26, 1, b'c'],
            order("SMALL", &[], Value::Struct(NONE, vec![Value::str("c"), Value::Null]), Value::Null, Value::Null),
        ),
    ];
    for (payload, want) in cases {
        let (read, failures) = convert(PROTOBUF, false, &[], batch(&[(None, framed(id, payload))]));
        assert!(failures.is_empty(), "{payload:?}: {failures:?}");
        assert_eq!(read[0].1, want, "{payload:?}");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let id = register("PROTOBUF", ORDER);
    let broken = register("PROTOBUF", "syntax = \"proto3\"; message A { Nope n = 1; }");
    let endless = register("PROTOBUF", "syntax = \"proto3\"; message A { A a = 1; }");
    let cases: [(Value, &str); 7] = [
        (framed(id, []), "no list of message indexes"),
        (framed(id, [2, 18]), "no message [9]"),
        (framed(id, [0, 8]), "1 bytes at byte 1 of 1"),
        (framed(id, [0, 10, 1, 0]), "for Int32"),
        (framed(id, [2, 2, 26, 1, 0xFF]), "a text is not UTF-8"),
        (framed(broken, [0]), "Nope"),
        (framed(endless, [0]), "A contains itself"),
    ];
    for (value, want) in cases {
        let failure = refusal(PROTOBUF, false, &[], batch(&[(None, value)]));
        assert!(failure.error.message.contains(want), "{want}: {}", failure.error);
    }
    let cases: [(Schema, Value, &str); 3] = [
        (plain(Type::String), Value::str("x"), "Protobuf has messages only"),
        (
            plain(Type::Struct).field("a", Schema::array(Schema::array(plain(Type::Int32)))),
            Value::Struct(NONE, vec![Value::Array(vec![])]),
            "no arrays of arrays",
        ),
        (
            plain(Type::Struct).field("a", plain(Type::Int32)),
            Value::Struct(NONE, vec![Value::Null]),
            "field a: Invalid value",
        ),
    ];
    for (schema, value, want) in cases {
        let failure = refusal(PROTOBUF, true, &[], batch(&[(Some(&schema), value)]));
        assert!(failure.error.message.contains(want), "{want}: {}", failure.error);
    }
}

#[test]
fn mutated_bytes_never_trap() {
    let id = register("PROTOBUF", ORDER);
    let sound = [2, 2, 8, 1, 18, 2, 1, 2, 16, 3, 37, 9, 0, 0, 0, 42, 2, 8, 3, 48, 0, 120, 1];
    let (mut inputs, mut seed) = (Vec::new(), 1u64);
    for _ in 0..20_000 {
        let mut bytes = sound.to_vec();
        for _ in 0..3 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let at = 2 + (seed >> 33) as usize % (bytes.len() - 2).max(1);
            match seed >> 62 {
                0 if at < bytes.len() => bytes[at] ^= 1 << (seed >> 20 & 7),
                1 if at < bytes.len() => bytes[at] = (seed >> 12) as u8,
                2 => bytes.truncate(at + 1),
                _ => bytes.insert(at.min(bytes.len()), (seed >> 12) as u8),
            }
        }
        inputs.push((None, framed(id, &bytes)));
    }
    let count = inputs.len();
    let (values, failures) = convert(PROTOBUF, false, &[], batch(&inputs));
    assert_eq!(values.len() + failures.len(), count);
    assert!(values.len() > 100 && failures.len() > 100, "{} read, {} refused", values.len(), failures.len());
}

#[test]
fn half_a_surrogate_pair_is_a_question_mark() {
    let half = || Value::utf16(&[0xD800, 'ä' as u16]);
    let text = || Schema::new(Type::String);
    let schema = Schema::new(Type::Struct).named("Row").field("s", text()).field("m", Schema::map(text(), text()));
    let value = Value::Struct(NONE, vec![half(), Value::Map(vec![(half(), half())])]);
    let ((_, read), _) = there_and_back(PROTOBUF, &[], &schema, value);
    let Value::Struct(_, fields) = read else { panic!("{read:?}") };
    assert_eq!(fields, [Value::str("?ä"), Value::map([("?ä", Value::str("?ä"))])]);
}
