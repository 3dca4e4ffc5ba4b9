//! Connect's data API (`org.apache.kafka.connect.data` and `.header`): values as Java's objects, structs, the checks of
//! `ConnectSchema.validateValue`, SchemaBuilder, SchemaProjector, logical types and headers, with Connect's errors.
//!
//! Plugins on the path of records work on the flat values of the ABI. This is for code that builds, checks or projects
//! values one at a time.

pub mod equality;
pub mod headers;
pub mod logical;
pub mod object;
pub mod schema_builder;
pub mod schema_projector;
pub mod schema_validation;
pub mod structs;

pub use headers::{ConnectHeader, ConnectHeaders};
pub use object::Object;
pub use schema_builder::SchemaBuilder;
pub use structs::Struct;

#[cfg(test)]
mod tests;
