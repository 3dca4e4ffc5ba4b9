//! Configurations and their definitions, with the rules and texts of Kafka's ConfigDef.

use crate::error::{Error, Result};
use crate::value::Value;

/// A configuration as Connect passes it: names with texts or nulls, in the order given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config(pub Vec<(String, Option<String>)>);

impl Config {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == name).and_then(|(_, v)| v.as_deref())
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(k, _)| k == name)
    }

    /// Sets or replaces a value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(k, _)| k != name);
        self.0.push((name.into(), Some(value.into())));
    }

    pub fn from_value(value: &Value) -> Config {
        let Value::Map(entries) = value else { return Config::default() };
        let text = |v: &Value| v.as_str().map(String::from);
        Config(entries.iter().filter_map(|(k, v)| Some((text(k)?, text(v)))).collect())
    }

    pub fn to_value(&self) -> Value {
        Value::Map(self.0.iter().map(|(k, v)| (Value::str(k), Value::optional(v.as_deref()))).collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Config {
    fn from(pairs: [(&str, &str); N]) -> Config {
        Config(pairs.iter().map(|(k, v)| (k.to_string(), Some(v.to_string()))).collect())
    }
}

/// Type of a configuration value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    Boolean,
    String,
    Int,
    Short,
    Long,
    Double,
    List,
    Class,
    Password,
}

impl ConfigType {
    pub fn name(self) -> &'static str {
        match self {
            ConfigType::Boolean => "BOOLEAN",
            ConfigType::String => "STRING",
            ConfigType::Int => "INT",
            ConfigType::Short => "SHORT",
            ConfigType::Long => "LONG",
            ConfigType::Double => "DOUBLE",
            ConfigType::List => "LIST",
            ConfigType::Class => "CLASS",
            ConfigType::Password => "PASSWORD",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    High,
    Medium,
    Low,
}

impl Importance {
    pub fn name(self) -> &'static str {
        match self {
            Importance::High => "HIGH",
            Importance::Medium => "MEDIUM",
            Importance::Low => "LOW",
        }
    }
}

/// What a value must satisfy. All but `Custom` are checked by the host during validation, too.
#[derive(Clone, Debug)]
pub enum Validator {
    Range {
        min: Option<f64>,
        max: Option<f64>,
    },
    OneOf(Vec<String>),
    /// As `OneOf`, without regard to case.
    OneOfCi(Vec<String>),
    /// A text of at least one character (null passes), a list of at least one item (null does not).
    NonEmpty,
    NonNull,
    /// No control characters, not empty.
    NoControl,
    /// A rule of the plugin: gets the value (null: not set), answers with the full message after `Invalid value …: `.
    Custom(&'static str, fn(Option<&str>) -> std::result::Result<(), String>),
}

/// One configuration key.
#[derive(Clone, Debug)]
pub struct ConfigKey {
    pub name: &'static str,
    pub kind: ConfigType,
    pub importance: Importance,
    pub doc: &'static str,
    /// `None` = required; `Some(None)` = null.
    pub default: Option<Option<String>>,
    pub validator: Option<Validator>,
    pub group: Option<&'static str>,
    pub order: i32,
    pub width: &'static str,
    pub display: &'static str,
    pub dependents: Vec<&'static str>,
    pub internal: bool,
}

impl ConfigKey {
    /// A required key of medium importance.
    pub fn new(name: &'static str, kind: ConfigType, doc: &'static str) -> ConfigKey {
        ConfigKey {
            name,
            kind,
            importance: Importance::Medium,
            doc,
            default: None,
            validator: None,
            group: None,
            order: -1,
            width: "NONE",
            display: name,
            dependents: Vec::new(),
            internal: false,
        }
    }

    pub fn default(mut self, value: &str) -> Self {
        self.default = Some(Some(value.into()));
        self
    }

    pub fn null(mut self) -> Self {
        self.default = Some(None);
        self
    }

    pub fn importance(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }

    pub fn validator(mut self, validator: Validator) -> Self {
        self.validator = Some(validator);
        self
    }

    /// Where user interfaces show it.
    pub fn shown(mut self, group: &'static str, order: i32, width: &'static str, display: &'static str) -> Self {
        (self.group, self.order, self.width, self.display) = (Some(group), order, width, display);
        self
    }

    /// The value without its rule; `None` = null, missing or of the wrong type.
    fn parsed(&self, config: &Config) -> Option<String> {
        let unruled = ConfigKey { validator: None, ..self.clone() };
        unruled.value(config).ok().flatten()
    }

    /// The value as the plugin sees it: given or default, trimmed, checked. `None` = null.
    fn value(&self, config: &Config) -> Result<Option<String>> {
        let raw = match (config.contains(self.name), &self.default) {
            (true, _) => config.get(self.name).map(String::from),
            (false, Some(default)) => default.clone(),
            (false, None) => {
                let name = self.name;
                return Err(Error::config(format!(
                    "Missing required configuration \"{name}\" which has no default value."
                )));
            }
        };
        let value = raw.map(|text| if self.kind == ConfigType::Password { text } else { trim(&text).to_string() });
        if let Some(text) = &value {
            self.check_type(text)?;
        }
        self.check_rule(value.as_deref())?;
        Ok(value)
    }

    fn check_type(&self, text: &str) -> Result<()> {
        let number = |ok: bool, kind: &str| if ok { Ok(()) } else { Err(format!("Not a number of type {kind}")) };
        let java = text.strip_prefix('+').unwrap_or(text);
        match self.kind {
            ConfigType::Boolean if !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") => {
                Err("Expected value to be either true or false".to_string())
            }
            ConfigType::Int => number(java.parse::<i32>().is_ok(), "INT"),
            ConfigType::Short => number(java.parse::<i16>().is_ok(), "SHORT"),
            ConfigType::Long => number(java.parse::<i64>().is_ok(), "LONG"),
            ConfigType::Double => number(java.parse::<f64>().is_ok(), "DOUBLE"),
            _ => Ok(()),
        }
        .map_err(|message| self.invalid(text, &message))
    }

    /// The error of Connect for a value of this key; no message: only the value is named.
    pub fn invalid(&self, value: &str, message: &str) -> Error {
        let name = self.name;
        Error::config(match message {
            "" => format!("Invalid value {value} for configuration {name}"),
            _ => format!("Invalid value {value} for configuration {name}: {message}"),
        })
    }

    fn check_rule(&self, value: Option<&str>) -> Result<()> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let shown = value.map_or("null".to_string(), |text| self.shown_value(text));
        validator.check(self.kind, value).map_err(|message| self.invalid(&shown, &message))
    }

    fn shown_value(&self, text: &str) -> String {
        match self.kind {
            ConfigType::List => format!("[{}]", split_list(text).join(", ")),
            _ => text.to_string(),
        }
    }
}

