//! The configuration of Expr: keys that are known, and keys with a name in them.

use std::rc::Rc;

use berth_guest::{Config, ConfigDef, ConfigKey, ConfigType, Error, Importance, Remark, Result, Schema, Validator};

use crate::edit::{Edit, Edits};
use crate::path::Path;
use crate::program::{check, Program};
use crate::typed::declared;

pub const FILTER: &str = "filter";
pub const ON_ERROR: &str = "filter.on.error";
const TOPIC: &str = "topic";
const KEY: &str = "key";
const VALUE: &str = "value";
const PARTITION: &str = "partition";
const TIMESTAMP: &str = "timestamp";
const REMOVE: &str = "remove";
const HEADERS: &str = "headers.";
const SET: &str = "set.";
const TYPE: &str = ".type";

pub fn definition() -> ConfigDef {
    let expression = |name, doc| {
        let rule = Validator::Custom("expression in CEL", check);
        ConfigKey::new(name, ConfigType::String, doc).null().importance(Importance::High).validator(rule)
    };
    let on_error = "What becomes of a record for which the filter fails: fail (errors.tolerance applies), drop, keep.";
    let choices = Validator::OneOf(vec!["fail".into(), "drop".into(), "keep".into()]);
    ConfigDef::new(vec![
        expression(
            FILTER,
            "Expression that gives a bool; records for which it is false are dropped. All expressions may use topic, \
             partition, offset, timestamp, key, value and headers, as the record was before this transform.",
        ),
        ConfigKey::new(ON_ERROR, ConfigType::String, on_error).default("fail").validator(choices),
        expression(TOPIC, "Expression that gives the topic to send the record to."),
        expression(KEY, "Expression that gives the new key, without schema."),
        expression(
            VALUE,
            "Expression that gives the new value, without schema. To change single fields use set.FIELD, an \
             expression for the field (names with dots lead to fields within), set.FIELD.type, its type, and remove.",
        ),
        expression(PARTITION, "Expression that gives the partition; null leaves it to the producer."),
        expression(
            TIMESTAMP,
            "Expression that gives the timestamp, or milliseconds since 1970; null leaves it to the producer. \
             headers.NAME is an expression that gives the value of a header; null removes it.",
        ),
        ConfigKey::new(
            REMOVE,
            ConfigType::List,
            "Fields of the value to remove; names with dots lead to fields within.",
        )
        .default("")
        .validator(Validator::Custom("names of fields", check_remove)),
    ])
}

fn check_remove(list: Option<&str>) -> std::result::Result<(), String> {
    let mut edits = Edits::default();
    berth_guest::split_list(list.unwrap_or_default()).iter().try_for_each(|path| edits.add(path, Edit::Remove))
}

/// What validation says of keys with a name in them, and of keys that exclude each other.
pub fn validate(config: &Config) -> Vec<Remark> {
    let mut remarks = Vec::new();
    Builder::new(config, |key, value, error| {
        let error = message(key, value, &error);
        remarks.push(Remark { name: key.to_string(), errors: vec![error], ..Remark::default() });
        Ok(())
    })
    .map(|_| remarks)
    .unwrap_or_default()
}

fn message(key: &str, value: &str, error: &str) -> String {
    format!("Invalid value {value} for configuration {key}: {error}")
}

/// What is done with records.
pub struct Rules {
    pub filter: Option<Program>,
    pub on_error: OnError,
    pub topic: Option<Program>,
    pub key: Option<Program>,
    pub value: Option<Program>,
    pub partition: Option<Program>,
    pub timestamp: Option<Program>,
    pub headers: Vec<(String, Program)>,
    pub edits: Edits,
    pub assignments: Vec<Program>,
    pub declared: Vec<Option<Rc<Schema>>>,
    pub paths: Vec<Path>,
}

/// What becomes of a record for which the filter fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    Fail,
    Drop,
    Keep,
}

