//! What is counted and measured, for Prometheus. docs/OBSERVABILITY.md says what to do with it.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use prometheus::{Gauge, Histogram, IntCounter, IntGauge, Registry, TextEncoder};

use super::{
    families::{Counters, Durations, GaugeTable, Gauges, Maker, Requests, Table},
    labels::{
        Account, Asked, Breaker, Callback, CalledBack, Cancel, Channel, Check, Connection,
        Delivered, End, Fault, FellBack, HandedOff, Limit, LookedUp, Method, Place, Pool, PutOff,
        Reported, Rerun, Route, Send, Stage, Status,
    },
    process::Process,
};

/// From half a millisecond to ten seconds. A send waits 2.5 s for Restcomm unless told otherwise, an account 8 s.
const BUCKETS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0, 10.0,
];
/// A request waits for its turn no longer than 2.5 s.
const WAIT_BUCKETS: [f64; 5] = [0.001, 0.01, 0.1, 1.0, 2.5];
const BATCH_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// All metrics of one service, with a registry of their own. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<All>);

pub struct All {
    registry: Registry,
    requests: Requests,
    request_durations: Durations<Route>,
    requests_in_flight: IntGauge,
    requests_abandoned: IntCounter,
    pub panics: Counters<Place>,
    pub sends: Table<Channel, Send>,
    pub limits_hit: Counters<Limit>,
    pub checks: Counters<Check>,
    pub cancels: Counters<Cancel>,
    pub verifications_ended: Counters<End>,
    pub deliveries: Table<Channel, Delivered>,
    hand_offs: Table<Channel, HandedOff>,
    hand_off_durations: Durations<Channel>,
    hand_offs_in_flight: IntGauge,
    pub look_ups: Counters<LookedUp>,
    pub receipts: Table<Channel, Reported>,
    pub fallbacks: Counters<FellBack>,
    pub callbacks: Table<Callback, CalledBack>,
    pub polls: Counters<Asked>,
    pub account_breaker: GaugeTable<Account, Breaker>,
    pub account_breaker_changes: Table<Account, Breaker>,
    pub account_put_off: Table<Account, PutOff>,
    pub account_waits: Durations<Account>,
    pub journal_queue: IntGauge,
    journal_batches: Histogram,
    journal_commits: Histogram,
    pub journal_reruns: Counters<Rerun>,
    pub journal_refused: IntCounter,
    pub outbox: Gauges<Stage>,
    pub outbox_oldest_age: Gauge,
    pub database_up: IntGauge,
    pub database_errors: Counters<Fault>,
    pub database_connections: GaugeTable<Pool, Connection>,
    pub database_size: Gauge,
    pub clock_offset: Gauge,
    process: Process,
}

/// A request that is being answered.
pub struct InFlight<'a> {
    metrics: &'a Metrics,
    answered: bool,
}

/// A request to Restcomm that is on its way.
pub struct HandingOff<'a>(&'a IntGauge);

impl Metrics {
    /// Begins to answer a request.
    pub fn request(&self) -> InFlight<'_> {
        self.requests_in_flight.inc();
        InFlight {
            metrics: self,
            answered: false,
        }
    }

    /// A request that is refused before there is a route.
    pub fn refused(&self, method: Method, status: Status) {
        self.requests.count(Route::None, method, status);
    }

    /// Begins a request to Restcomm.
    pub fn hand_off(&self) -> HandingOff<'_> {
        self.hand_offs_in_flight.inc();
        HandingOff(&self.hand_offs_in_flight)
    }

    pub fn handed_off(&self, channel: Channel, outcome: HandedOff, took: Duration) {
        self.hand_offs.count(channel, outcome);
        self.hand_off_durations.observe(channel, took);
    }

    /// One run of a batch, whatever it came to.
    pub fn batch(&self, commands: usize, took: Duration) {
        #[expect(clippy::cast_precision_loss, reason = "at most 256")]
        self.journal_batches.observe(commands as f64);
        self.journal_commits.observe(took.as_secs_f64());
    }

    /// All of it in Prometheus' text format 0.0.4.
    pub fn text(&self) -> String {
        self.process.read();
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("metrics are always encodable")
    }
}

impl InFlight<'_> {
    pub fn done(mut self, route: Route, method: Method, status: Status, took: Duration) {
        self.answered = true;
        self.metrics.requests.count(route, method, status);
        self.metrics.request_durations.observe(route, took);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.metrics.requests_in_flight.dec();
        if !self.answered {
            self.metrics.requests_abandoned.inc();
        }
    }
}

impl Drop for HandingOff<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Deref for Metrics {
    type Target = All;

    fn deref(&self) -> &All {
        &self.0
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let all = All::new(&Maker(&registry), registry.clone());
        Self(Arc::new(all))
    }
}