impl Validator {
    fn check(&self, kind: ConfigType, value: Option<&str>) -> std::result::Result<(), String> {
        let text = value.unwrap_or("");
        let absent = "Value must be non-null".to_string();
        match self {
            Validator::Range { min, max } => {
                let n: f64 = value.and_then(|v| v.parse().ok()).ok_or(absent)?;
                match (min, max) {
                    (Some(min), _) if n < *min => Err(format!("Value must be at least {min}")),
                    (_, Some(max)) if n > *max => Err(format!("Value must be no more than {max}")),
                    _ => Ok(()),
                }
            }
            Validator::OneOf(all) if !all.iter().any(|v| Some(v.as_str()) == value) => {
                Err(format!("String must be one of: {}", all.join(", ")))
            }
            Validator::OneOfCi(all) if !value.is_some_and(|v| all.iter().any(|a| a.eq_ignore_ascii_case(v))) => {
                Err(format!("String must be one of (case insensitive): {}", all.join(", ")))
            }
            Validator::NonEmpty if kind == ConfigType::List && text.is_empty() => Err("Empty list".into()),
            Validator::NonEmpty if value == Some("") => Err("String must be non-empty".into()),
            Validator::NonNull if value.is_none() => Err("entry must be non null".into()),
            Validator::NoControl if value == Some("") => Err("String may not be empty".into()),
            Validator::NoControl if text.chars().any(char::is_control) => {
                let codes: Vec<String> =
                    text.chars().filter(|c| c.is_control()).map(|c| (c as u32).to_string()).collect();
                let codes = codes.join(", ");
                Err(format!("String may not contain control sequences but had the following ASCII chars: {codes}"))
            }
            Validator::Custom(_, check) => check(value),
            _ => Ok(()),
        }
    }

