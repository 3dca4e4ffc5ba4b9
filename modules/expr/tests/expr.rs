//! Every option of Expr and ExprPredicate on maps and structs, and what is told when an expression fails.

mod support;

use berth_guest::schema::TIMESTAMP;
use berth_guest::{Schema, Type, Value, NO_TIMESTAMP};
use support::{apply, error, record, run, structured, Given};

fn order() -> Value {
    Value::map([
        ("id", Value::Int64(17)),
        ("amount", Value::Float64(120.5)),
        ("type", Value::str("paid")),
        ("tags", Value::strings(&["a", "b"])),
        ("customer", Value::map([("name", Value::str("Öz")), ("tier", Value::Null)])),
        ("active", Value::Boolean(true)),
        ("raw", Value::Bytes(vec![1, 2])),
        ("note", Value::Null),
    ])
}

fn schema() -> Schema {
    let customer = Schema::new(Type::Struct)
        .named("Customer")
        .field("name", Schema::new(Type::String))
        .field("tier", Schema::new(Type::String).optional());
    Schema::new(Type::Struct)
        .named("Order")
        .versioned(2)
        .field("id", Schema::new(Type::Int32))
        .field("amount", Schema::decimal(2))
        .field("at", Schema::temporal(TIMESTAMP).optional())
        .field("customer", customer.optional())
        .field("tags", Schema::array(Schema::new(Type::String)))
        .field("note", Schema::new(Type::String).optional())
}

fn order_struct() -> Given {
    let customer = Value::Struct(u32::MAX, vec![Value::str("Öz"), Value::Null]);
    let fields = vec![
        Value::Int32(17),
        Value::Decimal(2, vec![0x2F, 0x12]),
        Value::Date(1_700_000_000_123),
        customer,
        Value::strings(&["a", "b"]),
        Value::Null,
    ];
    structured(Value::Struct(u32::MAX, fields), schema())
}

fn passes(filter: &str, given: &Given) -> bool {
    run(&[("filter", filter)], std::slice::from_ref(given)).remove(0).unwrap().is_some()
}

/// What an expression gives, as the value of the record.
fn value_of(expression: &str, given: &Given) -> Value {
    apply(&[("value", expression)], given).value
}

#[test]
fn half_of_a_surrogate_pair_is_a_text() {
    let half = || Value::utf16(&[0xD800, 'x' as u16]);
    let given = record(Value::Map(vec![(Value::str("a"), half()), (half(), Value::Int64(1))]));
    assert_eq!(value_of("value.a", &given), half());
    assert_eq!(value_of("value", &given), given.value);
    assert_eq!(value_of("value.a + 'y'", &given), Value::str("\u{FFFD}xy"));
    assert!(passes("value.a.startsWith('\u{FFFD}')", &given));
}

