//! The only unsafe code of the SDK: imports of the host, records seen as bytes, and short copies.

use crate::bytes::is_ascii;
use crate::entry::{Entry, ENTRY_BYTES};
use crate::value::Tag;

#[cfg(target_endian = "big")]
compile_error!("the ABI is little endian and entries are used in place");

/// The bytes of entries, as the ABI lays them out.
pub(crate) fn entry_bytes(entries: &[Entry]) -> &[u8] {
    // SAFETY: Entry is repr(C), 88 bytes without padding (asserted in entry.rs), and made of integers only.
    unsafe { std::slice::from_raw_parts(entries.as_ptr().cast::<u8>(), std::mem::size_of_val(entries)) }
}

/// Appends entries given as bytes; a rest shorter than an entry is ignored.
pub(crate) fn extend_entries(entries: &mut Vec<Entry>, bytes: &[u8]) {
    let count = bytes.len() / ENTRY_BYTES;
    entries.reserve(count);
    // SAFETY: every bit pattern is a valid Entry, the room was reserved, and source and target do not overlap.
    unsafe {
        let end = entries.as_mut_ptr().add(entries.len()).cast::<u8>();
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), end, count * ENTRY_BYTES);
        entries.set_len(entries.len() + count);
    }
}

/// The tag of a byte, without a look at a table: in a module each load costs a check.
#[inline(always)]
pub(crate) fn tag_of(byte: u8) -> Option<Tag> {
    // SAFETY: Tag is repr(u8), and its variants have all numbers from 0 to that of Object (asserted below).
    (byte <= Tag::Object as u8).then(|| unsafe { std::mem::transmute::<u8, Tag>(byte) })
}

const _: () = {
    use Tag::*;
    let all = [
        Null, Raw, Int8, Int16, Int32, Int64, Float32, Float64, Boolean, String, Bytes, Array, Map, Struct, Decimal,
        Date, BigInt, Object,
    ];
    let mut i = 0;
    while i < all.len() {
        assert!(all[i] as usize == i); // `tag_of` relies on it
        i += 1;
    }
};

/// The text that bytes are, if they are UTF-8.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    match is_ascii(bytes) {
        // SAFETY: ASCII is UTF-8.
        true => Some(unsafe { std::str::from_utf8_unchecked(bytes) }),
        false => std::str::from_utf8(bytes).ok(),
    }
}

/// Longest run that [`append_short`] takes.
pub(crate) const SHORT: usize = 32;

/// Appends a run, of which no more than [`SHORT`] bytes count, after one check for room.
#[inline(always)]
pub(crate) fn append_short(bytes: &[u8], out: &mut Vec<u8>) {
    let n = bytes.len().min(SHORT);
    out.reserve(SHORT);
    // SAFETY: `n` bytes can be read, and SHORT were reserved, of which the first `n` are written before they count. Source
    // and target do not overlap, as nothing else refers to the room of `out`.
    unsafe {
        copy_short(bytes.as_ptr(), out.as_mut_ptr().add(out.len()), n);
        out.set_len(out.len() + n);
    }
}

/// The end of a vector while much is appended to it in short runs: where it is and how much room is left are no longer
/// in memory, where each look at them would cost a module a check. Passed on by value, so that they stay where they are.
#[derive(Debug)]
pub struct Appender<'v> {
    out: &'v mut Vec<u8>,
    at: *mut u8,
    /// Bytes behind `at` that are reserved.
    room: usize,
}

impl<'v> Appender<'v> {
    /// `likely`: how much will be appended, if that is known.
    #[inline(always)]
    pub fn new(out: &'v mut Vec<u8>, likely: usize) -> Appender<'v> {
        out.reserve(likely);
        let (len, room) = (out.len(), out.capacity() - out.len());
        // SAFETY: the length is within the capacity.
        let at = unsafe { out.as_mut_ptr().add(len) };
        Appender { out, at, room }
    }

    /// The vector with all that was appended; what was not finished is not there.
    #[inline(always)]
    pub fn finish(self) -> &'v mut Vec<u8> {
        // SAFETY: `room` bytes of the capacity are left, and all before them were written.
        unsafe { self.out.set_len(self.out.capacity() - self.room) };
        self.out
    }

