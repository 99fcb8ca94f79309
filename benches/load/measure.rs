//! One side under load, in a closed loop: each connection sends its next request when it has the answer to the last.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    Outcome,
    batches::Batches,
    client::{Answer, Connection},
    requests::{Expected, Requests},
    stopwatch::Stopwatch,
    usage::Usage,
};

/// Latencies up to a minute, in nanoseconds.
pub(crate) const LONGEST: u64 = 60_000_000_000;

/// Who is measured.
#[derive(Clone)]
pub(crate) struct Target {
    /// One for each replica; connections go to them in turn.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) processes: Vec<u32>,
    /// The database, where it is a process of its own.
    pub(crate) database: Option<u32>,
    /// The operators' listeners, where there are any.
    pub(crate) admins: Vec<SocketAddr>,
}

/// How it is measured.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
}

/// What was seen within the window.
pub(crate) struct Measured {
    pub(crate) requests: u64,
    pub(crate) window: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) server: Usage,
    pub(crate) database: Option<Usage>,
    /// Commands and transactions, where the service tells.
    pub(crate) batches: Option<Batches>,
    /// How long the service went on with what it had answered already, if it answers before it is done.
    pub(crate) afterwards: Option<Duration>,
    /// Every answer that was not the right one, warm-up included: what, and how often.
    pub(crate) errors: BTreeMap<String, u64>,
}

/// What all connections share.
struct Tally {
    requests: Rc<Requests>,
    counts: Cell<bool>,
    over: Cell<bool>,
    latencies: RefCell<Histogram<u64>>,
    errors: RefCell<BTreeMap<String, u64>>,
    /// Which request began which verification.
    ids: RefCell<Vec<(usize, String)>>,
}

/// Measures, until the window is over or the requests are used up. Also gives the verifications that were begun, by the
/// place of their request.
pub(crate) async fn measure(
    target: &Target,
    load: Load,
    requests: Rc<Requests>,
) -> Outcome<(Measured, Vec<(usize, String)>)> {
    let tally = Rc::new(Tally {
        requests,
        counts: Cell::new(false),
        over: Cell::new(false),
        latencies: RefCell::new(Histogram::new_with_bounds(1, LONGEST, 3)?),
        errors: RefCell::default(),
        ids: RefCell::default(),
    });
    // All are open before the first one speaks: beside a server under load each takes its time, and requests that are
    // limited in number would be used up before the last one is there.
    let mut open = Vec::with_capacity(load.connections);
    for address in target.addresses.iter().cycle().take(load.connections) {
        open.push((Connection::open(*address).await?, *address));
    }
    let mut connections = JoinSet::new();
    for (connection, address) in open {
        connections.spawn_local(converse(connection, address, tally.clone()));
    }
    sleep(load.warm_up).await;

    let batches_before = Batches::of_all(&target.admins).await;
    let before = target.used();
    let clock = Stopwatch::start();
    tally.counts.set(true);
    tokio::select! {
        () = sleep(load.window) => {}
        // The first connection that finds nothing more to do ends it, while all others are still at work.
        _ = connections.join_next() => {}
    }
    tally.counts.set(false);
    let window = clock.elapsed();
    let after = target.used();
    let batches_after = Batches::of_all(&target.admins).await;

    tally.over.set(true);
    while connections.join_next().await.is_some() {}
    let latencies = tally.latencies.borrow();
    let at = |share| Duration::from_nanos(latencies.value_at_quantile(share));
    let measured = Measured {
        requests: latencies.len(),
        window,
        p50: at(0.5),
        p99: at(0.99),
        server: after.0 - before.0,
        database: after.1.zip(before.1).map(|(after, before)| after - before),
        batches: batches_after
            .zip(batches_before)
            .map(|(after, before)| after - before),
        afterwards: None,
        errors: tally.errors.take(),
    };
    Ok((measured, tally.ids.take()))
}

impl Target {
    /// By the service, and by its database.
    pub(crate) fn used(&self) -> (Usage, Option<Usage>) {
        (
            self.processes.iter().map(|id| Usage::of(*id)).sum(),
            self.database.map(Usage::of_family),
        )
    }
}

/// What one connection does until the end.
async fn converse(mut connection: Connection, address: SocketAddr, tally: Rc<Tally>) {
    while !tally.over.get() {
        let Some(next) = tally.requests.next() else {
            return;
        };
        let clock = Stopwatch::start();
        let failed = match connection.exchange(next.request).await {
            Ok(answer) => {
                tally.take(next.place, next.expected, &answer, clock);
                continue;
            }
            Err(error) => error,
        };
        tally.fault(format!("connection: {failed}"));
        match Connection::open(address).await {
            Ok(another) => connection = another,
            Err(_) => return,
        }
    }
}

impl Tally {
    fn take(&self, place: usize, expected: Expected, answer: &Answer, clock: Stopwatch) {
        if !expected.fits(answer) {
            self.fault(expected.fault(answer));
            return;
        }
        if self.counts.get() {
            let latency = u64::try_from(clock.elapsed().as_nanos()).unwrap_or(LONGEST);
            self.latencies.borrow_mut().saturating_record(latency);
        }
        if expected.begins
            && let Some(id) = id(answer.body)
        {
            self.ids.borrow_mut().push((place, id));
        }
    }

    fn fault(&self, what: String) {
        *self.errors.borrow_mut().entry(what).or_default() += 1;
    }
}

/// The id in the answer to a send.
fn id(body: &[u8]) -> Option<String> {
    let start = body.windows(4).position(|window| window == b"otp_")?;
    let id = body[start..].split(|byte| *byte == b'"').next()?;
    String::from_utf8(id.to_vec()).ok()
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        per(self.requests, self.window.as_secs_f64())
    }

    /// Microseconds of processor time of the server for each request.
    pub(crate) fn cpu(&self) -> f64 {
        self.each(self.server.cpu)
    }

    /// The same of the database, where that is a process of its own.
    pub(crate) fn database_cpu(&self) -> Option<f64> {
        self.database.map(|usage| self.each(usage.cpu))
    }

    /// Of the server and its database together.
    pub(crate) fn whole_cpu(&self) -> f64 {
        self.cpu() + self.database_cpu().unwrap_or(0.0)
    }

    /// What share of the window the server, and its database, were at work.
    pub(crate) fn busy(&self) -> f64 {
        let database = self.database.map_or(Duration::ZERO, |usage| usage.cpu);
        (self.server.cpu + database).as_secs_f64() / self.window.as_secs_f64()
    }

    pub(crate) fn switches(&self) -> f64 {
        let database = self.database.map_or(0, |usage| usage.switches);
        per(self.server.switches + database, self.count())
    }

    pub(crate) fn written(&self) -> f64 {
        let database = self.database.map_or(0, |usage| usage.written);
        per(self.server.written + database, self.count())
    }

    /// Commands in a transaction.
    pub(crate) fn batch(&self) -> Option<f64> {
        self.batches.and_then(Batches::mean)
    }

    /// Transactions for each request.
    pub(crate) fn commits(&self) -> Option<f64> {
        let transactions = self.batches?.transactions();
        Some(transactions / self.count())
    }

    fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.count()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    fn count(&self) -> f64 {
        self.requests as f64
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn per(count: u64, of: f64) -> f64 {
    count as f64 / of
}