#[test]
fn filters_on_all_that_a_record_has() {
    let cases = [
        ("value.amount > 100.0", true),
        ("value.amount > 100", true),
        ("100 < value.amount", true),
        ("value.amount > 120.5", false),
        ("value.type == 'paid' && value.id % 2 == 1", true),
        ("value.type in ['new', 'paid']", true),
        ("'c' in value.tags", false),
        ("value.tags == ['a', 'b']", true),
        ("['a', 'b'] == value.tags", true),
        ("value.tags in [['a', 'b']]", true),
        ("[value.tags] == [['a', 'b']]", true),
        ("{'name': 'Öz', 'tier': null} == value.customer", true),
        ("value.customer != {'name': 'Öz'}", true),
        ("[['a', 'b']].exists(x, x == value.tags)", true),
        ("value.tags.exists(t, t == 'b')", true),
        ("value.tags.all(value, value == 'b')", false),
        ("value.tags.map(t, t + '!').join(',') == 'a!,b!'", true),
        ("value.tags + ['c'] == ['a', 'b', 'c'] && size(value.tags) == 2", true),
        ("['z'] + value.tags == ['z', 'a', 'b']", true),
        ("value.tags[1] == 'b' && value.tags[value.id - 16] == 'b'", true),
        ("has(value.customer.name) && !has(value.customer.street) && !has(value.x.y)", true),
        ("has(value.note) && value.note == null", true),
        ("value.customer['name'].lower() == 'öz' && value['customer'].name.upper() == 'ÖZ'", true),
        ("value.customer.exists(k, k == 'tier')", true),
        ("type(value) == map && type(value.tags) == list", true),
        ("value.?missing.orValue(3) == 3 && value.?id.orValue(3) == 17", true),
        ("value.raw == b'\\x01\\x02'", true),
        ("topic == 'orders' && partition == 3 && offset == 42", true),
        ("timestamp == timestamp('2023-11-14T22:13:20Z') && timestamp.getFullYear() == 2023", true),
        ("timestamp - duration('1h') < timestamp", true),
        ("key == 'k1' && headers.trace == 't-1' && headers['n'] == 7", true),
        ("has(headers.trace) && !has(headers.other) && 'n' in headers && size(headers) == 2", true),
        ("topic.matches('^ord') && topic.startsWith('o')", true),
    ];
    for (filter, want) in cases {
        assert_eq!(passes(filter, &record(order())), want, "{filter}");
    }
}

#[test]
fn structs_are_maps_with_logical_types() {
    let cases = [
        ("value.amount == 120.5", true),
        ("string(value.amount) == '120.50'", true),
        ("value.at == timestamp('2023-11-14T22:13:20.123Z')", true),
        ("value.at.format('%Y/%m/%d %H') == '2023/11/14 22'", true),
        ("millis(value.at) == 1700000000123 && fromMillis(1700000000123) == value.at", true),
        ("has(value.customer.name) && !has(value.customer.tier) && !has(value.nothing)", true),
        ("value.customer == {'name': 'Öz', 'tier': null}", true),
        ("'name' in value.customer && !('x' in value.customer)", true),
        ("value.tags.filter(t, t > 'a') == ['b']", true),
        ("coalesce(value.note, value.missing, value.customer.name) == 'Öz'", true),
        ("value.id + 1 == 18 && value.id * 1.5 == 25.5", false),
    ];
    for (filter, want) in &cases[..cases.len() - 1] {
        assert_eq!(passes(filter, &order_struct()), *want, "{filter}");
    }
    let error = error(&[("filter", cases[cases.len() - 1].0)], &order_struct());
    assert!(error.contains("convert with int(), double()"), "{error}");
}

#[test]
fn a_filter_that_fails_does_what_was_asked_for() {
    let given = [record(order())];
    let filter = ("filter", "value.missing > 1");
    assert!(run(&[filter], &given)[0].is_err());
    assert!(run(&[filter, ("filter.on.error", "fail")], &given)[0].is_err());
    assert_eq!(run(&[filter, ("filter.on.error", "drop")], &given)[0], Ok(None));
    let kept = run(&[filter, ("filter.on.error", "keep"), ("topic", "'t'")], &given).remove(0).unwrap().unwrap();
    assert_eq!(kept.topic, "t");
    assert!(error(&[filter, ("filter.on.error", "skip")], &given[0]).contains("one of: fail, drop, keep"));
}

#[test]
fn metadata_is_set() {
    let given = record(order());
    assert_eq!(apply(&[("topic", "topic + '-' + value.type")], &given).topic, "orders-paid");
    assert_eq!(apply(&[("partition", "value.id % 4")], &given).partition, 1);
    assert_eq!(apply(&[("partition", "null")], &given).partition, -1);
    assert_eq!(apply(&[("timestamp", "1234")], &given).timestamp, 1234);
    assert_eq!(apply(&[("timestamp", "timestamp + duration('1s')")], &given).timestamp, 1_700_000_001_000);
    assert_eq!(apply(&[("timestamp", "value.note")], &given).timestamp, NO_TIMESTAMP);
    for (key, expression, want) in [
        ("topic", "value.id", "a topic is a text"),
        ("topic", "'a b'", "\"a b\" is no name of a topic"),
        ("topic", "''", "is no name of a topic"),
        ("partition", "-1", "-1 is no partition"),
        ("partition", "'1'", "convert it with int()"),
        ("partition", "9999999999", "9999999999 is no partition"),
        ("timestamp", "-1", "before 1970"),
        ("timestamp", "'x'", "not timestamp or int"),
    ] {
        let error = error(&[(key, expression)], &given);
        assert!(error.contains(want) && error.contains(expression), "{error}");
    }
}

