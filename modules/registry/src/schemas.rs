//! What is known of the registry's schemas, and the requests for what is not.

use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::time::{Duration, Instant};

use berth_guest::{CellOut, Error, Result, Value};

use crate::settings::Settings;

const CAPABILITY: &str = "schema-registry";

/// A schema as the registry gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    pub id: i32,
    pub kind: String,
    pub text: String,
    pub references: Vec<Reference>,
}

/// A schema that another one refers to; those that it needs itself stand in front of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    pub name: String,
    pub subject: String,
    pub version: i32,
    pub text: String,
}

impl Registered {
    fn of(value: &Value) -> Registered {
        let text = |v: &Value, key: &str| v.get(key).as_str().unwrap_or_default().to_string();
        let number = |v: &Value, key: &str| v.get(key).as_int().unwrap_or(0) as i32;
        let one = |v: &Value| Reference {
            name: text(v, "name"),
            subject: text(v, "subject"),
            version: number(v, "version"),
            text: text(v, "schema"),
        };
        Registered {
            id: number(value, "id"),
            kind: text(value, "type"),
            text: text(value, "schema"),
            references: value.get("references").as_array().iter().map(one).collect(),
        }
    }
}

/// A schema by its id. `kind` is what the converter reads.
pub fn by_id(id: i32, kind: &str, out: &mut CellOut<'_>) -> Result<Registered> {
    let arguments = Value::map([("id", Value::Int32(id)), ("subject", Value::str(""))]);
    let answer = out.request(CAPABILITY, "schema", arguments).map_err(|error| about(error, &format!("schema {id}")))?;
    of_kind(Registered { id, ..Registered::of(&answer) }, kind)
}

fn of_kind(schema: Registered, kind: &str) -> Result<Registered> {
    if schema.kind != kind {
        return Err(Error::data(format!(
            "schema {} is of type {}, this converter is for {kind}: choose the converter that fits what is in the \
             topic",
            schema.id, schema.kind
        )));
    }
    Ok(schema)
}

fn about(mut error: Error, what: &str) -> Error {
    error.message = format!("{what}: {}", error.message);
    error
}

/// The newest schema of a subject.
pub fn latest(subject: &str, kind: &str, out: &mut CellOut<'_>) -> Result<Registered> {
    let answer = out
        .request(CAPABILITY, "latest", Value::map([("subject", Value::str(subject))]))
        .map_err(|error| about(error, &format!("the newest schema of subject {subject}")))?;
    of_kind(Registered::of(&answer), kind)
}

/// Id of a schema under a subject; it is registered if the settings say so.
pub fn id_of(settings: &Settings, subject: &str, kind: &str, text: &str, out: &mut CellOut<'_>) -> Result<i32> {
    let arguments = Value::map([
        ("subject", Value::str(subject)),
        ("type", Value::str(kind)),
        ("schema", Value::str(text)),
        ("references", Value::Array(Vec::new())),
        ("normalize", Value::Boolean(settings.normalize)),
    ]);
    let (call, remedy) = match settings.register {
        true => ("register", "change the record's schema as the subject's compatibility allows, or change that"),
        false => ("lookup", "register the schema, or set auto.register.schemas or use.latest.version to true"),
    };
    let answer = out.request(CAPABILITY, call, arguments).map_err(|error| {
        let remedy = if error.of_batch { String::new() } else { format!("; {remedy}. The schema: {text}") };
        let mut error = about(error, &format!("subject {subject}"));
        error.message.push_str(&remedy);
        error
    })?;
    answer.get("id").as_int().map(|id| id as i32).ok_or_else(|| Error::internal("a reply without an id"))
}

/// Things made of schemas, by a key; a flood of schemas starts it anew.
#[derive(Debug)]
pub struct Known<K, T> {
    made: HashMap<K, (Rc<T>, Option<Instant>)>,
    limit: usize,
}

impl<K: Eq + Hash, T> Known<K, T> {
    pub fn new(limit: usize) -> Self {
        Known { made: HashMap::new(), limit }
    }

    /// What is known and still counts.
    pub fn get(&self, key: &K) -> Option<Rc<T>> {
        let (made, until) = self.made.get(key)?;
        until.is_none_or(|until| Instant::now() < until).then(|| made.clone())
    }

    /// Keeps something: for so many seconds, negative for good.
    pub fn put(&mut self, key: K, made: T, seconds: i64) -> Rc<T> {
        if self.made.len() >= self.limit {
            self.made.clear();
        }
        let until = u64::try_from(seconds).ok().map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let made = Rc::new(made);
        self.made.insert(key, (made.clone(), until));
        made
    }
}
