//! `converter.type`, which every converter's definition has and the worker sets.

use berth_guest::{Config, ConfigKey, ConfigType, Context, Importance, StageKind, Validator};

pub fn key() -> ConfigKey {
    let types = ["key", "value", "header"].map(String::from).to_vec();
    ConfigKey::new("converter.type", ConfigType::String, "What the converter is used for; the worker sets it.")
        .importance(Importance::Low)
        .validator(Validator::OneOf(types))
}

/// The configuration with the type filled in from the stage.
pub fn fill(context: &Context) -> Config {
    let mut config = context.config.clone();
    config.set(
        "converter.type",
        match context.kind {
            StageKind::KeyConverter => "key",
            StageKind::HeaderConverter => "header",
            _ => "value",
        },
    );
    config
}