    fn to_value(&self) -> Value {
        let number = |n: &Option<f64>| n.map_or(Value::Null, Value::Float64);
        let (none, no_values) = (None, Vec::new());
        let (kind, min, max, values, text) = match self {
            Validator::Range { min, max } => ("range", min, max, &no_values, ""),
            Validator::OneOf(all) => ("one_of", &none, &none, all, ""),
            Validator::OneOfCi(all) => ("one_of_ci", &none, &none, all, ""),
            Validator::NonEmpty => ("non_empty", &none, &none, &no_values, ""),
            Validator::NonNull => ("non_null", &none, &none, &no_values, ""),
            Validator::NoControl => ("no_control", &none, &none, &no_values, ""),
            Validator::Custom(text, _) => ("custom", &none, &none, &no_values, *text),
        };
        Value::map([
            ("kind", Value::str(kind)),
            ("min", number(min)),
            ("max", number(max)),
            ("values", Value::strings(values)),
            ("text", Value::str(text)),
        ])
    }
}

/// Java's `String.trim`: control characters count as blanks, blanks beyond ASCII do not.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// Splits a LIST value: at commas, blanks around them dropped; empty text: no items.
pub fn split_list(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| item.trim_matches([' ', '\t', '\n', '\x0B', '\x0C', '\r']).to_string()).collect()
}

/// The keys of a plugin.
#[derive(Clone, Debug, Default)]
pub struct ConfigDef {
    pub keys: Vec<ConfigKey>,
}

impl ConfigDef {
    pub fn new(keys: Vec<ConfigKey>) -> ConfigDef {
        ConfigDef { keys }
    }

    /// Checks a configuration and fills in defaults; keys that are not defined are ignored.
    pub fn parse(&self, config: &Config) -> Result<Parsed> {
        let values = self.keys.iter().map(|key| Ok((key.name, key.value(config)?)));
        Ok(Parsed { values: values.collect::<Result<_>>()? })
    }

    /// Errors of rules that only the plugin knows, by key. As in Connect, a value that is missing or does not parse goes
    /// to its rule as null.
    pub fn custom_errors(&self, config: &Config) -> Vec<(String, String)> {
        let custom = self.keys.iter().filter(|k| matches!(k.validator, Some(Validator::Custom(..))));
        custom
            .filter_map(|key| {
                Some((key.name.to_string(), key.check_rule(key.parsed(config).as_deref()).err()?.message))
            })
            .collect()
    }

    pub(crate) fn to_value(&self) -> Value {
        Value::Array(self.keys.iter().map(key_to_value).collect())
    }
}

fn key_to_value(key: &ConfigKey) -> Value {
    Value::map([
        ("name", Value::str(key.name)),
        ("type", Value::str(key.kind.name())),
        ("importance", Value::str(key.importance.name())),
        ("doc", Value::str(key.doc)),
        ("default", Value::optional(key.default.as_ref().and_then(|d| d.as_deref()))),
        ("has_default", Value::Boolean(key.default.is_some())),
        ("group", Value::optional(key.group)),
        ("order", Value::Int32(key.order)),
        ("width", Value::str(key.width)),
        ("display", Value::str(key.display)),
        ("dependents", Value::strings(&key.dependents)),
        ("internal", Value::Boolean(key.internal)),
        ("validator", key.validator.as_ref().map_or(Value::Null, Validator::to_value)),
    ])
}

