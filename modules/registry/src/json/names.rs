//! Keywords beside JSON Schema's own, on which Connect's translation of it agrees.

pub const CONNECT_TYPE: &str = "connect.type";
pub const CONNECT_VERSION: &str = "connect.version";
pub const CONNECT_PARAMETERS: &str = "connect.parameters";
/// Position of a property among a struct's fields: JSON keeps no order.
pub const CONNECT_INDEX: &str = "connect.index";

/// Struct that stands for `oneOf`, `anyOf` or several types; its fields are this name with `.field.N` behind it.
pub const ONE_OF: &str = "io.confluent.connect.json.OneOf";
