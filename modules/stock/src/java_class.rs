//! Java's names for the classes of values, for messages.

use berth_guest::{Tag, ValueRef};

/// `class java.lang.String` and so on.
pub fn class_of(value: ValueRef<'_>) -> String {
    format!("class {}", name_of(value))
}

/// `java.lang.String` and so on.
pub fn name_of(value: ValueRef<'_>) -> &str {
    value.object().map_or(class_name(value.tag), |(class, _)| class)
}

/// As [`name_of`] where only the tag is known: an OBJECT is of any class.
pub fn class_name(tag: Tag) -> &'static str {
    match tag {
        Tag::Null => "null",
        Tag::Raw | Tag::Bytes => "[B",
        Tag::Int8 => "java.lang.Byte",
        Tag::Int16 => "java.lang.Short",
        Tag::Int32 => "java.lang.Integer",
        Tag::Int64 => "java.lang.Long",
        Tag::Float32 => "java.lang.Float",
        Tag::Float64 => "java.lang.Double",
        Tag::Boolean => "java.lang.Boolean",
        Tag::String => "java.lang.String",
        Tag::Array => "java.util.ArrayList",
        Tag::Map => "java.util.LinkedHashMap",
        Tag::Struct => "org.apache.kafka.connect.data.Struct",
        Tag::Decimal => "java.math.BigDecimal",
        Tag::Date => "java.util.Date",
        Tag::BigInt => "java.math.BigInteger",
        Tag::Object => "java.lang.Object",
    }
}
