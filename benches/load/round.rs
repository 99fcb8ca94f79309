//! One round: each side once, in turn.

use std::{collections::HashMap, net::SocketAddr, rc::Rc, time::Duration};

use tokio::time::sleep;

use crate::{
    Outcome,
    client::Connection,
    measure::{Load, Measured, Target, measure},
    progress::Progress,
    requests::{Numbers, Pending, Requests},
};

/// Requests to the limits, sent again and again.
const CYCLE: usize = 20_000;
/// More sends than any machine of today does in a second.
const MOST_SENDS: u64 = 60_000;
/// What a side still does after its last answer is over by then.
const PAUSE: Duration = Duration::from_millis(150);
/// Checks have a limited supply, and what they need is warm.
const CHECK_WARM_UP: Duration = Duration::from_millis(100);
/// Connections that prepare what shall be checked.
const PREPARING: usize = 64;

pub(crate) struct Round {
    pub(crate) echo: Measured,
    pub(crate) relay: Measured,
    pub(crate) send: Measured,
    pub(crate) check: Measured,
}

/// Who takes part.
pub(crate) struct Sides {
    pub(crate) echo: Target,
    pub(crate) relay: Target,
    pub(crate) send: Target,
    pub(crate) check: Target,
    pub(crate) restcomm: SocketAddr,
    /// Of the service; the limits are given it too, and do not look at it.
    pub(crate) key: String,
}

impl Sides {
    pub(crate) async fn round(
        &self,
        load: Load,
        numbers: &mut Numbers,
        progress: &mut Progress,
    ) -> Outcome<Round> {
        let some = numbers.take(CYCLE);
        progress.says("echo");
        let requests = Rc::new(Requests::sends(&some, &self.key, true));
        let (echo, _) = measure(self.echo, load, requests.clone()).await?;
        sleep(PAUSE).await;

        progress.says("relay");
        let (relay, _) = measure(self.relay, load, requests).await?;
        self.codes().await?;
        // The service has not seen these.
        numbers.put_back(some);
        sleep(PAUSE).await;

        progress.says("send");
        let (send, mut pending) = self.send(load, numbers).await?;
        progress.says("prepare checks");
        let preparing = Load {
            connections: load.connections.max(PREPARING),
            warm_up: Duration::ZERO,
            window: load.window / 2,
        };
        pending.extend(self.send(preparing, numbers).await?.1);
        sleep(PAUSE).await;

        progress.says("check");
        let seen = self.codes().await?;
        let codes: HashMap<u64, &str> = seen.lines().filter_map(number_and_code).collect();
        let requests = Requests::checks(&pending, &codes, &self.key);
        if requests.len() < pending.len() {
            return Err("Restcomm did not see every code that was sent".into());
        }
        let load = Load {
            warm_up: CHECK_WARM_UP,
            ..load
        };
        let (check, _) = measure(self.check, load, Rc::new(requests)).await?;
        sleep(PAUSE).await;
        Ok(Round {
            echo,
            relay,
            send,
            check,
        })
    }

    /// Sends to numbers that nobody has sent to yet.
    async fn send(&self, load: Load, numbers: &mut Numbers) -> Outcome<(Measured, Vec<Pending>)> {
        let time = (load.warm_up + load.window).as_secs() + 1;
        let mut fresh = numbers.take(usize::try_from(time * MOST_SENDS)?);
        let requests = Rc::new(Requests::sends(&fresh, &self.key, false));
        let (measured, begun) = measure(self.send, load, requests.clone()).await?;
        numbers.put_back(fresh.split_off(requests.handed_out()));
        let pending = begun.into_iter().map(|(place, id)| Pending {
            number: fresh[place],
            id,
        });
        Ok((measured, pending.collect()))
    }

    /// All codes that Restcomm saw since it was last asked.
    async fn codes(&self) -> Outcome<String> {
        let mut connection = Connection::open(self.restcomm).await?;
        let request = b"GET /codes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        let answer = connection.exchange(request).await?;
        Ok(String::from_utf8(answer.body.to_vec())?)
    }
}

fn number_and_code(line: &str) -> Option<(u64, &str)> {
    let (number, code) = line.split_once(' ')?;
    Some((number.parse().ok()?, code))
}
