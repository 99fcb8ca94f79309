//! What the rounds of a block come to: medians, with the lowest and the highest.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    block::Results,
    measure::Measured,
    round::Round,
    sides::Side,
    statistics::{Spread, longest_check, median, rate_in_turn},
};

#[derive(Serialize)]
pub(crate) struct BlockSummary {
    pub(crate) database: &'static str,
    pub(crate) connections: usize,
    /// What was filled in before, if anything was.
    pub(crate) rows: Option<u64>,
    pub(crate) fsync_us: Spread,
    pub(crate) rounds: usize,
    /// The rates of their echoes.
    pub(crate) discarded_rounds: Vec<f64>,
    /// The machine was so busy that rounds that should have been discarded are among these.
    pub(crate) unquiet: bool,
    /// Of all replicas together, after their start.
    pub(crate) resident_mib: f64,
    /// The most they ever had.
    pub(crate) peak_resident_mib: f64,
    pub(crate) sides: Vec<SideSummary>,
    pub(crate) slowest_check: Option<SlowestCheck>,
}

#[derive(Serialize)]
pub(crate) struct SideSummary {
    pub(crate) side: Side,
    pub(crate) requests: u64,
    pub(crate) requests_per_second: Spread,
    pub(crate) p50_us: Spread,
    pub(crate) p99_us: Spread,
    /// User and kernel time of the server.
    pub(crate) cpu_us: Spread,
    /// The same of the database, where it is a process of its own.
    pub(crate) database_cpu_us: Option<Spread>,
    /// Share of one processor that server and database had.
    pub(crate) busy: Spread,
    pub(crate) voluntary_switches: Spread,
    pub(crate) bytes_written: Spread,
    /// Commands in a transaction, where the service's metrics tell; a send is two, its own and the report of the hand-off.
    pub(crate) batch: Option<Spread>,
    /// Transactions for each request.
    pub(crate) commits: Option<Spread>,
    /// How long it went on with what it had answered already.
    pub(crate) afterwards_ms: Option<Spread>,
    pub(crate) ratio: Option<Ratio>,
    /// Of a send, which has another limit.
    pub(crate) ratio_to_echo: Option<Ratio>,
    pub(crate) errors: BTreeMap<String, u64>,
}

/// How near a side comes to its limit, round by round; 1 is as good as the limit.
#[derive(Serialize)]
pub(crate) struct Ratio {
    /// If there are two, the limit does in turn what both do.
    pub(crate) limits: Vec<Side>,
    /// Its rate as a share of the limit's.
    pub(crate) rate: Spread,
    /// The limit's processor time as a share of its own, the database's included.
    pub(crate) cpu: Spread,
}

/// The time within which 99 of 100 checks were answered, and what is allowed: twice the echo's, and two waits for the disk.
#[derive(Serialize)]
pub(crate) struct SlowestCheck {
    pub(crate) p99_us: f64,
    pub(crate) allowed_us: f64,
}

impl BlockSummary {
    pub(crate) fn of(results: &Results) -> Self {
        let rounds = &results.rounds;
        let first = rounds.first().into_iter().flat_map(|round| &round.sides);
        Self {
            database: results.database.name(),
            connections: results.connections,
            rows: None,
            fsync_us: spread(rounds.iter().map(|round| round.fsync.as_secs_f64() * 1e6)),
            rounds: rounds.len(),
            discarded_rounds: results.discarded.clone(),
            unquiet: results.unquiet,
            resident_mib: results.memory.0,
            peak_resident_mib: results.memory.1,
            sides: first
                .map(|(side, _)| SideSummary::of(rounds, *side))
                .collect(),
            slowest_check: SlowestCheck::of(rounds),
        }
    }

    pub(crate) fn get(&self, side: Side) -> Option<&SideSummary> {
        self.sides.iter().find(|of| of.side == side)
    }

