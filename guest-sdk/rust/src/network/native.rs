//! Connections of native tests: plain TCP of this machine.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::{Code, Error, Result, Tls, TIMEOUT};

/// A connection.
#[derive(Debug)]
pub struct Conn {
    stream: TcpStream,
    local: String,
    remote: String,
}

impl Conn {
    pub(super) fn dial(host: &str, port: u16) -> Result<Conn> {
        let stream = TcpStream::connect((host, port))?;
        let (local, remote) = (stream.local_addr()?.to_string(), stream.peer_addr()?.to_string());
        let mut conn = Conn { stream, local, remote };
        conn.set_timeout(Some(TIMEOUT))?;
        Ok(conn)
    }

    pub(super) fn resolve(name: &str, kind: u32) -> Result<Vec<String>> {
        if kind != 0 {
            return Err(Error::new(Code::Invalid, "natively DNS is asked for addresses only"));
        }
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip().to_string()).collect())
    }

    /// Natively there is no TLS: a test talks to a plain server.
    pub fn start_tls(self, _: &Tls) -> Result<Conn> {
        Err(Error::new(Code::TlsFailed, "natively there is no TLS: let the test's server be a plain one"))
    }

    /// Bounds each read and write; `None`: for ever.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)?;
        self.stream.set_write_timeout(timeout)
    }

    /// Tells the peer that no more comes.
    pub fn shutdown_write(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Address and port of this end.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// Address and port of the other end.
    pub fn remote(&self) -> &str {
        &self.remote
    }
}

impl Read for Conn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Conn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
