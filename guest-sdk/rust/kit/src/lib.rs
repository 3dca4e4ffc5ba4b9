//! The plugins that every SDK implements alike; guest-sdk/CONFORMANCE.md says what they do.

mod connectors;
mod records;

use berth_guest::Plugin;

/// Every plugin of the kit.
pub fn plugins() -> Vec<Plugin> {
    vec![
        connectors::counter(),
        connectors::collect(),
        records::upper(),
        records::explode(),
        records::drop(),
        records::is_tombstone(),
        records::hex(),
        records::fail(),
        records::number(),
    ]
}