    /// With room for `n` bytes.
    #[inline(always)]
    fn with_room(self, n: usize) -> Appender<'v> {
        if self.room >= n {
            return self;
        }
        let out = self.finish(); // alone: were the end handed to a function, it would be in memory everywhere
        grow(out, n);
        Appender::new(out, 0)
    }

    /// Appends the first `n` of `N` bytes, all if there are no more.
    #[inline(always)]
    pub fn first<const N: usize>(self, n: usize, bytes: &[u8; N]) -> Appender<'v> {
        let (end, n) = (self.with_room(N), n.min(N));
        // SAFETY: N bytes can be written at `at`, of which the first `n` count.
        unsafe { end.at.cast::<[u8; N]>().write_unaligned(*bytes) };
        // SAFETY: `n` is no more than the room.
        Appender { at: unsafe { end.at.add(n) }, room: end.room - n, ..end }
    }

    #[inline(always)]
    pub fn byte(self, byte: u8) -> Appender<'v> {
        self.first(1, &[byte])
    }

    /// Appends a run, best a short one.
    #[inline(always)]
    pub fn run(self, bytes: &[u8]) -> Appender<'v> {
        let n = bytes.len();
        if n > SHORT {
            let out = self.finish();
            out.extend_from_slice(bytes);
            return Appender::new(out, 0);
        }
        let end = self.with_room(SHORT);
        // SAFETY: `n` bytes can be read at `bytes`, and SHORT be written at `at`, which nothing else refers to.
        unsafe { copy_short(bytes.as_ptr(), end.at, n) };
        // SAFETY: `n` is no more than the room.
        Appender { at: unsafe { end.at.add(n) }, room: end.room - n, ..end }
    }
}

#[cold]
#[inline(never)]
fn grow(out: &mut Vec<u8>, n: usize) {
    out.reserve(n);
}

/// Copies a run by its ends, which may overlap: copies of known size take no call.
///
/// # Safety
/// `n` bytes can be read at `from` and written at `to`, `n` is no more than [`SHORT`], and the two do not overlap.
#[inline(always)]
unsafe fn copy_short(from: *const u8, to: *mut u8, n: usize) {
    // SAFETY: the ends of N bytes that cover a run lie within it, as N <= n <= 2 N.
    unsafe {
        match n {
            0 => {}
            1..4 => [0, n / 2, n - 1].into_iter().for_each(|i| *to.add(i) = *from.add(i)),
            4..8 => copy_ends::<4>(from, to, n),
            8..16 => copy_ends::<8>(from, to, n),
            _ => copy_ends::<16>(from, to, n),
        }
    }
}

/// Copies the first and the last `N` of `n` bytes.
///
/// # Safety
/// `n` is at least `N`, and as many bytes can be read at `from` and written at `to`.
#[inline(always)]
unsafe fn copy_ends<const N: usize>(from: *const u8, to: *mut u8, n: usize) {
    // SAFETY: both ends lie within what the caller has promised.
    unsafe {
        let first = from.cast::<[u8; N]>().read_unaligned();
        let last = from.add(n - N).cast::<[u8; N]>().read_unaligned();
        to.cast::<[u8; N]>().write_unaligned(first);
        to.add(n - N).cast::<[u8; N]>().write_unaligned(last);
    }
}

/// Appends what one `read` of up to `most` bytes gives; the room for it is not zeroed before.
pub(crate) fn read(fd: i32, out: &mut Vec<u8>, most: usize) -> std::io::Result<usize> {
    extern "C" {
        fn read(fd: i32, to: *mut u8, most: usize) -> isize;
    }
    out.reserve(most);
    // SAFETY: room for `most` bytes was reserved behind the end; as many of them count as were written.
    unsafe {
        let n = read(fd, out.as_mut_ptr().add(out.len()), most);
        let n = usize::try_from(n).map_err(|_| std::io::Error::last_os_error())?;
        out.set_len(out.len() + n);
        Ok(n)
    }
}

#[cfg(target_arch = "wasm32")]
pub(crate) mod host {
    use std::sync::atomic::AtomicU32;

    mod berth {
        use std::sync::atomic::AtomicU32;

        #[link(wasm_import_module = "berth")]
        extern "C" {
            pub fn berth_abi_1();
            pub fn poll(ptr: *mut u8, cap: i32) -> i32;
            pub fn put(kind: i32, seq: i32, head: *const u8, head_len: i32, data: *const u8, data_len: i32) -> i32;
            pub fn commit(seq: i32, ptr: *const u8, len: i32) -> i32;
            pub fn log(level: i32, ptr: *const u8, len: i32);
            pub fn metric(name: *const u8, name_len: i32, kind: i32, value: f64);
            pub fn position(ptr: *const AtomicU32);
        }
    }

    mod wasi {
        #[link(wasm_import_module = "wasi_snapshot_preview1")]
        extern "C" {
            pub fn poll_oneoff(subscriptions: *const u8, events: *mut u8, n: i32, fired: *mut i32) -> i32;
        }
    }

    pub fn mark_abi() {
        // SAFETY: takes and returns nothing.
        unsafe { berth::berth_abi_1() }
    }

    pub fn poll(buffer: &mut [u8]) -> i32 {
        // SAFETY: the host writes at most as many bytes as it is told.
        unsafe { berth::poll(buffer.as_mut_ptr(), buffer.len() as i32) }
    }

