//! Answers recorded vectors of Kafka Connect from the library below the plugins, for the conformance runner.

#[expect(dead_code, reason = "the program of that name reads more of a vector")]
#[path = "bin/vectors/json.rs"]
mod json;

use crate::{java_number, java_time};
use json::Json;

/// The result of a vector as JSON, or `{"unsupported": op}`.
pub fn play(file: &str, line: &str) -> String {
    let vector = Json::parse(line).unwrap_or(Json::Null);
    let op = vector.get("op").text().unwrap_or_default();
    match answer(file, op, &vector) {
        Some(text) => format!("{{\"text\":\"{text}\"}}"),
        None => format!("{{\"unsupported\":\"{op}\"}}"),
    }
}

/// Texts of numbers and dates; none of them has a character that JSON escapes.
fn answer(file: &str, op: &str, vector: &Json) -> Option<String> {
    let mut out = Vec::new();
    let bits = |radix| u64::from_str_radix(vector.get("bits").text()?, radix).ok();
    match (file, op) {
        ("java-format", "Double.toString") => java_number::append_f64(f64::from_bits(bits(16)?), &mut out),
        ("java-format", "Float.toString") => java_number::append_f32(f32::from_bits(bits(16)? as u32), &mut out),
        ("java-format", "Date.toString") => return Some(java_time::date_text(vector.get("ms").int()?)),
        _ => return None,
    }
    String::from_utf8(out).ok()
}
