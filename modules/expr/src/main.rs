//! The module: nothing but the registry, so that all logic is tested natively.

berth_guest::main!(expr::plugins);
