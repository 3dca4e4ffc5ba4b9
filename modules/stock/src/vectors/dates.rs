//! Dates and their texts.

use berth_guest::Error;

use super::json::Json;
use super::{Answer, Refusal};
use crate::java_time::{date_text, SimpleDateFormat, Zone};

/// When the vectors were recorded, for years of two digits: 1 November 2025.
const RECORDED_MS: i64 = 1_761_955_200_000;

/// Plays an operation of this family.
pub fn play(op: &str, vector: &Json) -> Answer {
    let member = |name: &str| vector.get(name).text();
    let zone = Zone::of(member("zone").unwrap_or("UTC"));
    let ms = || vector.get("ms").int().ok_or(Refusal::Foreign);
    let format = |zone| {
        let illegal = |message: String| Error::data(message).class("java.lang.IllegalArgumentException");
        SimpleDateFormat::new(member("pattern").unwrap_or_default(), zone, RECORDED_MS).map_err(illegal)
    };
    match op {
        "SimpleDateFormat.format" => {
            let mut text = Vec::new();
            format(zone)?.append(ms()?, &mut text);
            Ok(Json::object([("text", Json::text_of(String::from_utf8_lossy(&text)))]))
        }
        "SimpleDateFormat.parse" => {
            let text = member("text").ok_or(Refusal::Foreign)?;
            let unparseable = || Error::data(format!("Unparseable date: \"{text}\"")).class("java.text.ParseException");
            let moment = format(zone)?.parse(text).ok_or_else(unparseable)?;
            Ok(Json::object([("ms", Json::text_of(moment.ms.to_string()))]))
        }
        "Date.toString" => Ok(Json::object([("text", Json::text_of(date_text(ms()?)))])),
        _ => Err(Refusal::Unknown),
    }
}
