//! What a round has, and what all of its sides need: sends, and the codes that were sent.

use std::{collections::HashMap, net::SocketAddr, rc::Rc, time::Duration};

use tokio::time::sleep;

use crate::{
    Outcome,
    client::Connection,
    measure::{Load, Measured, Target, measure},
    numbers::{Begun, Known, Numbers},
    requests::Requests,
    sides::Side,
    stopwatch::Stopwatch,
};

/// More sends than any machine of today does in a second.
const MOST_SENDS: u64 = 60_000;
/// How long Restcomm may take to see all codes.
const HANDED_OFF_WITHIN: Duration = Duration::from_mins(1);

pub(crate) struct Round {
    /// What writing 4 KiB and waiting for the disk took just before.
    pub(crate) fsync: Duration,
    pub(crate) sides: Vec<(Side, Measured)>,
}

/// Who takes part.
#[derive(Clone)]
pub(crate) struct Sides {
    pub(crate) echo: Target,
    pub(crate) relay: Target,
    pub(crate) service: Target,
    pub(crate) restcomm: SocketAddr,
    /// Of the service; the limits are given it too, and do not look at it.
    pub(crate) key: String,
}

impl Round {
    pub(crate) fn get(&self, side: Side) -> Option<&Measured> {
        let mut sides = self.sides.iter();
        sides.find(|(of, _)| *of == side).map(|(_, it)| it)
    }

    /// By which it is told whether the machine was quiet.
    pub(crate) fn echo_rate(&self) -> f64 {
        self.get(Side::Echo).map_or(0.0, Measured::rate)
    }
}

impl Sides {
    /// All codes that Restcomm saw since it was last asked.
    pub(crate) async fn codes(&self) -> Outcome<HashMap<u64, u32>> {
        let mut connection = Connection::open(self.restcomm).await?;
        let request = b"GET /codes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        let answer = connection.exchange(request).await?;
        let text = std::str::from_utf8(answer.body)?;
        Ok(text.lines().filter_map(number_and_code).collect())
    }

    /// Those begun, with the codes that Restcomm saw for them; waits until it has seen all.
    pub(crate) async fn known(&self, begun: Vec<Begun>) -> Outcome<Vec<Known>> {
        let mut codes = HashMap::new();
        let clock = Stopwatch::start();
        loop {
            codes.extend(self.codes().await?);
            if begun.iter().all(|one| codes.contains_key(&one.number)) {
                let known = begun.into_iter().filter_map(|one| one.with_code(&codes));
                return Ok(known.collect());
            }
            if HANDED_OFF_WITHIN < clock.elapsed() {
                return Err("Restcomm did not see every code that was sent".into());
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends to numbers that nobody has sent to yet.
    pub(crate) async fn send(
        &self,
        load: Load,
        numbers: &mut Numbers,
        requests: fn(&[u64], &str) -> Requests,
    ) -> Outcome<(Measured, Vec<Begun>)> {
        let mut fresh = numbers.take(most_sends(load)?);
        let requests = Rc::new(requests(&fresh, &self.key));
        let (measured, begun) = measure(&self.service, load, requests.clone()).await?;
        numbers.put_back(fresh.split_off(requests.handed_out()));
        let begun = begun.into_iter().map(|(place, id)| Begun {
            number: fresh[place],
            id,
        });
        Ok((measured, begun.collect()))
    }
}

fn most_sends(load: Load) -> Outcome<usize> {
    let time = (load.warm_up + load.window).as_secs() + 1;
    Ok(usize::try_from(time * MOST_SENDS)?)
}

fn number_and_code(line: &str) -> Option<(u64, u32)> {
    let (number, code) = line.split_once(' ')?;
    Some((number.parse().ok()?, code.parse().ok()?))
}
