//! The plugins of the stock module, one file each, and the table that registers them.

pub mod base64;
pub mod blackhole;
pub mod boolean_converter;
pub mod byte_array_converter;
pub mod charset;
pub mod converter_type;
pub mod datagen;
pub mod decimal;
pub mod extract_field;
pub mod field_path;
pub mod fields;
pub mod file_sink;
pub mod file_source;
pub mod filter;
pub mod hoist_field;
pub mod insert_field;
pub mod java_class;
pub mod java_format;
pub mod java_hash;
pub mod java_number;
pub mod java_parse;
pub mod java_properties;
pub mod java_record_text;
pub mod java_regex;
pub mod java_text;
pub mod java_time;
pub mod json_converter;
pub mod json_encoding;
pub mod json_lexer;
pub mod json_names;
pub mod json_node;
pub mod json_schema;
pub mod json_typed;
pub mod json_writer;
pub mod logical;
pub mod number_converter;
pub mod paths;
pub mod regex_router;
pub mod replace_field;
pub mod simple_header_converter;
pub mod string_converter;
pub mod topic_name_matches;
pub mod values;
pub mod values_common;
pub mod values_convert;
pub mod values_infer;
pub mod values_text;
pub mod values_time;
#[cfg(feature = "vectors")]
pub mod vectors;

use berth_guest::Plugin;

/// Version of Kafka whose plugins these are: what REST reports for them.
pub const KAFKA_VERSION: &str = "4.1.1";

/// Every plugin of the module.
pub fn plugins() -> Vec<Plugin> {
    let mut all = vec![
        file_source::plugin(),
        file_sink::plugin(),
        string_converter::plugin(),
        byte_array_converter::plugin(),
        boolean_converter::plugin(),
        json_converter::plugin(),
        simple_header_converter::plugin(),
        filter::plugin(),
        regex_router::plugin(),
        topic_name_matches::plugin(),
        datagen::plugin(),
        blackhole::plugin(),
    ];
    all.extend(number_converter::plugins());
    all.extend(extract_field::plugins());
    all.extend(hoist_field::plugins());
    all.extend(insert_field::plugins());
    all.extend(replace_field::plugins());
    all
}
