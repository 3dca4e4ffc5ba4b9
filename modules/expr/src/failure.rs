//! What is told when the evaluation of an expression fails: key, expression, what is missing, and what to do.

use berth_guest::{Error, Tag, ValueRef};
use cel::ExecutionError;

use crate::path::{slot_of, Path, Root, Step};
use crate::program::Program;
use crate::shape::Shape;
use crate::view::{Missing, View};

/// Names of fields that a message lists.
const LISTED_FIELDS: usize = 20;

/// The error of a record for which an expression failed.
pub fn explain(program: &Program, view: &View<'_>, error: &ExecutionError) -> Error {
    if let ExecutionError::UndeclaredReference(name) = error {
        if let Some(path) = slot_of(name).and_then(|slot| view.paths.get(slot)) {
            return missing(program, view, path);
        }
    }
    of_program(program, &format!("{error}{}", remedy(error)))
}

/// An error that names the key and the expression.
pub fn of_program(program: &Program, message: &str) -> Error {
    Error::data(format!("{}: {message}. Expression: {}", program.key, program.source))
}

fn remedy(error: &ExecutionError) -> &'static str {
    match error {
        ExecutionError::NoSuchKey(_) => "; test for it with has(), or give a default with coalesce()",
        ExecutionError::NoSuchOverload(_) | ExecutionError::UnsupportedBinaryOperator(..) => {
            "; convert with int(), double(), string() or timestamp(), and test for null first"
        }
        ExecutionError::Overflow(..) => "; compute with double() instead",
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "; test the divisor first",
        _ => "",
    }
}

fn missing(program: &Program, view: &View<'_>, path: &Path) -> Error {
    let Err(Missing { step, from }) = view.find(path) else {
        return of_program(program, &format!("{path} has no value"));
    };
    let parent = path.up_to(step);
    let reason = match (from, &path.steps[step]) {
        (None, Step::Name(name)) => format!("the record has no header {name}"),
        (Some((value, shape)), Step::Name(name)) if matches!(value.tag, Tag::Map | Tag::Struct) => {
            format!("{parent} has no field {name}; it has {}", names(value, shape))
        }
        (Some((value, _)), Step::At(_)) if value.tag == Tag::Array => format!("{parent} has {} items", value.len()),
        (Some((value, _)), _) => format!("{parent} is {}, it has no fields", kind(value)),
        (None, Step::At(_)) => "headers have names".to_string(),
    };
    let raw = from.is_some_and(|(value, _)| step == 0 && matches!(value.tag, Tag::Bytes | Tag::Raw | Tag::String));
    let remedy = match raw {
        true => format!("use a converter that reads it, or parseJson({parent})"),
        false => format!("test for it with has({path}), or give a default with coalesce({path}, …)"),
    };
    let error = of_program(program, &format!("{path} has no value: {reason}; {remedy}"));
    match path.root {
        Root::Value => path.steps[..=step].iter().rev().fold(error, |error, step| match step {
            Step::Name(name) => error.at(name),
            Step::At(at) => error.at(&format!("[{at}]")),
        }),
        _ => error,
    }
}

fn names(value: ValueRef<'_>, shape: &Shape) -> String {
    let fields = shape.fields().iter().map(|(name, _)| &**name).filter(|_| value.tag == Tag::Struct);
    let keys = value.entries().filter_map(|(key, _)| key.str());
    let all: Vec<&str> = fields.chain(keys).collect();
    match all.len() {
        0 => "none".to_string(),
        n if n > LISTED_FIELDS => format!("{} and {} more", all[..LISTED_FIELDS].join(", "), n - LISTED_FIELDS),
        _ => all.join(", "),
    }
}

/// What a value is, for messages.
pub fn kind(value: ValueRef<'_>) -> &'static str {
    match value.tag {
        Tag::Null => "null",
        Tag::Raw | Tag::Bytes => "bytes",
        Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 | Tag::BigInt => "an integer",
        Tag::Float32 | Tag::Float64 | Tag::Decimal => "a number",
        Tag::Boolean => "a boolean",
        Tag::String => "a text",
        Tag::Array => "a list",
        Tag::Map => "a map",
        Tag::Struct => "a struct",
        Tag::Date => "a point in time",
        Tag::Object => "an object of Java",
    }
}