    pub(crate) fn has_errors(&self) -> bool {
        let wrong = |side: &SideSummary| !side.errors.is_empty() || side.requests == 0;
        self.sides.iter().any(wrong)
    }
}

impl SideSummary {
    fn of(rounds: &[Round], side: Side) -> Self {
        let all = || rounds.iter().filter_map(move |round| round.get(side));
        let mut errors = BTreeMap::new();
        for (what, count) in all().flat_map(|measured| &measured.errors) {
            *errors.entry(what.clone()).or_default() += count;
        }
        let also_to_echo = side == Side::Send;
        Self {
            side,
            requests: all().map(|measured| measured.requests).sum(),
            requests_per_second: spread(all().map(Measured::rate)),
            p50_us: spread(all().map(|measured| measured.p50.as_secs_f64() * 1e6)),
            p99_us: spread(all().map(p99_us)),
            cpu_us: spread(all().map(Measured::cpu)),
            database_cpu_us: Spread::of(all().filter_map(Measured::database_cpu)),
            busy: spread(all().map(Measured::busy)),
            voluntary_switches: spread(all().map(Measured::switches)),
            bytes_written: spread(all().map(Measured::written)),
            batch: Spread::of(all().filter_map(Measured::batch)),
            commits: Spread::of(all().filter_map(Measured::commits)),
            afterwards_ms: Spread::of(
                all().filter_map(|measured| Some(measured.afterwards?.as_secs_f64() * 1e3)),
            ),
            ratio: Ratio::of(rounds, side, side.limits()),
            ratio_to_echo: Ratio::of(rounds, side, &[Side::Echo]).filter(|_| also_to_echo),
            errors,
        }
    }
}

impl Ratio {
    fn of(rounds: &[Round], side: Side, limits: &[Side]) -> Option<Self> {
        let both = rounds
            .iter()
            .filter_map(|round| Some((round.get(side)?, Limit::of(round, limits)?)));
        let (rates, cpu): (Vec<f64>, Vec<f64>) = both
            .map(|(side, limit)| (side.rate() / limit.rate, limit.cpu / side.whole_cpu()))
            .unzip();
        Some(Self {
            limits: limits.to_vec(),
            rate: Spread::of(rates.into_iter())?,
            cpu: Spread::of(cpu.into_iter())?,
        })
    }
}

struct Limit {
    rate: f64,
    cpu: f64,
}

impl Limit {
    fn of(round: &Round, limits: &[Side]) -> Option<Self> {
        let one = |side: &Side| {
            let measured = round.get(*side)?;
            Some((measured.rate(), measured.whole_cpu()))
        };
        match limits {
            [] => None,
            [only] => one(only).map(|(rate, cpu)| Self { rate, cpu }),
            [first, second, ..] => {
                let (first, second) = (one(first)?, one(second)?);
                Some(Self {
                    rate: rate_in_turn(first.0, second.0),
                    cpu: f64::midpoint(first.1, second.1),
                })
            }
        }
    }
}

impl SlowestCheck {
    fn of(rounds: &[Round]) -> Option<Self> {
        let both = rounds.iter().filter_map(|round| {
            let echo = p99_us(round.get(Side::Echo)?);
            let allowed = longest_check(echo, round.fsync.as_secs_f64() * 1e6);
            Some((p99_us(round.get(Side::Check)?), allowed))
        });
        let (checks, allowed): (Vec<f64>, Vec<f64>) = both.unzip();
        (!checks.is_empty()).then(|| Self {
            p99_us: median(checks.into_iter()),
            allowed_us: median(allowed.into_iter()),
        })
    }
}

fn p99_us(measured: &Measured) -> f64 {
    measured.p99.as_secs_f64() * 1e6
}

/// Of rounds, of which there is at least one.
fn spread(values: impl Iterator<Item = f64>) -> Spread {
    Spread::of(values).unwrap_or(Spread {
        median: 0.0,
        min: 0.0,
        max: 0.0,
    })
}
