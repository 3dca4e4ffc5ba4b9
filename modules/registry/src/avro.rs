//! Avro: schemas, their translation to Connect's and back, and data both ways without a tree between.

pub mod compatible;
pub mod from_connect;
pub mod names;
pub mod read;
pub mod schema;
pub mod to_connect;
pub mod write;

/// What the translation between Avro and Connect can be told.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Keep enums, and the packages of what is in a union, when they come back from Connect.
    pub enhanced: bool,
    /// Write what only Connect knows (names, versions, parameters) into Avro schemas.
    pub meta_data: bool,
    /// Replace characters that Avro's names can't have.
    pub scrub: bool,
    /// Write null where a nullable field with a default is null.
    pub null_over_default: bool,
}
