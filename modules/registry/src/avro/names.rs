//! Names that Avro and Connect's translation of it agree on.

pub const CONNECT_NAME: &str = "connect.name";
pub const CONNECT_DOC: &str = "connect.doc";
pub const CONNECT_VERSION: &str = "connect.version";
pub const CONNECT_PARAMETERS: &str = "connect.parameters";
pub const CONNECT_DEFAULT: &str = "connect.default";
pub const CONNECT_TYPE: &str = "connect.type";
pub const CONNECT_INTERNAL: &str = "connect.internal.type";
pub const LOGICAL: &str = "logicalType";

/// Parameter with the digits of a decimal, and the number that stands for none.
pub const PRECISION: &str = "connect.decimal.precision";
pub const PRECISION_PRESET: u64 = 64;
/// Parameter with the size of bytes that are an Avro fixed.
pub const FIXED_SIZE: &str = "connect.fixed.size";

/// Namespace and name of a struct without a name.
pub const NAMESPACE: &str = "io.confluent.connect.avro";
pub const DEFAULT_NAME: &str = "ConnectDefault";
/// Record that stands for an entry of a map whose keys are not texts.
pub const MAP_ENTRY: &str = "MapEntry";
/// Struct that stands for a union.
pub const UNION: &str = "io.confluent.connect.avro.Union";
/// Parameter of a text that is an enum: its name; with `.SYMBOL` behind it, one for each symbol.
pub const ENUM: &str = "io.confluent.connect.avro.Enum";
/// Parameter with the doc of an enum.
pub const ENUM_DOC: &str = "io.confluent.connect.avro.enum.doc.";

/// The full name of [`DEFAULT_NAME`].
pub fn default_full_name() -> String {
    format!("{NAMESPACE}.{DEFAULT_NAME}")
}

/// A name as Avro takes it, part by part: percent-encoded, what it still can't have as `_`, and led by an `x` if need
/// be.
pub fn scrub(name: &str) -> String {
    name.split('.').map(scrub_part).collect::<Vec<_>>().join(".")
}

fn scrub_part(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => out.push(byte as char),
            b'-' | b'*' | b' ' => out.push('_'),
            _ => out.push_str(&format!("_{byte:02X}")),
        }
    }
    if out.bytes().next().is_none_or(|first| first.is_ascii_digit()) {
        out.insert(0, 'x');
    }
    out
}

/// Whether Avro takes the name.
pub fn is_valid(name: &str) -> bool {
    name.split('.').all(|part| {
        part.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_scrubbed_part_by_part() {
        for (name, want) in
            [("a.b", "a.b"), ("a-b c", "a_b_c"), ("1a", "x1a"), ("é", "_C3_A9"), ("a/b", "a_2Fb"), ("", "x")]
        {
            assert_eq!(scrub(name), want);
            assert!(is_valid(&scrub(name)), "{name}");
        }
    }
}
