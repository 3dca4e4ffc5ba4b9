//! Objects read along the shapes of those before must give what the careful reader gives, or be left to it: texts of a
//! few shapes, most of them intact and some with bytes changed.

mod support;

use berth_guest::fuzz::Chance;
use berth_guest::Part;
use stock::json_encoding;
use stock::json_fields::fields;
use stock::json_shapes::Shapes;
use support::{object, SCALARS};

/// How many texts are tried; BERTH_SHAPES_CASES asks for more.
const CASES: u64 = 60_000;

/// Texts that shapes are reused for, before others are made.
const TEXTS: u64 = 200;

/// What a byte may be changed to.
const BYTES: [u8; 24] = *b"\"\\\x00\x1f\x7f\xff\xc3\xa4\xed\xa0{}[],:- \n0.eEt";

/// Gives the text other scalars of the same places.
fn vary(chance: &mut Chance, shape: &str) -> Vec<u8> {
    let mut out = String::new();
    let mut rest = shape;
    while let Some(at) = rest.find(":1") {
        out.push_str(&rest[..=at]);
        out.push_str(match chance.below(4) {
            0 => "12345",
            1 => "\"a text of more than sixteen bytes\"",
            _ => chance.one(&SCALARS),
        });
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
    let mut bytes = out.into_bytes();
    if chance.below(3) == 0 {
        for _ in 0..=chance.below(2) {
            damage(chance, &mut bytes);
        }
    }
    bytes
}

fn damage(chance: &mut Chance, bytes: &mut Vec<u8>) {
    let at = chance.below(bytes.len().max(1)).min(bytes.len());
    let byte = BYTES[chance.below(BYTES.len())];
    match chance.below(4) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, byte),
        2 if at < bytes.len() => drop(bytes.remove(at)),
        _ => bytes.splice(at..(at + 1).min(bytes.len()), [byte]).for_each(drop),
    }
}

/// An object with a number as every other value, so that there is much to vary.
fn shape(chance: &mut Chance) -> String {
    let names = ["customer", "a name that is longer than one block", "x"];
    let mut more: String = names.iter().map(|name| format!("\"{name}\":1,")).collect();
    more.push_str("\"lines\": [{\"sku\":1,\"price\":1},{\"sku\":1,\"price\":1}],");
    loop {
        let mut out = String::new();
        object(chance, 0, &mut out);
        out.insert_str(1, &more);
        if fields(&out, 0, &mut Vec::new()).is_ok() {
            return out;
        }
    }
}

#[test]
fn shapes_give_what_the_careful_reader_gives() {
    let cases = std::env::var("BERTH_SHAPES_CASES").map_or(CASES, |n| n.parse().expect("a number of cases"));
    let mut chance = Chance(7);
    let (mut shapes, mut texts) = (Shapes::default(), Vec::new());
    let before = vec![Part::named(1, 2); 3];
    let (mut parts, mut room, mut hits) = (Vec::new(), Vec::new(), 0);
    for case in 0..cases {
        if case % TEXTS == 0 {
            shapes = Shapes::default();
            texts = (0..4).map(|_| shape(&mut chance)).collect();
        }
        let text = texts[chance.below(texts.len())].clone();
        let bytes = vary(&mut chance, &text);
        let behind: Vec<u8> = (0..chance.below(40)).map(|_| BYTES[chance.below(BYTES.len())]).collect();
        let reach = [&bytes[..], &behind].concat();
        let mut list = before.clone();
        let is_found = shapes.fields(&reach, bytes.len(), (0, case + 1), &mut list);
        assert!(list.starts_with(&before) && (is_found || list.len() == before.len()), "lists of others stay");
        let found = is_found.then(|| list.split_off(before.len()));
        let careful = json_encoding::text(&bytes, &mut room).and_then(|text| {
            fields(text, 0, &mut parts)?;
            shapes.learn(text);
            Ok(parts.clone())
        });
        if let Some(found) = found {
            hits += 1;
            assert_eq!(Ok(found), careful, "case {case}: {}", String::from_utf8_lossy(&reach));
        }
    }
    assert!(hits * 3 > cases, "only {hits} of {cases} texts were read along shapes: the test tries too little");
}
