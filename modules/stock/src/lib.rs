//! The plugins of the stock module, one file each, and the table that registers them.

pub mod base64;
pub mod blackhole;
pub mod boolean_converter;
pub mod byte_array_converter;
pub mod cast;
pub mod cast_spec;
pub mod cast_value;
pub mod charset;
pub mod connect_data;
pub mod converter_type;
pub mod datagen;
pub mod decimal;
pub mod drop_headers;
pub mod extract_field;
pub mod field_path;
pub mod field_reader;
pub mod fields;
pub mod file_sink;
pub mod file_source;
pub mod filter;
pub mod flatten;
pub mod has_header_key;
pub mod header_from;
pub mod hoist_field;
pub mod insert_field;
pub mod insert_header;
pub mod java_class;
pub mod java_format;
pub mod java_hash;
pub mod java_number;
pub mod java_parse;
pub mod java_properties;
pub mod java_record;
pub mod java_regex;
pub mod java_text;
pub mod java_time;
pub mod json_block;
pub mod json_converter;
pub mod json_encoding;
pub mod json_fields;
pub mod json_lexer;
pub mod json_names;
pub mod json_node;
pub mod json_scalar;
pub mod json_schema;
pub mod json_shapes;
pub mod json_struct;
pub mod json_text;
pub mod json_typed;
pub mod json_writer;
pub mod logical_types;
pub mod mask_field;
pub mod number_converter;
pub mod paths;
pub mod record_is_tombstone;
pub mod regex_router;
pub mod replace_field;
pub mod same_headers;
pub mod set_schema_metadata;
pub mod simple_header_converter;
pub mod string_converter;
pub mod timestamp_converter;
pub mod timestamp_router;
pub mod timestamp_type;
pub mod topic_name_matches;
#[cfg(test)]
mod trial;
pub mod value_to_key;
pub mod values;
pub mod values_common;
pub mod values_convert;
pub mod values_infer;
pub mod values_text;
pub mod values_time;
#[cfg(feature = "vectors")]
pub mod vectors;
mod wtf8;

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
        timestamp_router::plugin(),
        topic_name_matches::plugin(),
        has_header_key::plugin(),
        record_is_tombstone::plugin(),
        insert_header::plugin(),
        drop_headers::plugin(),
        value_to_key::plugin(),
        datagen::plugin(),
        blackhole::plugin(),
    ];
    all.extend(cast::plugins());
    all.extend(number_converter::plugins());
    all.extend(extract_field::plugins());
    all.extend(flatten::plugins());
    all.extend(header_from::plugins());
    all.extend(hoist_field::plugins());
    all.extend(insert_field::plugins());
    all.extend(mask_field::plugins());
    all.extend(replace_field::plugins());
    all.extend(set_schema_metadata::plugins());
    all.extend(timestamp_converter::plugins());
    all
}
