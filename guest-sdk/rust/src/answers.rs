//! Answers to questions about a plugin that does not run: is a configuration right, may offsets be set.

use crate::config::Config;
use crate::error::Result;
use crate::plugin::{Altered, Plugin, Remark, Supports};
use crate::stage;
use crate::value::Value;

/// The body of VALIDATED.
pub(crate) fn validate(request: &Value, plugins: &[Plugin]) -> Value {
    let name = request.get("plugin").as_str().unwrap_or_default();
    let config = Config::from_value(request.get("config"));
    let Some(plugin) = plugins.iter().find(|p| p.answers_to(name)) else { return Value::Array(Vec::new()) };
    let mut remarks = (plugin.validate)(&config);
    for (name, error) in plugin.config.custom_errors(&config) {
        match remarks.iter_mut().find(|r| r.name == name) {
            Some(remark) => remark.errors.push(error),
            None => remarks.push(Remark { name, errors: vec![error], ..Remark::default() }),
        }
    }
    let one = |remark: &Remark| {
        let value = remark.value.as_deref().or(config.get(&remark.name));
        answer(&remark.name, value, &remark.errors, &remark.recommended, !remark.hidden)
    };
    let mut answers: Vec<Value> = remarks.iter().map(one).collect();
    // What a source delivers exactly once is told under the keys of KIP-618 that ask for it.
    answers.extend(support("exactly.once.support", plugin.exactly_once, &config));
    answers.extend(support("transaction.boundary", plugin.transaction_boundaries, &config));
    Value::Array(answers)
}

fn answer(name: &str, value: Option<&str>, errors: &[String], recommended: &[String], visible: bool) -> Value {
    Value::map([
        ("name", Value::str(name)),
        ("value", Value::optional(value)),
        ("errors", Value::strings(errors)),
        ("recommended", Value::strings(recommended)),
        ("visible", Value::Boolean(visible)),
    ])
}

fn support(key: &str, supports: Option<Supports>, config: &Config) -> Option<Value> {
    Some(match supports?(config) {
        Ok(said) => {
            let word = said.map(|supported| if supported { "supported" } else { "unsupported" });
            answer(key, word, &[], &[], true)
        }
        Err(error) => answer(key, None, &[error.message], &[], true),
    })
}

/// The body of ALTERED.
pub(crate) fn alter_offsets(request: &Value, plugins: &[Plugin]) -> Result<Value> {
    let name = request.get("plugin").as_str().unwrap_or_default();
    let plugin = plugins.iter().find(|p| p.answers_to(name)).ok_or_else(|| stage::unknown(name))?;
    let altered = match plugin.alter_offsets {
        None => Altered::InConnect,
        Some(alter) => alter(&Config::from_value(request.get("config")), &pairs(request.get("offsets")))?,
    };
    Ok(Value::map([
        ("supported", Value::Boolean(altered != Altered::Unsupported)),
        ("managed", Value::Boolean(altered == Altered::Everywhere)),
    ]))
}

fn pairs(offsets: &Value) -> Vec<(Value, Value)> {
    let pair = |pair: &Value| match pair.as_array() {
        [partition, offset] => Some((partition.clone(), offset.clone())),
        _ => None,
    };
    offsets.as_array().iter().filter_map(pair).collect()
}