    pub fn put(kind: i32, seq: i32, head: &[u8], data: &[u8]) -> i32 {
        // SAFETY: the host reads the two slices only.
        unsafe { berth::put(kind, seq, head.as_ptr(), head.len() as i32, data.as_ptr(), data.len() as i32) }
    }

    pub fn commit(seq: i32, body: &[u8]) -> i32 {
        // SAFETY: the host reads the slice only.
        unsafe { berth::commit(seq, body.as_ptr(), body.len() as i32) }
    }

    pub fn log(level: i32, text: &str) {
        // SAFETY: the host reads the text only.
        unsafe { berth::log(level, text.as_ptr(), text.len() as i32) }
    }

    pub fn metric(name: &str, kind: i32, value: f64) {
        // SAFETY: the host reads the name only.
        unsafe { berth::metric(name.as_ptr(), name.len() as i32, kind, value) }
    }

    pub fn position(words: &'static [AtomicU32; 4]) {
        // SAFETY: the host reads 16 bytes that live as long as the instance.
        unsafe { berth::position(words.as_ptr()) }
    }

    /// Waits for the first of `n` subscriptions (48 bytes each); events need 32 bytes each.
    pub fn poll_oneoff(subscriptions: &[u8], events: &mut [u8]) {
        let n = (subscriptions.len() / 48).min(events.len() / 32) as i32;
        let mut fired = 0i32;
        // SAFETY: both buffers hold n items; what fired is asked for again by the caller, so errors only cost a turn.
        unsafe {
            wasi::poll_oneoff(subscriptions.as_ptr(), events.as_mut_ptr(), n, &mut fired);
        }
    }
}

/// Identity and size of an open file, from `fd_filestat_get`.
#[cfg(target_arch = "wasm32")]
pub(crate) fn filestat(fd: i32) -> std::io::Result<(u64, u64, u64)> {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    extern "C" {
        fn fd_filestat_get(fd: i32, out: *mut u64) -> i32;
    }
    let mut stat = [0u64; 8];
    // SAFETY: a filestat is 64 bytes: device at 0, inode at 8, size at 32.
    match unsafe { fd_filestat_get(fd, stat.as_mut_ptr()) } {
        0 => Ok((stat[0], stat[1], stat[4])),
        errno => Err(std::io::Error::from_raw_os_error(errno)),
    }
}

/// The imports for connections (section 11 of the ABI). None of them waits.
#[cfg(target_arch = "wasm32")]
pub(crate) mod net {
    use std::os::fd::{FromRawFd, OwnedFd};

    mod berth {
        #[link(wasm_import_module = "berth")]
        extern "C" {
            pub fn net_dial(host: *const u8, host_len: i32, port: i32) -> i32;
            pub fn net_tls(fd: i32, options: *const u8, options_len: i32) -> i32;
            pub fn net_resolve(name: *const u8, name_len: i32, kind: i32) -> i32;
            pub fn net_status(fd: i32, ptr: *mut u8, cap: i32) -> i32;
        }
    }

    mod wasi {
        #[link(wasm_import_module = "wasi_snapshot_preview1")]
        extern "C" {
            pub fn sock_shutdown(fd: i32, how: i32) -> i32;
        }
    }

    pub fn dial(host: &str, port: u16) -> i32 {
        // SAFETY: the host reads the name only.
        unsafe { berth::net_dial(host.as_ptr(), host.len() as i32, i32::from(port)) }
    }

    pub fn tls(fd: i32, options: &[u8]) -> i32 {
        // SAFETY: the host reads the slice only.
        unsafe { berth::net_tls(fd, options.as_ptr(), options.len() as i32) }
    }

    pub fn resolve(name: &str, kind: u32) -> i32 {
        // SAFETY: the host reads the name only.
        unsafe { berth::net_resolve(name.as_ptr(), name.len() as i32, kind as i32) }
    }

    /// The fd that a call has returned; a negative number is none.
    pub fn owned(fd: i32) -> Option<OwnedFd> {
        // SAFETY: the host has just made the fd, so nobody else owns it.
        (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Code and text of an open fd, as soon as the host knows them.
    pub fn status(fd: i32) -> Option<(u32, String)> {
        let mut buffer = vec![0; 512];
        loop {
            // SAFETY: the host writes at most as many bytes as it is told.
            let n = unsafe { berth::net_status(fd, buffer.as_mut_ptr(), buffer.len() as i32) };
            match usize::try_from(n) {
                Err(_) => buffer = vec![0; n.unsigned_abs() as usize],
                Ok(n) => {
                    let (code, text) = buffer.get(..n)?.split_first_chunk()?;
                    return Some((u32::from_le_bytes(*code), String::from_utf8_lossy(text).into_owned()));
                }
            }
        }
    }

    /// The errno; 0: none.
    pub fn shutdown_write(fd: i32) -> i32 {
        // SAFETY: takes two numbers.
        unsafe { wasi::sock_shutdown(fd, 2) }
    }
}
