//! Protobuf: schemas as text, their translation to Connect's and back, and data both ways.

pub mod files;
pub mod from_connect;
pub mod names;
pub mod read;
pub mod to_connect;
pub mod write;

/// What the translation between Protobuf and Connect can be told.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Name structs with the package.
    pub enhanced: bool,
    /// Only fields with the keyword `optional` are optional; else all are.
    pub optional_keyword: bool,
    /// Enums are numbers; else texts.
    pub int_for_enums: bool,
    /// Fields of a `oneof` stand in the struct itself, not in one of their own.
    pub flatten_unions: bool,
    /// Replace characters that Protobuf's names can't have.
    pub scrub: bool,
}
