use super::*;

fn samples() -> Vec<Value> {
    vec![
        Value::Null,
        Value::Int8(-1),
        Value::Int64(i64::MIN),
        Value::Float64(-0.5),
        Value::Boolean(true),
        Value::str("grüße"),
        Value::Decimal(2, vec![1, 44]),
        Value::BigInt(vec![0, 255]),
        Value::Object("java.util.UUID".into(), "é".into()),
        Value::Array(vec![]),
        Value::Map(vec![(Value::str("a"), Value::Null), (Value::Int32(7), Value::Array(vec![Value::Int16(3)]))]),
        Value::Struct(NONE, vec![Value::str(""), Value::Date(5)]),
    ]
}

#[test]
fn every_value_survives_the_round_trip() {
    for v in samples() {
        assert_eq!(Value::decode_body(&v.to_body()).unwrap(), v);
    }
}

#[test]
fn no_truncated_or_flipped_value_traps() {
    for v in samples() {
        let body = v.to_body();
        for cut in 0..body.len() {
            let _ = Value::decode_body(&body[..cut]);
        }
        for at in 0..body.len() {
            for bit in 0..8 {
                let mut bad = body.clone();
                bad[at] ^= 1 << bit;
                let _ = Value::decode_body(&bad);
                if let Some(value) = ValueRef::of_item(&bad) {
                    value.items().for_each(drop);
                    value.entries().for_each(drop);
                }
            }
        }
    }
}

#[test]
fn malformed_containers_are_refused() {
    let gap = [11, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
    assert!(Value::decode_body(&gap).is_err());
    let mut deep = Value::Null;
    for _ in 0..=limits::DEPTH {
        deep = Value::Array(vec![deep]);
    }
    assert!(Value::decode_body(&deep.to_body()).is_err());
    assert!(Value::decode_body(&[16, 0, 1]).is_err());
    assert!(Value::decode_body(&[8, 2]).is_err());
}

#[test]
fn map_lookup_finds_the_string_key() {
    let body = Value::map([("a", Value::Int32(1)), ("b", Value::str("x"))]).to_body();
    let map = ValueRef::of_item(&body).unwrap();
    assert_eq!(map.get("b").unwrap().str(), Some("x"));
    assert!(map.get("c").is_none());
    assert_eq!(map.len(), 2);
}

#[test]
fn utf8_is_what_the_standard_library_calls_so() {
    let ascii = "0123456789abcdef".repeat(3);
    for text in ["", "a", "\u{7f}", "ü", "日本語", &ascii] {
        assert!(is_utf8(text.as_bytes()), "{text}");
    }
    for at in 0..ascii.len() {
        let mut bytes = ascii.clone().into_bytes();
        bytes[at] = 0x80;
        assert!(!is_utf8(&bytes), "{at}");
        bytes.splice(at..=at, "é".bytes());
        assert!(is_utf8(&bytes), "{at}");
    }
}
