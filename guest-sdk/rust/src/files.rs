//! What the standard library lacks of files: which one is open, so that a rotated log is noticed, and reads into memory
//! that nobody cleared first.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Identity and size of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    /// In bytes.
    pub size: u64,
}

impl Identity {
    /// Whether both are one file, whatever its size.
    pub fn same_file(&self, other: &Identity) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// Appends what one read of up to `most` bytes gives; 0 at the end.
pub fn read_append(file: &impl AsFd, out: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    crate::sys::read(file.as_fd().as_raw_fd(), out, most)
}

/// Asks the system about an open file.
#[cfg(target_arch = "wasm32")]
pub fn identity(file: &File) -> io::Result<Identity> {
    let (device, inode, size) = crate::sys::filestat(file.as_raw_fd())?;
    Ok(Identity { device, inode, size })
}

/// Asks the system about an open file.
#[cfg(not(target_arch = "wasm32"))]
pub fn identity(file: &File) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let meta = file.metadata()?;
    Ok(Identity { device: meta.dev(), inode: meta.ino(), size: meta.len() })
}
