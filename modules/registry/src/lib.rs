//! Converters that speak the wire format of a schema registry: a zero byte, the id of a schema, the bytes that it
//! describes.

pub mod avro;
pub mod avro_converter;
pub mod converter;
pub mod days;
pub mod json;
pub mod json_schema_converter;
pub mod protobuf;
pub mod protobuf_converter;
pub mod schemas;
pub mod settings;
pub mod text;
pub mod wire;

use berth_guest::Plugin;

/// Version of the converters, as REST reports it.
pub const VERSION: &str = "0.1.0";

/// Every plugin of the module.
pub fn plugins() -> Vec<Plugin> {
    vec![avro_converter::plugin(), json_schema_converter::plugin(), protobuf_converter::plugin()]
}