/// Values of a checked configuration.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    values: Vec<(&'static str, Option<String>)>,
}

impl Parsed {
    /// The text of a key, `None` = null.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(k, _)| *k == name).and_then(|(_, v)| v.as_deref())
    }

    pub fn string(&self, name: &str) -> String {
        self.text(name).unwrap_or_default().to_string()
    }

    pub fn boolean(&self, name: &str) -> bool {
        self.text(name).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    /// A number; 0 if null.
    pub fn int(&self, name: &str) -> i64 {
        self.text(name).and_then(|v| v.strip_prefix('+').unwrap_or(v).parse().ok()).unwrap_or(0)
    }

    pub fn double(&self, name: &str) -> f64 {
        self.text(name).and_then(|v| v.parse().ok()).unwrap_or(0.0)
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        self.text(name).map(split_list).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn def() -> ConfigDef {
        ConfigDef::new(vec![
            ConfigKey::new("n", ConfigType::Int, "")
                .default("5")
                .validator(Validator::Range { min: Some(1.0), max: None }),
            ConfigKey::new("s", ConfigType::String, "").validator(Validator::NonEmpty),
            ConfigKey::new("b", ConfigType::Boolean, "").default("false"),
            ConfigKey::new("l", ConfigType::List, "").default(""),
        ])
    }

    #[test]
    fn values_are_trimmed_typed_and_defaulted() {
        let p = def().parse(&Config::from([("s", " x "), ("b", "TRUE"), ("l", "a , b")])).unwrap();
        assert_eq!((p.int("n"), p.string("s").as_str(), p.boolean("b")), (5, "x", true));
        assert_eq!(p.list("l"), ["a", "b"]);
        let p = def().parse(&Config::from([("s", "\u{1}\u{a0}x\u{0}"), ("l", ",a\t,\u{a0}b")])).unwrap();
        assert_eq!((p.string("s").as_str(), p.list("l")), ("\u{a0}x", ["", "a", "\u{a0}b"].map(String::from).to_vec()));
    }

    #[test]
    fn what_is_empty_depends_on_the_type() {
        let key = |kind| ConfigKey::new("k", kind, "").validator(Validator::NonEmpty);
        let message = |key: ConfigKey, value: Option<&str>| {
            let config = Config(vec![("k".into(), value.map(String::from))]);
            ConfigDef::new(vec![key]).parse(&config).err().map(|error| error.message)
        };
        let empty_list = |shown| Some(format!("Invalid value {shown} for configuration k: Empty list"));
        assert_eq!(message(key(ConfigType::List), Some(" ")), empty_list("[]"));
        assert_eq!(message(key(ConfigType::List), None), empty_list("null"));
        assert_eq!(message(key(ConfigType::List), Some(",")), None);
        assert_eq!(message(key(ConfigType::String), None), None);
        let non_null = ConfigKey::new("k", ConfigType::String, "").validator(Validator::NonNull);
        let absent = "Invalid value null for configuration k: entry must be non null";
        assert_eq!(message(non_null, None).as_deref(), Some(absent));
    }

    #[test]
    fn errors_are_worded_as_in_connect() {
        let cases: [(Config, &str); 5] = [
            (Config::from([]), "Missing required configuration \"s\" which has no default value."),
            (Config::from([("s", "")]), "Invalid value  for configuration s: String must be non-empty"),
            (Config::from([("s", "x"), ("n", "x")]), "Invalid value x for configuration n: Not a number of type INT"),
            (Config::from([("s", "x"), ("n", "0")]), "Invalid value 0 for configuration n: Value must be at least 1"),
            (
                Config::from([("s", "x"), ("b", "no")]),
                "Invalid value no for configuration b: Expected value to be either true or false",
            ),
        ];
        for (config, message) in cases {
            assert_eq!(def().parse(&config).unwrap_err().message, message);
        }
    }
}
