//! The stock module: nothing but the registry, so that all logic is tested natively.

berth_guest::main!(stock::plugins);
