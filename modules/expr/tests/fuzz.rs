//! No expression and no value makes the module panic, and an expression that compiles answers or fails with its key.

mod support;

use berth_guest::fuzz::{for_seeds, Chance};
use berth_guest::{Schema, Type, Value};
use support::{record, run, structured, Given};

/// How many seeds a test tries without BERTH_FUZZ_TIME.
const SEEDS: u64 = 3_000;

const LEAVES: [&str; 24] = [
    "value",
    "value.a",
    "value.b.c",
    "value.l",
    "value.l[0]",
    "value['x']",
    "key",
    "topic",
    "partition",
    "offset",
    "timestamp",
    "headers",
    "headers.trace",
    "headers.n",
    "null",
    "true",
    "0",
    "-9223372036854775808",
    "1.5",
    "2u",
    "'ä'",
    "b'\\xff'",
    "[]",
    "{}",
];
const BINARY: [&str; 14] = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"];
const CALLS: [&str; 26] = [
    "size",
    "string",
    "int",
    "double",
    "uint",
    "bytes",
    "type",
    "toJson",
    "parseJson",
    "sha256",
    "md5",
    "millis",
    "fromMillis",
    "timestamp",
    "duration",
    "coalesce",
    "dyn",
    "bool",
    "math.abs",
    "math.sign",
    "math.greatest",
    "base64.encode",
    "base64.decode",
    "optional.of",
    "optional.ofNonZeroValue",
    "strings.quote",
];
const METHODS: [&str; 22] = [
    ".size()",
    ".lower()",
    ".upper()",
    ".trim()",
    ".reverse()",
    ".split('')",
    ".split(',', -1)",
    ".join('-')",
    ".substring(1)",
    ".substring(0, 99)",
    ".charAt(0)",
    ".indexOf('a', -1)",
    ".replace('', 'x')",
    ".format('%Y%')",
    ".format(['%s'])",
    ".matches('(')",
    ".sort()",
    ".distinct()",
    ".flatten()",
    ".slice(1, 0)",
    ".getHours('x')",
    ".hasValue()",
];
const LOOPS: [&str; 6] = [
    ".all(x, x == 1)",
    ".exists(x, x)",
    ".map(x, [x])",
    ".filter(value, value != null)",
    ".exists_one(k, k > 'a')",
    ".?a",
];

fn expression(chance: &mut Chance, depth: usize) -> String {
    if depth == 0 {
        return chance.one(&LEAVES).to_string();
    }
    let inner = |chance: &mut Chance| expression(chance, depth - 1);
    match chance.below(10) {
        0 => chance.one(&LEAVES).to_string(),
        1..=3 => {
            let (left, right) = (inner(chance), inner(chance));
            format!("({left} {} {right})", chance.one(&BINARY))
        }
        4 => format!("{}({})", chance.one(&CALLS), inner(chance)),
        5 => format!("{}{}", inner(chance), chance.one(&METHODS)),
        6 => format!("{}{}", inner(chance), chance.one(&LOOPS)),
        7 => format!("({} ? {} : {})", inner(chance), inner(chance), inner(chance)),
        8 => format!("[{}, {}]", inner(chance), inner(chance)),
        _ => format!("{{{}: {}}}[{}]", inner(chance), inner(chance), inner(chance)),
    }
}

fn value(chance: &mut Chance, depth: usize) -> Value {
    match chance.below(if depth == 0 { 12 } else { 15 }) {
        0 => Value::Null,
        1 => Value::Int8(-1),
        2 => Value::Int64(i64::MIN),
        3 => Value::Float32(f32::NAN),
        4 => Value::Float64(f64::INFINITY),
        5 => Value::Boolean(true),
        6 => Value::str(chance.one(&["", "a,b", "ä€😀", "{\"a\":[1,1e400]}", "12"])),
        7 => Value::Bytes(vec![0xFF, 0]),
        8 => Value::Decimal([0, 2, -2_000_000_000, i32::MAX][chance.below(4)], vec![0x80, 1, 2]),
        9 => Value::Date([0, i64::MIN, i64::MAX, 253_402_300_800_000][chance.below(4)]),
        10 => Value::BigInt([&[0x7F][..], &[0xFF; 40]].concat()),
        11 => Value::utf16(&[0xD800, 'a' as u16]),
        12 => Value::Array((0..chance.below(4)).map(|_| value(chance, depth - 1)).collect()),
        _ => {
            let names = [Value::str("a"), Value::str("b"), Value::str("l"), Value::Int32(1), Value::Float64(1.0)];
            let count = chance.below(names.len() + 1);
            Value::Map(names.into_iter().take(count).map(|name| (name, value(chance, depth - 1))).collect())
        }
    }
}

