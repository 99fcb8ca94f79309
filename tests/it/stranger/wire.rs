//! HTTP/1.1 by hand, so that a connection can be broken off wherever one likes.

use std::{fmt::Write as _, io};

use tokio::net::TcpStream;

/// One end of a connection, with what was read of it and not yet used.
pub(super) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What a client asked.
pub(super) struct Request {
    pub(super) method: String,
    /// As it stands in the first line, without the query.
    pub(super) path: String,
    pub(super) query: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known == name)?;
        Some(value)
    }
}

impl Response {
    /// An answer without a body.
    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(super) fn of(status: u16, kind: &str, body: &str) -> Self {
        Self::empty(status).with("Content-Type", kind).saying(body)
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn saying(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    fn head(&self, framing: &str) -> String {
        let mut head = format!(
            "HTTP/1.1 {} Such\r\nServer: Apache-Coyote/1.1\r\n",
            self.status
        );
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head + framing + "\r\n\r\n"
    }

    /// As a servlet container writes it: what is short with its length, the rest in chunks.
    fn bytes(&self) -> Vec<u8> {
        let body = &self.body;
        if body.len() < 2048 {
            let head = self.head(&format!("Content-Length: {}", body.len()));
            return (head + body.as_str()).into_bytes();
        }
        let mut bytes = self.head("Transfer-Encoding: chunked").into_bytes();
        for chunk in body.as_bytes().chunks(1000) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        bytes
    }
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// The next request; `None` when the client has hung up, or says what is not HTTP.
    pub(super) async fn request(&mut self) -> Option<Request> {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8(self.read.drain(..end + 4).collect()).ok()?;
        let mut lines = head.trim_end().split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines.filter_map(|line| line.split_once(": "));
        let mut request = Request {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: Vec::new(),
        };
        let length = request.header("content-length").map_or(Ok(0), str::parse);
        let length: usize = length.ok()?;
        while self.read.len() < length {
            self.read_more().await?;
        }
        request.body = self.read.drain(..length).collect();
        Some(request)
    }

    /// Answers; `None` when the client has gone meanwhile.
    pub(super) async fn answer(&mut self, response: &Response) -> Option<()> {
        self.write(&response.bytes()).await
    }

    /// Begins to answer, and never goes on.
    pub(super) async fn answer_with_head_only(&mut self, response: &Response) -> Option<()> {
        let length = format!("Content-Length: {}", response.body.len());
        self.write(response.head(&length).as_bytes()).await
    }

    /// Ends the connection as a process that dies does: by a reset.
    pub(super) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    async fn read_more(&mut self) -> Option<()> {
        let mut piece = [0; 4 * 1024];
        loop {
            self.stream.readable().await.ok()?;
            match self.stream.try_read(&mut piece) {
                Ok(0) => return None,
                Ok(count) => {
                    self.read.extend_from_slice(&piece[..count]);
                    return Some(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            self.stream.writable().await.ok()?;
            match self.stream.try_write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
        Some(())
    }
}
