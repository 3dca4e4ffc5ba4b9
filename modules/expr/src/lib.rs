//! A transform and a predicate whose logic is an expression in the Common Expression Language.

pub mod assign;
pub mod edit;
pub mod expr;
pub mod failure;
pub mod functions;
pub mod language;
pub mod matches;
pub mod nested;
pub mod number;
pub mod output;
pub mod path;
pub mod program;
pub mod quick;
pub mod rewrite;
pub mod scope;
pub mod settings;
pub mod shape;
pub mod structs;
pub mod typed;
pub mod view;

use berth_guest::Plugin;

/// Version of the plugins, as REST reports it.
pub const VERSION: &str = "0.1.0";

/// Every plugin of the module.
pub fn plugins() -> Vec<Plugin> {
    vec![expr::plugin(), matches::plugin()]
}
