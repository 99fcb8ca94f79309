//! Deleting what need not be kept, under traffic: how much longer sends and checks take while a million old rows go.

use std::time::Duration;

use countersign::domain::clock::Clock;
use serde::Serialize;
use tokio::time::sleep;

use crate::{
    Outcome,
    deployment::{Deployment, Ground},
    direct::Direct,
    fill::{Age, fill},
    measure::Load,
    numbers::{Known, Numbers},
    options::{Database, Settings},
    paced::{Pace, Paced, pace},
    requests::Requests,
    round::Sides,
    statistics::Spread,
    stopwatch::Stopwatch,
    table::{milliseconds, or_dash, thousands},
};

/// Requests a second, every other a send, the others checks.
const RATE: u32 = 500;
const WINDOW: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_millis(200);
/// Windows after the purge.
const QUIET: usize = 3;
/// More than a purge of a million should take.
const MOST: usize = 350;
/// So many windows later no code has expired.
const SUPPLIED: usize = 60;
/// What is still done after the last row was deleted, or the last message sent: memory is let go of, and the disk takes in
/// what was written.
const SETTLING: Duration = Duration::from_secs(2);

pub(crate) const HEAD: [&str; 9] = [
    "database",
    "old rows",
    "gone within s",
    "p50 ms",
    "quiet",
    "p99 ms",
    "min..max",
    "quiet",
    "p99 to quiet",
];

#[derive(Serialize)]
pub(crate) struct Purge {
    database: &'static str,
    /// Verifications; there are as many deliveries, and twice as many counters.
    rows: u64,
    /// `None`: some were still there at the end.
    seconds: Option<f64>,
    requests_per_second: u32,
    during_p50_us: Option<Spread>,
    during_p99_us: Option<Spread>,
    quiet_p50_us: Option<Spread>,
    quiet_p99_us: Option<Spread>,
    /// Median to median.
    p99_to_quiet: Option<f64>,
    errors: Vec<String>,
}

/// Fills a database with what is overdue, and starts the service on it, which begins to delete at once.
pub(crate) async fn measure(
    settings: &Settings,
    ground: &mut Ground,
    database: Database,
) -> Outcome<Purge> {
    let rows = settings.overdue_rows();
    let mut deployment = ground.deploy(database).await?;
    let mut traffic = Traffic::new(ground, &deployment);
    traffic.prepare().await?;
    deployment.stop()?;
    let many = "load: filling in what is to be deleted";
    eprintln!("{many}, {}", database.name());
    fill(&deployment.url, rows, Age::Overdue).await?;
    deployment.start().await?;
    // The processes are others now.
    traffic.sides = ground.sides(&deployment);

    let mut direct = Direct::beside(&deployment.url).await?;
    let clock = Stopwatch::start();
    let (mut during, mut seconds) = (Vec::new(), None);
    while during.len() < MOST && seconds.is_none() {
        let window = traffic.window(&deployment).await?;
        eprintln!(
            "load: purge under traffic, p99 {} ms",
            milliseconds(micros(window.p99))
        );
        during.push(window);
        if is_over(&mut direct).await? {
            seconds = Some(clock.elapsed().as_secs_f64());
        }
    }
    sleep(SETTLING).await;
    let mut quiet = Vec::new();
    while quiet.len() < QUIET && seconds.is_some() {
        quiet.push(traffic.window(&deployment).await?);
    }
    direct.close().await?;
    Ok(Purge::of(database, rows, seconds, &during, &quiet))
}

/// Whether everything that was filled in is gone: counters go last. What the traffic makes is all of today.
async fn is_over(direct: &mut Direct) -> Outcome<bool> {
    let long_ago = Clock::system()
        .now()
        .minus(Duration::from_hours(1))
        .as_millis();
    let oldest = "select created_at from verifications order by id limit 1";
    let counted = "select min(until) from counters where 0 < until";
    Ok(long_ago < direct.number(oldest).await? && long_ago < direct.number(counted).await?)
}

