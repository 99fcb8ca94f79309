//! What the rounds of a block come to: medians, with the lowest and the highest.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{block::Block, measure::Measured, round::Round};

/// A figure over all rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

#[derive(Serialize)]
pub(crate) struct BlockSummary {
    pub(crate) database: &'static str,
    pub(crate) connections: usize,
    pub(crate) fsync_us: f64,
    pub(crate) rounds: usize,
    pub(crate) discarded_rounds: usize,
    /// The machine was so busy that rounds that should have been discarded are among these.
    pub(crate) unquiet: bool,
    pub(crate) echo: SideSummary,
    pub(crate) relay: SideSummary,
    pub(crate) send: SideSummary,
    pub(crate) check: SideSummary,
    pub(crate) send_to_relay: Ratio,
    pub(crate) send_to_echo: Ratio,
    pub(crate) check_to_echo: Ratio,
}

#[derive(Serialize)]
pub(crate) struct SideSummary {
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
    pub(crate) errors: BTreeMap<String, u64>,
}

/// How near a side comes to its limit, round by round; 1 is as good as the limit.
#[derive(Serialize)]
pub(crate) struct Ratio {
    /// Its rate as a share of the limit's.
    pub(crate) rate: Spread,
    /// The limit's processor time as a share of its own, the database's included.
    pub(crate) cpu: Spread,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        Self {
            median: median(values.clone()),
            min: values.clone().fold(f64::INFINITY, f64::min),
            max: values.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn of_any(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let any = values.clone().next().is_some();
        any.then(|| Self::of(values))
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

impl BlockSummary {
    pub(crate) fn of(block: &Block) -> Self {
        let rounds = &block.rounds;
        Self {
            database: block.database.name(),
            connections: block.connections,
            fsync_us: block.fsync.as_secs_f64() * 1e6,
            rounds: rounds.len(),
            discarded_rounds: block.discarded,
            unquiet: block.unquiet,
            echo: SideSummary::of(rounds, |round| &round.echo),
            relay: SideSummary::of(rounds, |round| &round.relay),
            send: SideSummary::of(rounds, |round| &round.send),
            check: SideSummary::of(rounds, |round| &round.check),
            send_to_relay: Ratio::of(rounds, |round| &round.send, |round| &round.relay),
            send_to_echo: Ratio::of(rounds, |round| &round.send, |round| &round.echo),
            check_to_echo: Ratio::of(rounds, |round| &round.check, |round| &round.echo),
        }
    }

    pub(crate) fn sides(&self) -> [(&'static str, &SideSummary); 4] {
        [
            ("echo", &self.echo),
            ("relay", &self.relay),
            ("send", &self.send),
            ("check", &self.check),
        ]
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.sides()
            .iter()
            .any(|(_, side)| !side.errors.is_empty() || side.requests == 0)
    }
}

impl SideSummary {
    fn of(rounds: &[Round], side: impl Fn(&Round) -> &Measured) -> Self {
        let all = || rounds.iter().map(&side);
        let databases = all().filter_map(Measured::database_cpu);
        let batches = all().filter_map(|measured| measured.batch);
        let mut errors = BTreeMap::new();
        for (what, count) in all().flat_map(|measured| &measured.errors) {
            *errors.entry(what.clone()).or_default() += count;
        }
        Self {
            requests: all().map(|measured| measured.requests).sum(),
            requests_per_second: Spread::of(all().map(Measured::rate)),
            p50_us: Spread::of(all().map(|measured| measured.p50.as_secs_f64() * 1e6)),
            p99_us: Spread::of(all().map(|measured| measured.p99.as_secs_f64() * 1e6)),
            cpu_us: Spread::of(all().map(Measured::cpu)),
            database_cpu_us: Spread::of_any(databases),
            busy: Spread::of(all().map(Measured::busy)),
            voluntary_switches: Spread::of(all().map(Measured::switches)),
            bytes_written: Spread::of(all().map(Measured::written)),
            batch: Spread::of_any(batches),
            errors,
        }
    }
}

impl Ratio {
    fn of(
        rounds: &[Round],
        side: impl Fn(&Round) -> &Measured,
        limit: impl Fn(&Round) -> &Measured,
    ) -> Self {
        let pairs = || rounds.iter().map(|round| (side(round), limit(round)));
        Self {
            rate: Spread::of(pairs().map(|(side, limit)| side.rate() / limit.rate())),
            cpu: Spread::of(pairs().map(|(side, limit)| limit.whole_cpu() / side.whole_cpu())),
        }
    }
}
