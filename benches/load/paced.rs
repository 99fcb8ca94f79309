//! One side at a fixed rate, in an open loop: requests become due whatever happened to those before, and a latency counts
//! from the instant its request was due. So a stall shows in all requests that it kept waiting.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use crate::{
    Outcome,
    client::Connection,
    measure::{LONGEST, Target},
    requests::Requests,
    stopwatch::Stopwatch,
    ticker::Ticker,
};

/// More than are in flight at once, unless the rate cannot be held.
const CONNECTIONS: usize = 64;
/// How long those that are late are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Requests a second.
    pub(crate) rate: u32,
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
}

pub(crate) struct Paced {
    /// Of the requests that were due in the window, those answered until its end, by the second.
    pub(crate) answered: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) errors: BTreeMap<String, u64>,
}

/// What all connections share.
struct Line {
    requests: Rc<Requests>,
    clock: Stopwatch,
    pace: Pace,
    /// When those that nobody has taken up yet were due.
    due: RefCell<VecDeque<Duration>>,
    arrived: Notify,
    closed: Cell<bool>,
    in_time: Cell<u64>,
    latencies: RefCell<Histogram<u64>>,
    errors: RefCell<BTreeMap<String, u64>>,
}

impl Pace {
    /// How many requests it takes.
    pub(crate) fn requests(self) -> usize {
        let all = (self.warm_up + self.window).as_secs_f64() * f64::from(self.rate);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let all = all as usize;
        all
    }

    fn interval(self) -> Duration {
        Duration::from_secs(1) / self.rate
    }
}

/// Sends `requests`, of which there must be enough.
pub(crate) async fn pace(target: &Target, pace: Pace, requests: Requests) -> Outcome<Paced> {
    let addresses = target.addresses.iter().cycle().take(CONNECTIONS);
    let mut open = Vec::new();
    for address in addresses {
        open.push((Connection::open(*address).await?, *address));
    }
    let ticker = Ticker::start(pace.interval())?;
    let line = Rc::new(Line {
        requests: Rc::new(requests),
        clock: Stopwatch::start(),
        pace,
        due: RefCell::default(),
        arrived: Notify::new(),
        closed: Cell::new(false),
        in_time: Cell::new(0),
        latencies: RefCell::new(Histogram::new_with_bounds(1, LONGEST, 3)?),
        errors: RefCell::default(),
    });
    let mut connections = JoinSet::new();
    for (connection, address) in open {
        connections.spawn_local(serve(connection, address, line.clone()));
    }
    let all = pace.requests();
    let mut due = 0;
    while due < all {
        for _ in 0..ticker.ticks().await? {
            due += 1;
            let after = pace.interval() * u32::try_from(due)?;
            line.due.borrow_mut().push_back(after);
            line.arrived.notify_one();
        }
    }
    line.closed.set(true);
    line.arrived.notify_waiters();
    let rest = async { while connections.join_next().await.is_some() {} };
    if timeout(PATIENCE, rest).await.is_err() {
        line.give_up();
    }
    Ok(line.sum_up())
}

/// What one connection does until the end.
async fn serve(mut connection: Connection, address: SocketAddr, line: Rc<Line>) {
    loop {
        let due = line.due.borrow_mut().pop_front();
        let Some(due) = due else {
            if line.closed.get() {
                return;
            }
            line.arrived.notified().await;
            continue;
        };
        let Some(next) = line.requests.next() else {
            return;
        };
        match connection.exchange(next.request).await {
            Ok(answer) if next.expected.fits(&answer) => line.take(due),
            Ok(answer) => line.fault(next.expected.fault(&answer)),
            Err(error) => {
                line.fault(format!("connection: {error}"));
                match Connection::open(address).await {
                    Ok(another) => connection = another,
                    Err(_) => return,
                }
            }
        }
    }
}

impl Line {
    fn take(&self, due: Duration) {
        if due <= self.pace.warm_up {
            return;
        }
        let now = self.clock.elapsed();
        if now <= self.pace.warm_up + self.pace.window {
            self.in_time.set(self.in_time.get() + 1);
        }
        self.record(now.saturating_sub(due));
    }

    fn record(&self, latency: Duration) {
        let latency = u64::try_from(latency.as_nanos()).unwrap_or(LONGEST);
        self.latencies.borrow_mut().saturating_record(latency);
    }

    fn fault(&self, what: String) {
        *self.errors.borrow_mut().entry(what).or_default() += 1;
    }

    /// What is still not answered took as long as it was waited for, at least.
    fn give_up(&self) {
        let now = self.clock.elapsed();
        for due in self.due.borrow_mut().drain(..) {
            self.record(now.saturating_sub(due));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    fn sum_up(&self) -> Paced {
        let latencies = self.latencies.borrow();
        let at = |share| Duration::from_nanos(latencies.value_at_quantile(share));
        Paced {
            answered: self.in_time.get() as f64 / self.pace.window.as_secs_f64(),
            p50: at(0.5),
            p99: at(0.99),
            errors: self.errors.take(),
        }
    }
}
