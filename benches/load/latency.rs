//! Latencies at fixed rates: those of the echo, of checks and of sends, in turn at each rate.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use tokio::time::sleep;

use crate::{
    Outcome,
    deployment::Ground,
    measure::Load,
    numbers::{Known, Numbers},
    options::{Database, Settings},
    paced::{Pace, Paced, pace},
    requests::Requests,
    round::Sides,
    sides::Side,
    statistics::Spread,
    table::{milliseconds, thousands},
};

const WARM_UP: Duration = Duration::from_millis(500);
/// What a side still does after its last answer is over by then.
const PAUSE: Duration = Duration::from_millis(150);
/// A rate is held when this share of it was answered within the window: what was due in its last moments was not.
const HELD: f64 = 0.97;

pub(crate) const SIDES: [Side; 3] = [Side::Echo, Side::Check, Side::Send];

pub(crate) const HEAD: [&str; 8] = [
    "database",
    "side",
    "rate/s",
    "answered/s",
    "p50 ms",
    "min..max",
    "p99 ms",
    "min..max",
];

/// One side of one database at one rate.
#[derive(Serialize)]
pub(crate) struct Latency {
    pub(crate) database: &'static str,
    pub(crate) side: Side,
    pub(crate) rate: u32,
    pub(crate) answered_per_second: Spread,
    pub(crate) p50_us: Spread,
    pub(crate) p99_us: Spread,
    pub(crate) errors: BTreeMap<String, u64>,
}

/// All rounds of one database.
struct Course<'a> {
    sides: &'a Sides,
    numbers: Numbers,
    seen: BTreeMap<(u32, usize), Vec<Paced>>,
}

/// Measures each rate in turn, `settings.latency_rounds()` times. Higher rates than one that was not held are left out.
pub(crate) async fn measure(
    settings: &Settings,
    ground: &mut Ground,
    database: Database,
) -> Outcome<Vec<Latency>> {
    let deployment = ground.deploy(database).await?;
    let sides = ground.sides(&deployment);
    let mut course = Course {
        sides: &sides,
        numbers: Numbers::default(),
        seen: BTreeMap::new(),
    };
    for round in 1..=settings.latency_rounds() {
        for rate in settings.rates() {
            eprintln!("load: {}, {rate} a second, round {round}", database.name());
            for (place, side) in SIDES.into_iter().enumerate() {
                if course.is_beyond(rate, place) {
                    continue;
                }
                let pace = Pace {
                    rate,
                    warm_up: WARM_UP,
                    window: settings.latency_window(),
                };
                let paced = course.measure(side, pace).await;
                let paced =
                    paced.map_err(|error| format!("{error}\n{}", deployment.last_words()))?;
                course.seen.entry((rate, place)).or_default().push(paced);
                sleep(PAUSE).await;
            }
        }
    }
    let all = course.seen.into_iter();
    let all =
        all.filter_map(|((rate, place), seen)| Latency::of(database, SIDES[place], rate, seen));
    Ok(all.collect())
}

impl Course<'_> {
    /// Whether a lower rate could not be held.
    fn is_beyond(&self, rate: u32, side: usize) -> bool {
        let mut lower = self.seen.iter();
        lower.any(|((lower, of), seen)| {
            *of == side
                && *lower < rate
                && seen.iter().all(|paced| !is_held(paced.answered, *lower))
        })
    }

    async fn measure(&mut self, side: Side, with: Pace) -> Outcome<Paced> {
        let sides = self.sides;
        if side == Side::Check {
            let known = self.prepare(with.requests()).await?;
            return pace(&sides.service, with, Requests::checks(&known, &sides.key)).await;
        }
        let fresh = self.numbers.take(with.requests());
        let requests = Requests::sends(&fresh, &sides.key);
        if side == Side::Echo {
            let paced = pace(&sides.echo, with, requests).await;
            self.numbers.put_back(fresh);
            return paced;
        }
        let paced = pace(&sides.service, with, requests).await;
        sides.codes().await?;
        paced
    }

    /// Verifications that have begun and can be checked.
    async fn prepare(&mut self, count: usize) -> Outcome<Vec<Known>> {
        let load = Load {
            connections: 64,
            warm_up: Duration::ZERO,
            window: Duration::from_secs(1),
        };
        let mut known = Vec::new();
        while known.len() < count {
            let sends = self.sides.send(load, &mut self.numbers, Requests::sends);
            let (_, begun) = sends.await?;
            known.extend(self.sides.known(begun).await?);
        }
        sleep(PAUSE).await;
        Ok(known)
    }
}

impl Latency {
    fn of(database: Database, side: Side, rate: u32, seen: Vec<Paced>) -> Option<Self> {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let answered_per_second = Spread::of(seen.iter().map(|paced| paced.answered))?;
        let p50_us = Spread::of(seen.iter().map(|paced| micros(paced.p50)))?;
        let p99_us = Spread::of(seen.iter().map(|paced| micros(paced.p99)))?;
        let mut errors = BTreeMap::new();
        for (what, count) in seen.into_iter().flat_map(|paced| paced.errors) {
            *errors.entry(what).or_default() += count;
        }
        Some(Self {
            database: database.name(),
            side,
            rate,
            answered_per_second,
            p50_us,
            p99_us,
            errors,
        })
    }

    pub(crate) fn is_held(&self) -> bool {
        is_held(self.answered_per_second.median, self.rate)
    }

    pub(crate) fn row(&self) -> [String; 8] {
        let range =
            |spread: Spread| format!("{}..{}", milliseconds(spread.min), milliseconds(spread.max));
        let answered = thousands(self.answered_per_second.median);
        let not_held = if self.is_held() { "" } else { " (not held)" };
        [
            self.database.to_owned(),
            self.side.name().to_owned(),
            thousands(f64::from(self.rate)),
            answered + not_held,
            milliseconds(self.p50_us.median),
            range(self.p50_us),
            milliseconds(self.p99_us.median),
            range(self.p99_us),
        ]
    }
}

fn is_held(answered: f64, rate: u32) -> bool {
    HELD * f64::from(rate) <= answered
}