fn checks_in_a_window() -> usize {
    pace_of_traffic().requests() / 2 + 1
}

fn pace_of_traffic() -> Pace {
    Pace {
        rate: RATE,
        warm_up: WARM_UP,
        window: WINDOW,
    }
}

struct Traffic {
    sides: Sides,
    numbers: Numbers,
    supply: Vec<Known>,
}

impl Traffic {
    fn new(ground: &Ground, deployment: &Deployment) -> Self {
        Self {
            sides: ground.sides(deployment),
            numbers: Numbers::default(),
            supply: Vec::new(),
        }
    }

    /// What is checked later, before its time is over: codes live for ten minutes.
    async fn prepare(&mut self) -> Outcome {
        let count = SUPPLIED * checks_in_a_window();
        eprintln!("load: sending what will be checked");
        self.supply.clear();
        let load = Load {
            connections: 64,
            warm_up: Duration::ZERO,
            window: Duration::from_secs(1),
        };
        while self.supply.len() < count {
            let sends = self.sides.send(load, &mut self.numbers, Requests::sends);
            let (_, begun) = sends.await?;
            self.supply.extend(self.sides.known(begun).await?);
        }
        sleep(SETTLING).await;
        Ok(())
    }

    async fn window(&mut self, deployment: &Deployment) -> Outcome<Paced> {
        if self.supply.len() < checks_in_a_window() {
            self.prepare().await?;
        }
        let known = self
            .supply
            .split_off(self.supply.len() - checks_in_a_window());
        let fresh = self.numbers.take(known.len());
        let requests = Requests::mixed(&fresh, &known, &self.sides.key);
        let paced = pace(&self.sides.service, pace_of_traffic(), requests).await;
        self.sides.codes().await?;
        paced.map_err(|error| format!("{error}\n{}", deployment.last_words()).into())
    }
}

impl Purge {
    fn of(
        database: Database,
        rows: u64,
        seconds: Option<f64>,
        during: &[Paced],
        quiet: &[Paced],
    ) -> Self {
        let p50 = |windows: &[Paced]| Spread::of(windows.iter().map(|it| micros(it.p50)));
        let p99 = |windows: &[Paced]| Spread::of(windows.iter().map(|it| micros(it.p99)));
        let errors = during.iter().chain(quiet).flat_map(|it| &it.errors);
        let ratio = p99(during).zip(p99(quiet));
        Self {
            database: database.name(),
            rows,
            seconds,
            requests_per_second: RATE,
            during_p50_us: p50(during),
            during_p99_us: p99(during),
            quiet_p50_us: p50(quiet),
            quiet_p99_us: p99(quiet),
            p99_to_quiet: ratio.map(|(during, quiet)| during.median / quiet.median),
            errors: errors
                .map(|(what, count)| format!("{count} times {what}"))
                .collect(),
        }
    }

    pub(crate) fn row(&self) -> [String; 9] {
        let median = |spread: Option<Spread>| or_dash(spread.map(|it| it.median / 1000.0), 2);
        let range = self
            .during_p99_us
            .map(|it| format!("{}..{}", milliseconds(it.min), milliseconds(it.max)));
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
        let rows = thousands(self.rows as f64);
        [
            self.database.to_owned(),
            rows,
            or_dash(self.seconds, 0),
            median(self.during_p50_us),
            median(self.quiet_p50_us),
            median(self.during_p99_us),
            range.unwrap_or_default(),
            median(self.quiet_p99_us),
            or_dash(self.p99_to_quiet, 2),
        ]
    }

    /// What was not answered as it should have been, or is still there.
    pub(crate) fn faults(&self) -> Vec<String> {
        let still = self.seconds.is_none();
        let still = still.then(|| "old rows were still there at the end".to_owned());
        self.errors.iter().cloned().chain(still).collect()
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
