//! The plugins of the stock module, one file each, and the table that registers them.

pub mod base64;
pub mod blackhole;
pub mod byte_array_converter;
pub mod datagen;
pub mod decimal;
pub mod file_sink;
pub mod file_source;
pub mod converter_type;
pub mod java_class;
pub mod java_number;
pub mod java_text;
pub mod java_time;
pub mod paths;
pub mod simple_header_converter;
pub mod string_converter;
pub mod values;

use berth_guest::Plugin;

/// Version of Kafka whose plugins these are: what REST reports for them.
pub const KAFKA_VERSION: &str = "4.1.1";

/// Every plugin of the module.
pub fn plugins() -> Vec<Plugin> {
    vec![
        file_source::plugin(),
        file_sink::plugin(),
        string_converter::plugin(),
        byte_array_converter::plugin(),
        simple_header_converter::plugin(),
        datagen::plugin(),
        blackhole::plugin(),
    ]
}
