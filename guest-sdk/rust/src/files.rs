//! Which file an open file is, so that a rotated log is noticed.

use std::fs::File;
use std::io;

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

/// Asks the system about an open file.
#[cfg(target_arch = "wasm32")]
pub fn identity(file: &File) -> io::Result<Identity> {
    use std::os::fd::AsRawFd;
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