impl Rules {
    pub fn new(config: &Config) -> Result<Rules> {
        let parsed = definition().parse(config)?;
        let mut rules = Builder::new(config, |key, value, error| Err(Error::config(message(key, value, &error))))?;
        let mut compile = |key: &str| match parsed.text(key) {
            Some(source) => Program::compile(key, source, &mut rules.paths)
                .map(Some)
                .map_err(|error| Error::config(message(key, source, &error))),
            None => Ok(None),
        };
        (rules.filter, rules.topic) = (compile(FILTER)?, compile(TOPIC)?);
        (rules.key, rules.value) = (compile(KEY)?, compile(VALUE)?);
        (rules.partition, rules.timestamp) = (compile(PARTITION)?, compile(TIMESTAMP)?);
        rules.on_error = match parsed.string(ON_ERROR).as_str() {
            "drop" => OnError::Drop,
            "keep" => OnError::Keep,
            _ => OnError::Fail,
        };
        Ok(rules)
    }
}

/// Reads keys with a name in them; `report` gets key, value and what is wrong, and may go on.
struct Builder<'c, R> {
    config: &'c Config,
    report: R,
    rules: Rules,
}

impl<'c, R: FnMut(&str, &str, String) -> Result<()>> Builder<'c, R> {
    #[allow(clippy::new_ret_no_self, reason = "the builder is an implementation detail of reading the rules")]
    fn new(config: &'c Config, report: R) -> Result<Rules> {
        let rules = Rules {
            filter: None,
            on_error: OnError::Fail,
            topic: None,
            key: None,
            value: None,
            partition: None,
            timestamp: None,
            headers: Vec::new(),
            edits: Edits::default(),
            assignments: Vec::new(),
            declared: Vec::new(),
            paths: Vec::new(),
        };
        let mut builder = Builder { config, report, rules };
        builder.removals()?;
        builder.named()?;
        builder.types()?;
        Ok(builder.rules)
    }

    fn removals(&mut self) -> Result<()> {
        let list = self.config.get(REMOVE).unwrap_or_default();
        for path in berth_guest::split_list(list.trim()) {
            if let Err(error) = self.rules.edits.add(&path, Edit::Remove) {
                (self.report)(REMOVE, list, format!("{path}: {error}"))?;
            }
        }
        self.excludes_value(REMOVE, list, list.is_empty())
    }

    fn named(&mut self) -> Result<()> {
        for (key, source) in &self.config.0 {
            let source = source.as_deref().unwrap_or_default();
            let header = key.strip_prefix(HEADERS);
            let field = key.strip_prefix(SET).filter(|path| !self.is_type(path));
            let Some(name) = header.or(field) else { continue };
            match Program::compile(key, source, &mut self.rules.paths) {
                Err(error) => (self.report)(key, source, error)?,
                Ok(program) if header.is_some() => self.rules.headers.push((name.to_string(), program)),
                Ok(program) => self.assign(key, name, program)?,
            }
        }
        Ok(())
    }

    /// `set.a.type` is the type of `set.a` if that is there, else it sets the field `type` of `a`.
    fn is_type(&self, path: &str) -> bool {
        path.strip_suffix(TYPE).is_some_and(|field| self.config.contains(&format!("{SET}{field}")))
    }

    fn assign(&mut self, key: &str, path: &str, program: Program) -> Result<()> {
        let source = program.source.clone();
        if let Err(error) = self.rules.edits.add(path, Edit::Set(self.rules.assignments.len())) {
            return (self.report)(key, &source, error);
        }
        self.rules.assignments.push(program);
        self.rules.declared.push(None);
        self.excludes_value(key, &source, false)
    }

    fn excludes_value(&mut self, key: &str, shown: &str, is_idle: bool) -> Result<()> {
        if is_idle || self.config.get(VALUE).is_none() {
            return Ok(());
        }
        let error = "value replaces all fields: change single fields in a second Expr behind this one".to_string();
        (self.report)(key, shown, error)
    }

    fn types(&mut self) -> Result<()> {
        for (key, name) in &self.config.0 {
            let Some(path) = key.strip_prefix(SET).filter(|path| self.is_type(path)) else { continue };
            let name = name.as_deref().unwrap_or_default();
            let field = &key[..SET.len() + path.len() - TYPE.len()];
            let number = self.rules.assignments.iter().position(|program| program.key == field);
            match (declared(name), number) {
                (Err(error), _) => (self.report)(key, name, error)?,
                (Ok(schema), Some(number)) => self.rules.declared[number] = Some(Rc::new(schema)),
                (Ok(_), None) => {}
            }
        }
        Ok(())
    }
}
