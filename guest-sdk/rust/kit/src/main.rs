//! The kit as a module.

berth_guest::main!(kit::plugins);
