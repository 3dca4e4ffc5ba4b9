//! JSON with a schema, straight to the flat value: what comes as JsonConverter writes it is read in one pass, without
//! allocation. Everything else, errors too, is left to the careful reader (`json_schema::value` on a tree).

use berth_guest::limits::DEPTH;
use berth_guest::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use berth_guest::{Builder, Schema, Tag, Type};

use crate::base64;
use crate::java_number::shorten;
use crate::java_time::DAY_MS;
use crate::json_lexer::{to_i64, Lexer, Read};
use crate::json_names::Names;
use crate::json_schema::Number;
use crate::logical_types::{decimal_scale, time_of};

/// The members of an envelope, as they stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Envelope<'a> {
    pub schema: &'a str,
    pub payload: &'a str,
}

/// What follows `{"schema":…,"payload":` if the schema is that very text.
pub fn payload_behind<'a>(text: &'a str, schema: &str) -> Option<&'a str> {
    text.strip_prefix("{\"schema\":")?.strip_prefix(schema)?.strip_prefix(",\"payload\":")
}

/// Finds schema and payload; `None` = not an object of these two members. Of members with one name the last counts.
pub fn envelope<'a>(text: &'a str) -> Read<Option<Envelope<'a>>> {
    let mut lexer = Lexer::new(text);
    if lexer.peek() != Some(b'{') {
        lexer.skip(0)?;
        return Ok(None);
    }
    let (mut schema, mut payload, mut others) = (None, None, false);
    if !lexer.empty(b'}') {
        loop {
            lexer.key_follows()?;
            let name = lexer.string()?;
            lexer.colon()?;
            let start = lexer.value_start();
            lexer.skip(1)?;
            let value = Some(&text[start..lexer.position()]);
            match &*name.shown {
                "schema" => schema = value,
                "payload" => payload = value,
                _ => others = true,
            }
            if !lexer.another(b'}')? {
                break;
            }
        }
    }
    Ok(schema.zip(payload).filter(|_| !others).map(|(schema, payload)| Envelope { schema, payload }))
}

/// Writes the value that follows; `None` = the careful reader must look at it, and what was written is void.
pub fn build(lexer: &mut Lexer<'_>, schema: &Schema, replace_null: bool, b: &mut Builder<'_>) -> Option<()> {
    if lexer.peek()? == b'n' {
        let plain = schema.optional && (schema.default.is_none() || !replace_null);
        lexer.word("null").ok().filter(|()| plain)?;
        b.null();
        return Some(());
    }
    if let Some(name @ (DECIMAL | DATE | TIME | TIMESTAMP)) = schema.name() {
        return build_logical(lexer, name, schema, b);
    }
    match schema.kind {
        Type::Int8 => b.i8(whole(lexer)? as i8),
        Type::Int16 => b.i16(whole(lexer)? as i16),
        Type::Int32 => b.i32(whole(lexer)? as i32),
        Type::Int64 => b.i64(whole(lexer)?),
        Type::Float32 => b.f32(number(lexer)?.float()),
        Type::Float64 => b.f64(number(lexer)?.double()),
        Type::Boolean => {
            let yes = lexer.peek()? == b't';
            lexer.word(if yes { "true" } else { "false" }).ok()?;
            b.boolean(yes);
        }
        Type::String => {
            lexer.peek().filter(|byte| *byte == b'"')?;
            lexer.build_string(b).ok()?;
        }
        Type::Bytes => {
            let text = plain_text(lexer)?;
            let mut done = Ok(());
            b.with(Tag::Bytes, |out| done = base64::decode_to(text.as_bytes(), out));
            done.ok()?;
        }
        Type::Array => build_array(lexer, schema, replace_null, b)?,
        Type::Map => build_map(lexer, schema, replace_null, b)?,
        Type::Struct => build_struct(lexer, schema, replace_null, b)?,
    }
    Some(())
}

fn number<'a>(lexer: &mut Lexer<'a>) -> Option<Number<'a>> {
    lexer.peek().filter(|byte| matches!(byte, b'-' | b'0'..=b'9'))?;
    Some(Number(lexer.number(false).ok()?.0))
}

fn whole(lexer: &mut Lexer<'_>) -> Option<i64> {
    lexer.peek().filter(|byte| matches!(byte, b'-' | b'0'..=b'9'))?;
    let (text, whole) = lexer.number(false).ok()?;
    whole.then(|| to_i64(text))
}

/// A text without escapes.
fn plain_text<'a>(lexer: &mut Lexer<'a>) -> Option<&'a str> {
    lexer.peek().filter(|byte| *byte == b'"')?;
    let (text, escaped) = lexer.raw_string().ok()?;
    (!escaped).then_some(text)
}

