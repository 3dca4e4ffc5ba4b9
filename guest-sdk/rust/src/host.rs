//! The host as the main loop sees it; implemented by the imports in a module and by a fake in tests.

use std::time::Duration;

/// What to wait for besides events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// Until the host would take a message.
    pub writable: bool,
    pub timeout: Option<Duration>,
    /// Until this file descriptor has something to read.
    pub readable: Option<u32>,
}

/// The calls of the ABI that move data.
pub trait Host {
    /// See `poll` of the ABI.
    fn poll(&mut self, buffer: &mut [u8]) -> i32;
    /// See `put` of the ABI.
    fn put(&mut self, kind: i32, seq: i32, head: &[u8], data: &[u8]) -> i32;
    /// See `commit` of the ABI.
    fn commit(&mut self, seq: i32, body: &[u8]) -> i32;
    /// Sleeps until an event is there or what `wait` names.
    fn wait(&mut self, wait: Wait);
    /// How records pass the stages: for tests, which compare the ways.
    fn passing(&self) -> Passing {
        Passing::Direct
    }
}

/// How records pass the stages; what comes out is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passing {
    /// Past them, where their chain can be sketched.
    #[default]
    Direct,
    /// Through each stage.
    Staged,
    /// The same, with values put together before each.
    Assembled,
}

/// The host behind the imports.
#[cfg(target_arch = "wasm32")]
#[derive(Debug)]
pub struct Imports;

/// The task fd.
#[cfg(target_arch = "wasm32")]
const TASK_FD: u32 = 1 << 20;

#[cfg(target_arch = "wasm32")]
impl Host for Imports {
    fn poll(&mut self, buffer: &mut [u8]) -> i32 {
        crate::sys::host::poll(buffer)
    }

    fn put(&mut self, kind: i32, seq: i32, head: &[u8], data: &[u8]) -> i32 {
        crate::sys::host::put(kind, seq, head, data)
    }

    fn commit(&mut self, seq: i32, body: &[u8]) -> i32 {
        crate::sys::host::commit(seq, body)
    }

    fn wait(&mut self, wait: Wait) {
        let mut subscriptions = Vec::with_capacity(4 * 48);
        subscribe_fd(&mut subscriptions, 1, TASK_FD);
        if wait.writable {
            subscribe_fd(&mut subscriptions, 2, TASK_FD);
        }
        if let Some(fd) = wait.readable {
            subscribe_fd(&mut subscriptions, 1, fd);
        }
        if let Some(timeout) = wait.timeout {
            subscribe_clock(&mut subscriptions, timeout);
        }
        let mut events = [0; 4 * 32];
        crate::sys::host::poll_oneoff(&subscriptions, &mut events);
    }
}

/// What an fd is to be ready for.
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    Read = 1,
    Write = 2,
}

/// Sleeps until an fd is ready or the time is over; the caller looks again in either case.
#[cfg(target_arch = "wasm32")]
pub(crate) fn wait_for(fd: u32, direction: Direction, timeout: Option<Duration>) {
    let mut subscriptions = Vec::with_capacity(2 * 48);
    subscribe_fd(&mut subscriptions, direction as u8, fd);
    if let Some(timeout) = timeout {
        subscribe_clock(&mut subscriptions, timeout);
    }
    crate::sys::host::poll_oneoff(&subscriptions, &mut [0; 2 * 32]);
}

/// A subscription of poll_oneoff, 48 bytes: userdata u64, tag u8 at 8, fd u32 at 16.
#[cfg(target_arch = "wasm32")]
fn subscribe_fd(out: &mut Vec<u8>, tag: u8, fd: u32) {
    let mut subscription = [0; 48];
    subscription[8] = tag;
    subscription[16..20].copy_from_slice(&fd.to_le_bytes());
    out.extend_from_slice(&subscription);
}

/// The same for a clock: id u32 at 16 (1 = monotonic), timeout u64 in ns at 24, flags 0 = relative.
#[cfg(target_arch = "wasm32")]
fn subscribe_clock(out: &mut Vec<u8>, timeout: Duration) {
    let mut subscription = [0; 48];
    subscription[16..20].copy_from_slice(&1u32.to_le_bytes());
    let ns = timeout.as_nanos().min(u64::MAX as u128) as u64;
    subscription[24..32].copy_from_slice(&ns.to_le_bytes());
    out.extend_from_slice(&subscription);
}
