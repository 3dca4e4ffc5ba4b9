//! Texts with half a surrogate pair go through the module as through Kafka Connect: as the same String of Java.

use berth_guest::event::{kind, message};
use berth_guest::fake::{converter, stage, FakeHost};
use berth_guest::host::Passing;
use berth_guest::{Batch, Entry, Schema, Type, Value, NONE};

const JSON: [(&str, &str); 1] = [("schemas.enable", "false")];

/// What becomes of one record, or the message of its error; both ways, together between stages and apart.
fn through(stages: &[Value], value: &Value, schema: Option<&Schema>) -> Result<Vec<u8>, String> {
    let mut batch = Batch::default();
    let mut entry = Entry::new(batch.dict.intern_topic("orders").unwrap());
    let index = schema.map_or(NONE, |schema| batch.dict.intern_schema(schema).unwrap());
    let write = |out: &mut Vec<u8>| {
        value.encode(out);
        Ok(())
    };
    entry.value = batch.write(value.tag(), index, write).unwrap();
    batch.entries.push(entry);
    batch.input_count = 1;
    let input = batch.to_bytes().unwrap();
    let play = |passing| {
        let mut host = FakeHost::default();
        host.passing = passing;
        host.plan("task", stages.to_vec(), Vec::new());
        host.event(kind::BATCH, &input);
        host.run(&stock::plugins());
        let result = host.said(message::RESULT).next().expect("an answer");
        let batch = Batch::from_result(result.bytes(), &input).expect("a sound answer");
        match batch.failures.first() {
            Some(failure) => Err(failure.error.message.clone()),
            None => Ok(batch.value(&batch.entries[0].value).payload.to_vec()),
        }
    };
    let whole = play(Passing::Assembled);
    assert_eq!(play(Passing::Staged), whole, "apart, together");
    assert_eq!(play(Passing::Direct), whole, "past the stages, through them");
    whole
}

fn of(plugin: &str, config: &[(&str, &str)]) -> Value {
    stage("transform", plugin, config)
}

/// What becomes of JSON.
fn json(text: &[u8], transforms: &[Value]) -> Result<String, String> {
    let mut stages = vec![converter("value_converter", "JsonConverter", false, &JSON)];
    stages.extend_from_slice(transforms);
    stages.push(converter("value_converter", "JsonConverter", true, &JSON));
    let written = through(&stages, &Value::Raw(text.to_vec()), None)?;
    Ok(String::from_utf8(written).expect("UTF-8"))
}