fn build_logical(lexer: &mut Lexer<'_>, name: &str, schema: &Schema, b: &mut Builder<'_>) -> Option<()> {
    if name == DECIMAL {
        return match lexer.peek()? {
            b'"' => build_decimal(plain_text(lexer)?, schema, b),
            _ => build_decimal_number(number(lexer)?.0, b),
        };
    }
    let n = whole(lexer)?;
    b.date(match name {
        TIMESTAMP => n,
        TIME => time_of(n).ok()?,
        _ => i32::try_from(n).ok()? as i64 * DAY_MS,
    });
    Some(())
}

fn build_decimal(text: &str, schema: &Schema, b: &mut Builder<'_>) -> Option<()> {
    let scale = decimal_scale(schema).ok()?;
    let mut done = Err(String::new());
    b.with(Tag::Decimal, |out| {
        out.extend_from_slice(&scale.to_le_bytes());
        let start = out.len();
        done = base64::decode_to(text.as_bytes(), out);
        let surplus = out.len() - start - shorten(&out[start..]).len();
        out.drain(start..start + surplus);
    });
    done.ok().filter(|()| !text.is_empty())
}

/// A number without exponent whose digits fit 64 bits.
fn build_decimal_number(text: &str, b: &mut Builder<'_>) -> Option<()> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (mut n, mut scale, mut fraction) = (0i64, 0, false);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                n = n.checked_mul(10)?.checked_add((byte - b'0') as i64)?;
                scale += fraction as i32;
            }
            b'.' => fraction = true,
            _ => return None,
        }
    }
    let n = if digits.len() < text.len() { -n } else { n };
    b.decimal(scale, shorten(&n.to_be_bytes()));
    Some(())
}

/// Opens a container at the bracket `open`; `None` if there is none or it is nested too deeply.
fn open(lexer: &mut Lexer<'_>, bracket: u8, tag: Tag, b: &mut Builder<'_>) -> Option<()> {
    lexer.peek().filter(|byte| *byte == bracket && b.depth() < DEPTH)?;
    b.open(tag);
    Some(())
}

fn build_array(lexer: &mut Lexer<'_>, schema: &Schema, replace_null: bool, b: &mut Builder<'_>) -> Option<()> {
    let element = schema.element.as_deref()?;
    open(lexer, b'[', Tag::Array, b)?;
    if !lexer.empty(b']') {
        loop {
            build(lexer, element, replace_null, b)?;
            if !lexer.another(b']').ok()? {
                break;
            }
        }
    }
    b.close_array();
    Some(())
}

/// Maps with string keys; others come as lists of pairs, in which equal keys must be found.
fn build_map(lexer: &mut Lexer<'_>, schema: &Schema, replace_null: bool, b: &mut Builder<'_>) -> Option<()> {
    let (key, element) = (schema.key.as_deref()?, schema.element.as_deref()?);
    if key.kind != Type::String {
        return None;
    }
    open(lexer, b'{', Tag::Map, b)?;
    let mut names = Names::default();
    if !lexer.empty(b'}') {
        loop {
            lexer.key_follows().ok()?;
            let (name, escaped) = lexer.build_string(b).ok()?;
            if names.add(name.as_bytes(), escaped) {
                return None;
            }
            lexer.colon().ok()?;
            build(lexer, element, replace_null, b)?;
            if !lexer.another(b'}').ok()? {
                break;
            }
        }
    }
    b.close_map();
    Some(())
}

