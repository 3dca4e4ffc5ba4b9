//! Side calls: log lines, metrics, and the position that the host shows after a trap.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::limits;

/// Level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
}

/// What an instance is doing; see `position` in section 1 of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Idle = 0,
    Start = 1,
    Poll = 2,
    Put = 3,
    Apply = 4,
    Flush = 5,
    Stop = 6,
    Describe = 7,
    Validate = 8,
    Configs = 9,
    Commit = 10,
    Alter = 11,
    State = 12,
}

pub(crate) static POSITION: [AtomicU32; 4] =
    [AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0)];

/// Notes what is being done.
pub(crate) fn at(phase: Phase, stage: usize) {
    POSITION[0].store(stage as u32, Ordering::Relaxed);
    POSITION[1].store(0, Ordering::Relaxed);
    POSITION[2].store(phase as u32, Ordering::Relaxed);
}

/// Notes which record is being worked on.
#[inline]
pub(crate) fn at_record(origin: u32) {
    POSITION[1].store(origin, Ordering::Relaxed);
}

/// Stage and record that are being worked on.
pub(crate) fn position() -> (usize, i64) {
    (POSITION[0].load(Ordering::Relaxed) as usize, POSITION[1].load(Ordering::Relaxed) as i64)
}

/// Writes a line to the worker's log under the connector's name.
pub fn log(level: Level, text: &str) {
    let text = limits::cut(text, limits::LOG_BYTES);
    #[cfg(target_arch = "wasm32")]
    crate::sys::host::log(level as i32, text);
    #[cfg(not(target_arch = "wasm32"))]
    native::LOG.with(|lines| lines.borrow_mut().push((level, text.to_string())));
}

pub fn info(text: &str) {
    log(Level::Info, text);
}

pub fn warn(text: &str) {
    log(Level::Warn, text);
}

/// Adds to a counter of the task.
pub fn count(name: &str, add: f64) {
    metric(name, 0, add);
}

/// Sets a gauge of the task.
pub fn gauge(name: &str, value: f64) {
    metric(name, 1, value);
}

fn metric(name: &str, kind: i32, value: f64) {
    #[cfg(target_arch = "wasm32")]
    crate::sys::host::metric(name, kind, value);
    #[cfg(not(target_arch = "wasm32"))]
    native::METRICS.with(|all| {
        let mut all = all.borrow_mut();
        let slot = all.entry(name.to_string()).or_insert(0.0);
        *slot = if kind == 0 { *slot + value } else { value };
    });
}

/// What side calls left behind in a native test; per thread.
#[cfg(not(target_arch = "wasm32"))]
pub mod native {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    thread_local! {
        pub(super) static LOG: RefCell<Vec<(super::Level, String)>> = const { RefCell::new(Vec::new()) };
        pub(super) static METRICS: RefCell<BTreeMap<String, f64>> = const { RefCell::new(BTreeMap::new()) };
    }

    /// Log lines since the last call.
    pub fn take_log() -> Vec<(super::Level, String)> {
        LOG.with(|lines| lines.take())
    }

    /// Metrics since the last call.
    pub fn take_metrics() -> BTreeMap<String, f64> {
        METRICS.with(|all| all.take())
    }
}
