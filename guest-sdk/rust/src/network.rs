//! Connections, which the host makes: to what the operator has granted, if the plugin's manifest asks for the capability
//! `net`. A [`Conn`] reads and writes as a `TcpStream` does; waiting for it holds the instance up, for at most the time
//! that was set. Natively, in tests of a plugin, it is a `TcpStream`, without TLS.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::value::Value;

#[cfg(target_arch = "wasm32")]
mod imported;
#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(target_arch = "wasm32")]
pub use imported::Conn;
#[cfg(not(target_arch = "wasm32"))]
pub use native::Conn;

/// Time for a dial, a handshake or a question, and at first for each read and write.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// What became of a connection or a question; the number is that of the ABI, section 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    NotGranted = 1,
    NoSuchHost = 2,
    Unreachable = 3,
    Timeout = 4,
    TlsFailed = 5,
    OverLimit = 6,
    Invalid = 7,
}

impl Code {
    #[cfg(any(target_arch = "wasm32", test))]
    fn of(number: u32) -> Code {
        use Code::*;
        let all = [NotGranted, NoSuchHost, Unreachable, Timeout, TlsFailed, OverLimit];
        all.into_iter().find(|code| *code as u32 == number).unwrap_or(Invalid)
    }
}

/// Why there is no connection or no answer. Of a missing grant the message names what to grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub code: Code,
    pub message: String,
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Error {
        Error { code, message: message.into() }
    }

    /// Whether trying again may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self.code, Code::Timeout | Code::Unreachable | Code::OverLimit)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What may pass is tried again with the same batch; all else is the task's failure.
impl From<Error> for crate::Error {
    fn from(error: Error) -> crate::Error {
        let kind = if error.is_temporary() { crate::Kind::Retriable } else { crate::Kind::Connect };
        crate::Error::new(kind, error.message).of_batch()
    }
}

/// [`Conn`] reads and writes with errors of `io`, whose source an [`Error`] is.
impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match error.code {
            Code::NotGranted => io::ErrorKind::PermissionDenied,
            Code::NoSuchHost => io::ErrorKind::NotFound,
            Code::Timeout => io::ErrorKind::TimedOut,
            Code::Invalid => io::ErrorKind::InvalidInput,
            Code::Unreachable | Code::TlsFailed | Code::OverLimit => io::ErrorKind::ConnectionAborted,
        };
        io::Error::new(kind, error)
    }
}

/// The other way round.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        if let Some(known) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            return known.clone();
        }
        let code = match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Code::Timeout,
            io::ErrorKind::InvalidInput => Code::Invalid,
            _ => Code::Unreachable,
        };
        Error::new(code, error.to_string())
    }
}

pub type Result<T> = std::result::Result<T, Error>;

/// Options of the host's TLS; the default verifies the dialled name by the worker's own roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Empty: what was dialled.
    pub server_name: String,
    /// PEM; empty: the worker's.
    pub roots: String,
    /// PEM of the client's chain and key; empty: none.
    pub certificate: String,
    pub key: String,
    /// For ALPN, the most wanted first.
    pub protocols: Vec<String>,
}

impl Tls {
    /// The options as `net_tls` takes them.
    pub fn to_body(&self) -> Vec<u8> {
        Value::map([
            ("server_name", Value::str(self.server_name.as_str())),
            ("roots", Value::str(self.roots.as_str())),
            ("certificate", Value::str(self.certificate.as_str())),
            ("key", Value::str(self.key.as_str())),
            ("protocols", Value::strings(&self.protocols)),
        ])
        .to_body()
    }
}

/// Connects to a name, which the host resolves, or an address.
pub fn dial(host: &str, port: u16) -> Result<Conn> {
    Conn::dial(host, port)
}

/// [`dial`] and then [`Conn::start_tls`].
pub fn dial_tls(host: &str, port: u16, options: &Tls) -> Result<Conn> {
    Conn::dial(host, port)?.start_tls(options)
}

/// A service that DNS knows, the best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub target: String,
}

/// The addresses of a name of which a port is granted.
pub fn lookup_host(name: &str) -> Result<Vec<String>> {
    Conn::resolve(name, 0)
}

/// The services of a full name, such as `_mongodb._tcp.example.com`.
pub fn lookup_srv(name: &str) -> Result<Vec<Service>> {
    let lines = Conn::resolve(name, 1)?;
    lines.iter().map(|line| service(line).ok_or_else(|| Error::new(Code::Invalid, format!("{name}: {line}")))).collect()
}

/// The texts of a name.
pub fn lookup_txt(name: &str) -> Result<Vec<String>> {
    Conn::resolve(name, 2)
}

fn service(line: &str) -> Option<Service> {
    let mut parts = line.splitn(4, ' ');
    let mut number = || parts.next()?.parse().ok();
    let (priority, weight, port) = (number()?, number()?, number()?);
    Some(Service { priority, weight, port, target: parts.next()?.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read() {
        let want = Service { priority: 1, weight: 20, port: 27017, target: "db.example.com.".into() };
        assert_eq!(service("1 20 27017 db.example.com."), Some(want));
        for line in ["", "1 2 3", "1 2 65536 x", "a 2 3 x"] {
            assert_eq!(service(line), None, "{line}");
        }
    }

    #[test]
    fn errors_keep_their_code_through_io() {
        for number in 1..8 {
            let error = Error::new(Code::of(number), "why");
            assert_eq!(Error::from(io::Error::from(error.clone())), error);
        }
        let lasting = crate::Error::from(Error::new(Code::NotGranted, "x"));
        let passing = crate::Error::from(Error::new(Code::Timeout, "x"));
        assert_eq!((lasting.kind, passing.kind), (crate::Kind::Connect, crate::Kind::Retriable));
    }
}