/// Structs whose members are the fields, all of them and in order.
fn build_struct(lexer: &mut Lexer<'_>, schema: &Schema, replace_null: bool, b: &mut Builder<'_>) -> Option<()> {
    open(lexer, b'{', Tag::Struct, b)?;
    let mut more = !lexer.empty(b'}');
    for field in &schema.fields {
        if !more {
            return None;
        }
        lexer.key_follows().ok()?;
        let name = plain_text(lexer)?;
        lexer.colon().ok().filter(|()| *name == *field.name)?;
        build(lexer, &field.schema, replace_null, b)?;
        more = lexer.another(b'}').ok()?;
    }
    b.close_struct(berth_guest::NONE);
    (!more).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_schema;
    use berth_guest::{Stack, Value, ValueRef};

    fn found(text: &str) -> Option<(&str, &str)> {
        envelope(text).unwrap().map(|e| (e.schema, e.payload))
    }

    #[test]
    fn envelopes_are_taken_apart() {
        assert_eq!(found(" {\"schema\": null , \"payload\":[1, {}] } x"), Some(("null", "[1, {}]")));
        assert_eq!(found("{\"payload\":1,\"schema\":{},\"payload\":\"}\"}"), Some(("{}", "\"}\"")));
        assert_eq!(found("{\"\\u0073chema\":1,\"payload\":2}"), Some(("1", "2")));
        for none in ["{}", "[]", "1", "{\"schema\":1}", "{\"schema\":1,\"payload\":2,\"x\":3}"] {
            assert_eq!(found(none), None, "{none}");
        }
        for bad in ["{", "{\"schema\":1,\"payload\":2", "{\"a\":[1 2]}", "tru"] {
            assert!(envelope(bad).is_err(), "{bad}");
        }
    }

    /// A schema, a text of it, and whether one pass does.
    fn agree(schema: &Schema, text: &str, one_pass: bool) {
        let (mut out, mut stack) = (Vec::new(), Stack::default());
        let mut b = Builder::new(&mut out, &mut stack);
        let built = build(&mut Lexer::new(text), schema, true, &mut b).is_some();
        let tag = b.tag();
        assert_eq!(built, one_pass, "{text}");
        if built {
            let node = Lexer::new(text).node(0).unwrap();
            let want = json_schema::value(schema, Some(&node), true).unwrap();
            assert_eq!(Value::decode(ValueRef::new(tag, &out)).unwrap(), want, "{text}");
        }
    }

    fn row() -> Schema {
        Schema::new(Type::Struct)
            .field("id", Schema::new(Type::Int64))
            .field("f", Schema::new(Type::Float32).optional())
            .field("d", Schema::new(Type::Float64))
            .field("s", Schema::new(Type::String).optional())
            .field("tags", Schema::array(Schema::new(Type::Boolean)))
            .field("m", Schema::map(Schema::new(Type::String), Schema::new(Type::Int8)))
            .field("b", Schema::new(Type::Bytes))
            .field("p", Schema::decimal(2))
            .field("t", Schema::temporal(TIMESTAMP))
    }

    const GOOD: &str = "{\"id\":-5,\"f\":1.5,\"d\":12345678901234567890,\"s\":\"a\\n\",\"tags\":[true, false],\
                    \"m\":{\"k\":1,\"l\":-1},\"b\":\"AQI=\",\"p\":\"AAAB\",\"t\":99}";

    #[test]
    fn one_pass_gives_what_the_careful_reader_gives() {
        let (row, good) = (row(), GOOD);
        agree(&row, good, true);
        agree(&row, &good.replace("1.5", "null").replace("\"a\\n\"", "null"), true);
        agree(&row, &good.replace("\"AAAB\"", "-12.50"), true);
        for (from, to) in [
            ("\"id\":-5,", ""),
            ("\"id\":-5,\"f\":1.5,", "\"f\":1.5,\"id\":-5,"),
            ("-5", "1.0"),
            ("-5", "null"),
            ("\"k\":1", "\"l\":1"),
            ("\"AQI=\"", "\"AQI\""),
            ("\"AAAB\"", "\"\""),
            ("\"AAAB\"", "1e5"),
            ("99}", "99,\"x\":1}"),
            ("true, false", "true, 1"),
            ("99}", "99"),
        ] {
            agree(&row, &good.replace(from, to), false);
        }
        for (name, text, one_pass) in [(DATE, "19000", true), (DATE, "3000000000", false), (TIME, "-1", false)] {
            agree(&Schema::temporal(name), text, one_pass);
        }
        agree(&Schema::map(Schema::new(Type::Int8), Schema::new(Type::Int8)), "[[1,2]]", false);
        let with_default = Schema { default: Some(Value::Int8(1)), ..Schema::new(Type::Int8).optional() };
        agree(&with_default, "null", false);
    }

    #[test]
    fn broken_texts_are_never_read_otherwise_than_by_the_careful_reader() {
        let (row, mut stack, mut seed) = (row(), Stack::default(), 1u64);
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        let mut read = 0;
        for _ in 0..50_000 {
            let mut bytes = GOOD.as_bytes().to_vec();
            for _ in 0..=random(2) {
                let (at, other) = (random(bytes.len()), random(GOOD.len()));
                match random(3) {
                    0 => drop(bytes.remove(at)),
                    1 => bytes[at] = GOOD.as_bytes()[other],
                    _ => bytes.insert(at, GOOD.as_bytes()[other]),
                }
            }
            let text = String::from_utf8(bytes).unwrap();
            let _ = envelope(&text);
            let mut out = Vec::new();
            let mut b = Builder::new(&mut out, &mut stack);
            if build(&mut Lexer::new(&text), &row, true, &mut b).is_some() {
                let tag = b.tag();
                let node = Lexer::new(&text).node(0).unwrap();
                let want = json_schema::value(&row, Some(&node), true).unwrap();
                assert_eq!(Value::decode(ValueRef::new(tag, &out)).unwrap(), want, "{text}");
                read += 1;
            }
        }
        assert!(read > 1_000, "{read} texts were read: the mutations are too hard");
    }
}
