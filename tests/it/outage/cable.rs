//! The cable to a PostgreSQL, which can be cut without either end noticing, and be made long.

use std::{net::TcpListener, sync::Arc, time::Duration};

use countersign::config::{Config, DatabaseUrl};
use reqwest::Url;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::sleep,
};

/// Both ends of a connection that was there when it was cut wait for each other for ever, as behind a firewall that has
/// forgotten it.
pub(crate) struct Cable(Arc<watch::Sender<Quality>>);

#[derive(Default)]
struct Quality {
    cuts: u32,
    is_cut: bool,
    /// How long everything takes to the other end.
    delay: Duration,
    /// It is cut as soon as the service has said this.
    last_words: Option<&'static str>,
    /// All that the service and the database said.
    said: Vec<u8>,
}

impl Cable {
    /// Between a service and its PostgreSQL.
    pub(crate) fn lay(config: &mut Config) -> Self {
        let mut url = Url::parse(config.database.expose()).unwrap();
        let far_end = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let near_end = TcpListener::bind("127.0.0.1:0").unwrap();
        url.set_port(Some(near_end.local_addr().unwrap().port()))
            .unwrap();
        config.database = DatabaseUrl::parse(url.as_str()).unwrap();
        near_end.set_nonblocking(true).unwrap();
        let near_end = tokio::net::TcpListener::from_std(near_end).unwrap();
        let cable = Arc::new(watch::Sender::new(Quality::default()));
        let inside = cable.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = near_end.accept().await {
                tokio::spawn(connect(near, far_end.clone(), inside.clone()));
            }
        });
        Self(cable)
    }

    pub(crate) fn cut(&self) {
        self.0.send_modify(|quality| {
            quality.cuts += 1;
            quality.is_cut = true;
        });
    }

    /// Cuts it as soon as the service has told the database `last_words`, which still arrive.
    pub(crate) fn cut_after(&self, last_words: &'static str) {
        self.0
            .send_modify(|quality| quality.last_words = Some(last_words));
    }

    /// Whether these words were said, in this order.
    pub(crate) fn heard(&self, words: &[&str]) -> bool {
        let quality = self.0.borrow();
        let mut rest = &quality.said[..];
        words.iter().all(|words| {
            let found = position(rest, words);
            rest = &rest[found.unwrap_or(0)..];
            found.is_some()
        })
    }

    /// New connections reach the other end again.
    pub(crate) fn mend(&self) {
        self.0.send_modify(|quality| quality.is_cut = false);
    }

    pub(crate) fn lengthen(&self, delay: Duration) {
        self.0.send_modify(|quality| quality.delay = delay);
    }
}

async fn connect(near: TcpStream, far_end: String, quality: Arc<watch::Sender<Quality>>) {
    let (cuts, is_cut) = {
        let born = quality.borrow();
        (born.cuts, born.is_cut)
    };
    if is_cut {
        std::future::pending::<()>().await;
    }
    let Ok(far) = TcpStream::connect(far_end).await else {
        return;
    };
    let (near, far) = (near.into_split(), far.into_split());
    tokio::join!(
        carry(near.0, far.1, &quality, cuts),
        carry(far.0, near.1, &quality, cuts),
    );
}

/// Carries what comes, and that nothing more comes, as long as the cable is whole.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    quality: &watch::Sender<Quality>,
    cuts: u32,
) {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut chunk).await.unwrap_or(0);
        let chunk = &chunk[..read];
        let mut is_last = false;
        quality.send_modify(|quality| {
            quality.said.extend_from_slice(chunk);
            let words = quality
                .last_words
                .filter(|words| position(chunk, words).is_some());
            if words.is_some() && quality.cuts == cuts {
                is_last = true;
                quality.last_words = None;
                quality.cuts += 1;
                quality.is_cut = true;
            }
        });
        if is_last {
            // These go through, and nothing after them.
            let _ = to.write_all(chunk).await;
        }
        let (now, delay) = {
            let quality = quality.borrow();
            (quality.cuts, quality.delay)
        };
        if now != cuts {
            std::future::pending::<()>().await;
        }
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if chunk.is_empty() || to.write_all(chunk).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
    }
}

/// Where the words begin.
fn position(said: &[u8], words: &str) -> Option<usize> {
    said.windows(words.len())
        .position(|found| found == words.as_bytes())
}
