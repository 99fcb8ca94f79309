//! One connection of the load: HTTP/1.1 with keep-alive, one request at a time, as little work as possible.

use std::{
    io::{Error, ErrorKind, Result},
    net::SocketAddr,
};

use tokio::net::TcpStream;

const BUFFER: usize = 16 * 1024;

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; BUFFER],
        })
    }

    /// Sends a request as it stands, and waits for the whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.write(request).await?;
        let mut filled = 0;
        let (status, body, end) = loop {
            filled = self.read(filled).await?;
            if let Some(head) = Head::read(&self.buffer[..filled])? {
                break (head.status, head.length, head.length + head.body);
            }
        };
        while filled < end {
            filled = self.read(filled).await?;
        }
        if end < filled {
            return Err(invalid("more than one answer"));
        }
        Ok(Answer {
            status,
            body: &self.buffer[body..end],
        })
    }

    async fn write(&self, mut rest: &[u8]) -> Result<()> {
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads behind what is `filled`, and tells how far that goes now.
    async fn read(&mut self, filled: usize) -> Result<usize> {
        if filled == self.buffer.len() {
            self.buffer.resize(filled * 2, 0);
        }
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.buffer[filled..]) {
                Ok(0) => return Err(Error::new(ErrorKind::UnexpectedEof, "closed")),
                Ok(read) => return Ok(filled + read),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// What the head of an answer says.
struct Head {
    status: u16,
    /// Length of the head itself.
    length: usize,
    /// Length of the body.
    body: usize,
}

impl Head {
    /// `None` while it is not complete.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let mut lines = bytes[..end].split(|byte| *byte == b'\n');
        let status = lines.next().and_then(|line| number(line.get(9..12)?));
        let length = lines.find_map(|line| {
            let (name, value) = line.split_at_checked(15)?;
            name.eq_ignore_ascii_case(b"content-length:")
                .then(|| number(value))?
        });
        match (status, length) {
            (Some(status), Some(body)) => Ok(Some(Self {
                status: u16::try_from(status).unwrap_or_default(),
                length: end + 4,
                body,
            })),
            _ => Err(invalid("an answer without status or length")),
        }
    }
}

fn number(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
