//! The registry module: nothing but the table of plugins, so that all logic is tested natively.

berth_guest::main!(registry::plugins);