#[test]
fn headers_are_set_replaced_and_removed() {
    let given = record(order());
    let config = [
        ("headers.trace", "null"),
        ("headers.n", "headers.n + 1"),
        ("headers.a.b", "value.type"),
        ("headers.at", "timestamp"),
        ("headers.tags", "value.tags"),
        ("headers.mixed", "[1, 'a']"),
    ];
    let headers = apply(&config, &given).headers;
    let want = [
        ("n", Value::Int64(8), Some(Schema::new(Type::Int64))),
        ("a.b", Value::str("paid"), Some(Schema::new(Type::String))),
        ("at", Value::Date(1_700_000_000_000), Some(Schema::temporal(TIMESTAMP))),
        ("tags", Value::strings(&["a", "b"]), Some(Schema::array(Schema::new(Type::String).optional()))),
        ("mixed", Value::Array(vec![Value::Int64(1), Value::str("a")]), None),
    ];
    let want: Vec<_> = want.into_iter().map(|(name, value, schema)| (name.to_string(), value, schema)).collect();
    assert_eq!(headers, want);
}

#[test]
fn key_and_value_are_made_as_they_are_spelt() {
    let made = value_of("{'z': value.id, 'a': [value.customer, {'t': topic}], 'n': null}", &order_struct());
    let customer = Value::map([("name", Value::str("Öz")), ("tier", Value::Null)]);
    let want = Value::map([
        ("z", Value::Int32(17)),
        ("a", Value::Array(vec![customer, Value::map([("t", Value::str("orders"))])])),
        ("n", Value::Null),
    ]);
    assert_eq!(made, want);
    let cases = [
        ("value.amount", Value::Float64(120.5)),
        ("value.at", Value::Int64(1_700_000_000_123)),
        ("timestamp", Value::Int64(1_700_000_000_000)),
        ("duration('90s')", Value::str("90s")),
        ("duration('1500ms')", Value::str("1.5s")),
        ("5u", Value::Int64(5)),
        ("b'ab'", Value::Bytes(b"ab".to_vec())),
        ("true ? value.tags : []", Value::strings(&["a", "b"])),
        ("value.?none", Value::Null),
        ("value.?id", Value::Int64(17)),
        ("parseJson('{\"b\":[1,2.5,null],\"a\":true}').b", {
            Value::Array(vec![Value::Int64(1), Value::Float64(2.5), Value::Null])
        }),
        ("toJson({'b': value.tags, 'a': 1.5, 1: null})", Value::str("{\"1\":null,\"a\":1.5,\"b\":[\"a\",\"b\"]}")),
        ("sha256('abc')", Value::str("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
        ("md5(b'abc')", Value::str("900150983cd24fb0d6963f7d28e17f72")),
        ("'a,b'.split(',')", Value::strings(&["a", "b"])),
        ("'aXb'.replace('X', '-')", Value::str("a-b")),
        ("base64.encode(b'ab')", Value::str("YWI=")),
    ];
    for (expression, want) in cases {
        assert_eq!(value_of(expression, &order_struct()), want, "{expression}");
    }
    let keyed = apply(&[("key", "value.id")], &order_struct());
    assert_eq!((keyed.key, keyed.key_schema, keyed.value_schema), (Value::Int32(17), None, Some(schema())));
    for (expression, want) in [
        ("18446744073709551615u", "can't be stored"),
        ("type(value)", "can't be stored"),
        ("{'a': 1, 'a': 2}", "repeated key"),
    ] {
        let error = error(&[("value", expression)], &order_struct());
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn fields_of_maps_are_set_and_removed() {
    let config = [
        ("set.total", "value.amount * 2.0"),
        ("set.customer.tier", "'gold'"),
        ("set.new.deep", "value.id"),
        ("set.type", "value.type.upper()"),
        ("remove", "tags, customer.name,raw,missing.x,active,note"),
    ];
    let want = Value::map([
        ("id", Value::Int64(17)),
        ("amount", Value::Float64(120.5)),
        ("type", Value::str("PAID")),
        ("customer", Value::map([("tier", Value::str("gold"))])),
        ("total", Value::Float64(241.0)),
        ("new", Value::map([("deep", Value::Int64(17))])),
    ]);
    assert_eq!(apply(&config, &record(order())).value, want);
    assert_eq!(apply(&config, &record(Value::Null)).value, Value::Null);
}

#[test]
fn fields_of_structs_keep_their_schema_where_they_can() {
    let config = [
        ("set.id", "value.id + 1"),
        ("set.amount", "value.amount * 2.0"),
        ("set.customer.tier", "value.customer.name"),
        ("set.copy", "value.amount"),
        ("set.seen", "timestamp"),
        ("set.small", "5"),
        ("set.small.type", "int8"),
        ("set.list", "[1, 2]"),
        ("set.counts", "{'b': 1, 'a': 2}"),
        ("remove", "tags,note"),
    ];
    let got = apply(&config, &order_struct());
    let customer = schema().fields[3].schema.clone();
    let mut want = Schema { fields: Vec::new(), ..schema() }
        .field("id", Schema::new(Type::Int32))
        .field("amount", Schema::new(Type::Float64).optional())
        .field("at", Schema::temporal(TIMESTAMP).optional())
        .field("customer", (*customer).clone())
        .field("copy", Schema::decimal(2).optional())
        .field("seen", Schema::temporal(TIMESTAMP).optional())
        .field("small", Schema::new(Type::Int8).optional())
        .field("list", Schema::array(Schema::new(Type::Int64).optional()).optional())
        .field("counts", Schema::map(Schema::new(Type::String), Schema::new(Type::Int64).optional()).optional());
    want.doc = None;
    assert_eq!(got.value_schema.unwrap(), want);
    let fields = vec![
        Value::Int32(18),
        Value::Float64(241.0),
        Value::Date(1_700_000_000_123),
        Value::Struct(u32::MAX, vec![Value::str("Öz"), Value::str("Öz")]),
        Value::Decimal(2, vec![0x2F, 0x12]),
        Value::Date(1_700_000_000_000),
        Value::Int8(5),
        Value::Array(vec![Value::Int64(1), Value::Int64(2)]),
        Value::map([("a", Value::Int64(2)), ("b", Value::Int64(1))]),
    ];
    assert_eq!(got.value, Value::Struct(u32::MAX, fields));
}

#[test]
fn a_new_field_gets_its_type_from_the_first_value() {
    let empty = order_struct();
    let mut full = order_struct();
    if let Value::Struct(_, fields) = &mut full.value {
        fields[5] = Value::str("7");
    }
    let config = [("set.n", "value.note == null ? null : int(value.note)")];
    let became = run(&config, &[empty.clone(), full, empty]);
    let schema_of = |i: usize| became[i].as_ref().unwrap().as_ref().unwrap().value_schema.clone().unwrap();
    assert_eq!(schema_of(0).index_of("n"), None);
    assert_eq!(*schema_of(1).fields[6].schema, Schema::new(Type::Int64).optional());
    assert_eq!(schema_of(2), schema_of(1));
    let last = became[2].as_ref().unwrap().as_ref().unwrap();
    assert!(matches!(&last.value, Value::Struct(_, fields) if fields[6] == Value::Null));
}

#[test]
fn values_that_do_not_fit_are_refused() {
    for (config, want) in [
        (vec![("set.id", "value.id * 1000000000")], "17000000000 does not fit the field's type INT32"),
        (vec![("set.x", "300"), ("set.x.type", "int8")], "300 does not fit the field's type INT8"),
        (vec![("set.x", "'a'"), ("set.x.type", "int8")], "a value of type string where Schema{INT8} is needed"),
        (vec![("set.x", "[]")], "tells no schema"),
        (vec![("set.x", "[1, 'a']")], "Schema{INT64} and Schema{STRING} in one list or map"),
        (vec![("set.id", "value.note")], "null for a field that requires a value"),
        (vec![("set.tags.x", "1")], "value.tags"),
        (vec![("set.none.x", "1")], "value.none"),
    ] {
        let error = error(&config, &order_struct());
        assert!(error.contains(want) && error.starts_with(config[0].0), "{error}");
    }
}

#[test]
fn errors_name_key_expression_field_and_remedy() {
    for (expression, want) in [
        (
            "value.amont > 1",
            "filter: value.amont has no value: value has no field amont; it has id, amount, type, tags, customer, \
             active, raw, note; test for it with has(value.amont), or give a default with coalesce(value.amont, …). \
             Expression: value.amont > 1 [field amont]",
        ),
        ("value.customer.tier.x == 1", "value.customer.tier is null, it has no fields; test for it with has("),
        ("value.tags[5] == 'x'", "value.tags[5] has no value: value.tags has 2 items"),
        ("headers.other == 'x'", "headers.other has no value: the record has no header other"),
        ("value.type > 1", "found no matching overload for '_>_' applied to '(string, int)'; convert with int()"),
        ("value.id / 0 == 1", "Division by zero of Int(17); test the divisor first"),
        ("value.id", "filter: it gives a value of type int, not bool"),
        ("parseJson(value.type).x == 1", "no JSON text"),
        ("timestamp.format('%Q') == ''", "is no pattern of strftime"),
    ] {
        let error = error(&[("filter", expression)], &record(order()));
        assert!(error.contains(want) && error.contains(expression), "{error}");
    }
    let raw = Given { value: Value::Bytes(b"{}".to_vec()), ..record(Value::Null) };
    assert!(error(&[("filter", "value.id > 1")], &raw).contains("use a converter that reads it, or parseJson(value)"));
    assert!(error(&[("set.x", "1")], &raw).starts_with("set.x: value is bytes, only maps and structs have fields"));
    assert!(error(&[("remove", "x")], &raw).starts_with("remove: value is bytes"));
}

#[test]
fn wrong_configurations_are_refused() {
    for (config, want) in [
        (vec![("filter", "value.a >")], "Invalid value value.a > for configuration filter: line 1, column 10:"),
        (vec![("headers.h", "valu")], "configuration headers.h: line 1, column 1: no variable is named valu"),
        (vec![("set.a", "1"), ("set.a.b", "1")], "configuration set.a.b: a is set or removed already"),
        (vec![("set.a", "1"), ("remove", "a")], "configuration set.a: a is set or removed already"),
        (vec![("remove", "a,a.b")], "configuration remove: "),
        (vec![("set.a", "1"), ("set.a.type", "int")], "no type is named int; there are boolean, int8"),
        (vec![("set.a", "1"), ("value", "1")], "configuration set.a: value replaces all fields"),
        (vec![("value", "1"), ("remove", "a")], "configuration remove: value replaces all fields"),
        (vec![], "Expr does nothing: set filter,"),
    ] {
        let error = error(&config, &record(order()));
        assert!(error.contains(want), "{error}");
    }
    // Without set.a, set.a.type is a field named type.
    let set = apply(&[("set.a.type", "'int8'")], &record(Value::map([])));
    assert_eq!(set.value, Value::map([("a", Value::map([("type", Value::str("int8"))]))]));
}
