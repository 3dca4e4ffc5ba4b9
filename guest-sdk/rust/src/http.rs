//! An HTTP/1.1 client over the connections of [`crate::network`]: whole requests and responses in memory, one connection
//! kept a host. Redirects are answers like any other, and there are no proxies: a plugin reaches what is granted.

mod response;

use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::time::Duration;

use crate::network::{dial, dial_tls, Code, Conn, Error, Result, Tls};

pub use response::Response;

/// A request with its body; made by [`Request::new`] and the methods behind it.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, url: &str) -> Request {
        Request { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self.header("Content-Type", content_type)
    }

    /// Credentials of the Basic scheme. The password may be the handle of a secret, which is encoded with the user by the
    /// host.
    pub fn basic_auth(self, user: &str, password: &str) -> Request {
        let credentials = if password.starts_with("~~s") {
            format!("~~b{}~{password}", base64(user.as_bytes(), b"-_", false))
        } else {
            base64(format!("{user}:{password}").as_bytes(), b"+/", true)
        };
        self.header("Authorization", &format!("Basic {credentials}"))
    }

    /// Whether it can be sent again when a connection that was kept turns out to be closed.
    fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS")
    }

    fn encode(&self, target: &Target<'_>) -> Result<Vec<u8>> {
        if self.method.is_empty() || !self.method.bytes().all(is_token) {
            return Err(invalid(format!("{:?} is no method", self.method)));
        }
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, target.path, target.authority);
        for (name, value) in &self.headers {
            let bad = name.is_empty() || !name.bytes().all(is_token) || value.bytes().any(|b| b < b' ' && b != b'\t');
            if bad || is_framing(name) {
                return Err(invalid(format!("the header {name:?} can't be sent")));
            }
            head += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH") {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }
}

/// Headers that the client writes itself: a second one would let a server see another request than was meant.
fn is_framing(name: &str) -> bool {
    ["host", "content-length", "transfer-encoding", "connection"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// Where a URL leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target<'a> {
    tls: bool,
    host: &'a str,
    port: u16,
    authority: &'a str,
    path: &'a str,
}

impl<'a> Target<'a> {
    /// `http://HOST[:PORT][/PATH]` or `https://…`, without user and fragment.
    fn parse(url: &'a str) -> Result<Target<'a>> {
        let wrong = |problem: &str| invalid(format!("{url:?} is no URL that can be asked: {problem}"));
        let (tls, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            _ => return Err(wrong("it must begin with http:// or https://")),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') || url.contains('#') || !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("users, fragments, blanks and letters other than ASCII do not belong there"));
        }
        if path.starts_with('?') {
            return Err(wrong("a / must stand before the ?"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().ok().filter(|p| *p > 0).ok_or_else(|| wrong("its port is none"))?)
            }
            _ => (authority, if tls { 443 } else { 80 }),
        };
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        Ok(Target { tls, host, port, authority, path: if path.is_empty() { "/" } else { path } })
    }
}

/// A client. It keeps a connection to each host for the next request.
#[derive(Debug)]
pub struct Client {
    /// Bounds each wait for the network.
    pub timeout: Duration,
    /// Of https.
    pub tls: Tls,
    /// A larger body of a response is an error.
    pub body_max: usize,
    idle: HashMap<(bool, String, u16), BufReader<Conn>>,
}

impl Client {
    pub fn new(timeout: Duration, tls: Tls) -> Client {
        let tls = Tls { protocols: vec!["http/1.1".into()], ..tls };
        Client { timeout, tls, body_max: 16 << 20, idle: HashMap::new() }
    }

    pub fn get(&mut self, url: &str) -> Result<Response> {
        self.send(&Request::new("GET", url))
    }

    /// Sends a request and reads its response, whatever its status.
    pub fn send(&mut self, request: &Request) -> Result<Response> {
        let target = Target::parse(&request.url)?;
        let bytes = request.encode(&target)?;
        let key = (target.tls, target.host.to_ascii_lowercase(), target.port);
        if let Some(kept) = self.idle.remove(&key) {
            match self.exchange(kept, request, &bytes) {
                Ok((response, conn)) => return Ok(self.keep(key, response, conn)),
                Err(error) if error.code == Code::Unreachable && request.is_idempotent() => {}
                Err(error) => return Err(error),
            }
        }
        let (response, conn) = self.exchange(BufReader::new(self.connect(&target)?), request, &bytes)?;
        Ok(self.keep(key, response, conn))
    }

    fn connect(&self, target: &Target<'_>) -> Result<Conn> {
        let mut conn = match target.tls {
            true => dial_tls(target.host, target.port, &self.tls)?,
            false => dial(target.host, target.port)?,
        };
        conn.set_timeout(Some(self.timeout))?;
        Ok(conn)
    }

    fn exchange(
        &self,
        mut conn: BufReader<Conn>,
        request: &Request,
        bytes: &[u8],
    ) -> Result<(Response, BufReader<Conn>)> {
        conn.get_mut().write_all(bytes)?;
        let response = response::read(&mut conn, request.method == "HEAD", self.body_max)?;
        Ok((response, conn))
    }

    fn keep(&mut self, key: (bool, String, u16), response: Response, conn: BufReader<Conn>) -> Response {
        if response.reusable && conn.buffer().is_empty() {
            self.idle.insert(key, conn);
        }
        response
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::Invalid, message)
}

/// Base64 whose last two characters of 64 are given.
fn base64(bytes: &[u8], last: &[u8; 2], padded: bool) -> String {
    let digit = |n: u8| match n {
        0..26 => b'A' + n,
        26..52 => b'a' + n - 26,
        52..62 => b'0' + n - 52,
        _ => last[usize::from(n) - 62],
    };
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().chain(&[0, 0]).take(3).fold(0u32, |word, b| word << 8 | u32::from(*b));
        for i in 0..=chunk.len() {
            out.push(char::from(digit((word >> (18 - 6 * i)) as u8 & 63)));
        }
        (chunk.len()..3).filter(|_| padded).for_each(|_| out.push('='));
    }
    out
}

#[cfg(test)]
#[path = "http/tests.rs"]
mod tests;
