//! Names on which Connect's translation of Protobuf agrees.

/// Parameter of a field: its number.
pub const TAG: &str = "io.confluent.connect.protobuf.Tag";
/// Parameter of a text or number that is an enum: its name; with `.SYMBOL` behind it, each symbol's number.
pub const ENUM: &str = "io.confluent.type.Enum";
/// A struct that stands for a `oneof`; its name follows.
pub const UNION: &str = "io.confluent.connect.protobuf.Union.";
/// Message for a struct without a name; a number follows.
pub const DEFAULT_NAME: &str = "ConnectDefault";

pub const DECIMAL: &str = "confluent.type.Decimal";
pub const DATE: &str = "google.type.Date";
pub const TIME: &str = "google.type.TimeOfDay";
pub const TIMESTAMP: &str = "google.protobuf.Timestamp";
/// Option of fields in which Connect keeps what Protobuf has no word for.
pub const FIELD_META: &str = "confluent.field_meta";
/// Key in [`FIELD_META`] that tells narrow integers.
pub const CONNECT_TYPE: &str = "connect.type";
