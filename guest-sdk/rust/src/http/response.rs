//! Responses of HTTP/1.1 (RFC 9112), read strictly: what could be understood in two ways is an error.

use std::io::{BufRead, Read as _};

use crate::network::{Code, Error, Result};

/// Bounds status line and headers, and the trailers, together.
const HEAD_MAX: usize = 64 << 10;

/// A response with its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The connection is at the beginning of the next response.
    pub(super) reusable: bool,
}

impl Response {
    /// The first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn lists(&self, name: &str, word: &str) -> bool {
        self.values(name).flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
    }
}

/// Reads the response to a request; interim ones (1xx) are passed over.
pub(super) fn read(from: &mut impl BufRead, to_head: bool, body_max: usize) -> Result<Response> {
    let mut left = HEAD_MAX;
    loop {
        let (mut response, version) = read_head(from, &mut left)?;
        if response.status == 101 {
            return Err(broken("it changes the protocol, which was not asked for"));
        }
        if response.status >= 200 {
            read_body(from, &mut response, version, to_head, body_max, &mut left)?;
            return Ok(response);
        }
    }
}

/// The head and the minor version of HTTP/1.
fn read_head(from: &mut impl BufRead, left: &mut usize) -> Result<(Response, u8)> {
    let line = read_line(from, left)?;
    let mut parts = line.splitn(3, ' ');
    let version = match parts.next() {
        Some("HTTP/1.1") => 1,
        Some("HTTP/1.0") => 0,
        _ => return Err(broken(&format!("it begins with {line:?}"))),
    };
    let status = parts.next().filter(|s| s.len() == 3).and_then(|s| s.parse().ok()).filter(|s| (100..600).contains(s));
    let status = status.ok_or_else(|| broken(&format!("it has no status: {line:?}")))?;
    Ok((Response { status, headers: read_headers(from, left)?, ..Response::default() }, version))
}

fn read_headers(from: &mut impl BufRead, left: &mut usize) -> Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(from, left)?;
        if line.is_empty() {
            return Ok(headers);
        }
        match line.split_once(':') {
            Some((name, value)) if !name.is_empty() && name.bytes().all(super::is_token) => {
                headers.push((name.to_string(), value.trim_matches([' ', '\t']).to_string()));
            }
            _ => return Err(broken(&format!("a header is {line:?}"))),
        }
    }
}

/// A line without its end.
fn read_line(from: &mut impl BufRead, left: &mut usize) -> Result<String> {
    let mut line = Vec::new();
    from.take(*left as u64).read_until(b'\n', &mut line)?;
    *left -= line.len();
    if line.pop() != Some(b'\n') {
        return Err(match *left {
            0 => Error::new(Code::OverLimit, format!("the response has a head of more than {HEAD_MAX} bytes")),
            _ => broken("it ends in its head"),
        });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| broken("its head is no UTF-8"))
}

fn read_body(
    from: &mut impl BufRead,
    response: &mut Response,
    version: u8,
    to_head: bool,
    body_max: usize,
    left: &mut usize,
) -> Result<()> {
    let keeps = version == 1 && !response.lists("Connection", "close");
    response.reusable = keeps;
    if to_head || response.status == 204 || response.status == 304 {
        return Ok(());
    }
    let encoding = response.values("Transfer-Encoding").collect::<Vec<_>>().join(",");
    let length = content_length(response)?;
    response.body = match (encoding.is_empty(), length) {
        (false, Some(_)) => return Err(broken("it has both Transfer-Encoding and Content-Length")),
        (false, None) if encoding.eq_ignore_ascii_case("chunked") => read_chunks(from, body_max, left)?,
        (false, None) => return Err(broken(&format!("its Transfer-Encoding is {encoding:?}"))),
        (true, Some(length)) => {
            let mut body = Vec::new();
            read_exactly(from, length, body_max, &mut body)?;
            body
        }
        (true, None) => {
            response.reusable = false;
            read_to_end(from, body_max)?
        }
    };
    Ok(())
}

/// The length that the headers tell; several must agree.
fn content_length(response: &Response) -> Result<Option<usize>> {
    let mut found = None;
    for text in response.values("Content-Length").flat_map(|value| value.split(',')).map(str::trim) {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let length = text.parse::<usize>().ok().filter(|_| digits);
        match (length, found) {
            (Some(length), None) => found = Some(length),
            (Some(length), Some(before)) if length == before => {}
            _ => return Err(broken(&format!("its Content-Length is {text:?}"))),
        }
    }
    Ok(found)
}

fn read_chunks(from: &mut impl BufRead, body_max: usize, left: &mut usize) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line_left = 1024; // a size, and extensions, which nobody uses
        let line = read_line(from, &mut line_left)?;
        let size = line.split(';').next().unwrap_or_default().trim_end_matches([' ', '\t']);
        let hex = !size.is_empty() && size.len() <= 8 && size.bytes().all(|b| b.is_ascii_hexdigit());
        let size = usize::from_str_radix(size, 16).ok().filter(|_| hex);
        match size {
            None => return Err(broken(&format!("a chunk begins with {line:?}"))),
            Some(0) => return read_headers(from, left).map(|_| body),
            Some(size) => read_exactly(from, size, body_max, &mut body)?,
        }
        end_chunk(from)?;
    }
}

fn end_chunk(from: &mut impl BufRead) -> Result<()> {
    let mut end = Vec::new();
    from.take(2).read_until(b'\n', &mut end)?;
    match end.as_slice() {
        b"\r\n" | b"\n" => Ok(()),
        _ => Err(broken("a chunk does not end where it says")),
    }
}

fn read_exactly(from: &mut impl BufRead, length: usize, body_max: usize, body: &mut Vec<u8>) -> Result<()> {
    if length > body_max.saturating_sub(body.len()) {
        return Err(too_large(body_max));
    }
    let before = body.len();
    from.take(length as u64).read_to_end(body)?;
    match body.len() - before == length {
        true => Ok(()),
        false => Err(broken("it ends in its body")),
    }
}

fn read_to_end(from: &mut impl BufRead, body_max: usize) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    from.take(body_max as u64 + 1).read_to_end(&mut body)?;
    match body.len() > body_max {
        true => Err(too_large(body_max)),
        false => Ok(body),
    }
}

fn too_large(body_max: usize) -> Error {
    Error::new(Code::OverLimit, format!("the response has a body of more than {body_max} bytes"))
}

/// The server does not speak HTTP/1.1 well, or went away.
fn broken(problem: &str) -> Error {
    Error::new(Code::Unreachable, format!("the response can't be read: {problem}"))
}
