//! Functions beyond those of CEL.
//!
//! | function | |
//! |---|---|
//! | `parseJson(string or bytes)`, `toJson(any)` | JSON text to a value and back; members in the order of their names |
//! | `text.lower()`, `text.upper()` | case of all letters; `lowerAscii`, `upperAscii` leave others alone |
//! | `sha256(string or bytes)`, `md5(string or bytes)` | digest in hexadecimal digits |
//! | `coalesce(a, b, …)` | the first that is not null; fields that are missing count as null |
//! | `millis(timestamp)`, `fromMillis(int)` | milliseconds since the epoch |
//! | `timestamp.format(pattern)` | UTC, by the pattern of strftime: `'%Y-%m-%d'` |

use std::collections::HashMap;
use std::fmt::Write;

use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp, CelUInt,
};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use md5::{Digest, Md5};
use sha2::Sha256;

use crate::language::{add_any, COALESCE_ARGUMENTS, SOLID};
use crate::nested::{is_null, of_instant};
use crate::output;

type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// Declares the functions.
pub fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_member_overload!(env, fn lower: (CelString) -> CelString)?;
    cel::add_member_overload!(env, fn upper: (CelString) -> CelString)?;
    cel::add_member_overload!(env, fn format: (CelTimestamp, CelString) -> Result<CelString>)?;
    cel::add_overload!(env, fn millis: (CelTimestamp) -> CelInt)?;
    cel::add_overload!(env, fn sha256_text: (CelString) -> CelString, name = "sha256")?;
    cel::add_overload!(env, fn sha256_bytes: (CelBytes) -> CelString, name = "sha256")?;
    cel::add_overload!(env, fn md5_text: (CelString) -> CelString, name = "md5")?;
    cel::add_overload!(env, fn md5_bytes: (CelBytes) -> CelString, name = "md5")?;
    add_any(env, "fromMillis", 1, from_millis)?;
    add_any(env, "parseJson", 1, parse_json)?;
    add_any(env, "toJson", 1, to_json)?;
    add_any(env, SOLID, 1, solid)?;
    (1..=COALESCE_ARGUMENTS).try_for_each(|n| add_any(env, "coalesce", n, coalesce))
}

fn lower<'v>(text: &CelString<'v>) -> CelString<'v> {
    text.inner().to_lowercase().into()
}

fn upper<'v>(text: &CelString<'v>) -> CelString<'v> {
    text.inner().to_uppercase().into()
}

fn format<'v>(instant: &CelTimestamp, pattern: &CelString<'v>) -> Result<CelString<'v>, ExecutionError> {
    let mut text = String::new();
    match write!(text, "{}", instant.inner().to_utc().format(pattern.inner())) {
        Ok(()) => Ok(text.into()),
        Err(_) => {
            let pattern = pattern.inner();
            let message = format!("{pattern:?} is no pattern of strftime: write it like '%Y-%m-%d %H:%M:%S'");
            Err(ExecutionError::function_error("format", message))
        }
    }
}

fn millis(instant: &CelTimestamp) -> CelInt {
    instant.inner().timestamp_millis().into()
}

fn sha256_text<'v>(text: &CelString<'v>) -> CelString<'v> {
    hex(&Sha256::digest(text.inner())).into()
}

fn sha256_bytes<'v>(bytes: &CelBytes<'v>) -> CelString<'static> {
    hex(&Sha256::digest(bytes.inner())).into()
}

fn md5_text<'v>(text: &CelString<'v>) -> CelString<'v> {
    hex(&Md5::digest(text.inner())).into()
}

fn md5_bytes<'v>(bytes: &CelBytes<'v>) -> CelString<'static> {
    hex(&Md5::digest(bytes.inner())).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or('0');
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
        text
    })
}

fn only<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let actual = args.len();
    args.into_iter().next().ok_or_else(|| ExecutionError::invalid_argument_count(1, actual))
}

fn from_millis<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let arg = only(args)?;
    match arg.downcast_ref::<CelInt>() {
        Some(ms) => Ok(CowVal::Owned(of_instant(*ms.inner()))),
        None => Err(ExecutionError::no_such_overload("fromMillis", vec![arg.get_type().name().to_string()])),
    }
}

fn solid<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    Ok(CowVal::Owned(only(args)?.clone_as_boxed()))
}

fn coalesce<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    Ok(args.into_iter().find(|arg| !is_null(&**arg)).unwrap_or_else(|| CowVal::owned(CelNull)))
}

fn parse_json<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let arg = only(args)?;
    let (text, bytes) = (arg.downcast_ref::<CelString>(), arg.downcast_ref::<CelBytes>());
    let Some(json) = text.map(|t| t.inner().as_bytes()).or(bytes.map(|b| b.inner())) else {
        return Err(ExecutionError::no_such_overload("parseJson", vec![arg.get_type().name().to_string()]));
    };
    match serde_json::from_slice(json) {
        Ok(json) => Ok(CowVal::Owned(of_json(json))),
        Err(error) => Err(ExecutionError::function_error("parseJson", format!("no JSON text: {error}"))),
    }
}

fn of_json<'v>(json: serde_json::Value) -> Box<dyn Val + 'v> {
    use serde_json::Value as Json;
    match json {
        Json::Null => Box::new(CelNull),
        Json::Bool(b) => Box::new(CelBool::from(b)),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(int), _) => Box::new(CelInt::from(int)),
            (_, Some(uint)) => Box::new(CelUInt::from(uint)),
            _ => Box::new(CelDouble::from(n.as_f64().unwrap_or(f64::NAN))),
        },
        Json::String(text) => Box::new(CelString::from(text)),
        Json::Array(items) => Box::new(CelList::from(items.into_iter().map(of_json).collect::<Vec<_>>())),
        Json::Object(members) => {
            let entry = |(name, value)| (CelMapKey::String(CelString::from(name)), of_json(value));
            Box::new(CelMap::from(members.into_iter().map(entry).collect::<HashMap<_, _>>()))
        }
    }
}

fn to_json<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let json = output::to_json(&*only(args)?).map_err(|message| ExecutionError::function_error("toJson", message))?;
    Ok(CowVal::owned(CelString::from(json.to_string())))
}
