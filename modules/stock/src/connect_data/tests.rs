use std::rc::Rc;

use berth_guest::schema::{DATE, TIME, TIMESTAMP};
use berth_guest::{Error, Result, Schema, Type, Value};

use super::equality::{equals, schemas_equal, structs_equal};
use super::logical::{date_from, date_to, decimal_from, decimal_to, time_from, time_to, timestamp};
use super::schema_projector::project;
use super::schema_validation::{validate, Location};
use super::{ConnectHeaders, Object, SchemaBuilder, Struct};

fn schema(kind: Type) -> Rc<Schema> {
    Rc::new(Schema::new(kind))
}

fn text(value: &str) -> Object {
    Object::String(value.into())
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().message
}

fn person() -> Rc<Schema> {
    let age = Schema { default: Some(Value::Int32(7)), ..Schema::new(Type::Int32).optional() };
    Rc::new(Schema::new(Type::Struct).field("name", Schema::new(Type::String)).field("age", age))
}

fn named(name: &str) -> Struct {
    let mut fields = Struct::new(&person()).unwrap();
    fields.put("name", text(name)).unwrap();
    fields
}

#[test]
fn values_are_checked_with_all_within_them() {
    let list = |item: Object| Object::List(vec![item]);
    let map = |key: Object, value: Object| Object::Map(vec![(key, value)]);
    let ints = Schema::array(Schema::new(Type::Int32));
    let counts = Schema::map(Schema::new(Type::String), ints.clone());
    let decimal = || Object::Decimal { unscaled: vec![1], scale: 9 };
    let unknown = Schema::new(Type::Array);
    let cases = [
        (Schema::new(Type::Int8), Object::Int8(1), ""),
        (Schema::new(Type::Int8).optional(), Object::Null, ""),
        (Schema::new(Type::Int8), Object::Null, "null used for required value, schema type: INT8"),
        (Schema::new(Type::Int8), Object::Int16(1), "schema with type INT8: class java.lang.Short for value"),
        (Schema::new(Type::Bytes), Object::ByteBuffer { array: vec![1], position: 0, limit: 1 }, ""),
        (Schema::new(Type::Bytes), decimal(), "type BYTES: class java.math.BigDecimal for value"),
        (Schema::decimal(2), decimal(), ""),
        (Schema::temporal(TIME), Object::Int32(1), "schema \"org.apache.kafka.connect.data.Time\" with type INT32"),
        (ints.clone(), list(Object::Null), "required element of array value, schema type: INT32"),
        (counts.clone(), map(text("k"), list(text("x"))), "for element of array value of map value"),
        (counts.clone(), map(Object::Int8(1), list(Object::Int32(1))), "java.lang.Byte for key of map value"),
        (unknown, list(Object::Null), "No schema defined for element of array value"),
    ];
    for (schema, value, wanted) in cases {
        let outcome = validate(&schema, &value, Location::Value).err().map_or(String::new(), |e| e.message);
        assert!(outcome.contains(wanted) && outcome.is_empty() == wanted.is_empty(), "{schema:?}: {outcome}");
    }
    let in_field = validate(&ints, &list(Object::Null), Location::Field("f"));
    assert!(message(in_field).contains("element of array field: \"f\""));
}

#[test]
fn structs_take_what_their_schema_allows() {
    let mut fields = Struct::new(&person()).unwrap();
    assert_eq!(message(Struct::new(&schema(Type::Int8))), "Not a struct schema: Schema{INT8}");
    assert_eq!(
        message(fields.validate()),
        "Invalid value: null used for required field: \"name\", schema type: STRING"
    );
    assert_eq!(message(fields.put("none", Object::Null)), "none is not a valid field name");
    assert!(message(fields.put("name", Object::Int8(1))).ends_with("class java.lang.Byte for field: \"name\""));
    fields.put("name", text("Ann")).unwrap();
    assert!(fields.validate().is_ok());
    assert_eq!(fields.text(), "Struct{name=Ann}");
    assert!(matches!(fields.get("age"), Ok(Object::Int32(7))));
    assert!(fields.get_without_default("age").unwrap().is_null());
    assert_eq!(message(fields.get_typed("age", Type::Int8)), "Field 'age' is not of type INT8");
}

#[test]
fn builders_set_an_attribute_once() {
    let class = |error: Error| error.class_name();
    let mut builder = SchemaBuilder::new(Some(Type::Struct)).unwrap();
    builder.name(Some("N")).unwrap();
    assert_eq!(message(builder.name(Some("M"))), "Invalid SchemaBuilder call: name has already been set.");
    builder.field(Some("a"), Some(schema(Type::Int8))).unwrap();
    assert!(message(builder.field(Some("a"), Some(schema(Type::Int8)))).ends_with("field name duplication a"));
    assert_eq!(message(builder.field(Some(""), None)), "fieldName cannot be null.");
    assert_eq!(builder.build(), Schema::new(Type::Struct).named("N").field("a", Schema::new(Type::Int8)));

    let mut number = SchemaBuilder::new(Some(Type::Int8)).unwrap();
    let refused = number.default_value(&Object::Int32(5)).unwrap_err();
    assert_eq!(refused.message, "Invalid default value");
    assert_eq!(refused.causes[0].0, "org.apache.kafka.connect.errors.DataException");
    assert!(number.default_value(&Object::Int8(5)).is_ok());
    assert_eq!(class(number.default_value(&Object::Int8(6)).unwrap_err()), class(refused));
    assert_eq!(message(number.fields()), "Cannot list fields on non-struct type");
}

