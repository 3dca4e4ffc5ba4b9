//! JSON Schema: schemas, their translation to Connect's and back, and JSON both ways.

pub mod from_connect;
pub mod names;
pub mod read;
pub mod to_connect;
pub mod validate;
pub mod write;

/// What the translation between JSON Schema and Connect can be told.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Decimals as numbers; else as base64.
    pub numeric: bool,
    /// Properties that a schema does not require are optional.
    pub optional_unless_required: bool,
    /// Objects may have properties that their schema does not name.
    pub additional: bool,
    /// Refuse values that don't fit the registered schema.
    pub validate: bool,
}
