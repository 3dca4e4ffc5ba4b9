//! The library played against recorded vectors: one line in, the answer out, in the vectors' own format. It needs no
//! host, so the same code answers natively (`bin/vectors`) and inside a Wasm module that is made to be probed.

pub mod compare;
mod dates;
pub mod json;
pub mod model;
mod numbers;
mod objects;
mod regex;
mod schemas;
mod texts;
mod values;

use berth_guest::Error;

use json::Json;

/// Why an operation gave no result.
#[derive(Debug)]
pub enum Refusal {
    /// It failed, as Java's may; class and message are part of the answer.
    Thrown(Error),
    /// A value in the line has no form in the ABI (a foreign Java class).
    Foreign,
    /// No family knows the operation.
    Unknown,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Thrown(error)
    }
}

impl From<model::Foreign> for Refusal {
    fn from(_: model::Foreign) -> Refusal {
        Refusal::Foreign
    }
}

/// The `result` of a vector, or why there is none.
pub type Answer = Result<Json, Refusal>;

/// Plays one line of `file` (its name without `.jsonl`). The answer is what stands under `result` in the line;
/// besides, `{"foreign": true}` = a value of it can't be held, `{"unknown": true}` = nobody plays that operation.
pub fn play(file: &str, line: &str) -> String {
    match Json::parse(line) {
        Some(vector) => answer(file, &vector).to_string(),
        None => Json::object([("malformed", Json::Bool(true))]).to_string(),
    }
}

/// As [`play`], for a line that was parsed already.
pub fn answer(file: &str, vector: &Json) -> Json {
    match dispatch(file, vector) {
        Ok(result) => result,
        Err(Refusal::Thrown(error)) => thrown(&error),
        Err(Refusal::Foreign) => Json::object([("foreign", Json::Bool(true))]),
        Err(Refusal::Unknown) => Json::object([("unknown", Json::Bool(true))]),
    }
}

/// Asks the families in turn.
fn dispatch(file: &str, vector: &Json) -> Answer {
    let op = vector.get("op").text().unwrap_or_default();
    match file {
        "values" => values::play(op, vector),
        "schema-projector" => schemas::project(vector),
        "schema-validation" => schemas::play(op, vector),
        "java-format" => {
            for family in [numbers::play, texts::play, dates::play, regex::play] {
                match family(op, vector) {
                    Err(Refusal::Unknown) => {}
                    answer => return answer,
                }
            }
            Err(Refusal::Unknown)
        }
        _ => Err(Refusal::Unknown),
    }
}

fn thrown(error: &Error) -> Json {
    let cause = |(class, message): &(&'static str, String)| {
        Json::object([("class", Json::text_of(*class)), ("message", Json::text_of(message))])
    };
    let mut members =
        vec![("class", Json::text_of(error.class_name())), ("message", Json::text_of(error.message.as_str()))];
    if !error.causes.is_empty() {
        members.push(("causes", Json::List(error.causes.iter().map(cause).collect())));
    }
    Json::object([("error", Json::object(members))])
}