#[test]
fn projections_widen_drop_and_fill() {
    let wide = project(&Schema::new(Type::Int16), &Object::Int16(255), &schema(Type::Float64)).unwrap();
    assert!(matches!(wide, Object::Float64(n) if n == 255.0));
    let large =
        project(&Schema::new(Type::Int64), &Object::Int64(9_007_199_791_611_905), &schema(Type::Float32)).unwrap();
    assert!(matches!(large, Object::Float32(n) if n == 9_007_199_791_611_905i64 as f32));
    let narrow = project(&Schema::new(Type::Int16), &Object::Int16(1), &schema(Type::Int8));
    assert_eq!(message(narrow), "Schema type mismatch. source type: INT16 and target type: INT8");
    let absent = project(&Schema::new(Type::Int8).optional(), &Object::Null, &schema(Type::Int8));
    assert!(message(absent).starts_with("Writer schema is optional"));

    let age = Schema { default: Some(Value::Int64(1)), ..Schema::new(Type::Int64).optional() };
    let target =
        Schema::new(Type::Struct).field("age", age.clone()).field("mail", Schema::new(Type::String).optional());
    let source = person();
    let ann = Object::Struct(Box::new(named("Ann")));
    let projected = project(&source, &ann, &Rc::new(target.clone())).unwrap();
    assert_eq!(projected.text(), "Struct{age=7}");
    let missing = project(&source, &ann, &Rc::new(target.clone().field("id", Schema::new(Type::Int8))));
    assert_eq!(message(missing), "Required field `id` is missing from source schema: Schema{STRUCT}");
    let wrong = Rc::new(Schema::new(Type::Struct).field("name", Schema::new(Type::Int8)));
    let error = project(&source, &ann, &wrong).unwrap_err();
    assert_eq!((error.message.as_str(), error.causes.len()), ("Error projecting name", 1));
}

#[test]
fn logical_types_refuse_what_they_can_not_hold() {
    let (date, time, instant) = (Schema::temporal(DATE), Schema::temporal(TIME), Schema::temporal(TIMESTAMP));
    assert_eq!(date_from(&date, -86_400_000), Ok(-1));
    assert!(message(date_from(&date, 1)).contains("should not have any time fields"));
    assert_eq!(date_to(&date, i32::MIN), Ok(-185_542_587_187_200_000));
    assert_eq!((time_from(&time, 86_400_000), time_to(&time, 5)), (Ok(86_400_000), Ok(5)));
    assert!(message(time_from(&time, -1)).contains("should not have any date fields"));
    assert!(message(time_to(&time, -1)).contains("less than 86400000"));
    assert!(message(timestamp(&date, 0)).contains("Timestamp object but the schema does not match"));
    assert_eq!(timestamp(&instant, i64::MIN), Ok(i64::MIN));
    assert!(message(decimal_from(&Schema::decimal(2), &[15], 1)).ends_with("Schema has scale 2, value has scale 1."));
    assert!(
        matches!(decimal_to(&Schema::decimal(2), &[0, 1]), Ok(Object::Decimal { scale: 2, unscaled }) if unscaled == [1])
    );
    assert!(decimal_to(&Schema::decimal(2), &[]).is_err());
}

#[test]
fn headers_keep_their_order() {
    let mut headers = ConnectHeaders::default();
    for (key, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
        headers.add_text_or_bytes(key, text(value), Type::String);
    }
    let keys = |headers: &ConnectHeaders| headers.headers().iter().map(|h| h.value.text()).collect::<Vec<_>>().join("");
    headers.retain_latest(Some("b"));
    assert_eq!(keys(&headers), "123");
    headers.retain_latest(None);
    assert_eq!(keys(&headers), "23");
    let unfit = headers.add("c", Object::Int32(1), Some(schema(Type::String)));
    assert_eq!(message(unfit), "The value 1 is not compatible with the schema Schema{STRING}");
    let list = headers.add_container("c", Object::List(vec![]), Some(schema(Type::Map)), Type::Array);
    assert_eq!(message(list), "Expecting ARRAY but instead found MAP");
    headers.remove("a");
    assert_eq!(headers.text(), "ConnectHeaders(headers=[ConnectHeader(key=b, value=2, schema=Schema{STRING})])");
}

#[test]
fn equality_is_that_of_java() {
    assert!(equals(&Object::Float64(f64::NAN), &Object::Float64(-f64::NAN)));
    assert!(!equals(&Object::Float64(0.0), &Object::Float64(-0.0)));
    assert!(!equals(&Object::Int32(1), &Object::Int64(1)));
    let map = |keys: [i32; 2]| Object::Map(keys.map(|key| (Object::Int32(key), Object::Null)).to_vec());
    assert!(equals(&map([1, 2]), &map([2, 1])) && !equals(&map([1, 2]), &map([1, 3])));
    assert!(structs_equal(&named("Ann"), &named("Ann")) && !structs_equal(&named("Ann"), &named("Bob")));
    let with = |parameters: [&str; 2]| {
        let parameters = parameters.map(|key| (key.to_string(), "1".to_string())).to_vec();
        Schema { parameters: Some(parameters), ..Schema::new(Type::Int8) }
    };
    assert!(schemas_equal(&with(["a", "b"]), &with(["b", "a"])));
    assert!(!schemas_equal(&with(["a", "b"]), &Schema::new(Type::Int8)));
}
