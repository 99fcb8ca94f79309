//! The platform on its port, which can be closed and opened again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign::domain::clock::{Clock, Timestamp};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    answering::{Handled, handle},
    manners::Reply,
    platform::{Platform, http_date},
    wire::{Response, Wire},
};
use crate::process::{PATIENCE, free_port};

/// Somebody else's Restcomm. Cheap to clone.
#[derive(Clone)]
pub(super) struct Stranger(Arc<Inner>);

struct Inner {
    port: u16,
    platform: Mutex<Platform>,
    clock: Mutex<Clock>,
    /// All that serves the port, while it is open.
    serving: Mutex<Option<JoinSet<()>>>,
}

impl Stranger {
    /// Nobody listens at its port yet.
    pub(super) fn closed() -> Self {
        Self(Arc::new(Inner {
            port: free_port(),
            platform: Mutex::new(Platform::new()),
            clock: Mutex::new(Clock::system()),
            serving: Mutex::new(None),
        }))
    }

    pub(super) async fn start() -> Self {
        let stranger = Self::closed();
        stranger.up().await;
        stranger
    }

    /// Opens the port.
    pub(super) async fn up(&self) {
        let start = Instant::now();
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", self.0.port)).await {
                Ok(listener) => break listener,
                Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
            }
            sleep(Duration::from_millis(20)).await;
        };
        let stranger = self.clone();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(stranger.clone().serve(stream));
            }
        });
        *self.0.serving.lock().unwrap() = Some(serving);
    }

    /// Closes the port, and breaks every connection off.
    pub(super) async fn down(&self) {
        let serving = self.0.serving.lock().unwrap().take();
        if let Some(mut serving) = serving {
            serving.shutdown().await;
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.0.serving.lock().unwrap().is_none()
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/restcomm/2012-04-24", self.0.port)
    }

    /// Takes its time from a test's clock.
    pub(super) fn follow(&self, clock: &Clock) {
        *self.0.clock.lock().unwrap() = clock.clone();
    }

    pub(super) fn now(&self) -> Timestamp {
        let behind = self.look(|platform| platform.behind);
        self.clock().now().minus(behind)
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&Platform) -> T) -> T {
        look(&self.0.platform.lock().unwrap())
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Platform) -> T) -> T {
        change(&mut self.0.platform.lock().unwrap())
    }

    /// What it was given to send to a number, oldest first.
    pub(super) fn texts(&self, number: &str) -> Vec<String> {
        self.look(|platform| {
            let messages = platform.messages.iter().filter(|sms| sms.to == number);
            messages.map(|sms| sms.body.clone()).collect()
        })
    }

    fn clock(&self) -> Clock {
        self.0.clock.lock().unwrap().clone()
    }

    async fn serve(self, stream: TcpStream) {
        let mut wire = Wire::new(stream);
        while let Some(request) = wire.request().await {
            let now = self.now();
            let Handled {
                manner,
                response,
                taken,
                placed,
            } = self.change(|platform| {
                platform.running += 1;
                platform.most_running = platform.most_running.max(platform.running);
                handle(platform, &request, now)
            });
            if let Some(sid) = taken {
                let stranger = self.clone();
                let life = async move { stranger.live(&sid).await };
                if self.look(|platform| platform.fate.early) {
                    life.await;
                } else {
                    tokio::spawn(life);
                }
            }
            if let Some(sid) = placed {
                let stranger = self.clone();
                tokio::spawn(async move { stranger.carry(&sid).await });
            }
            self.clock().sleep(manner.after).await;
            self.change(|platform| platform.running -= 1);
            let response = match manner.reply {
                Reply::Usual | Reply::Xml | Reply::Nulls => response.with("Date", &http_date(now)),
                Reply::Status(status) => Response { status, ..response },
                Reply::Instead(other) => other,
                Reply::HeadOnly => {
                    wire.answer_with_head_only(&response).await;
                    return wire.reset();
                }
                Reply::Reset => return wire.reset(),
                Reply::Silence => {
                    wire.request().await;
                    return;
                }
            };
            if wire.answer(&response).await.is_none() {
                return;
            }
        }
    }
}