fn struct_record() -> Given {
    let inner = Schema::new(Type::Struct).field("c", Schema::new(Type::Int16).optional());
    let schema = Schema::new(Type::Struct)
        .field("a", Schema::decimal(3))
        .field("b", inner.optional())
        .field("l", Schema::array(Schema::temporal(berth_guest::schema::TIME)));
    let fields = vec![
        Value::Decimal(3, vec![0xFF]),
        Value::Struct(u32::MAX, vec![Value::Null]),
        Value::Array(vec![Value::Date(5), Value::Date(i64::MAX)]),
    ];
    structured(Value::Struct(u32::MAX, fields), schema)
}

#[test]
fn expressions_over_any_value_answer_or_fail_with_their_key() {
    let (mut seeds, mut kept) = (0, 0);
    for_seeds(SEEDS, |chance| {
        seeds += 1;
        let source = expression(chance, 3);
        let key =
            chance.one(&["filter", "topic", "key", "value", "partition", "timestamp", "headers.h", "set.a", "set.b.c"]);
        let records = [record(value(chance, 3)), record(value(chance, 3)), struct_record()];
        for became in run(&[(key, &source)], &records) {
            match became {
                Ok(Some(_)) => kept += 1,
                Ok(None) => assert_eq!(key, "filter", "{source}"),
                Err(error) => assert!(error.contains(key) && !error.contains("panic"), "{key} {source}: {error}"),
            }
        }
    });
    assert!(kept * 6 > seeds, "{kept} records were kept: the expressions are too wild to tell anything");
}

/// A condition of the kind that needs no CEL, mostly.
fn condition(chance: &mut Chance, depth: usize) -> String {
    const READ: [&str; 9] =
        ["value.a", "value.b", "value.b.c", "value", "topic", "partition", "key", "headers.n", "value.l[0]"];
    const LITERAL: [&str; 11] =
        ["0", "-1", "1.5", "9007199254740993", "9007199254740992.0", "true", "null", "'ä'", "''", "'a,b'", "'k1'"];
    if depth > 0 {
        let (left, right) = (condition(chance, depth - 1), condition(chance, depth - 1));
        return match chance.below(3) {
            0 => format!("({left} && {right})"),
            1 => format!("({left} || {right})"),
            _ => format!("!({left})"),
        };
    }
    let (read, literal) = (chance.one(&READ), chance.one(&LITERAL));
    let compare = chance.one(&["==", "!=", "<", "<=", ">", ">="]);
    match chance.below(6) {
        0 => "has(value.b.c)".to_string(),
        1 => format!("{read} in [{literal}, {}]", chance.one(&LITERAL)),
        2 => format!("{read}.{}('a')", chance.one(&["startsWith", "endsWith", "contains"])),
        3 => format!("{literal} {compare} {read}"),
        _ => format!("{read} {compare} {literal}"),
    }
}

#[test]
fn conditions_without_cel_answer_as_cel_does() {
    let (mut seeds, mut quick, mut answers) = (0, 0, [0, 0]);
    for_seeds(SEEDS, |chance| {
        seeds += 1;
        let depth = chance.below(3);
        let source = condition(chance, depth);
        let program = expr::program::Program::compile("filter", &source, &mut Vec::new()).unwrap();
        quick += usize::from(program.quick.is_some());
        let records = [record(value(chance, 2)), record(value(chance, 2)), struct_record()];
        // The form with a condition is CEL's to evaluate.
        let said = run(&[("filter", &source)], &records);
        let asked = run(&[("filter", &format!("({source}) ? true : false"))], &records);
        for (said, asked) in said.into_iter().zip(asked) {
            let kept = |became: &Result<Option<Given>, String>| became.as_ref().ok().map(Option::is_some);
            assert_eq!(kept(&said), kept(&asked), "{source}: {said:?}");
            answers[usize::from(kept(&said) == Some(true))] += 1;
        }
    });
    let told = answers.iter().all(|count| count * 4 > seeds);
    assert!(quick * 40 > seeds * 39 && told, "of {seeds} {quick} quick, {answers:?}");
}

#[test]
fn mutated_texts_compile_or_are_refused() {
    for_seeds(SEEDS, |chance| {
        let mut text: Vec<char> = expression(chance, 3).chars().collect();
        for _ in 0..1 + chance.below(4) {
            let at = chance.below(text.len().max(1));
            match chance.below(3) {
                0 if !text.is_empty() => drop(text.remove(at.min(text.len() - 1))),
                1 => text
                    .insert(at.min(text.len()), ['\'', '(', ']', '`', '\\', '@', '\u{0}', 'ß', '.'][chance.below(9)]),
                _ => text.truncate(at.max(1)),
            }
        }
        let source: String = text.into_iter().collect();
        if let Err(error) = expr::program::check(Some(&source)) {
            assert!(error.starts_with("line "), "{source:?}: {error}");
        }
    });
}
