//! The cable to a PostgreSQL, which can be cut without either end noticing, and be made long.

use std::{net::TcpListener, time::Duration};

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
pub(crate) struct Cable(watch::Sender<Quality>);

#[derive(Clone, Copy, Default)]
struct Quality {
    cuts: u32,
    is_cut: bool,
    /// How long everything takes to the other end.
    delay: Duration,
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
        let cable = watch::Sender::new(Quality::default());
        let quality = cable.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = near_end.accept().await {
                tokio::spawn(connect(near, far_end.clone(), quality.clone()));
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

    /// New connections reach the other end again.
    pub(crate) fn mend(&self) {
        self.0.send_modify(|quality| quality.is_cut = false);
    }

    pub(crate) fn lengthen(&self, delay: Duration) {
        self.0.send_modify(|quality| quality.delay = delay);
    }
}

async fn connect(near: TcpStream, far_end: String, quality: watch::Receiver<Quality>) {
    let born = *quality.borrow();
    if born.is_cut {
        std::future::pending::<()>().await;
    }
    let Ok(far) = TcpStream::connect(far_end).await else {
        return;
    };
    let (near, far) = (near.into_split(), far.into_split());
    tokio::join!(
        carry(near.0, far.1, &quality, born.cuts),
        carry(far.0, near.1, &quality, born.cuts),
    );
}

/// Carries what comes, and that nothing more comes, as long as the cable is whole.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    quality: &watch::Receiver<Quality>,
    cuts: u32,
) {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut chunk).await.unwrap_or(0);
        let now = *quality.borrow();
        if now.cuts != cuts {
            std::future::pending::<()>().await;
        }
        if !now.delay.is_zero() {
            sleep(now.delay).await;
        }
        if read == 0 || to.write_all(&chunk[..read]).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
    }
}