#[test]
fn json_is_written_as_it_came() {
    for text in [
        r#""\uD800""#,
        r#""a\\\uDC00\"\n""#,
        r#"{"a":"\uDFFF\uD83D\uDE00"}"#,
        r#"{"\uD800":1,"\uDC00":{"b":["\uD800"]}}"#,
        r#"{"a":{"\uD800":1,"\uD801":2}}"#,
        r#"{"a":[["\uD800",7]],"b":"ä\uDBFF"}"#,
    ] {
        assert_eq!(json(text.as_bytes(), &[]).as_deref(), Ok(text));
        assert_eq!(json(text.to_lowercase().as_bytes(), &[]).as_deref(), Ok(text));
    }
    assert_eq!(json(br#"{"\ud800":1,"\uD800":2}"#, &[]).as_deref(), Ok(r#"{"\uD800":2}"#));
    assert_eq!(
        json(b"{\"a\":\"\xED\xA0\x80\",\"\xED\xBF\xBF\":1}", &[]).as_deref(),
        Ok(r#"{"a":"\uD800","\uDFFF":1}"#)
    );
    assert!(json(b"\xED\xA0\x80", &[]).is_err());
    assert!(json(b"\"\\\xED\xA0\x80\"", &[]).is_err());
}

#[test]
fn transforms_take_them_for_strings() {
    let half = br#"{"a":"x\uD800","b":{"\uDC00":"\uDC00"}}"#;
    for (transform, want) in [
        (of("Cast$Value", &[("spec", "a:string")]), r#"{"a":"x\uD800","b":{"\uDC00":"\uDC00"}}"#),
        (of("Cast$Value", &[("spec", "a:boolean")]), r#"{"a":false,"b":{"\uDC00":"\uDC00"}}"#),
        (of("MaskField$Value", &[("fields", "a")]), r#"{"a":"","b":{"\uDC00":"\uDC00"}}"#),
        (of("MaskField$Value", &[("fields", "a"), ("replacement", "y")]), r#"{"a":"y","b":{"\uDC00":"\uDC00"}}"#),
        (of("Flatten$Value", &[]), r#"{"a":"x\uD800","b.\uDC00":"\uDC00"}"#),
        (of("ExtractField$Value", &[("field", "a")]), r#""x\uD800""#),
        (of("HoistField$Value", &[("field", "h")]), r#"{"h":{"a":"x\uD800","b":{"\uDC00":"\uDC00"}}}"#),
        (of("ReplaceField$Value", &[("renames", "a:c"), ("exclude", "b")]), r#"{"c":"x\uD800"}"#),
        (
            of("InsertField$Value", &[("static.field", "c"), ("static.value", "d")]),
            r#"{"a":"x\uD800","b":{"\uDC00":"\uDC00"},"c":"d"}"#,
        ),
        (of("HeaderFrom$Value", &[("fields", "b"), ("headers", "h"), ("operation", "move")]), r#"{"a":"x\uD800"}"#),
    ] {
        assert_eq!(json(half, &[transform]).as_deref(), Ok(want));
    }
    let parse = [("field", "a"), ("target.type", "unix"), ("format", "yyyy")];
    for (transform, message) in [
        (of("Cast$Value", &[("spec", "a:int8")]), "Value (x\u{FFFD}) was out of range for requested data type"),
        (
            of("TimestampConverter$Value", &parse),
            "Could not parse timestamp: value (x\u{FFFD}) does not match pattern (yyyy)",
        ),
    ] {
        let error = json(half, &[transform]).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }
    let flat = [of("Flatten$Value", &[("delimiter", "")])];
    assert_eq!(json(br#"{"\uD83D":{"\uDE00":1}}"#, &flat).as_deref(), Ok(r#"{"\uD83D\uDE00":1}"#));
}

#[test]
fn they_are_values_of_string_schemas() {
    let half = || Value::utf16(&[0xD800]);
    let strings = Schema::map(Schema::new(Type::String), Schema::new(Type::String));
    let schema = Schema::new(Type::Struct).field("s", Schema::new(Type::String)).field("m", strings);
    let row = Value::Struct(NONE, vec![half(), Value::Map(vec![(half(), half())])]);
    let plain = converter("value_converter", "JsonConverter", true, &JSON);
    let cast = of("Cast$Value", &[("spec", "s:string")]);
    for stages in [vec![plain.clone()], vec![cast, plain]] {
        let written = through(&stages, &row, Some(&schema));
        assert_eq!(written, Ok(br#"{"s":"\uD800","m":{"\uD800":"\uD800"}}"#.to_vec()));
    }
    let string = r#"{"type":"string","optional":false"#;
    let map = format!(r#"{{"type":"map","keys":{string}}},"values":{string}}},"optional":false,"field":"m"}}"#);
    let fields = format!(r#"{{"type":"struct","fields":[{string},"field":"s"}},{map}],"optional":false}}"#);
    let envelope =
        format!(r#"{{"schema":{fields},"payload":{{"s":"\uD800","m":{{"\uD800":"\uD800"}}}}}}"#).into_bytes();
    let read = converter("value_converter", "JsonConverter", false, &[]);
    let write = converter("value_converter", "JsonConverter", true, &[]);
    let given = Value::Raw(envelope.clone());
    assert_eq!(through(&[read.clone(), write], &given, None), Ok(envelope));
    let text = converter("value_converter", "StringConverter", true, &[]);
    assert_eq!(through(&[read, text], &given, None), Ok(b"Struct{s=?,m={?=?}}".to_vec()));
    let bytes = converter("value_converter", "JsonConverter", true, &[]);
    let error = through(&[bytes], &half(), Some(&Schema::new(Type::Int8))).unwrap_err();
    assert_eq!(error, "Invalid type for INT8: class java.lang.String");
}

#[test]
fn character_sets_write_what_stands_for_nothing() {
    let value = Value::Array(vec![Value::utf16(&[0xDC00]), Value::str("ä")]);
    for (charset, alone, listed) in [
        ("UTF-8", &b"?"[..], "[?, ä]".as_bytes()),
        ("latin1", b"?", b"[?, \xE4]"),
        ("windows-1252", b"?", b"[?, \xE4]"),
        ("GB18030", b"?", b"[?, \x810\x8A1]"),
        ("UTF-16LE", b"\xFD\xFF", b"[\0\xFD\xFF,\0 \0\xE4\0]\0"),
        ("UTF-32BE", b"\0\0\xFF\xFD", b"\0\0\0[\0\0\xFF\xFD\0\0\0,\0\0\0 \0\0\0\xE4\0\0\0]"),
    ] {
        let stages = [converter("value_converter", "StringConverter", true, &[("converter.encoding", charset)])];
        assert_eq!(through(&stages, &Value::utf16(&[0xDC00]), None), Ok(alone.to_vec()), "{charset}");
        assert_eq!(through(&stages, &value, None), Ok(listed.to_vec()), "{charset}");
    }
}

#[test]
fn header_values_are_texts() {
    let simple = |value: &Value| {
        let stages = [converter("value_converter", "SimpleHeaderConverter", true, &[])];
        through(&stages, value, None).map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
    };
    let half = || Value::utf16(&[b'"'.into(), 0xD800]);
    assert_eq!(simple(&half()).as_deref(), Ok("\"?"));
    assert_eq!(simple(&Value::Map(vec![(half(), half())])).as_deref(), Ok(r#"{"\"?":"\"?"}"#));
    let uuid = simple(&Value::Object("java.util.UUID".into(), "0".into()));
    assert_eq!(uuid, Err("Failed to serialize unexpected value type java.util.UUID: 0".into()));
}
