//! Which files a plugin may touch.

use std::path::{Component, Path, PathBuf};

use berth_guest::{Error, Result};

/// The absolute path of `file` without `.` and `..`, if it lies in one of the granted directories. `key` names the
/// configuration for the message.
pub fn granted(file: &str, key: &str, granted: &[String]) -> Result<PathBuf> {
    let path = normal(Path::new(file)).ok_or_else(|| {
        Error::config(format!(
            "{key}={file} is not an absolute path: plugins have no current directory; give the path from the root"
        ))
    })?;
    if granted.iter().any(|dir| path.starts_with(dir)) {
        return Ok(path);
    }
    let dir = path.parent().unwrap_or(Path::new("/")).display();
    let have = if granted.is_empty() { "none".to_string() } else { granted.join(", ") };
    Err(Error::config(format!(
        "{key}={file} is outside the directories that this worker grants to plugins ({have}): start the worker with \
         --allow-dir {dir}, or set berth.allow.dirs={dir} in its properties or BERTH_ALLOW_DIRS={dir} in its \
         environment"
    )))
}

fn normal(path: &Path) -> Option<PathBuf> {
    if !path.has_root() {
        return None;
    }
    let mut out = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::ParentDir => {
                out.pop();
            }
            _ => {}
        }
    }
    Some(out)
}

/// The error of a plugin that needs the worker's standard streams and has not been granted them.
pub fn no_stdio(stream: &str) -> Error {
    Error::config(format!(
        "without 'file' the connector uses the worker's standard {stream}, which the worker keeps for plugins of its \
         own and may have none of: set 'file'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_granted_directories_are_reachable() {
        let dirs = ["/data".to_string(), "/var/x".to_string()];
        let ok = |file: &str| granted(file, "file", &dirs).map(|p| p.display().to_string()).ok();
        assert_eq!(ok("/data/a/../b.txt").as_deref(), Some("/data/b.txt"));
        assert_eq!(ok("/var/x/./y").as_deref(), Some("/var/x/y"));
        for bad in ["/data/../etc/passwd", "/database/x", "/etc/passwd", "relative"] {
            assert_eq!(ok(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_error_names_path_and_remedy() {
        let message = granted("/etc/passwd", "file", &[]).unwrap_err().message;
        for part in ["file=/etc/passwd", "--allow-dir /etc", "allow.dirs=/etc", "BERTH_ALLOW_DIRS=/etc"] {
            assert!(message.contains(part), "{message}");
        }
    }
}
