//! The zone of texts that name none: the worker's, as a JVM's default zone is its machine's.

use std::cell::RefCell;

use super::Zone;

thread_local! {
    static DEFAULT: RefCell<Zone> = RefCell::new(Zone::of(&std::env::var("TZ").unwrap_or("UTC".to_string())));
}

/// `TimeZone.getDefault`: the host names it in TZ; UTC where it names none.
pub fn default_zone() -> Zone {
    DEFAULT.with_borrow(Zone::clone)
}

/// `TimeZone.setDefault`, for this thread.
#[cfg(any(test, feature = "vectors"))]
pub fn set_default_zone(zone: Zone) {
    DEFAULT.set(zone);
}
