//! Limits of the ABI (section 9), in one place.

/// A batch or an event, in bytes.
pub const BATCH_BYTES: usize = 64 << 20;
/// Records in a batch.
pub const BATCH_RECORDS: usize = 1 << 20;
/// Topics, schemas or source partitions in a batch, each.
pub const DICTIONARY_ITEMS: usize = 65_536;
/// Containers within each other.
pub const DEPTH: usize = 1000;
/// Headers of a record.
pub const RECORD_HEADERS: usize = 4_096;
/// Message of an error, in bytes; longer ones are cut.
pub const ERROR_BYTES: usize = 8 << 10;
/// Name of its exception class.
pub const ERROR_CLASS_BYTES: usize = 256;
/// A log line, in bytes; longer ones are cut.
pub const LOG_BYTES: usize = 16 << 10;
/// Stages in an instance.
pub const STAGES: usize = 64;
/// Plugins in a module.
pub const PLUGINS: usize = 256;

/// Cuts a text to at most `limit` bytes at a character boundary.
pub fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