impl All {
    fn new(make: &Maker<'_>, registry: Registry) -> Self {
        build_info(&registry);
        Self {
            requests: make.requests("http_requests_total", "Requests answered, by route, method and status. Many 5xx: look at the log; many 401 or 429: look at who calls."),
            request_durations: make.durations("http_request_duration_seconds", "Time to answer. A send waits for Restcomm up to delivery.wait; everything else should take milliseconds.", &BUCKETS),
            requests_in_flight: make.int_gauge("http_requests_in_flight", "Requests being answered now, this scrape included. Growing without end: something behind hangs."),
            requests_abandoned: make.counter("http_requests_abandoned_total", "Requests whose caller hung up before the answer. Many: callers wait for less time than the service needs."),
            panics: make.counters("panics_total", "Panics that were caught. Any is a bug: report it."),
            sends: make.table("sends_total", "Sends by what was decided. created / approved is your conversion; destination_not_allowed in numbers may be somebody trying."),
            limits_hit: make.counters("limits_hit_total", "Sends held back, by limit. Rising per_number or per_prefix: somebody pumps, or the limit is too tight."),
            checks: make.counters("checks_total", "Checks of codes by what was decided. Many wrong: somebody guesses; many expired: messages arrive late."),
            cancels: make.counters("cancels_total", "Cancels by what was decided."),
            verifications_ended: make.counters("verifications_ended_total", "Verifications that ended, by how; each is counted once, by the process that ended it."),
            deliveries: make.table("deliveries_total", "Deliveries that ended, by how. not_deliverable and unconfirmed are messages that people may be missing."),
            hand_offs: make.table("hand_offs_total", "Requests that hand a message to Restcomm, by outcome; a delivery may need several. not_sent and unknown: look at the account."),
            hand_off_durations: make.durations("hand_off_duration_seconds", "Time Restcomm took to answer a hand-off. Near delivery.wait, sends are answered with 202.", &BUCKETS),
            hand_offs_in_flight: make.int_gauge("hand_offs_in_flight", "Hand-offs that wait for Restcomm now; at most 128 for each account."),
            look_ups: make.counters("look_ups_total", "Questions to Restcomm about a message of unknown fate. failed: it cannot be asked, and the message waits."),
            receipts: make.table("receipts_total", "Messages that Restcomm took and then reported on, by what it reported. Many undelivered: numbers that do not exist, or a carrier that blocks."),
            fallbacks: make.counters("fallbacks_total", "Steps of a tenant's plan that were due, by what came of them. Many started: text messages do not arrive."),
            callbacks: make.table("callbacks_total", "Calls that came to the addresses given to Restcomm. Many unknown_token: somebody guesses. None at all, but polls: Restcomm does not reach delivery.callback_url."),
            polls: make.counters("polls_total", "Questions to Restcomm about messages that it reported nothing of. failed: it cannot be asked."),
            account_breaker: make.gauge_table("account_breaker", "1 for the state of an account's breaker, else 0; accounts by their place in the configuration. open or half_open for long: the account is down, or its credentials are wrong."),
            account_breaker_changes: make.table("account_breaker_changes_total", "Changes of an account's breaker, by the state that it came to. Often open: the account is unsteady."),
            account_put_off: make.table("account_put_off_total", "Requests to an account that were put off: breaker (it is down), pace (max_per_second is reached), busy (128 run already)."),
            account_waits: make.durations("account_wait_duration_seconds", "Time that requests waited for their turn at an account. Near 2.5 s: max_per_second is too low for the load.", &WAIT_BUCKETS),
            journal_queue: make.int_gauge("journal_queue_commands", "Commands that wait for the database; at 4096 callers are refused with 503."),
            journal_batches: make.histogram("journal_batch_commands", "Commands in a batch. Large ones mean that the database is the bottleneck, and is used well.", &BATCH_BUCKETS),
            journal_commits: make.histogram("journal_commit_duration_seconds", "Time of a batch's whole transaction. This is what every send and check waits for.", &BUCKETS),
            journal_reruns: make.counters("journal_reruns_total", "Batches that were run again: conflict is normal between replicas, lost_connection means that connections break."),
            journal_refused: make.counter("journal_refused_total", "Commands refused because the queue was full, or because they had waited for seconds. Any: the database is too slow for the load."),
            outbox: make.gauges("outbox_deliveries", "Deliveries that are not over, by stage; NaN when the database does not tell. All replicas show the same: take max, not sum."),
            outbox_oldest_age: make.gauge("outbox_oldest_age_seconds", "Age of the oldest delivery that is not over; 0 when there is none, NaN when the database does not tell. Beyond a minute, messages arrive too late."),
            database_up: make.int_gauge("database_up", "1 when the database answered a read for this scrape or one up to 5 s ago. Whether it takes writes, /readyz tells."),
            database_errors: make.counters("database_errors_total", "Statements and transactions that the database failed; conflict is harmless, refused and damaged are bugs."),
            database_connections: make.gauge_table("database_connections", "Open connections to the database. All busy for long: it is too slow for the load."),
            database_size: make.gauge("database_size_bytes", "Size of the database on its disk; NaN when it does not tell."),
            clock_offset: make.gauge("clock_offset_seconds", "How far the clock was set to agree with PostgreSQL's; 0 on SQLite. Large: set the machine's clock."),
            process: Process::new(make),
            registry,
        }
    }
}

fn build_info(registry: &Registry) {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let opts = prometheus::Opts::new("countersign_build_info", "Always 1; the version that runs.")
        .const_label("version", version);
    let info = Gauge::with_opts(opts).expect("a valid name");
    info.set(1.0);
    registry
        .register(Box::new(info))
        .expect("every name is entered once");
}

#[cfg(test)]
mod tests;
