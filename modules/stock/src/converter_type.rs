//! `converter.type`, which every converter's definition has.

use berth_guest::{Config, ConfigDef, ConfigKey, ConfigType, Context, Importance, StageKind, Validator};

pub fn key() -> ConfigKey {
    let types = ["key", "value", "header"].map(String::from).to_vec();
    ConfigKey::new("converter.type", ConfigType::String, "What the converter is used for; the worker sets it.")
        .importance(Importance::Low)
        .validator(Validator::OneOf(types))
}

/// The definition of a converter that has no other keys.
pub fn definition() -> ConfigDef {
    ConfigDef::new(vec![key()])
}

/// The configuration as Connect hands it to the definition: converters of keys and values put the type there
/// themselves, that of headers comes from the worker.
pub fn fill(context: &Context) -> Config {
    let mut config = context.config.clone();
    match context.kind {
        StageKind::HeaderConverter => {}
        StageKind::KeyConverter => config.set("converter.type", "key"),
        _ => config.set("converter.type", "value"),
    }
    config
}
