//! Connections by the imports of the host.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::{Code, Error, Result, Tls, TIMEOUT};
use crate::host::{wait_for, Direction};
use crate::sys::net;

/// A connection that the host holds. Dropped, it is closed; what was written still goes out.
#[derive(Debug)]
pub struct Conn {
    file: File,
    timeout: Option<Duration>,
    local: String,
    remote: String,
}

impl Conn {
    pub(super) fn dial(host: &str, port: u16) -> Result<Conn> {
        let mut conn = Conn::of(net::dial(host, port))?;
        conn.settle()?;
        Ok(conn)
    }

    pub(super) fn resolve(name: &str, kind: u32) -> Result<Vec<String>> {
        let answer = Conn::of(net::resolve(name, kind))?.outcome()?;
        Ok(answer.lines().map(String::from).collect())
    }

    fn of(fd: i32) -> Result<Conn> {
        let file = File::from(net::owned(fd).ok_or_else(|| refusal(fd))?);
        Ok(Conn { file, timeout: Some(TIMEOUT), local: String::new(), remote: String::new() })
    }

    /// Puts TLS on the connection, as STARTTLS of many protocols asks for. A failure ends it.
    pub fn start_tls(mut self, options: &Tls) -> Result<Conn> {
        match net::tls(self.fd(), &options.to_body()) {
            0 => self.settle().map(|()| self),
            status => Err(refusal(status)),
        }
    }

    /// Bounds each read and write; `None`: for ever.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.timeout = timeout;
        Ok(())
    }

    /// Tells the peer that no more comes.
    pub fn shutdown_write(&mut self) -> io::Result<()> {
        match net::shutdown_write(self.fd()) {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Address and port of this end, as the host knows it.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// Address and port of the other end.
    pub fn remote(&self) -> &str {
        &self.remote
    }

    fn fd(&self) -> i32 {
        self.file.as_raw_fd()
    }

    /// Waits for the end of a dial or handshake and notes the ends of the connection.
    fn settle(&mut self) -> Result<()> {
        let text = self.outcome()?;
        let mut ends = text.lines();
        self.local = ends.next().unwrap_or_default().to_string();
        self.remote = ends.next().unwrap_or_default().to_string();
        Ok(())
    }

    /// Waits until the host knows what became of the fd.
    fn outcome(&self) -> Result<String> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some((code, text)) = net::status(self.fd()) {
                return if code == 0 { Ok(text) } else { Err(Error::new(Code::of(code), text)) };
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::new(Code::Timeout, "the host gave no answer in time"));
            }
            wait_for(self.fd() as u32, Direction::Write, Some(left));
        }
    }

    /// Tries until the fd is ready, the time is over or there is an error, which the host explains.
    fn retry<T>(&self, direction: Direction, mut act: impl FnMut(&File) -> io::Result<T>) -> io::Result<T> {
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        loop {
            match act(&self.file) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.explained(error)),
                done => return done,
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Error::new(Code::Timeout, format!("no answer of {} in time", self.remote)).into());
            }
            wait_for(self.fd() as u32, direction, left);
        }
    }

    fn explained(&self, error: io::Error) -> io::Error {
        match net::status(self.fd()) {
            Some((code, text)) if code != 0 => Error::new(Code::of(code), text).into(),
            _ => error,
        }
    }
}

impl Read for Conn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.retry(Direction::Read, |mut file| file.read(buffer))
    }
}

impl Write for Conn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retry(Direction::Write, |mut file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn refusal(status: i32) -> Error {
    match status {
        -5 => Error::new(
            Code::OverLimit,
            "too many connections are open: close some, or raise berth.limits.net.connections",
        ),
        -4 => Error::new(Code::Invalid, "the connection is not open, or busy"),
        _ => Error::new(Code::Invalid, format!("the host refused it with {status}")),
    }
}
