//! Requests that no client library would send, byte by byte.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::app::{PATIENCE, TestApp};

/// What came back, as it came.
pub(crate) struct Raw {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl TestApp {
    /// A connection on which nothing was said yet.
    pub(crate) async fn connect(&self) -> TcpStream {
        let address = self.base.strip_prefix("http://").expect("plain HTTP");
        TcpStream::connect(address).await.unwrap()
    }

    /// Sends `bytes` and reads the answer.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> Raw {
        let mut connection = self.connect().await;
        // The service may answer and close before it has read everything.
        let _ = connection.write_all(bytes.as_ref()).await;
        Raw::read(connection).await
    }

    /// The head of a request with this app's key, which ends the connection after the answer.
    pub(crate) fn head(&self, line: &str, headers: &str) -> String {
        let key = &self.key;
        format!(
            "{line} HTTP/1.1\r\nHost: otp.acme.test\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n{headers}\r\n"
        )
    }
}

impl Raw {
    /// Reads one answer: as long as it says it is, or to the end of the connection.
    pub(crate) async fn read(connection: TcpStream) -> Self {
        Self::read_until(connection, is_whole).await
    }

    /// Reads until the service ends the connection, which it must do by itself.
    pub(crate) async fn read_to_end(connection: TcpStream) -> Self {
        Self::read_until(connection, |_| false).await
    }

    async fn read_until(mut connection: TcpStream, enough: impl Fn(&[u8]) -> bool) -> Self {
        let mut bytes = Vec::new();
        let reading = async {
            while !enough(&bytes)
                && connection
                    .read_buf(&mut bytes)
                    .await
                    .is_ok_and(|read| 0 < read)
            {}
        };
        let in_time = tokio::time::timeout(PATIENCE, reading).await;
        let text = String::from_utf8(bytes).unwrap();
        assert!(in_time.is_ok(), "it never ended: {text}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        // What comes behind it answers what came behind the request.
        let length = length(head).unwrap_or(body.len()).min(body.len());
        Self {
            head: head.to_owned(),
            body: body[..length].to_owned(),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1).map(str::parse);
        status.expect("a status line").unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'));
        fields
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .next()
    }

    /// Asserts status and code of a problem.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        assert_eq!(
            (self.status(), body["code"].as_str()),
            (status, Some(code)),
            "{}\n{}",
            self.head,
            self.body
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    length(head).is_some_and(|length| length <= body.len())
}

fn length(head: &str) -> Option<usize> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let (_, length) = fields.find(|(field, _)| field.eq_ignore_ascii_case("content-length"))?;
    length.parse().ok()
}
