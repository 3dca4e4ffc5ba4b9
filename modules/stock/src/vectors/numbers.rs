//! Numbers: their texts, their parsers, and how Java narrows them.

use super::json::Json;
use super::{Answer, Refusal};
use crate::java_number;

/// Plays an operation of this family.
pub fn play(op: &str, vector: &Json) -> Answer {
    let bits = || u64::from_str_radix(vector.get("bits").text().unwrap_or_default(), 16).map_err(|_| Refusal::Foreign);
    Ok(match op {
        "Float.toString" => text(|out| java_number::append_f32(f32::from_bits(bits().unwrap_or(0) as u32), out)),
        "Double.toString" => text(|out| java_number::append_f64(f64::from_bits(bits().unwrap_or(0)), out)),
        _ => return Err(Refusal::Unknown),
    })
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> Json {
    let mut out = Vec::new();
    write(&mut out);
    Json::object([("text", Json::text_of(String::from_utf8_lossy(&out)))])
}
